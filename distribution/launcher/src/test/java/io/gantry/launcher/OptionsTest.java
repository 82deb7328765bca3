package io.gantry.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {

  private static final Path HOME = Path.of("/opt/gantry");

  @Test
  void withoutFlagsTheDefaultsHold() throws StartFailure {
    Options options = Options.parse(HOME, List.of());
    assertEquals(Path.of("/var/lib/gantry"), options.dataRoot());
    assertEquals(Path.of("/run"), options.execRoot());
    assertEquals(Path.of("/opt/gantry/etc"), options.etc());
    assertEquals("info", options.logLevel());
    assertTrue(options.settings().isEmpty());
  }

  @Test
  void flagsBecomeConfigurationAsJson() throws StartFailure {
    Options options =
        Options.parse(
            HOME,
            List.of(
                "--storage-driver=overlay2",
                "--exec-driver=na\"me",
                "--host=unix:///run/a.sock",
                "--host=tcp://127.0.0.1:2375",
                "--group=1000",
                "--favordynmods=true",
                "--log-driver=syslog",
                "--log-opt=syslog-address=udp://127.0.0.1:514",
                "--log-opt=tag=x",
                "--log-level=WARN"));
    assertEquals(
        Map.of(
            "io.gantry.engine/storageDriver", "\"overlay\"",
            "io.gantry.engine/execDriver", "\"na\\\"me\"",
            "io.gantry.engine/logLevel", "\"warn\"",
            "io.gantry.engine/logDriver", "\"syslog\"",
            "io.gantry.engine/logOptions", "[\"syslog-address=udp://127.0.0.1:514\",\"tag=x\"]",
            "io.gantry.engine/favordynmods", "true",
            "io.gantry.rest/group", "\"1000\"",
            "io.gantry.rest/hosts", "[\"unix:///run/a.sock\",\"tcp://127.0.0.1:2375\"]"),
        options.settings());
  }

  @Test
  void whoAsksForLabelsIsToldThatThereAreNone() throws StartFailure {
    assertTrue(Options.parse(HOME, List.of("--selinux-enabled=false")).settings().isEmpty());
    StartFailure failure =
        assertThrows(
            StartFailure.class, () -> Options.parse(HOME, List.of("--selinux-enabled=true")));
    assertEquals(
        "--selinux-enabled is not supported: containers are not labelled for SELinux",
        failure.getMessage());
  }

  @Test
  void flagsOfTlsAreDockerds() throws StartFailure {
    Options options =
        Options.parse(
            HOME, List.of("--tlsverify=true", "--tlscacert=/a/ca.pem", "--tlskey=/a/key.pem"));
    assertEquals(
        Map.of(
            "io.gantry.rest/tlsVerify", "true",
            "io.gantry.rest/tlsCaCert", "\"/a/ca.pem\"",
            "io.gantry.rest/tlsKey", "\"/a/key.pem\""),
        options.settings());
    assertThrows(StartFailure.class, () -> Options.parse(HOME, List.of("--tls=maybe")));
  }

  @Test
  void flagsOfForwardingAreTheBridgeDriversToKnow() throws StartFailure {
    Options options =
        Options.parse(
            HOME, List.of("--ip-forward=false", "--ip-forward-no-drop=true", "--iptables=false"));
    assertEquals(
        Map.of(
            "io.gantry.network.bridge/ipForward", "false",
            "io.gantry.network.bridge/forwardDrop", "false",
            "io.gantry.network.bridge/rules", "false"),
        options.settings());
    assertThrows(
        StartFailure.class, () -> Options.parse(HOME, List.of("--ip-forward-no-drop=maybe")));
  }

  @Test
  void aValueMayHoldAnEqualsSign() throws StartFailure {
    assertEquals(Path.of("/a=b"), Options.parse(HOME, List.of("--data-root=/a=b")).dataRoot());
  }

  @Test
  void anUnknownFlagIsAUsageError() {
    StartFailure failure =
        assertThrows(StartFailure.class, () -> Options.parse(HOME, List.of("--colour=red")));
    assertEquals("unknown flag: --colour", failure.getMessage());
    assertEquals(64, failure.exitCode());
  }

  @ParameterizedTest
  @CsvSource({
    "unix://a.sock, the path of a socket is absolute",
    "unix://, the path of a socket is absolute",
    "foo://x, use unix:///PATH or tcp://HOST:PORT",
    "127.0.0.1:2375, use unix:///PATH or tcp://HOST:PORT",
    "/run/a.sock, use unix:///PATH or tcp://HOST:PORT",
    "tcp://127.0.0.1:65536, bad port 65536",
    "tcp://127.0.0.1:-1, bad port -1",
    "tcp://[::1]:http, bad port http"
  })
  void aWrongAddressIsRefusedBeforeAnythingStarts(String address, String why) {
    StartFailure failure =
        assertThrows(StartFailure.class, () -> Options.parse(HOME, List.of("--host=" + address)));
    assertEquals(
        "invalid argument \"%s\" for --host: %s".formatted(address, why), failure.getMessage());
    assertEquals(64, failure.exitCode());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "unix:///run/a.sock",
        "tcp://",
        "tcp://:2375",
        "tcp://[::1]:2376",
        "tcp://[::1]",
        "tcp://host",
        "TCP://host:65535"
      })
  void anAddressThatCanBeListenedOnIsTaken(String address) throws StartFailure {
    assertEquals(
        "[\"" + address + "\"]",
        Options.parse(HOME, List.of("--host=" + address)).settings().get("io.gantry.rest/hosts"));
  }

  @Test
  void anUnknownLogLevelIsRefusedInDockersWords() {
    StartFailure failure =
        assertThrows(StartFailure.class, () -> Options.parse(HOME, List.of("--log-level=loud")));
    assertTrue(failure.getMessage().startsWith("unable to parse logging level: loud"));
  }

  @Test
  void anEmptyDirectoryIsRefused() {
    assertThrows(StartFailure.class, () -> Options.parse(HOME, List.of("--data-root=")));
  }
}
