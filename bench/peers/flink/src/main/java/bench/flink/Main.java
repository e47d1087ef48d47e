package bench.flink;

import bench.shared.Settings;
import bench.shared.Stats;
import bench.shared.WindowResult;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Windows per deployment in a local environment; runs until it is killed: the bench watches the results. */
public final class Main {
  private static final Duration WINDOW = Duration.ofMinutes(5);
  private static final Duration DISORDER = Duration.ofSeconds(5);

  private Main() {}

  public static void main(String[] args) throws Exception {
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(Settings.workers(), configuration());
    environment
        .fromSource(source(), watermarks(), "events")
        .keyBy(event -> event.f0)
        .window(TumblingEventTimeWindows.of(WINDOW))
        .aggregate(new Aggregate(), new ToJson())
        .sinkTo(sink());
    environment.execute("windows");
  }

  private static Configuration configuration() {
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, "hashmap");
    configuration.set(
        CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(Settings.commitIntervalMs()));
    configuration.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
    configuration.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
    configuration.set(
        CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + Settings.required("BENCH_FOLDER"));
    configuration.set(PipelineOptions.OBJECT_REUSE, true);
    // Without Kryo: every type has a serializer of its own.
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(64));
    configuration.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(64));
    // The heap backend uses none of the managed memory.
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(8));
    return configuration;
  }

  private static KafkaSource<EventTuple> source() {
    return KafkaSource.<EventTuple>builder()
        .setBootstrapServers(Settings.brokers())
        .setGroupId(Settings.run())
        .setTopics(Settings.required("BENCH_EVENTS"))
        .setStartingOffsets(OffsetsInitializer.earliest())
        .setDeserializer(new EventDeserializer())
        .setProperty("isolation.level", "read_committed")
        .setProperty("max.poll.records", "10000")
        .setProperty("fetch.max.bytes", String.valueOf(16 << 20))
        .setProperty("max.partition.fetch.bytes", String.valueOf(4 << 20))
        .setProperty("receive.buffer.bytes", String.valueOf(1 << 20))
        .build();
  }

  private static WatermarkStrategy<EventTuple> watermarks() {
    return WatermarkStrategy.<EventTuple>forBoundedOutOfOrderness(DISORDER)
        .withTimestampAssigner((event, kafkaTime) -> event.f1);
  }

  private static KafkaSink<byte[]> sink() {
    return KafkaSink.<byte[]>builder()
        .setBootstrapServers(Settings.brokers())
        .setRecordSerializer(
            KafkaRecordSerializationSchema.<byte[]>builder()
                .setTopic(Settings.results())
                .setValueSerializationSchema(new AsTheyAre())
                .build())
        .setDeliveryGuarantee(
            Settings.isExactlyOnce() ? DeliveryGuarantee.EXACTLY_ONCE : DeliveryGuarantee.AT_LEAST_ONCE)
        .setTransactionalIdPrefix(Settings.run())
        .setProperty("transaction.timeout.ms", "60000")
        .setProperty("linger.ms", "100")
        .setProperty("batch.size", String.valueOf(256 << 10))
        .setProperty("compression.type", "lz4")
        .build();
  }

  /** A class, as Flink finds no types in a lambda. */
  private static final class AsTheyAre implements SerializationSchema<byte[]> {
    @Override
    public byte[] serialize(byte[] bytes) {
      return bytes;
    }
  }

  private static final class Aggregate implements AggregateFunction<EventTuple, Stats, Stats> {
    @Override
    public Stats createAccumulator() {
      return new Stats();
    }

    @Override
    public Stats add(EventTuple event, Stats stats) {
      return stats.add(event.f2, event.f3);
    }

    @Override
    public Stats getResult(Stats stats) {
      return stats;
    }

    @Override
    public Stats merge(Stats one, Stats other) {
      throw new UnsupportedOperationException("tumbling windows do not merge");
    }
  }

  private static final class ToJson extends ProcessWindowFunction<Stats, byte[], String, TimeWindow> {
    @Override
    public void process(String deployment, Context context, Iterable<Stats> one, Collector<byte[]> out) {
      TimeWindow window = context.window();
      out.collect(
          WindowResult.toJson(deployment, window.getStart(), window.getEnd(), one.iterator().next()));
    }
  }
}
