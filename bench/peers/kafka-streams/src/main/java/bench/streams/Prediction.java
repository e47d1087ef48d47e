package bench.streams;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What is kept of a prediction until its feedback comes; in the stores it is not JSON but this. */
final class Prediction {
  String deployment = "";
  String version = "";
  long timestamp;
  double mean = Double.NaN;
  double std = Double.NaN;

  static final Serde<Prediction> SERDE =
      Serdes.serdeFrom((topic, value) -> value.toBytes(), (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

  static Prediction read(JsonParser parser) throws IOException {
    Prediction prediction = new Prediction();
    Json.eachField(
        parser,
        (name, at) -> {
          switch (name) {
            case "deployment_id" -> prediction.deployment = at.getText();
            case "model_version" -> prediction.version = at.getText();
            case "timestamp" -> prediction.timestamp = at.getLongValue();
            case "input_stats" -> prediction.readStats(at);
            default -> at.skipChildren();
          }
        });
    return prediction;
  }

  private void readStats(JsonParser parser) throws IOException {
    Json.eachField(
        parser,
        (name, at) -> {
          switch (name) {
            case "mean" -> mean = at.getDoubleValue();
            case "std" -> std = at.getDoubleValue();
            default -> at.skipChildren();
          }
        });
  }

  String key() {
    return deployment + "|" + version;
  }

  private byte[] toBytes() {
    byte[] key = key().getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(24 + key.length)
        .putLong(timestamp)
        .putDouble(mean)
        .putDouble(std)
        .put(key)
        .array();
  }

  private static Prediction fromBytes(byte[] bytes) {
    ByteBuffer from = ByteBuffer.wrap(bytes);
    Prediction prediction = new Prediction();
    prediction.timestamp = from.getLong();
    prediction.mean = from.getDouble();
    prediction.std = from.getDouble();
    String key = new String(bytes, 24, bytes.length - 24, StandardCharsets.UTF_8);
    int bar = key.indexOf('|');
    prediction.deployment = key.substring(0, bar);
    prediction.version = key.substring(bar + 1);
    return prediction;
  }
}
