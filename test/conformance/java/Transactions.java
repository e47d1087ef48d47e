import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.ProducerFencedException;

/** The Java clients in transactions: consume, produce and commit offsets together (KIP-447), abort, be fenced. */
public class Transactions {
  static String address;
  static String prefix;

  public static void main(String[] args) throws Exception {
    address = args[0];
    prefix = args[1];
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
      admin.createTopics(List.of(new NewTopic(prefix + "in", 1, (short) 1), new NewTopic(prefix + "out", 1, (short) 1)))
          .all().get();
    }
    try (KafkaProducer<String, String> idempotent = producer(null)) {
      for (int n = 0; n < 6; n++) idempotent.send(new ProducerRecord<>(prefix + "in", "in " + n)).get();
    }
    TopicPartition in = new TopicPartition(prefix + "in", 0);
    try (KafkaConsumer<String, String> consumer = consumer("read_committed");
        KafkaProducer<String, String> first = producer(prefix + "id")) {
      consumer.subscribe(List.of(prefix + "in"));
      List<String> taken = new ArrayList<>();
      while (taken.size() < 6) for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) taken.add(one.value());
      first.initTransactions();
      first.beginTransaction();
      first.send(new ProducerRecord<>(prefix + "out", "kept of " + taken.get(0)));
      first.sendOffsetsToTransaction(Map.of(in, new OffsetAndMetadata(4)), consumer.groupMetadata());
      first.commitTransaction();
      first.beginTransaction();
      first.send(new ProducerRecord<>(prefix + "out", "void")).get();
      first.sendOffsetsToTransaction(Map.of(in, new OffsetAndMetadata(6)), consumer.groupMetadata());
      first.abortTransaction();
      System.out.println("committed " + consumer.committed(java.util.Set.of(in)).get(in).offset());
      first.beginTransaction();
      first.send(new ProducerRecord<>(prefix + "out", "of the zombie")).get();
      try (KafkaProducer<String, String> second = producer(prefix + "id")) {
        second.initTransactions();
        second.beginTransaction();
        second.send(new ProducerRecord<>(prefix + "out", "kept of the second"));
        second.commitTransaction();
      }
      try {
        first.commitTransaction();
        System.out.println("the zombie has committed");
      } catch (ProducerFencedException fenced) {
        System.out.println("the zombie is fenced");
      }
    }
    for (String isolation : List.of("read_committed", "read_uncommitted")) {
      try (KafkaConsumer<String, String> consumer = consumer(isolation)) {
        TopicPartition out = new TopicPartition(prefix + "out", 0);
        consumer.assign(List.of(out));
        consumer.seekToBeginning(List.of(out));
        long end = consumer.endOffsets(List.of(out)).get(out);
        while (consumer.position(out) < end) {
          for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofMillis(200))) {
            System.out.println(isolation + " " + one.offset() + " " + one.value());
          }
        }
      }
    }
  }

  static KafkaProducer<String, String> producer(String transactional_id) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", address);
    properties.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    properties.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    if (transactional_id != null) properties.put("transactional.id", transactional_id);
    return new KafkaProducer<>(properties);
  }

  static KafkaConsumer<String, String> consumer(String isolation) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", address);
    properties.put("group.id", prefix + "group");
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    properties.put("isolation.level", isolation);
    properties.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    properties.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    return new KafkaConsumer<>(properties);
  }
}
