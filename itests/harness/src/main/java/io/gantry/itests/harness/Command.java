package io.gantry.itests.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A command that has ended.
 *
 * @param exit its exit code
 * @param out standard output, as UTF-8
 * @param err standard error, as UTF-8
 */
public record Command(int exit, String out, String err) {

  /** Runs a command with nothing on standard input; fails when it takes longer than the limit. */
  public static Command run(Map<String, String> environment, Duration limit, List<String> words) {
    return run(environment, limit, words, new byte[0]);
  }

  /** Runs a command with {@code input} on standard input. */
  public static Command run(
      Map<String, String> environment, Duration limit, List<String> words, byte[] input) {
    try {
      ProcessBuilder builder = new ProcessBuilder(words);
      builder.environment().putAll(environment);
      Process process = builder.start();
      var out = CompletableFuture.supplyAsync(() -> text(process.getInputStream()));
      var err = CompletableFuture.supplyAsync(() -> text(process.getErrorStream()));
      try (var stdin = process.getOutputStream()) {
        stdin.write(input);
      } catch (IOException e) {
        // The command ended without reading all of it: its own business.
      }
      if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new AssertionError("not done after " + limit + ": " + words);
      }
      return new Command(process.exitValue(), out.join(), err.join());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while running " + words, e);
    }
  }

  /** Standard output, stripped; fails when the command did. */
  public String ok() {
    if (exit != 0) {
      throw new AssertionError("exit code " + exit + ": " + err + out);
    }
    return out.strip();
  }

  private static String text(InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
