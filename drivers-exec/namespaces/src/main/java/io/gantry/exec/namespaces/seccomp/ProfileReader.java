package io.gantry.exec.namespaces.seccomp;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads Docker's JSON form of a seccomp profile, for one machine, kernel and set of capabilities:
 * rules whose {@code includes} and {@code excludes} do not fit are left out.
 */
final class ProfileReader {

  static final int KILL_PROCESS = 0x8000_0000;
  static final int KILL_THREAD = 0;
  static final int TRAP = 0x0003_0000;
  static final int ERRNO = 0x0005_0000;
  static final int TRACE = 0x7ff0_0000;
  static final int LOG = 0x7ffc_0000;
  static final int ALLOW = 0x7fff_0000;

  static final int EPERM = 1;
  static final int ENOSYS = 38;

  private static final int DATA = 0xffff;
  private static final int MAX_ARGUMENTS = 6;

  /** A filter has 4096 instructions, and a rule with a condition takes three at least. */
  private static final int MAX_RULES = 4096;

  private static final BigInteger MAX_VALUE = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);
  private static final Pattern CHARACTER = Pattern.compile("Unexpected character \\('(.)' \\(code");
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+)");
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final Arch machine;
  private final String kernel;
  private final Set<String> capabilities;

  ProfileReader(Arch machine, String kernel, Set<String> capabilities) {
    this.machine = machine;
    this.kernel = kernel;
    this.capabilities = capabilities;
  }

  /**
   * @throws GantryException INVALID with what is wrong with it
   */
  Profile read(String text) {
    JsonNode root;
    try {
      root = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw undecoded(words(e));
    }
    if (!root.isObject()) {
      String found = root.getNodeType().name().toLowerCase(Locale.ROOT);
      throw undecoded("json: cannot unmarshal " + found + " into Go value of type seccomp.Seccomp");
    }
    int action = action(text(root, "defaultAction"), root.path("defaultErrnoRet"));
    List<Profile.Rule> rules = new ArrayList<>();
    for (JsonNode call : array(root, "syscalls")) {
      if (fits(call)) {
        rules.addAll(rules(call));
      }
      if (rules.size() > MAX_RULES) {
        throw invalid("more than " + MAX_RULES + " rules");
      }
    }
    boolean permissive = action == ALLOW || action == LOG || (action & ~DATA) == TRACE;
    return new Profile(
        action, !permissive && action != (ERRNO | ENOSYS), architectures(root), rules, flags(root));
  }

  private List<Arch> architectures(JsonNode root) {
    Set<Arch> found = new LinkedHashSet<>();
    found.add(machine);
    JsonNode listed = array(root, "architectures");
    JsonNode map = array(root, "archMap");
    if (!listed.isEmpty() && !map.isEmpty()) {
      throw twice("architectures", "archMap");
    }
    listed.forEach(name -> add(found, name));
    for (JsonNode entry : map) {
      if (text(entry, "architecture").equals(machine.name)) {
        array(entry, "subArchitectures").forEach(name -> add(found, name));
      }
    }
    return List.copyOf(found);
  }

  private void add(Set<Arch> found, JsonNode name) {
    Arch.parse(element(name)).filter(a -> a.runsOn(machine)).ifPresent(found::add);
  }

  private boolean fits(JsonNode call) {
    JsonNode includes = call.path("includes");
    for (JsonNode cap : array(includes, "caps")) {
      if (!capabilities.contains(cap.asText())) {
        return false;
      }
    }
    JsonNode arches = array(includes, "arches");
    if (!arches.isEmpty() && !names(arches).contains(machine.machine)) {
      return false;
    }
    if (includes.hasNonNull("minKernel") && !kernelIsAtLeast(text(includes, "minKernel"))) {
      return false;
    }
    JsonNode excludes = call.path("excludes");
    for (JsonNode cap : array(excludes, "caps")) {
      if (capabilities.contains(cap.asText())) {
        return false;
      }
    }
    return !names(array(excludes, "arches")).contains(machine.machine)
        && !(excludes.hasNonNull("minKernel") && kernelIsAtLeast(text(excludes, "minKernel")));
  }

  private boolean kernelIsAtLeast(String version) {
    Matcher wanted = VERSION.matcher(version);
    if (!wanted.matches()) {
      throw undecoded("invalid kernel version: \"" + version + "\", expected \"<kernel>.<major>\"");
    }
    Matcher running = VERSION.matcher(kernel);
    if (!running.lookingAt()) {
      throw new GantryException(Kind.INTERNAL, "kernel version " + kernel + " cannot be read");
    }
    int major = Integer.compare(number(running, 1), number(wanted, 1));
    return major != 0 ? major > 0 : number(running, 2) >= number(wanted, 2);
  }

  private static int number(Matcher version, int group) {
    try {
      return Integer.parseInt(version.group(group));
    } catch (NumberFormatException e) {
      throw invalid("invalid kernel version: " + version.group());
    }
  }

  /**
   * Several conditions on one argument are alternatives (a rule each), as runc takes them; else all
   * must hold.
   */
  private static List<Profile.Rule> rules(JsonNode call) {
    Set<String> names = new LinkedHashSet<>(names(array(call, "names")));
    if (call.hasNonNull("name")) {
      if (!names.isEmpty()) {
        throw twice("name", "names");
      }
      names.add(text(call, "name"));
    }
    if (names.isEmpty()) {
      throw invalid("a rule names no system call");
    }
    int action = action(text(call, "action"), call.path("errnoRet"));
    List<Condition> conditions = new ArrayList<>();
    array(call, "args").forEach(argument -> conditions.add(condition(argument)));
    long arguments = conditions.stream().map(Condition::index).distinct().count();
    if (arguments == conditions.size()) {
      return List.of(new Profile.Rule(List.copyOf(names), action, conditions));
    }
    return conditions.stream()
        .map(c -> new Profile.Rule(List.copyOf(names), action, List.of(c)))
        .toList();
  }

  private static Condition condition(JsonNode argument) {
    long index = value(argument, "index");
    if (index < 0 || index >= MAX_ARGUMENTS) {
      throw invalid("no argument has the index " + Long.toUnsignedString(index));
    }
    String op = text(argument, "op");
    for (Condition.Comparison comparison : Condition.Comparison.values()) {
      if (op.equals("SCMP_CMP_" + comparison)) {
        return new Condition(
            (int) index, comparison, value(argument, "value"), value(argument, "valueTwo"));
      }
    }
    throw unknown(op, "operator");
  }

  private static int action(String name, JsonNode errnoRet) {
    int data = EPERM;
    if (!errnoRet.isMissingNode() && !errnoRet.isNull()) {
      if (!errnoRet.canConvertToInt() || errnoRet.asInt() < 0 || errnoRet.asInt() > DATA) {
        throw invalid("not an error number: " + errnoRet);
      }
      data = errnoRet.asInt();
    }
    return switch (name) {
      case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD" -> KILL_THREAD;
      case "SCMP_ACT_KILL_PROCESS" -> KILL_PROCESS;
      case "SCMP_ACT_TRAP" -> TRAP;
      case "SCMP_ACT_ERRNO" -> ERRNO | data;
      case "SCMP_ACT_TRACE" -> TRACE | data;
      case "SCMP_ACT_ALLOW" -> ALLOW;
      case "SCMP_ACT_LOG" -> LOG;
      case "SCMP_ACT_NOTIFY" ->
          throw new GantryException(
              Kind.UNSUPPORTED, "seccomp profile: SCMP_ACT_NOTIFY is not supported");
      default -> throw unknown(name, "action");
    };
  }

  private static long flags(JsonNode root) {
    long flags = 0;
    for (JsonNode flag : array(root, "flags")) {
      flags |=
          switch (element(flag)) {
            case "SECCOMP_FILTER_FLAG_TSYNC" -> 1;
            case "SECCOMP_FILTER_FLAG_LOG" -> 2;
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW" -> 4;
            default -> throw invalid("unknown flag: " + flag.asText());
          };
    }
    return flags;
  }

  private static long value(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return 0;
    }
    if (!value.isIntegralNumber()
        || value.bigIntegerValue().signum() < 0
        || value.bigIntegerValue().compareTo(MAX_VALUE) > 0) {
      throw invalid(field + " is not a number from 0 to " + MAX_VALUE + ": " + value);
    }
    return value.bigIntegerValue().longValue();
  }

  private static Set<String> names(JsonNode array) {
    Set<String> names = new LinkedHashSet<>();
    array.forEach(name -> names.add(element(name)));
    return names;
  }

  private static String text(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isTextual()) {
      throw invalid(field + " is missing or no string in " + shortened(node));
    }
    return value.asText();
  }

  private static String element(JsonNode value) {
    if (!value.isTextual()) {
      throw invalid("not a string: " + shortened(value));
    }
    return value.asText();
  }

  private static JsonNode array(JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (value.isArray() || value.isMissingNode() || value.isNull()) {
      return value;
    }
    throw invalid(field + " is not an array");
  }

  private static String shortened(JsonNode node) {
    String text = node.toString();
    return text.length() > 100 ? text.substring(0, 100) + "…" : text;
  }

  /** As Go's decoder says it where it has the case. */
  private static String words(JsonProcessingException e) {
    if (e instanceof JsonEOFException) {
      return "unexpected end of JSON input";
    }
    String message = e.getOriginalMessage();
    var character = CHARACTER.matcher(message);
    return character.lookingAt()
        ? "invalid character '" + character.group(1) + "' looking for beginning of value"
        : message;
  }

  private static GantryException undecoded(String why) {
    return new GantryException(Kind.INVALID, "Decoding seccomp profile failed: " + why);
  }

  private static GantryException twice(String one, String other) {
    return new GantryException(
        Kind.INVALID,
        "both '%s' and '%s' are specified in the seccomp profile, use either '%s' or '%s'"
            .formatted(one, other, one, other));
  }

  static GantryException unknown(String name, String what) {
    return new GantryException(
        Kind.INVALID, "string " + name + " is not a valid " + what + " for seccomp");
  }

  private static GantryException invalid(String reason) {
    return new GantryException(Kind.INVALID, "invalid seccomp profile: " + reason);
  }
}
