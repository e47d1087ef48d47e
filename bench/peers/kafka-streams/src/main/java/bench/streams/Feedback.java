package bench.streams;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What is kept of a feedback; in the stores it is not JSON but this. */
final class Feedback {
  long timestamp;
  double rating = 5;
  double timeToAction;

  static final Serde<Feedback> SERDE =
      Serdes.serdeFrom((topic, value) -> value.toBytes(), (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

  static Feedback read(JsonParser parser) throws IOException {
    Feedback feedback = new Feedback();
    Json.eachField(
        parser,
        (name, at) -> {
          boolean isNull = at.currentToken() == JsonToken.VALUE_NULL;
          switch (name) {
            case "timestamp" -> feedback.timestamp = at.getLongValue();
            case "rating" -> {
              if (!isNull) feedback.rating = at.getDoubleValue();
            }
            case "time_to_action" -> {
              if (!isNull) feedback.timeToAction = at.getDoubleValue();
            }
            default -> at.skipChildren();
          }
        });
    return feedback;
  }

  private byte[] toBytes() {
    return ByteBuffer.allocate(24).putLong(timestamp).putDouble(rating).putDouble(timeToAction).array();
  }

  private static Feedback fromBytes(byte[] bytes) {
    ByteBuffer from = ByteBuffer.wrap(bytes);
    Feedback feedback = new Feedback();
    feedback.timestamp = from.getLong();
    feedback.rating = from.getDouble();
    feedback.timeToAction = from.getDouble();
    return feedback;
  }
}
