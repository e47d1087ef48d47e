package bench.streams;

import bench.shared.Settings;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

/**
 * Predictions joined with feedback by prediction id, windows per deployment and version, the published rule.
 *
 * <p>What is parsed from JSON goes into the stores in a short binary form. A prediction is kept for the wait and the grace,
 * as in errata. The windows behind the re-keying have a grace of the whole input: there are no watermarks through a
 * repartition topic, and on a backlog its upstream tasks are minutes of event time apart.
 *
 * <p>The join's stores are RocksDB's: the window store in memory looks at every time stamp within the wait for each
 * lookup of a key, which makes it several times slower here (BENCH_JOIN_STORE=memory shows it).
 */
final class Pipeline {
  private static final Duration WAIT = Duration.ofMinutes(5);
  private static final Duration LATENESS = Duration.ofMinutes(10);
  private static final Duration SIZE = Duration.ofMinutes(5);
  private static final Duration WINDOW_GRACE = Duration.ofHours(24);
  private static final boolean IN_MEMORY = "memory".equals(System.getenv("BENCH_JOIN_STORE"));

  private Pipeline() {}

  static Topology topology() {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, Prediction> predictions =
        builder.stream(
            Settings.required("BENCH_PREDICTIONS"),
            source(JsonSerde.reading(Json.reader(Prediction::read)), (record, time) -> ((Prediction) record.value()).timestamp));
    KStream<String, Feedback> feedback =
        builder.stream(
            Settings.required("BENCH_FEEDBACK"),
            source(JsonSerde.reading(Json.reader(Feedback::read)), (record, time) -> ((Feedback) record.value()).timestamp));
    KStream<String, byte[]> assessments =
        feedback
            .join(predictions, Pipeline::underPrediction, windows(), stores())
            .map((id, report) -> report)
            .groupByKey(Grouped.with("reports", Serdes.String(), Report.SERDE))
            .windowedBy(TimeWindows.ofSizeAndGrace(SIZE, WINDOW_GRACE))
            .aggregate(
                Counts::new,
                (key, report, counts) -> counts.add(report),
                Materialized.<String, Counts>as(
                        Stores.inMemoryWindowStore("stats", SIZE.plus(WINDOW_GRACE), SIZE, false))
                    .withKeySerde(Serdes.String())
                    .withValueSerde(Counts.SERDE)
                    .withCachingEnabled())
            .toStream()
            .map(
                (window, counts) ->
                    new KeyValue<>(
                        window.key(),
                        new Assessment(counts)
                            .toJson(window.key(), window.window().start(), window.window().end())));
    assessments.to(Settings.results(), Produced.with(Serdes.String(), Serdes.ByteArray()));
    return builder.build();
  }

  /** Feedback comes after its prediction, so nothing is kept for the other direction. */
  private static JoinWindows windows() {
    return JoinWindows.ofTimeDifferenceAndGrace(WAIT, LATENESS).after(Duration.ZERO);
  }

  private static KeyValue<String, Report> underPrediction(Feedback feedback, Prediction prediction) {
    return new KeyValue<>(prediction.key(), Report.of(feedback, prediction));
  }

  private static StreamJoined<String, Feedback, Prediction> stores() {
    StreamJoined<String, Feedback, Prediction> stores =
        StreamJoined.with(Serdes.String(), Feedback.SERDE, Prediction.SERDE).withStoreName("join");
    return IN_MEMORY
        ? stores.withThisStoreSupplier(store("feedback")).withOtherStoreSupplier(store("predictions"))
        : stores;
  }

  private static WindowBytesStoreSupplier store(String name) {
    return Stores.inMemoryWindowStore(name, WAIT.plus(LATENESS), WAIT, true);
  }

  private static <T> Consumed<String, T> source(Serde<T> serde, TimestampExtractor extractor) {
    return Consumed.with(Serdes.String(), serde).withTimestampExtractor(extractor);
  }
}
