package bench.streams;

import bench.shared.Settings;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** Runs until it is killed: the bench watches the results. */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws InterruptedException {
    KafkaStreams streams = new KafkaStreams(topology(args[0]), properties());
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
    if (System.getenv("BENCH_ENTRIES") != null) Entries.tell(streams);
    new CountDownLatch(1).await();
  }

  private static Topology topology(String job) {
    return switch (job) {
      case "windows" -> Windows.topology();
      case "pipeline" -> Pipeline.topology();
      default -> throw new IllegalArgumentException("no job " + job);
    };
  }

  private static Properties properties() {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, Settings.run());
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, Settings.brokers());
    properties.put(
        StreamsConfig.PROCESSING_GUARANTEE_CONFIG,
        Settings.isExactlyOnce() ? StreamsConfig.EXACTLY_ONCE_V2 : StreamsConfig.AT_LEAST_ONCE);
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Settings.workers());
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Settings.commitIntervalMs());
    properties.put(StreamsConfig.STATE_DIR_CONFIG, Settings.required("BENCH_FOLDER"));
    properties.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    properties.put(
        StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
    // Large enough that nothing leaves the cache before the commit.
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, cacheBytes());
    properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    consumer(properties, ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    consumer(properties, ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
    consumer(properties, ConsumerConfig.FETCH_MAX_BYTES_CONFIG, 16 << 20);
    consumer(properties, ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 4 << 20);
    consumer(properties, ConsumerConfig.RECEIVE_BUFFER_CONFIG, 1 << 20);
    producer(properties, ProducerConfig.BATCH_SIZE_CONFIG, 256 << 10);
    producer(properties, ProducerConfig.LINGER_MS_CONFIG, 100);
    producer(properties, ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
    return properties;
  }

  private static long cacheBytes() {
    return Long.parseLong(System.getenv().getOrDefault("BENCH_CACHE_BYTES", String.valueOf(64 << 20)));
  }

  private static void consumer(Properties properties, String name, Object value) {
    properties.put(StreamsConfig.consumerPrefix(name), value);
  }

  private static void producer(Properties properties, String name, Object value) {
    properties.put(StreamsConfig.producerPrefix(name), value);
  }
}
