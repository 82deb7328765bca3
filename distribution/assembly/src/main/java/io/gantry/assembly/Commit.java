package io.gantry.assembly;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The commit that is built, as git names it. */
final class Commit {

  private Commit() {}

  /** Twelve digits; {@code unknown} where the sources are no git checkout. */
  static String of(Path sources) throws IOException {
    try {
      Process git =
          new ProcessBuilder("git", "rev-parse", "--short=12", "HEAD")
              .directory(sources.toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      return git.waitFor() == 0 ? said.strip() : "unknown";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while git named the commit", e);
    } catch (IOException e) {
      // No git on this machine: a source archive can be built without it.
      return "unknown";
    }
  }
}
