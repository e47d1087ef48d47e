package bench.flink;

import bench.shared.Event;
import bench.shared.EventReader;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

final class EventDeserializer implements KafkaRecordDeserializationSchema<EventTuple> {
  private transient EventReader reader;

  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<EventTuple> out)
      throws IOException {
    if (reader == null) reader = new EventReader();
    Event event = reader.read(record.value());
    EventTuple tuple = new EventTuple();
    tuple.setFields(event.deployment, event.timestamp, event.rating, event.timeToAction);
    out.collect(tuple);
  }

  @Override
  public TypeInformation<EventTuple> getProducedType() {
    return TypeInformation.of(EventTuple.class);
  }
}
