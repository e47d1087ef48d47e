package bench.shared;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;

/** Reads the four fields by Jackson's streaming parser; the rest is checked for being JSON and skipped. */
public final class EventReader {
  private final JsonFactory factory =
      JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

  /** Throws where the bytes are no JSON object or a field is of the wrong type. */
  public Event read(byte[] json) throws IOException {
    Event event = new Event();
    try (JsonParser parser = factory.createParser(json)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) throw new IOException("not a JSON object");
      for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
        JsonToken token = parser.nextToken();
        switch (name) {
          case "deployment_id" -> event.deployment = parser.getText();
          case "timestamp" -> event.timestamp = parser.getLongValue();
          case "rating" -> {
            if (token != JsonToken.VALUE_NULL) event.rating = parser.getDoubleValue();
          }
          case "time_to_action" -> {
            if (token != JsonToken.VALUE_NULL) event.timeToAction = parser.getDoubleValue();
          }
          default -> parser.skipChildren();
        }
      }
    }
    return event;
  }
}
