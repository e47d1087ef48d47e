package bench.streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;

/** Jackson's streaming parser over the fields of an object. */
final class Json {
  interface Field {
    /** The parser stands on the value; it has to be left on its last token. */
    void read(String name, JsonParser parser) throws IOException;
  }

  interface Reader<T> {
    T read(JsonParser parser) throws IOException;
  }

  static final JsonFactory FACTORY =
      JsonFactory.builder().enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER).build();

  private Json() {}

  static <T> JsonSerde.Reader<T> reader(Reader<T> reader) {
    return json -> {
      try (JsonParser parser = FACTORY.createParser(json)) {
        parser.nextToken();
        return reader.read(parser);
      }
    };
  }

  static void eachField(JsonParser parser, Field field) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) throw new IOException("not a JSON object");
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      parser.nextToken();
      field.read(name, parser);
    }
  }
}
