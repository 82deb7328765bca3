package io.gantry.itests.attacks;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Command;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Programs in a container that reach for the host. One run tries everything: as root, as a user,
 * and as a further process while others come and go, whose runtime it hunts.
 */
final class Programs {

  /**
   * What became of one attempt.
   *
   * @param outcome {@code refused}, {@code reached}, or {@code absent} when this kernel has not got
   *     it
   */
  record Line(String name, String outcome, String words) {

    boolean isAbsent() {
      return outcome.equals("absent")
          || words.equals("0 entries")
          || words.equals("Function not implemented");
    }
  }

  private Programs() {}

  /** The attempts by name; what each stands for, and what must hold. */
  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    Path program =
        Path.of(Objects.requireNonNull(System.getProperty("attacks.target"))).resolve("probe");
    Images.program(); // compiled by then
    String list =
        Command.run(Map.of(), Duration.ofSeconds(30), List.of(program.toString(), "list")).ok();
    for (String line : list.lines().toList()) {
      String[] parts = line.split("\t");
      all.add(new Attack("in-" + parts[0], parts[1], parts[2], api -> {}));
    }
    return all;
  }

  static Map<String, Line> parse(String out) {
    var lines = new LinkedHashMap<String, Line>();
    for (String text : out.lines().toList()) {
      String[] parts = text.split("\t", 3);
      if (parts.length == 3) {
        lines.put("in-" + parts[0], new Line("in-" + parts[0], parts[1], parts[2]));
      }
    }
    return lines;
  }

  /** By attempt: where it got through, in words; empty where it did not. */
  static Map<String, String> fight(Api api) throws IOException {
    var through = new LinkedHashMap<String, String>();
    all().forEach(attack -> through.put(attack.id(), "not tried"));
    collect(through, "as root", alone(api, "0", "all"));
    collect(through, "as user", alone(api, "1000", "all"));
    collect(through, "by exec", further(api));
    return through;
  }

  private static void collect(Map<String, String> through, String how, Map<String, Line> lines) {
    lines.forEach(
        (name, line) -> {
          String before = through.getOrDefault(name, "").replace("not tried", "");
          String now = line.outcome().equals("reached") ? how + ": " + line.words() : "";
          through.put(name, before.isEmpty() ? now : before);
        });
  }

  /** The attempts as root in an ordinary container, one by one. */
  static Map<String, Line> guarded(Api api) throws IOException {
    return alone(api, "0", "all");
  }

  private static Map<String, Line> alone(Api api, String user, String verb) throws IOException {
    Api.Run run = api.run(BodyAttacks.config("Cmd", List.of("/probe", verb), "User", user));
    if (run.refusal() != null) {
      throw new AssertionError("not run: " + run.refusal());
    }
    return parse(run.out());
  }

  /** While other processes are started in the container without a pause. */
  private static Map<String, Line> further(Api api) throws IOException {
    String id = api.created(BodyAttacks.config("Cmd", List.of("/probe", "sleep")));
    var done = new AtomicBoolean();
    try {
      api.start(id);
      Map<String, Object> nothing = Map.of("Cmd", List.of("/probe", "true"), "AttachStdout", true);
      var others =
          CompletableFuture.runAsync(
              () -> {
                while (!done.get()) {
                  try {
                    api.exec(id, nothing);
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                }
              });
      var lines =
          parse(api.exec(id, Map.of("Cmd", List.of("/probe", "all"), "AttachStdout", true)));
      done.set(true);
      others.join();
      return lines;
    } finally {
      done.set(true);
      api.remove(id);
    }
  }

  /**
   * The same attempts where no guard is up, after what a careless runtime would have done: what is
   * refused there, too, proves nothing here.
   */
  static Map<String, Line> planted(Api api) throws IOException {
    var config =
        BodyAttacks.config(
            "Cmd", List.of("/probe", "planted"),
            ".Privileged", true,
            ".PidMode", "host",
            ".CgroupnsMode", "host",
            ".SecurityOpt", List.of("seccomp=unconfined"),
            ".MaskedPaths", List.of(),
            ".ReadonlyPaths", List.of());
    Api.Run run = api.run(config);
    JsonNode why = run.refusal() == null ? null : run.refusal().json();
    if (why != null) {
      throw new AssertionError("not run: " + why);
    }
    return parse(run.out());
  }
}
