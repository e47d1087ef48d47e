package bench.shared;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Writes a result as JSON. */
public final class WindowResult {
  private static final JsonFactory FACTORY = new JsonFactory();

  private WindowResult() {}

  public static byte[] toJson(String deployment, long startMs, long endMs, Stats stats) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("deployment_id", deployment);
      json.writeNumberField("window_start", startMs);
      json.writeNumberField("window_end", endMs);
      json.writeNumberField("count", stats.events);
      json.writeNumberField("error_rate", (double) (stats.lowRatings + stats.slowActions) / stats.events);
      json.writeNumberField("mean", stats.mean);
      json.writeNumberField("variance", stats.times == 0 ? 0 : stats.squares / stats.times);
      json.writeNumberField("p95", stats.histogram.quantile(0.95));
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
