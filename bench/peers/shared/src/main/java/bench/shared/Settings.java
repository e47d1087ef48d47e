package bench.shared;

/** What the bench says by environment variables; the same names for every contender. */
public final class Settings {
  private Settings() {}

  public static String brokers() {
    return required("KAFKA_BROKERS");
  }

  /** Distinguishes this run's group, application and transactional ids. */
  public static String run() {
    return required("BENCH_RUN");
  }

  public static String results() {
    return required("BENCH_RESULTS");
  }

  public static int workers() {
    return Integer.parseInt(required("BENCH_WORKERS"));
  }

  public static boolean isExactlyOnce() {
    return required("BENCH_GUARANTEE").equals("exactly_once");
  }

  /** A second, unless the variable says otherwise. */
  public static int commitIntervalMs() {
    return Integer.parseInt(System.getenv().getOrDefault("BENCH_PEER_COMMIT_MS", "1000"));
  }

  public static String required(String name) {
    String value = System.getenv(name);
    if (value == null || value.isEmpty()) throw new IllegalArgumentException(name + " is not set");
    return value;
  }
}
