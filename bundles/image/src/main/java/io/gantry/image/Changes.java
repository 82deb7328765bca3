package io.gantry.image;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Dockerfile lines applied to a configuration: what {@code docker import -c} and {@code docker
 * commit -c} take. Errors are Docker's.
 */
public final class Changes {

  /** Variables that double each other would fill the memory. */
  private static final int MOST_CHARACTERS = 4 << 20;

  private static final Pattern LINE = Pattern.compile("(\\S+)(?:\\s+(.*))?", Pattern.DOTALL);
  private static final Pattern PORTS =
      Pattern.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?");
  private static final Pattern DURATION_PART =
      Pattern.compile("([0-9]+(?:\\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)");
  private static final Map<String, Long> NANOS =
      Map.of(
          "ns",
          1L,
          "us",
          1_000L,
          "µs",
          1_000L,
          "ms",
          1_000_000L,
          "s",
          1_000_000_000L,
          "m",
          60_000_000_000L,
          "h",
          3_600_000_000_000L);
  private static final Set<String> SIGNALS =
      Set.of(
          "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT",
          "KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM",
          "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
          "RTMIN", "RTMAX");

  private String user;
  private final Set<String> ports;
  private final Map<String, String> env = new LinkedHashMap<>();
  private @Nullable List<String> entrypoint;
  private @Nullable List<String> cmd;
  private final Set<String> volumes;
  private String workingDir;
  private final Map<String, String> labels;
  private String stopSignal;
  private final @Nullable List<String> shell;
  private @Nullable List<String> onBuild;
  private String healthcheck;
  private boolean cmdSet;
  private long characters;

  private Changes(RunConfig base) {
    user = base.user();
    ports = new TreeSet<>(base.exposedPorts());
    base.env().forEach(this::addEnv);
    entrypoint = base.entrypoint();
    cmd = base.cmd();
    volumes = new TreeSet<>(base.volumes());
    workingDir = base.workingDir();
    labels = new LinkedHashMap<>(base.labels());
    stopSignal = base.stopSignal();
    shell = base.shell();
    onBuild = base.onBuild();
    healthcheck = base.healthcheck();
  }

