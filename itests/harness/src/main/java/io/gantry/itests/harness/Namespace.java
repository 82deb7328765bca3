package io.gantry.itests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A network namespace with a process that keeps it, which ends with this one: another host, as far
 * as networks go. Or the one that this process is in.
 */
public final class Namespace implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofMinutes(1);

  private final @Nullable Process keeper;
  private final List<String> flags;

  private Namespace(@Nullable Process keeper, List<String> flags) {
    this.keeper = keeper;
    this.flags = flags;
  }

  /** The one that this process is in. */
  public static Namespace ofHost() {
    return new Namespace(null, List.of());
  }

  /** Its loopback interface is up, and has these addresses besides its own. */
  public static Namespace make(String... addresses) {
    var script = new StringBuilder("ip link set lo up");
    for (String address : addresses) {
      script.append("\nip address add ").append(address).append(" dev lo");
    }
    return new Namespace(keep(List.of("unshare", "-n"), script.toString()), List.of("-n"));
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
    words.addAll(List.of("sh", "-ec", script + "\necho ready\nexec cat")); // until its input ends
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

  /** Whether it is another one than this process' own. */
  public boolean isOwn() {
    return keeper != null;
  }

  public long pid() {
    return keeper == null ? ProcessHandle.current().pid() : keeper.pid();
  }

  /** A pair of interfaces between two of them, both called {@code name}. */
  public void wire(Namespace other, String name, String address, String itsAddress) {
    String there = Long.toString(other.pid());
    run("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", there).ok();
    connect(name, address);
    other.connect(name, itsAddress);
  }

  private void connect(String link, String address) {
    run("ip", "address", "add", address, "dev", link).ok();
    run("ip", "link", "set", link, "up").ok();
  }

  /** What {@code /proc/net} is to who is in it. */
  public Path proc() {
    return Path.of("/proc", Long.toString(pid()), "net");
  }

  /** What a command begins with that runs in it. */
  public List<String> prefix() {
    if (keeper == null) {
      return List.of();
    }
    var words = new ArrayList<>(List.of("nsenter", "-t", Long.toString(pid())));
    words.addAll(flags);
    return words;
  }

  /** The command that runs another one in it. */
  public List<String> words(List<String> command) {
    var words = new ArrayList<>(prefix());
    words.addAll(command);
    return words;
  }

  /** The command that runs another one in the network namespace of a process. */
  public static List<String> inside(long pid, List<String> command) {
    var words = new ArrayList<>(List.of("nsenter", "-n", "-t", Long.toString(pid)));
    words.addAll(command);
    return words;
  }

  /** Runs a command in it. */
  public Command run(String... command) {
    return run(Map.of(), command);
  }

  public Command run(Map<String, String> environment, String... command) {
    return Command.run(environment, LIMIT, words(List.of(command)));
  }

  /** Does nothing to this process' own. */
  @Override
  public void close() {
    if (keeper == null) {
      return;
    }
    keeper.destroyForcibly();
    try {
      keeper.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
