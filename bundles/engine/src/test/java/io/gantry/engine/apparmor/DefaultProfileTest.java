package io.gantry.engine.apparmor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With Debian's parser, which needs no kernel with AppArmor to read a profile. */
class DefaultProfileTest {
  private static final Path PARSER = Path.of("/sbin/apparmor_parser");

  private static String parse(String text, String... options) throws Exception {
    assumeTrue(Files.isExecutable(PARSER), "needs the package apparmor");
    var command = new String[options.length + 1];
    command[0] = PARSER.toString();
    System.arraycopy(options, 0, command, 1, options.length);
    var process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    try (var out = process.getOutputStream()) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    assertEquals(0, process.waitFor(), text);
    return output;
  }

  @Test
  void itsNameIsDockers() throws Exception {
    assertEquals("docker-default\n", parse(DefaultProfile.text("unconfined"), "-N"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"unconfined", "/usr/bin/java", "snap.gantry:x+y", "", "a b", "}\"{"})
  void itCompilesWhateverTheEngineIsConfinedBy(String engine) throws Exception {
    assertTrue(parse(DefaultProfile.text(engine), "-K", "-Q", "-S").contains("docker-default"));
  }

  @Test
  void theEngineMaySignal() throws IOException {
    assertTrue(DefaultProfile.text("engine").startsWith("@{ENGINE}=engine\n"));
    assertTrue(DefaultProfile.text("no label {").startsWith("@{ENGINE}=unconfined\n"));
  }
}
