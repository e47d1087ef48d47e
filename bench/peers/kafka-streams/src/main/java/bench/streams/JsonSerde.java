package bench.streams;

import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Serdes of records that are read and never written. */
final class JsonSerde {
  interface Reader<T> {
    T read(byte[] json) throws IOException;
  }

  private JsonSerde() {}

  static <T> Serde<T> reading(Reader<T> reader) {
    return Serdes.serdeFrom(
        (topic, value) -> {
          throw new UnsupportedOperationException("events are not written");
        },
        (topic, json) -> {
          try {
            return json == null ? null : reader.read(json);
          } catch (IOException e) {
            throw new SerializationException(e);
          }
        });
  }
}
