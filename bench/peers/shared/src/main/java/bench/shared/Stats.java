package bench.shared;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** What is known of one window of one deployment. Fields are public for Flink's POJO serializer. */
public final class Stats {
  private static final double LOW_RATING = 3;
  private static final double SLOW_ACTION_SECONDS = 30;

  public long events;
  public long lowRatings;
  public long slowActions;
  /** Of the times to action: how many, their mean, and the sum of squared differences from it (Welford 1962). */
  public long times;
  public double mean;
  public double squares;
  public LogHistogram histogram = new LogHistogram();

  public Stats add(double rating, double timeToAction) {
    events++;
    if (rating < LOW_RATING) lowRatings++;
    if (timeToAction > SLOW_ACTION_SECONDS) slowActions++;
    if (!Double.isNaN(timeToAction)) addTime(timeToAction);
    return this;
  }

  private void addTime(double seconds) {
    times++;
    double difference = seconds - mean;
    mean += difference / times;
    squares += difference * (seconds - mean);
    histogram.add(seconds);
  }

  public byte[] toBytes() {
    ByteBuffer to = ByteBuffer.allocate(48 + histogram.maxBytes());
    to.putLong(events).putLong(lowRatings).putLong(slowActions);
    to.putLong(times).putDouble(mean).putDouble(squares);
    histogram.write(to);
    return Arrays.copyOf(to.array(), to.position());
  }

  public static Stats fromBytes(byte[] bytes) {
    ByteBuffer from = ByteBuffer.wrap(bytes);
    Stats stats = new Stats();
    stats.events = from.getLong();
    stats.lowRatings = from.getLong();
    stats.slowActions = from.getLong();
    stats.times = from.getLong();
    stats.mean = from.getDouble();
    stats.squares = from.getDouble();
    stats.histogram = LogHistogram.read(from);
    return stats;
  }
}
