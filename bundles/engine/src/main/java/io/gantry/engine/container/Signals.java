package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.List;
import java.util.Locale;

/** Signals of Linux by name and number; the numbers of x86, ARM, RISC-V, POWER and s390 agree. */
public final class Signals {
  public static final int KILL = 9;
  public static final int TERM = 15;
  private static final int RTMIN = 34;
  private static final int RTMAX = 64;
  private static final List<String> NAMES =
      List.of(
          "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
          "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
          "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS");

  private Signals() {}

  /**
   * The number of {@code TERM}, {@code sigterm}, {@code 15} or {@code RTMIN+3}.
   *
   * @throws GantryException INVALID
   */
  public static int parse(String text) {
    if (text.matches("-?[0-9]{1,9}")) {
      int number = Integer.parseInt(text);
      if (number < 0 || number > RTMAX) {
        throw new GantryException(INVALID, "the linux daemon does not support signal " + number);
      }
    }
    int number = number(text);
    if (number < 1 || number > RTMAX) {
      throw new GantryException(INVALID, "invalid signal: " + text);
    }
    return number;
  }

  private static int number(String text) {
    if (!text.isEmpty() && text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return text.length() > 3 ? -1 : Integer.parseInt(text);
    }
    String name = text.toUpperCase(Locale.ROOT);
    name = name.startsWith("SIG") ? name.substring(3) : name;
    if (name.startsWith("RTM")) {
      return realTime(name);
    }
    return switch (name) {
      case "IOT" -> 6;
      case "CLD" -> 17;
      case "POLL" -> 29;
      case "UNUSED" -> 31;
      default -> NAMES.indexOf(name) + 1;
    };
  }

  private static int realTime(String name) {
    boolean up = name.startsWith("RTMIN");
    if (!up && !name.startsWith("RTMAX")) {
      return -1;
    }
    String rest = name.substring(5);
    int base = up ? RTMIN : RTMAX;
    if (rest.isEmpty()) {
      return base;
    }
    if (!rest.matches(up ? "\\+[0-9]{1,2}" : "-[0-9]{1,2}")) {
      return -1;
    }
    int number = base + Integer.parseInt(rest);
    return number < RTMIN ? -1 : number;
  }
}
