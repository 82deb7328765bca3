package io.gantry.itests.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * Clients in some network namespace that ask servers and look names up without a pause, each on its
 * own: a process of its own, since a JVM cannot go into one. Not thread-safe.
 */
public final class Traffic implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int ENOUGH = 5;

  private final Process process;
  private final Writer commands;
  private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final List<String> keys = new ArrayList<>();

  private Traffic(List<String> words) {
    try {
      process = new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    commands = process.outputWriter(StandardCharsets.UTF_8);
    Thread reader = new Thread(this::read, "traffic");
    reader.setDaemon(true);
    reader.start();
  }

  public static Traffic in(Namespace space) {
    return new Traffic(space.words(words()));
  }

  /** In the network namespace of a process. */
  public static Traffic in(long pid) {
    return new Traffic(Namespace.inside(pid, words()));
  }

  private static List<String> words() {
    try {
      Path classes =
          Path.of(Traffic.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      return List.of(
          Path.of(System.getProperty("java.home"), "bin/java").toString(),
          "-XX:TieredStopAtLevel=1",
          "-XX:+UseSerialGC",
          "-Xmx32m",
          "-cp",
          classes.toString(),
          TrafficClient.class.getName());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private void read() {
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    try {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        (line.startsWith("failure ") ? failures : answers).add(line);
      }
    } catch (IOException e) {
      failures.add("failure of the client: " + e);
    }
  }

  /** A connection for each request; the body is to be this and nothing else. */
  public Traffic http(String key, String address, int port, String path, String body) {
    return add(key, "http " + address + " " + port + " " + path + " " + body);
  }

  /** One connection that stays, to who sends back all that he gets. */
  public Traffic echo(String key, String address, int port) {
    return add(key, "echo " + address + " " + port);
  }

  /** Questions for the one address of a name. */
  public Traffic name(String key, String server, String name, String address) {
    return add(key, "name " + server + " " + name + " " + address);
  }

  private Traffic add(String key, String what) {
    ask("add " + key + " " + what);
    keys.add(key);
    return this;
  }

  /** Returns when nobody is at it any more. */
  public void remove(String key) {
    ask("remove " + key);
    keys.remove(key);
  }

  /** What has failed so far, with how long it took. */
  public List<String> failures() {
    return List.copyOf(failures);
  }

  /** Returns when each of the clients was served a few times more, or one has failed. */
  public void awaitMore() {
    for (String key : List.copyOf(keys)) {
      long goal = count(key) + ENOUGH;
      Eventually.within(
          LIMIT, "traffic of " + key, () -> !failures.isEmpty() || count(key) >= goal);
    }
  }

  public long count(String key) {
    return Long.parseLong(ask("count " + key));
  }

  private String ask(String command) {
    try {
      commands.write(command + "\n");
      commands.flush();
      String answer = answers.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
      if (answer == null) {
        throw new AssertionError("no answer to " + command);
      }
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    Eventually.eventually("the clients end", () -> !process.isAlive());
  }
}
