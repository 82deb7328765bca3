package io.gantry.itests.attacks;

import io.gantry.itests.harness.Eventually;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Where attacks meet an engine, one after the other. After each: the same process still answers
 * {@code ps} at once, it has not taken hundreds of megabytes or many seconds of a processor, and
 * the host is as it was.
 */
final class Arena implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(120);
  private static final Duration PS = Duration.ofSeconds(20);

  /** How far an attack may drive the engine's memory up: the heap is half a gigabyte at most. */
  private static final long MOST_KILOBYTES = 640 * 1024;

  /** Of processors, not of the clock: how busy the host is does not matter. */
  private static final long MOST_SECONDS = 20;

  private static final int TICKS = 100; // in a second, wherever the kernel tells user space

  private final Subject subject;
  private final Api api;
  private final Canary canary;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            var thread = new Thread(task, "attacker");
            thread.setDaemon(true);
            return thread;
          });

  Arena(Subject subject) {
    this.subject = subject;
    this.api = new Api(subject);
    this.canary = Canary.in(subject.canary());
  }

  Api api() {
    return api;
  }

  Outcome fight(Attack attack) {
    try {
      long pid = subject.pid();
      long before = resident(pid, "VmRSS");
      long ticks = ticks(pid);
      forgetPeak(pid);
      var fight =
          threads.submit(
              () -> {
                attack.body().on(api);
                return true;
              });
      try {
        fight.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        throw new AssertionError("not over after " + LIMIT.toSeconds() + " s", e);
      } catch (ExecutionException e) {
        throw cause(e);
      } finally {
        fight.cancel(true);
        afterwards(pid, before, ticks);
      }
      return Outcome.held(attack.id());
    } catch (AssertionError | Exception e) {
      return Outcome.failed(attack.id(), e);
    }
  }

  /** What the attack found or met; any other error is the test's own, and ends it. */
  private static Exception cause(ExecutionException e) {
    if (e.getCause() instanceof Error error) {
      throw error;
    }
    return (Exception) e.getCause();
  }

  private void afterwards(long pid, long before, long ticks) throws IOException {
    canary.check();
    try (Wire wire = api.wire().patience(subject instanceof Careless ? subject.patience() : PS)) {
      wire.send(Api.request("GET", "/containers/json", ""));
      Reply ps = wire.reply();
      if (ps.status() != 200) {
        throw new AssertionError("ps is answered with " + ps);
      }
    } catch (IOException e) {
      subject.revive();
      if (subject instanceof Careless) {
        throw new AssertionError("ps is not answered", e);
      }
      Eventually.within(LIMIT, "the engine answers again", this::answers);
      throw new AssertionError("ps is not answered: " + e.getMessage(), e);
    }
    if (subject.pid() != pid) {
      throw new AssertionError("the engine has ended and was started again");
    }
    long peak = resident(pid, "VmHWM");
    if (peak - before > MOST_KILOBYTES) {
      throw new AssertionError("took " + (peak - before) / 1024 + " MiB");
    }
    long seconds = (ticks(pid) - ticks) / TICKS;
    if (seconds > MOST_SECONDS && !(subject instanceof Careless)) { // many at once in this process
      throw new AssertionError("took " + seconds + " s of a processor");
    }
  }

  private boolean answers() {
    try (Wire wire = api.wire()) {
      return wire.send(Api.request("GET", "/containers/json", "")).reply().status() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  private static void forgetPeak(long pid) throws IOException {
    Files.writeString(Path.of("/proc/" + pid + "/clear_refs"), "5");
  }

  private static long resident(long pid, String key) throws IOException {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
        if (line.startsWith(key + ":")) {
          return Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
      return 0;
    } catch (NoSuchFileException e) {
      throw new AssertionError("the engine has ended", e);
    }
  }

  /** Of user and kernel. */
  private static long ticks(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
  }

  @Override
  public void close() {
    threads.shutdownNow();
    canary.remove();
    subject.close();
  }
}
