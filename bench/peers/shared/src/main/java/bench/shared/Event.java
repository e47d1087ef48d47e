package bench.shared;

/** What the windows need of a feedback record. */
public final class Event {
  public String deployment = "";
  /** Milliseconds since 1970. */
  public long timestamp;
  /** 5 where the record has none. */
  public double rating = 5;
  /** Seconds; NaN where the record has none. */
  public double timeToAction = Double.NaN;
}
