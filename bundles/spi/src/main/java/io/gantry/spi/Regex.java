package io.gantry.spi;

import static io.gantry.spi.GantryException.Kind.INVALID;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression that a client gives: of RE2's syntax, which is Go's, and with its sentences
 * for what is none. It is looked for in time linear to the text, and neither it nor the texts may
 * be so large that this takes long.
 */
public final class Regex {
  /** Characters, those that are repeated ({@code a{9}}) as often as that. */
  private static final int LARGEST = 1_000;

  /** Size of the expression times the characters it is looked for in: about half a second. */
  private static final long MOST_WORK = 1_000_000;

  private final String text;
  private final Pattern pattern;
  private final long size;

  private Regex(String text, Pattern pattern, long size) {
    this.text = text;
    this.pattern = pattern;
    this.size = size;
  }

  /**
   * @throws GantryException INVALID for what is no expression, or too large a one
   */
  public static Regex parse(String text) {
    long size = size(text);
    if (size > LARGEST) {
      throw tooLarge(text, null);
    }
    try {
      return new Regex(text, Pattern.compile(text), size);
    } catch (PatternSyntaxException e) {
      throw new GantryException(INVALID, String.valueOf(e.getMessage()), e);
    } catch (StackOverflowError e) {
      throw tooLarge(text, e);
    }
  }

  /**
   * The texts that have it somewhere, in their order.
   *
   * @throws GantryException INVALID when the texts are too long to look through
   */
  public List<String> in(Collection<String> texts) {
    long work = size * texts.stream().mapToLong(text -> text.length() + 1L).sum();
    if (work > MOST_WORK) {
      throw new GantryException(
          INVALID, "regular expression takes too long to match: `" + shortened(text) + "`");
    }
    try {
      return texts.stream().filter(text -> pattern.matcher(text).find()).toList();
    } catch (StackOverflowError e) {
      throw tooLarge(text, e);
    }
  }

  /**
   * At least what it is compiled to: whatever stands before a repeated parenthesis counts as
   * repeated with it.
   */
  private static long size(String text) {
    long size = 0;
    for (int i = 0; i < text.length() && size <= LARGEST; i++) {
      int times = text.charAt(i) == '{' ? times(text, i + 1) : 0;
      if (times == 0) {
        size++;
      } else if (text.charAt(Math.max(0, i - 1)) == ')') {
        size *= times;
      } else {
        size += times;
      }
    }
    return size;
  }

  /**
   * The larger number of {@code 3}, {@code 3,} or {@code 3,9} before a brace; 0 when there is none.
   */
  private static int times(String text, int from) {
    int end = text.indexOf('}', from);
    int times = 0;
    int number = 0;
    for (int i = from; i < end; i++) {
      char c = text.charAt(i);
      if (c >= '0' && c <= '9') {
        number = Math.min(LARGEST + 1, number * 10 + (c - '0'));
        times = Math.max(times, number);
      } else if (c == ',') {
        number = 0;
      } else {
        return 0;
      }
    }
    return times;
  }

  private static GantryException tooLarge(String text, @Nullable Throwable cause) {
    return new GantryException(
        INVALID, "error parsing regexp: expression too large: `" + shortened(text) + "`", cause);
  }

  private static String shortened(String text) {
    return text.length() > 60 ? text.substring(0, 60) + "…" : text;
  }
}
