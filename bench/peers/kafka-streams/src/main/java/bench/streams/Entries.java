package bench.streams;

import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.streams.KafkaStreams;

/** Prints, five times a second, how many entries RocksDB says that each store holds. */
final class Entries {
  private static final long INTERVAL_MS = 200;

  private Entries() {}

  static void tell(KafkaStreams streams) {
    Thread telling =
        new Thread(
            () -> {
              try {
                for (; ; Thread.sleep(INTERVAL_MS)) System.out.println("entries " + held(streams));
              } catch (InterruptedException ended) {
                Thread.currentThread().interrupt();
              }
            });
    telling.setDaemon(true);
    telling.start();
  }

  private static Map<String, Long> held(KafkaStreams streams) {
    Map<String, Long> held = new TreeMap<>();
    streams
        .metrics()
        .forEach(
            (name, metric) -> {
              if (!name.name().equals("estimate-num-keys")) return;
              long entries = ((Number) metric.metricValue()).longValue();
              name.tags().forEach((tag, store) -> { if (tag.endsWith("-state-id")) held.merge(store, entries, Long::sum); });
            });
    return held;
  }
}
