package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toSet;

import io.gantry.api.Containers.ProcessList;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What the host's {@code ps} says of the processes of a control group. */
final class ProcessTable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** It prints what containers call themselves, which may be megabytes for each process. */
  private static final int MOST_BYTES = 16 << 20;

  /** Of one argument of a program, execve(2). */
  private static final int LONGEST_ARGUMENT = 128 << 10;

  private static final List<Path> PS = List.of(Path.of("/bin/ps"), Path.of("/usr/bin/ps"));

  /** A format that gives the column PID another title, or another meaning. */
  private static final Pattern FOREIGN_PID = Pattern.compile("\\bpid\\s*=");

  private ProcessTable() {}

  static ProcessList of(Set<Long> pids, String arguments) {
    if (FOREIGN_PID.matcher(arguments).find()) {
      throw new GantryException(
          INVALID, "specifying \"" + arguments + "\" is not allowed: it renames the column PID");
    }
    return filter(run(arguments.isBlank() ? "-ef" : arguments, pids), pids);
  }

  /**
   * Those in the pid namespace of the container's first process: in its control group there is also
   * the process that the monitor keeps for execs.
   */
  static Set<Long> inside(Set<Long> pids, long init) {
    var namespace = namespace(init);
    return namespace.isEmpty()
        ? pids
        : pids.stream().filter(pid -> namespace.equals(namespace(pid))).collect(toSet());
  }

  private static Optional<Path> namespace(long pid) {
    try {
      return Optional.of(Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/pid")));
    } catch (IOException e) {
      return Optional.empty(); // it has ended
    }
  }

  /** Lines of {@code ps} with one of the pids. */
  static ProcessList filter(String output, Set<Long> pids) {
    var lines = output.lines().toList();
    var titles =
        lines.isEmpty() ? List.<String>of() : Arrays.asList(lines.get(0).strip().split("\\s+"));
    int column = titles.indexOf("PID");
    if (column < 0) {
      throw new GantryException(INVALID, "Couldn't find PID field in ps output");
    }
    var rows = new ArrayList<List<String>>();
    for (String line : lines.subList(1, lines.size())) {
      var fields = List.of(line.strip().split("\\s+", titles.size()));
      if (fields.size() > column && belongs(fields.get(column), pids)) {
        rows.add(fields);
      }
    }
    return new ProcessList(titles, rows);
  }

  private static boolean belongs(String field, Set<Long> pids) {
    try {
      return pids.contains(Long.valueOf(field));
    } catch (NumberFormatException e) { // a wrapped line, or a thread's dash
      return false;
    }
  }

  /**
   * By pid, as {@code ps} without a selection takes its own user's processes only, whom a
   * container's need not belong to. Trees do not go with {@code -q}, other options not with {@code
   * -p}.
   */
  private static String run(String arguments, Set<Long> pids) {
    var command = new ArrayList<String>();
    command.add(program().toString());
    command.addAll(Arrays.asList(arguments.strip().split("\\s+")));
    String all = pids.stream().sorted().map(String::valueOf).collect(joining(","));
    for (String by : all.length() < LONGEST_ARGUMENT ? List.of("-q", "-p") : List.<String>of()) {
      try {
        return run(Stream.concat(command.stream(), Stream.of(by + all)).toList());
      } catch (GantryException e) {
        if (e.kind() != INVALID) {
          throw e;
        }
      }
    }
    return run(command);
  }

  private static String run(List<String> command) {
    try {
      var builder = new ProcessBuilder(command);
      builder.environment().put("LC_ALL", "C");
      var process = builder.start();
      process.getOutputStream().close();
      return output(process, PATIENCE);
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "ps: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    }
  }

  private static Path program() {
    return PS.stream()
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(
            () ->
                new GantryException(INTERNAL, "exec: \"ps\": executable file not found in $PATH"));
  }

  /** What it prints until it ends; one that does not end in time or prints too much is killed. */
  static String output(Process process, Duration patience) throws InterruptedException {
    try {
      var output = CompletableFuture.supplyAsync(() -> text(process, process.getInputStream()));
      var errors = CompletableFuture.supplyAsync(() -> text(process, process.getErrorStream()));
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new GantryException(INTERNAL, "ps: no end within " + patience.toSeconds() + " s");
      }
      if (process.exitValue() != 0) {
        throw new GantryException(INVALID, "ps: " + firstLine(errors.join())); // of its arguments
      }
      return output.join();
    } finally {
      process.destroyForcibly(); // also when nobody waits any longer
    }
  }

  private static String text(Process process, InputStream stream) {
    try {
      byte[] bytes = stream.readNBytes(MOST_BYTES);
      if (bytes.length == MOST_BYTES) {
        process.destroyForcibly();
      }
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "";
    }
  }

  private static @Nullable String firstLine(String text) {
    return text.lines().findFirst().orElse("failed");
  }
}
