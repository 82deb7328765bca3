package io.gantry.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChangesTest {

  private static RunConfig apply(String... lines) {
    return Changes.apply(RunConfig.EMPTY, List.of(lines));
  }

  @Test
  void commandsAreJsonOrALineForTheShell() {
    assertEquals(
        List.of("sh", "-c", "echo $A $PWD"), apply("CMD [\"sh\", \"-c\", \"echo $A $PWD\"]").cmd());
    assertEquals(List.of("/bin/sh", "-c", "echo \"a b\""), apply("cmd echo \"a b\"").cmd());
    assertEquals(List.of(), apply("CMD []").cmd());
    assertEquals(List.of("/x"), apply("ENTRYPOINT [\"/x\"]").entrypoint());
    assertNull(apply("ENTRYPOINT []").entrypoint());
  }

  @Test
  void aNewEntrypointForgetsAnInheritedCommand() {
    RunConfig base = apply("CMD x");
    assertNull(Changes.apply(base, List.of("ENTRYPOINT y")).cmd());
    assertEquals(List.of("z"), Changes.apply(base, List.of("CMD [\"z\"]", "ENTRYPOINT y")).cmd());
  }

  @Test
  void variablesArePairsOrTheRestOfTheLine() {
    assertEquals(List.of("A=1"), apply("ENV A=1").env());
    assertEquals(
        List.of("A=1", "B=x y", "C=x y", "D=a b"),
        apply("ENV A=1 B='x y' C=x\\ y D=\"a b\"").env());
    assertEquals(List.of("A=b c  d"), apply("ENV A b c  d").env());
    assertEquals(List.of("A=2"), apply("ENV A=1", "ENV A=2").env());
    assertEquals(
        List.of("A=1", "B=1-$A-x-", "C=1y"),
        apply("ENV A=1", "ENV B=${A}-'$A'-${X:-x}-$X C=${A:+1y}").env());
  }

  @Test
  void theOthersAreTakenOver() {
    RunConfig config =
        apply(
            "LABEL k=v \"a b\"=\"c d\"",
            "EXPOSE 80 53/udp 8000-8002",
            "VOLUME /a /b\nVOLUME [\"/c\"]",
            "USER 1000:users",
            "WORKDIR /a\nWORKDIR b/../c",
            "STOPSIGNAL SIGQUIT",
            "ONBUILD RUN x",
            "# a comment",
            "");
    assertEquals(Map.of("k", "v", "a b", "c d"), config.labels());
    assertEquals(
        List.of("53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"), config.exposedPorts());
    assertEquals(List.of("/a", "/b", "/c"), config.volumes());
    assertEquals("1000:users", config.user());
    assertEquals("/a/c", config.workingDir());
    assertEquals("SIGQUIT", config.stopSignal());
    assertEquals(List.of("RUN x"), config.onBuild());
  }

  @Test
  void healthchecksHaveOptions() {
    assertEquals("{\"Test\":[\"NONE\"]}", apply("HEALTHCHECK NONE").healthcheck());
    assertEquals(
        "{\"Interval\":90000000000,\"Timeout\":500000000,\"Retries\":3,\"Test\":[\"CMD-SHELL\",\"curl x || exit 1\"]}",
        apply("HEALTHCHECK --interval=1m30s --timeout=0.5s --retries=3 CMD curl x || exit 1")
            .healthcheck());
    assertEquals("{\"Test\":[\"CMD\",\"/x\"]}", apply("HEALTHCHECK CMD [\"/x\"]").healthcheck());
  }

  @ParameterizedTest
  @CsvSource({
    "FROM x, FROM is not a valid change command",
    "run x, run is not a valid change command",
    "ENV, ENV requires at least one argument",
    "ENV A, ENV must have two arguments",
    "LABEL =x, LABEL names can not be blank",
    "ENV A=1 B, 'Syntax error - can''t find = in \"B\". Must be of the form: name=value'",
    "EXPOSE x, invalid containerPort: x",
    "EXPOSE 70000, invalid containerPort: 70000",
    "EXPOSE 9-1, invalid containerPort: 9-1",
    "USER, USER requires exactly one argument",
    "STOPSIGNAL SIGNOPE, invalid signal: SIGNOPE",
    "STOPSIGNAL 65, invalid signal: 65",
    "ONBUILD FROM x, FROM isn't allowed as an ONBUILD trigger",
    "ONBUILD ONBUILD x, Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
    "HEALTHCHECK RUN x, 'Unknown type \"RUN\" in HEALTHCHECK (try CMD)'",
    "HEALTHCHECK --bogus=1 CMD x, unknown flag: bogus",
    "HEALTHCHECK --interval=soon CMD x, 'invalid duration \"soon\"'",
    "CMD, CMD requires at least one argument"
  })
  void errorsAreDockers(String line, String message) {
    var e = assertThrows(GantryException.class, () -> apply(line));
    assertEquals(Kind.INVALID, e.kind());
    assertEquals(message, e.getMessage());
  }

  @Test
  void doublingVariablesAreStopped() {
    String[] lines = new String[40];
    lines[0] = "ENV A=xxxxxxxxxx";
    java.util.Arrays.fill(lines, 1, 40, "ENV A=$A$A");
    assertThrows(GantryException.class, () -> apply(lines));
  }

  @Test
  void variablesThatDoubleEachOtherDoNotFillTheMemory() {
    StringBuilder lines = new StringBuilder("ENV A0=" + "x".repeat(1000));
    for (int i = 1; i < 10; i++) {
      lines.append("\nENV A").append(i).append("=$A").append(i - 1).append("$A").append(i - 1);
    }
    for (int i = 0; i < 100; i++) {
      lines.append("\nENV B").append(i).append("=$A9");
    }
    var e =
        assertThrows(
            GantryException.class, () -> Changes.apply(RunConfig.EMPTY, List.of(lines.toString())));
    assertTrue(e.getMessage().contains("too much text"), e.getMessage());
  }
}
