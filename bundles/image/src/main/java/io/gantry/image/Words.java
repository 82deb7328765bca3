package io.gantry.image;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Words of a Dockerfile line: quotes, backslashes and {@code $VARIABLES}. */
final class Words {

  private static final int LONGEST = 1 << 20;

  private Words() {}

  /** Splits at white space that is neither quoted nor escaped; words stay as they are written. */
  static List<String> split(String line) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    char quote = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote == 0 && Character.isWhitespace(c)) {
        if (word.length() > 0) {
          words.add(word.toString());
          word.setLength(0);
        }
        continue;
      }
      word.append(c);
      if (c == '\\' && quote != '\'' && i + 1 < line.length()) {
        word.append(line.charAt(++i));
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      }
    }
    if (word.length() > 0) {
      words.add(word.toString());
    }
    return words;
  }

  /** Takes quotes and backslashes away and puts values in. */
  static String expand(String word, Map<String, String> env) {
    StringBuilder out = new StringBuilder();
    char quote = 0;
    for (int i = 0; i < word.length(); ) {
      if (out.length() > LONGEST) {
        throw new GantryException(Kind.INVALID, "a word of a change becomes too long");
      }
      char c = word.charAt(i);
      if (quote != '\'' && c == '$') {
        i = variable(word, i + 1, env, out);
        continue;
      }
      i++;
      if (c == '\\' && quote != '\'' && i < word.length()) {
        char next = word.charAt(i++);
        if (quote == '"' && next != '"' && next != '$' && next != '\\') {
          out.append(c);
        }
        out.append(next);
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      } else if (c == quote) {
        quote = 0;
      } else {
        out.append(c);
      }
    }
    if (quote != 0) {
      throw new GantryException(
          Kind.INVALID, "unexpected end of statement while looking for matching " + quote);
    }
    return out.toString();
  }

  /** From behind the dollar; returns where the text goes on. */
  private static int variable(String word, int at, Map<String, String> env, StringBuilder out) {
    if (at < word.length() && word.charAt(at) == '{') {
      return braced(word, at + 1, env, out);
    }
    int end = name(word, at);
    if (end == at) {
      out.append('$');
    } else {
      out.append(env.getOrDefault(word.substring(at, end), ""));
    }
    return end;
  }

  private static int braced(String word, int at, Map<String, String> env, StringBuilder out) {
    int nameEnd = name(word, at);
    int close = word.indexOf('}', nameEnd);
    if (nameEnd == at || close < 0) {
      throw unsupported(word);
    }
    String value = env.getOrDefault(word.substring(at, nameEnd), "");
    String modifier = word.substring(nameEnd, close);
    if (modifier.isEmpty()) {
      out.append(value);
    } else if (modifier.startsWith(":-")) {
      out.append(value.isEmpty() ? modifier.substring(2) : value);
    } else if (modifier.startsWith(":+")) {
      out.append(value.isEmpty() ? "" : modifier.substring(2));
    } else {
      throw unsupported(word);
    }
    return close + 1;
  }

  private static GantryException unsupported(String word) {
    return new GantryException(
        Kind.INVALID, "failed to process \"" + word + "\": unsupported modifier in substitution");
  }

  private static int name(String word, int at) {
    int end = at;
    while (end < word.length()
        && (word.charAt(end) == '_'
            || (word.charAt(end) < 128 && Character.isLetter(word.charAt(end)))
            || (end > at && word.charAt(end) >= '0' && word.charAt(end) <= '9'))) {
      end++;
    }
    return end;
  }
}
