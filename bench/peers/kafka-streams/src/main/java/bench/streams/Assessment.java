package bench.streams;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.TreeMap;

/** The published rule on one window, as JSON. */
final class Assessment {
  private static final double ERROR_RATE_ABOVE = 0.3;
  private static final double PATTERN_SHARE_ABOVE = 0.1;
  private static final double HIGH_ABOVE = 0.5;
  private static final double MEDIUM_ABOVE = 0.3;

  private final TreeMap<String, Integer> kept = new TreeMap<>();
  private final double errorRate;
  private final Counts counts;

  Assessment(Counts counts) {
    this.counts = counts;
    errorRate = (double) counts.bad / counts.events;
    if (fires())
      counts.patterns.forEach(
          (pattern, count) -> {
            if (count > PATTERN_SHARE_ABOVE * counts.events) kept.put(Counts.patternName(pattern), count);
          });
  }

  boolean fires() {
    return errorRate > ERROR_RATE_ABOVE;
  }

  private String severity() {
    if (kept.isEmpty()) return "low";
    int most = 0;
    int sum = 0;
    for (int count : kept.values()) {
      most = Math.max(most, count);
      sum += count;
    }
    double share = (double) most / sum;
    return share > HIGH_ABOVE ? "high" : share > MEDIUM_ABOVE ? "medium" : "low";
  }

  byte[] toJson(String key, long startMs, long endMs) {
    int bar = key.indexOf('|');
    ByteArrayOutputStream out = new ByteArrayOutputStream(512);
    try (JsonGenerator json = Json.FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeNumberField("window_start", startMs);
      json.writeNumberField("window_end", endMs);
      json.writeStringField("deployment_id", key.substring(0, bar));
      json.writeStringField("model_version", key.substring(bar + 1));
      json.writeNumberField("total_events", counts.events);
      json.writeNumberField("error_rate", errorRate);
      json.writeObjectFieldStart("patterns");
      for (var entry : kept.entrySet()) json.writeNumberField(entry.getKey(), entry.getValue());
      json.writeEndObject();
      json.writeStringField("severity", severity());
      json.writeStringField("recommended_action", kept.isEmpty() ? "monitor" : "retrain_on_pattern");
      json.writeBooleanField("fires", fires());
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
