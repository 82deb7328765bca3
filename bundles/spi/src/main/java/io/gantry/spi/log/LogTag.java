package io.gantry.spi.log;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The log option {@code tag}, a template as Docker's users write it: {@code {{.Name}}/{{.ID}}}. It
 * knows the fields of a {@link LogTarget}, {@code index .ContainerLabels "name"} and the functions
 * lower, upper and title; what else Go's templates can do is refused.
 */
public final class LogTag {
  /** What most drivers take when the option is not given. */
  public static final String DEFAULT = "{{.ID}}";

  private static final int SHORT = 12;
  private static final Pattern INDEX =
      Pattern.compile("index\\s+\\.(ContainerLabels)\\s+\"([^\"]*)\"");
  private static final Pattern CALL = Pattern.compile("(?:([a-z]+)\\s+)?\\.([A-Za-z]*)");

  private LogTag() {}

  /**
   * Fills in a template.
   *
   * @throws GantryException INVALID, in the words of Go's templates
   */
  public static String expand(String template, LogTarget target) {
    var out = new StringBuilder();
    int at = 0;
    for (int open = template.indexOf("{{"); open >= 0; open = template.indexOf("{{", at)) {
      int close = template.indexOf("}}", open);
      if (close < 0) {
        throw invalid("1: unclosed action");
      }
      out.append(template, at, open);
      String action = template.substring(open + 2, close);
      out.append(value(action, open + 2, target));
      at = close + 2;
    }
    return out.append(template.substring(at)).toString();
  }

  private static String value(String action, int column, LogTarget target) {
    String[] pipe = action.split("\\|", -1);
    String value = operand(pipe[0], column, target);
    for (int i = 1; i < pipe.length; i++) {
      value = apply(pipe[i].strip(), value);
    }
    return value;
  }

  private static String operand(String text, int column, LogTarget target) {
    String word = text.strip();
    Matcher index = INDEX.matcher(word);
    if (index.matches()) {
      return target.labels().getOrDefault(index.group(2), "");
    }
    Matcher call = CALL.matcher(word);
    if (!call.matches()) {
      throw invalid("1: unexpected \"" + word + "\" in command");
    }
    String value = field(call.group(2), column + text.indexOf('.'), target);
    return call.group(1) == null ? value : apply(call.group(1), value);
  }

  private static String field(String name, int column, LogTarget target) {
    String image = target.imageId().replaceFirst("^sha256:", "");
    var fields =
        Map.of(
            "ID", cut(target.container()),
            "FullID", target.container(),
            "Name", target.name(),
            "ImageID", cut(image),
            "ImageFullID", target.imageId(),
            "ImageName", target.image(),
            "DaemonName", "gantry");
    String value = fields.get(name);
    if (value == null) {
      throw invalid(
          "1:%d: executing \"log-tag\" at <.%s>: can't evaluate field %s in type *logger.Info"
              .formatted(column, name, name));
    }
    return value;
  }

  private static String cut(String id) {
    return id.length() > SHORT ? id.substring(0, SHORT) : id;
  }

  private static String apply(String function, String value) {
    return switch (function) {
      case "lower" -> value.toLowerCase(Locale.ROOT);
      case "upper" -> value.toUpperCase(Locale.ROOT);
      case "title" ->
          Pattern.compile("\\b\\p{L}")
              .matcher(value)
              .replaceAll(m -> m.group().toUpperCase(Locale.ROOT));
      default -> throw invalid("1: function \"" + function + "\" not defined");
    };
  }

  private static GantryException invalid(String what) {
    return new GantryException(INVALID, "template: log-tag:" + what);
  }
}
