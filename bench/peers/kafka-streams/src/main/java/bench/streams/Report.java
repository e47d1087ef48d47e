package bench.streams;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A feedback with what its prediction tells of the input: what is re-keyed. */
record Report(long timestamp, double rating, double timeToAction, double mean, double std) {
  static final Serde<Report> SERDE =
      Serdes.serdeFrom((topic, value) -> value.toBytes(), (topic, bytes) -> bytes == null ? null : fromBytes(bytes));

  static Report of(Feedback feedback, Prediction prediction) {
    return new Report(
        feedback.timestamp, feedback.rating, feedback.timeToAction, prediction.mean, prediction.std);
  }

  private byte[] toBytes() {
    return ByteBuffer.allocate(40)
        .putLong(timestamp)
        .putDouble(rating)
        .putDouble(timeToAction)
        .putDouble(mean)
        .putDouble(std)
        .array();
  }

  private static Report fromBytes(byte[] bytes) {
    ByteBuffer from = ByteBuffer.wrap(bytes);
    return new Report(
        from.getLong(), from.getDouble(), from.getDouble(), from.getDouble(), from.getDouble());
  }
}
