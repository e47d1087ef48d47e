package bench.streams;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A window as the published rule needs it. */
final class Counts {
  private static final double LOW_RATING = 3;
  private static final double SLOW_ACTION_SECONDS = 30;

  long events;
  long bad;
  /** By truncated mean (upper half) and deviation (lower half). */
  final Map<Long, Integer> patterns = new HashMap<>();

  static final Serde<Counts> SERDE =
      Serdes.serdeFrom((topic, value) -> value.toBytes(), (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

  Counts add(Report report) {
    events++;
    if (report.rating() < LOW_RATING) bad++;
    if (report.timeToAction() > SLOW_ACTION_SECONDS) bad++;
    if (!Double.isNaN(report.mean())) patterns.merge(pattern(report), 1, Integer::sum);
    return this;
  }

  private static long pattern(Report report) {
    return ((long) (int) report.mean() << 32) | ((int) report.std() & 0xffffffffL);
  }

  static String patternName(long pattern) {
    return "mean_" + (int) (pattern >> 32) + "_std_" + (int) pattern;
  }

  private byte[] toBytes() {
    ByteBuffer to = ByteBuffer.allocate(16 + 12 * patterns.size()).putLong(events).putLong(bad);
    patterns.forEach((pattern, count) -> to.putLong(pattern).putInt(count));
    return to.array();
  }

  private static Counts fromBytes(byte[] bytes) {
    ByteBuffer from = ByteBuffer.wrap(bytes);
    Counts counts = new Counts();
    counts.events = from.getLong();
    counts.bad = from.getLong();
    while (from.hasRemaining()) counts.patterns.put(from.getLong(), from.getInt());
    return counts;
  }
}
