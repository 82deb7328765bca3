package io.gantry.rest.json;

import static io.gantry.spi.GantryException.Kind.INVALID;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON text into maps, lists, texts, flags and {@link java.math.BigDecimal}s. Nesting is limited,
 * so that no input exhausts the stack.
 */
final class JsonParsing {

  private static final int MAX_DEPTH = 100;

  /** Each costs many times its text: no document of a client needs more. */
  private static final int MAX_TOKENS = 600_000;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxTokenCount(MAX_TOKENS)
                  .maxNumberLength(100)
                  .build())
          .build();

  private JsonParsing() {}

  static @Nullable Object parse(String text) {
    try (var parser = FACTORY.createParser(text)) {
      if (parser.nextToken() == null) {
        throw new GantryException(INVALID, "invalid JSON: got EOF while reading request body");
      }
      Object value = value(parser);
      if (parser.nextToken() != null) {
        throw new GantryException(INVALID, "unexpected content after JSON");
      }
      return value;
    } catch (JsonEOFException e) {
      throw new GantryException(INVALID, "invalid JSON: unexpected EOF", e);
    } catch (StreamConstraintsException e) {
      // "… (1001) exceeds the maximum allowed (1000, from `…`)": a method that clients do not have
      String sentence = e.getOriginalMessage().replaceAll(", from `[^`]*`", "");
      throw new GantryException(INVALID, "invalid JSON: " + sentence, e);
    } catch (JsonProcessingException e) {
      throw new GantryException(INVALID, "invalid JSON: " + sentence(e, text), e);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a text in memory does not fail
    }
  }

  private static @Nullable Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> array(parser);
      case VALUE_STRING -> whole(parser.getText());
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDecimalValue();
      case VALUE_TRUE -> Boolean.TRUE;
      case VALUE_FALSE -> Boolean.FALSE;
      default -> null;
    };
  }

  private static Map<String, @Nullable Object> object(JsonParser parser) throws IOException {
    var object = new LinkedHashMap<String, @Nullable Object>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String key = whole(parser.currentName());
      parser.nextToken();
      object.put(key, value(parser));
    }
    return object;
  }

  private static List<@Nullable Object> array(JsonParser parser) throws IOException {
    var array = new ArrayList<@Nullable Object>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      array.add(value(parser));
    }
    return array;
  }

  /**
   * Half of a surrogate pair is no character: Go puts U+FFFD in its place. A zero byte ends a text
   * for the kernel, and whoever sends one wants the engine to read on.
   */
  private static String whole(String text) {
    StringBuilder mended = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == 0) {
        throw new GantryException(INVALID, "invalid JSON: a text holds a zero byte");
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        mended = mended == null ? new StringBuilder(text) : mended;
        mended.setCharAt(i, '\uFFFD');
      }
    }
    return mended == null ? text : mended.toString();
  }

  private static String sentence(JsonProcessingException e, String text) {
    long at = e.getLocation() == null ? -1 : e.getLocation().getCharOffset();
    if (at < 0 || at >= text.length()) {
      return e.getOriginalMessage().lines().findFirst().orElse("syntax error");
    }
    char c = text.charAt((int) at);
    String shown = c < ' ' ? String.format("\\x%02x", (int) c) : String.valueOf(c);
    return "invalid character '" + shown + "' looking for beginning of value";
  }
}