  /**
   * @param lines one or several instructions each
   * @throws GantryException INVALID
   */
  public static RunConfig apply(RunConfig base, List<String> lines) {
    Changes changes = new Changes(base);
    for (String line : String.join("\n", lines).replace("\\\n", "").split("\n", -1)) {
      String text = line.strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        changes.apply(text);
      }
    }
    return changes.result();
  }

  private RunConfig result() {
    List<String> variables = new ArrayList<>();
    env.forEach((name, value) -> variables.add(name + "=" + value));
    return new RunConfig(
        user,
        List.copyOf(ports),
        variables,
        entrypoint,
        cmd,
        List.copyOf(volumes),
        workingDir,
        labels,
        stopSignal,
        shell,
        onBuild,
        healthcheck);
  }

  private void addEnv(String variable) {
    int equals = variable.indexOf('=');
    env.put(
        equals < 0 ? variable : variable.substring(0, equals),
        equals < 0 ? "" : variable.substring(equals + 1));
  }

  private void apply(String line) {
    Matcher m = LINE.matcher(line);
    if (!m.matches()) {
      throw invalid("invalid change: " + line);
    }
    String instruction = m.group(1);
    String name = instruction.toUpperCase(Locale.ROOT);
    String rest = m.group(2) == null ? "" : m.group(2).strip();
    switch (name) {
      case "CMD" -> {
        cmd = command(name, rest);
        cmdSet = true;
      }
      case "ENTRYPOINT" -> {
        List<String> given = command(name, rest);
        entrypoint = given.isEmpty() ? null : given;
        if (!cmdSet) {
          cmd = null; // arguments for another program make no sense
        }
      }
      case "ENV" -> env.putAll(pairs(name, rest));
      case "LABEL" -> labels.putAll(pairs(name, rest));
      case "EXPOSE" -> words(name, rest).forEach(this::expose);
      case "VOLUME" -> volumes.addAll(volumeNames(rest));
      case "USER" -> user = single(name, rest);
      case "WORKDIR" -> workingDir = workingDir(single(name, rest));
      case "STOPSIGNAL" -> stopSignal = signal(single(name, rest));
      case "HEALTHCHECK" -> healthcheck = healthcheck(rest);
      case "ONBUILD" -> onBuild(rest);
      default -> throw invalid(instruction + " is not a valid change command");
    }
  }

  /** JSON, or a line for the shell. */
  private List<String> command(String name, String rest) {
    if (rest.isEmpty()) {
      throw invalid(name + " requires at least one argument");
    }
    List<String> json = jsonList(rest);
    if (json != null) {
      return json;
    }
    List<String> line = new ArrayList<>(shell == null ? List.of("/bin/sh", "-c") : shell);
    line.add(rest);
    return line;
  }

  private static @Nullable List<String> jsonList(String text) {
    if (!text.startsWith("[")) {
      return null;
    }
    try {
      JsonNode tree = ImageConfig.JSON.readTree(text);
      List<String> list = new ArrayList<>();
      for (JsonNode element : tree) {
        if (!element.isTextual()) {
          return null;
        }
        list.add(element.textValue());
      }
      return list;
    } catch (JsonProcessingException e) {
      return null; // then it is a line for the shell, as in a Dockerfile
    }
  }

  private Map<String, String> pairs(String name, String rest) {
    List<String> words = Words.split(rest);
    if (words.isEmpty()) {
      throw invalid(name + " requires at least one argument");
    }
    Map<String, String> pairs = new LinkedHashMap<>();
    if (words.get(0).indexOf('=') < 0) { // NAME the rest of the line
      if (words.size() < 2) {
        throw invalid(name + " must have two arguments");
      }
      String key = words.get(0);
      put(pairs, name, key, rest.substring(key.length()).strip());
      return pairs;
    }
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals < 0) {
        throw invalid(
            "Syntax error - can't find = in \"" + word + "\". Must be of the form: name=value");
      }
      put(pairs, name, word.substring(0, equals), word.substring(equals + 1));
    }
    return pairs;
  }

  private void put(Map<String, String> pairs, String name, String key, String value) {
    String expanded = Words.expand(key, env);
    if (expanded.isEmpty()) {
      throw invalid(name + " names can not be blank");
    }
    String text = Words.expand(value, env);
    characters += expanded.length() + text.length();
    if (characters > MOST_CHARACTERS) {
      throw invalid(name + " makes too much text: more than " + MOST_CHARACTERS + " characters");
    }
    pairs.put(expanded, text);
  }

  private List<String> words(String name, String rest) {
    List<String> words = Words.split(rest).stream().map(word -> Words.expand(word, env)).toList();
    if (words.isEmpty()) {
      throw invalid(name + " requires at least one argument");
    }
    return words;
  }

  private String single(String name, String rest) {
    if (rest.isEmpty()) {
      throw invalid(name + " requires exactly one argument");
    }
    return Words.expand(rest, env);
  }

  private void expose(String port) {
    Matcher m = PORTS.matcher(port.toLowerCase(Locale.ROOT));
    if (!m.matches()) {
      throw invalid("invalid containerPort: " + port);
    }
    int first = Integer.parseInt(m.group(1));
    int last = m.group(2) == null ? first : Integer.parseInt(m.group(2));
    if (last > 65535 || first > last) {
      throw invalid("invalid containerPort: " + port);
    }
    String protocol = m.group(3) == null ? "tcp" : m.group(3);
    for (int number = first; number <= last; number++) {
      ports.add(number + "/" + protocol);
    }
  }

  private List<String> volumeNames(String rest) {
    List<String> json = jsonList(rest);
    List<String> names = json == null || json.isEmpty() ? words("VOLUME", rest) : json;
    if (names.stream().anyMatch(String::isBlank)) {
      throw invalid("VOLUME specified can not be an empty string");
    }
    return names;
  }

  private String workingDir(String path) {
    return Path.of("/", path.startsWith("/") ? "" : workingDir, path).normalize().toString();
  }

  private static String signal(String text) {
    String name = text.toUpperCase(Locale.ROOT);
    name = name.startsWith("SIG") ? name.substring(3) : name;
    boolean isNumber = name.matches("[1-9]|[1-5][0-9]|6[0-4]");
    boolean isRealTime = name.matches("RTMIN\\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4])");
    if (!isNumber && !isRealTime && !SIGNALS.contains(name)) {
      throw invalid("invalid signal: " + text);
    }
    return text;
  }

  private void onBuild(String trigger) {
    String instruction = trigger.split("\\s", 2)[0].toUpperCase(Locale.ROOT);
    switch (instruction) {
      case "" -> throw invalid("ONBUILD requires at least one argument");
      case "ONBUILD" -> throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
      case "MAINTAINER", "FROM" ->
          throw invalid(instruction + " isn't allowed as an ONBUILD trigger");
      default -> {
        List<String> triggers = new ArrayList<>(onBuild == null ? List.of() : onBuild);
        triggers.add(trigger);
        onBuild = triggers;
      }
    }
  }

  private static String healthcheck(String rest) {
    ObjectNode json = ImageConfig.JSON.createObjectNode();
    String left = rest;
    while (left.startsWith("--")) {
      String[] split = left.split("\\s+", 2);
      healthOption(split[0].substring(2), json);
      left = split.length < 2 ? "" : split[1];
    }
    String[] split = left.split("\\s+", 2);
    String type = split[0].toUpperCase(Locale.ROOT);
    String command = split.length < 2 ? "" : split[1].strip();
    var test = json.putArray("Test");
    switch (type) {
      case "" -> throw invalid("HEALTHCHECK requires at least one argument");
      case "NONE" -> {
        if (!command.isEmpty()) {
          throw invalid("HEALTHCHECK NONE takes no arguments");
        }
        test.add("NONE");
      }
      case "CMD" -> {
        if (command.isEmpty()) {
          throw invalid("Missing command after HEALTHCHECK CMD");
        }
        List<String> list = jsonList(command);
        test.add(list == null ? "CMD-SHELL" : "CMD");
        (list == null ? List.of(command) : list).forEach(test::add);
      }
      default -> throw invalid("Unknown type \"" + split[0] + "\" in HEALTHCHECK (try CMD)");
    }
    return json.toString();
  }

  private static void healthOption(String option, ObjectNode json) {
    int equals = option.indexOf('=');
    String name = equals < 0 ? option : option.substring(0, equals);
    String value = equals < 0 ? "" : option.substring(equals + 1);
    switch (name) {
      case "interval" -> json.put("Interval", nanos(name, value));
      case "timeout" -> json.put("Timeout", nanos(name, value));
      case "start-period" -> json.put("StartPeriod", nanos(name, value));
      case "start-interval" -> json.put("StartInterval", nanos(name, value));
      case "retries" -> {
        if (!value.matches("[0-9]{1,9}")) {
          throw invalid("--retries must be at least 1 (not " + value + ")");
        }
        json.put("Retries", Integer.parseInt(value));
      }
      default -> throw invalid("unknown flag: " + name);
    }
  }

  /** Durations as Go writes them: {@code 1m30s}. */
  private static long nanos(String name, String text) {
    Matcher m = DURATION_PART.matcher(text);
    double sum = 0;
    int at = 0;
    while (at < text.length() && m.find(at) && m.start() == at) {
      sum += Double.parseDouble(m.group(1)) * NANOS.getOrDefault(m.group(2), 0L);
      at = m.end();
    }
    if (text.isEmpty() || (at < text.length() && !text.equals("0")) || sum > Long.MAX_VALUE / 2.0) {
      throw invalid("invalid duration \"" + text + "\"");
    }
    if (sum > 0 && sum < Duration.ofMillis(1).toNanos()) {
      throw invalid("Interval \"" + name + "\" cannot be less than 1ms");
    }
    return (long) sum;
  }

  private static GantryException invalid(String message) {
    return new GantryException(Kind.INVALID, message);
  }
}
