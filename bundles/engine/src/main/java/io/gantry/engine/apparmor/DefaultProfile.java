package io.gantry.engine.apparmor;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** The profile {@code docker-default}: its text, and its way into the kernel. */
final class DefaultProfile {
  private static final int PATIENCE_SECONDS = 60;

  /** What a variable of a profile takes as it is. */
  private static final Pattern LABEL = Pattern.compile("[\\w./:+-]+");

  private DefaultProfile() {}

  /**
   * The text for apparmor_parser.
   *
   * @param engine the profile that the engine has itself: who signals containers
   */
  static String text(String engine) {
    String label = LABEL.matcher(engine).matches() ? engine : AppArmor.UNCONFINED;
    try (var in = DefaultProfile.class.getResourceAsStream(AppArmor.DEFAULT)) {
      if (in == null) {
        throw new IllegalStateException("no " + AppArmor.DEFAULT + " in this bundle");
      }
      return "@{ENGINE}=" + label + "\n" + new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Loads it, in place of one of that name.
   *
   * @param parser apparmor_parser(8)
   */
  static void load(Path parser, String engine) {
    try {
      var process =
          new ProcessBuilder(parser.toString(), "--skip-cache", "--replace")
              .redirectErrorStream(true)
              .start();
      try {
        try (var out = process.getOutputStream()) { // less than a pipe holds
          out.write(text(engine).getBytes(StandardCharsets.UTF_8));
        }
        finish(process);
      } finally {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      throw failed(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(Kind.CANCELLED, "interrupted", e);
    }
  }

  private static void finish(Process process) throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw failed("apparmor_parser: no end within " + PATIENCE_SECONDS + " s");
    }
    if (process.exitValue() != 0) {
      var words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      throw failed("apparmor_parser: " + words.strip());
    }
  }

  private static GantryException failed(String why) {
    return new GantryException(
        Kind.UNAVAILABLE,
        "AppArmor enabled on system but the "
            + AppArmor.DEFAULT
            + " profile could not be loaded: "
            + why);
  }
}
