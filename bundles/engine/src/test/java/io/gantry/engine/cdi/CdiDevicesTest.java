package io.gantry.engine.cdi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.HostSpec.DriverRequest;
import io.gantry.engine.spec.CdiEdits;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CdiDevicesTest {
  @TempDir Path folder;

  private static final String FILE =
      """
      {"cdiVersion": "0.6.0", "kind": "vendor.com/net", "containerEdits": {"env": ["ALL=1"]},
       "devices": [
        {"name": "one", "containerEdits": {
          "env": ["ONE=1"], "additionalGids": [44],
          "deviceNodes": [
            {"path": "/dev/vendor/zero", "hostPath": "/dev/zero", "permissions": "r",
             "fileMode": 384, "uid": 7, "gid": 8},
            {"path": "/dev/null"}],
          "mounts": [{"hostPath": "/usr/lib/x.so", "containerPath": "/lib/x.so",
                      "options": ["ro", "nosuid", "bind"]}]}},
        {"name": "two", "containerEdits": {"env": ["TWO=1"]}},
        {"name": "hook", "containerEdits": {"hooks": [
          {"hookName": "createContainer", "path": "/bin/true"}]}}]}
      """;

  private static DriverRequest cdi(String... names) {
    return new DriverRequest("cdi", 0, List.of(names), List.of(), Map.of());
  }

  private CdiEdits edits(DriverRequest... requests) {
    return new CdiDevices(List.of(folder, folder.resolve("later"))).edits(List.of(requests));
  }

  private void refused(String sentence, DriverRequest request) {
    var e = assertThrows(GantryException.class, () -> edits(request));
    assertEquals(sentence, e.getMessage());
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
  }

  @Test
  void whatAFileDescribesComesTogether() throws IOException {
    write(folder.resolve("vendor.json"), FILE);
    var edits = edits(cdi("vendor.com/net=one"), cdi("vendor.com/net=two", "vendor.com/net=one"));
    assertEquals(List.of("ONE=1", "TWO=1", "ALL=1"), edits.env());
    assertEquals(List.of("44"), edits.groups());
    assertEquals(List.of("c 1:5 r", "c 1:3 rwm"), edits.rules());
    var zero = edits.devices().get(0);
    assertEquals("/dev/vendor/zero c 1:5", zero.path() + " c " + zero.major() + ":" + zero.minor());
    assertEquals(
        "600 7:8", Integer.toOctalString(zero.mode()) + " " + zero.uid() + ":" + zero.gid());
    assertEquals(
        List.of(new Mount("bind", "/usr/lib/x.so", "/lib/x.so", List.of("ro", "nosuid"))),
        edits.mounts());
  }

  @Test
  void whoAsksForNothingReadsNothing() {
    assertSame(CdiEdits.NONE, edits());
    assertSame(CdiEdits.NONE, edits(cdi()));
  }

  @Test
  void whatThereIsNotIsSaidInDockersWords() throws IOException {
    write(folder.resolve("vendor.json"), FILE);
    refused(
        "CDI device injection failed: unresolvable CDI devices vendor.com/net=three, x",
        cdi("vendor.com/net=three", "vendor.com/net=one", "x"));
    refused(
        "could not select device driver \"\" with capabilities: [[gpu nvidia] [x]]",
        new DriverRequest(
            "", -1, List.of(), List.of(List.of("gpu", "nvidia"), List.of("x")), Map.of()));
    refused(
        "unexpected count in CDI device request",
        new DriverRequest("cdi", 1, List.of("a"), List.of(), Map.of()));
    refused(
        "unexpected options in CDI device request",
        new DriverRequest("cdi", 0, List.of("a"), List.of(), Map.of("a", "b")));
    refused(
        "CDI device injection failed: hooks are not supported (vendor.com/net=hook)",
        cdi("vendor.com/net=hook"));
  }

  @Test
  void theLaterFolderCountsAndTwoOfOneContradictEachOther() throws IOException {
    write(folder.resolve("a.json"), FILE);
    write(folder.resolve("later/b.json"), FILE.replace("TWO=1", "TWO=later"));
    assertEquals(List.of("TWO=later", "ALL=1"), edits(cdi("vendor.com/net=two")).env());
    write(folder.resolve("later/c.json"), FILE);
    refused(
        "CDI device injection failed: unresolvable CDI devices vendor.com/net=two",
        cdi("vendor.com/net=two"));
  }

  @Test
  void yamlIsRead() throws IOException {
    write(
        folder.resolve("vendor.yaml"),
        """
        cdiVersion: "0.6.0"
        kind: vendor.com/net
        devices:
        - name: one
          containerEdits:
            env: [ONE=1]
        - name: "2"
          containerEdits:
            env:
            - "TWO=2"
        containerEdits:
          env:
            - ALL=1
        """);
    assertEquals(List.of("ONE=1", "ALL=1"), edits(cdi("vendor.com/net=one")).env());
    assertEquals(List.of("TWO=2", "ALL=1"), edits(cdi("vendor.com/net=2")).env());
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "--- {}\n--- {}", "kind: !!java.net.URL [\"file:///\"]"})
  void yamlThatIsWrongKeepsNobodyFromTheOthers(String text) throws IOException {
    write(folder.resolve("a.yaml"), text);
    write(folder.resolve("b.json"), FILE.replace("net", "disk"));
    assertEquals(List.of("TWO=1", "ALL=1"), edits(cdi("vendor.com/disk=two")).env());
  }

  @Test
  void aFileThatOthersMayWriteDoesNotCount() throws IOException {
    write(folder.resolve("vendor.json"), FILE);
    Files.setPosixFilePermissions(
        folder.resolve("vendor.json"), PosixFilePermissions.fromString("rw-rw-r--"));
    refused(
        "CDI device injection failed: unresolvable CDI devices vendor.com/net=one",
        cdi("vendor.com/net=one"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[]",
        "{\"cdiVersion\":\"9\",\"kind\":\"vendor.com/net\",\"devices\":[{\"name\":\"one\"}]}",
        "{\"cdiVersion\":\"0.6.0\",\"kind\":\"net\",\"devices\":[{\"name\":\"one\"}]}",
        "{\"cdiVersion\":\"0.6.0\",\"kind\":\"vendor.com/net\",\"devices\":[{\"name\":\"one\"},{\"name\":\"one\"}]}"
      })
  void aFileThatIsWrongKeepsNobodyFromTheOthers(String text) throws IOException {
    write(folder.resolve("a.json"), text);
    write(folder.resolve("b.json"), FILE.replace("net", "disk"));
    assertEquals(List.of("TWO=1", "ALL=1"), edits(cdi("vendor.com/disk=two")).env());
    refused(
        "CDI device injection failed: unresolvable CDI devices vendor.com/net=one",
        cdi("vendor.com/net=one"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"env\":[\"=x\"]}",
        "{\"env\":[\"A\"]}",
        "{\"deviceNodes\":[{\"path\":\"null\"}]}",
        "{\"deviceNodes\":[{\"path\":\"/dev/no/such\"}]}",
        "{\"deviceNodes\":[{\"path\":\"/etc\"}]}",
        "{\"deviceNodes\":[{\"path\":\"/dev/null\",\"permissions\":\"x\"}]}",
        "{\"deviceNodes\":[{\"path\":\"/dev/null\",\"uid\":4294967296}]}",
        "{\"mounts\":[{\"hostPath\":\"a\",\"containerPath\":\"/a\"}]}",
        "{\"mounts\":[{\"hostPath\":\"/a\",\"containerPath\":\"/a\",\"type\":\"ext4\"}]}",
        "{\"additionalGids\":[-1]}",
        "{\"intelRdt\":{}}"
      })
  void editsThatCannotBeMadeAreRefused(String edits) throws IOException {
    write(
        folder.resolve("a.json"),
        "{\"cdiVersion\":\"0.6.0\",\"kind\":\"a/b\",\"devices\":[{\"name\":\"c\",\"containerEdits\":"
            + edits
            + "}]}");
    var e = assertThrows(GantryException.class, () -> edits(cdi("a/b=c")));
    assertTrue(e.getMessage().startsWith("CDI device injection failed: "), e.getMessage());
  }
}
