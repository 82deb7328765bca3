package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A driver's first call may be one that is cancelled; those after it must work all the same. */
class InterruptedStartTest {

  /** Runs in a JVM that has not bound anything yet. */
  static final class Child {
    public static void main(String[] arguments) {
      Thread.currentThread().interrupt();
      try (Dir dir = Dir.open(Path.of(arguments[0]))) {
        dir.mkdir("made", 0777);
      }
      System.exit(Thread.interrupted() ? 0 : 1);
    }
  }

  @Test
  void aFirstCallUnderAnInterruptBreaksNothing(@TempDir Path temp)
      throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName(),
                temp.toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(child.getInputStream().readAllBytes());
    assertTrue(child.waitFor(60, TimeUnit.SECONDS), "it hangs");
    assertEquals(0, child.exitValue(), output);
    assertTrue(Files.isDirectory(temp.resolve("made")));
  }
}
