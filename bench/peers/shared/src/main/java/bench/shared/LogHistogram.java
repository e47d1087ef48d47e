package bench.shared;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Quantiles of positive values with a relative error of 1 %: bins that grow by a constant factor.
 * Source: Masson, Rim, Lee, "DDSketch", VLDB 2019. Fields are public for Flink's POJO serializer.
 */
public final class LogHistogram {
  private static final double ACCURACY = 0.01;
  private static final double GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
  private static final double PER_LOG = 1 / Math.log(GAMMA);
  private static final double SMALLEST = 1e-3;
  private static final int GROWTH = 16;

  /** Number of the bin that {@code counts[0]} counts. */
  public int first;

  public int[] counts = new int[0];

  public void add(double value) {
    int bin = (int) Math.ceil(Math.log(Math.max(value, SMALLEST)) * PER_LOG);
    if (bin < first || bin >= first + counts.length) cover(bin);
    counts[bin - first]++;
  }

  private void cover(int bin) {
    if (counts.length == 0) {
      first = bin - GROWTH;
      counts = new int[2 * GROWTH];
    } else if (bin < first) {
      int[] wider = new int[counts.length + first - bin + GROWTH];
      System.arraycopy(counts, 0, wider, first - bin + GROWTH, counts.length);
      first = bin - GROWTH;
      counts = wider;
    } else {
      counts = Arrays.copyOf(counts, bin - first + GROWTH);
    }
  }

  /** Of the value that {@code share * (n - 1)} others are below, rounded down; NaN if there is none. */
  public double quantile(double share) {
    long total = 0;
    for (int count : counts) total += count;
    double rank = share * (total - 1);
    long passed = 0;
    for (int index = 0; index < counts.length; index++) {
      passed += counts[index];
      if (passed > rank) return 2 * Math.pow(GAMMA, first + index) / (1 + GAMMA);
    }
    return Double.NaN;
  }

  /** Upper bound of what {@link #write} takes. */
  public int maxBytes() {
    return 8 + 5 * counts.length;
  }

  /** Small counts, which most are, take one byte. */
  public void write(ByteBuffer to) {
    to.putInt(first).putInt(counts.length);
    for (int count : counts) {
      int rest = count;
      for (; rest >= 0x80; rest >>>= 7) to.put((byte) (rest | 0x80));
      to.put((byte) rest);
    }
  }

  public static LogHistogram read(ByteBuffer from) {
    LogHistogram histogram = new LogHistogram();
    histogram.first = from.getInt();
    int[] counts = new int[from.getInt()];
    for (int index = 0; index < counts.length; index++) {
      int shift = 0;
      int value = 0;
      byte part;
      do {
        part = from.get();
        value |= (part & 0x7f) << shift;
        shift += 7;
      } while (part < 0);
      counts[index] = value;
    }
    histogram.counts = counts;
    return histogram;
  }
}
