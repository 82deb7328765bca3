package io.gantry.itests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A network namespace with a process that keeps it: another host, as far as networks go. */
public final class Namespace implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofMinutes(1);

  private final Process keeper;
  private final List<String> flags;

  private Namespace(Process keeper, List<String> flags) {
    this.keeper = keeper;
    this.flags = flags;
  }

  /** Its loopback interface is up. */
  public static Namespace make() {
    return new Namespace(keep(List.of("unshare", "-n"), "ip link set lo up"), List.of("-n"));
  }

  /**
   * The same network with mounts of its own, which a script makes: what is run here may write
   * elsewhere than it thinks.
   */
  public Namespace withMounts(String script) {
    var words = new ArrayList<>(prefix());
    words.addAll(List.of("unshare", "-m"));
    return new Namespace(keep(words, script), List.of("-n", "-m"));
  }

  private static Process keep(List<String> prefix, String script) {
    var words = new ArrayList<>(prefix);
    words.addAll(List.of("sh", "-ec", script + "\necho ready\nexec sleep 100000"));
    try {
      var process = new ProcessBuilder(words).redirectErrorStream(true).start();
      var said = new String(process.getInputStream().readNBytes("ready\n".length()));
      if (!said.equals("ready\n")) {
        throw new AssertionError(said + new String(process.getInputStream().readAllBytes()));
      }
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public long pid() {
    return keeper.pid();
  }

  /** What a command begins with that runs in it. */
  public List<String> prefix() {
    var words = new ArrayList<>(List.of("nsenter", "-t", Long.toString(pid())));
    words.addAll(flags);
    return words;
  }

  /** Runs a command in it. */
  public Command run(String... command) {
    return run(Map.of(), command);
  }

  public Command run(Map<String, String> environment, String... command) {
    var words = new ArrayList<>(prefix());
    words.addAll(List.of(command));
    return Command.run(environment, LIMIT, words);
  }

  @Override
  public void close() {
    keeper.destroyForcibly();
    try {
      keeper.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
