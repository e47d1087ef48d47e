package bench.streams;

import bench.shared.Event;
import bench.shared.EventReader;
import bench.shared.Settings;
import bench.shared.Stats;
import bench.shared.WindowResult;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Windows per deployment. The store is in memory with the record cache in front of it, so a window goes to the changelog
 * and to the results once per commit however many events it got. ({@code suppress} would say each window once, but keeps a
 * second buffer with a changelog of its own; without the cache every event would be written.)
 */
final class Windows {
  private static final Duration SIZE = Duration.ofMinutes(5);
  /** The disorder that the other contenders allow, too. */
  private static final Duration GRACE = Duration.ofSeconds(5);

  private Windows() {}

  static Topology topology() {
    StreamsBuilder builder = new StreamsBuilder();
    EventReader reader = new EventReader();
    KStream<String, Event> events =
        builder.stream(
            Settings.required("BENCH_EVENTS"),
            Consumed.with(Serdes.String(), JsonSerde.reading(reader::read))
                .withTimestampExtractor((record, partitionTime) -> ((Event) record.value()).timestamp));
    TimeWindows windows = TimeWindows.ofSizeAndGrace(SIZE, GRACE);
    events
        .groupByKey(Grouped.keySerde(Serdes.String()))
        .windowedBy(windows)
        .aggregate(
            Stats::new,
            (key, event, stats) -> stats.add(event.rating, event.timeToAction),
            store("stats", SIZE.plus(GRACE)))
        .toStream()
        .map((window, stats) -> new KeyValue<>(window.key(), result(window.key(), window.window().startTime().toEpochMilli(), stats)))
        .to(Settings.results(), Produced.with(Serdes.String(), Serdes.ByteArray()));
    return builder.build();
  }

  static byte[] result(String deployment, long startMs, Stats stats) {
    return WindowResult.toJson(deployment, startMs, startMs + SIZE.toMillis(), stats);
  }

  static Materialized<String, Stats, WindowStore<Bytes, byte[]>> store(String name, Duration retention) {
    return Materialized.<String, Stats>as(Stores.inMemoryWindowStore(name, retention, SIZE, false))
        .withKeySerde(Serdes.String())
        .withValueSerde(Serdes.serdeFrom((topic, stats) -> stats.toBytes(), (topic, bytes) -> bytes == null ? null : Stats.fromBytes(bytes)))
        .withCachingEnabled()
        .withLoggingEnabled(Map.of());
  }
}
