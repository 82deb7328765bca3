package io.gantry.itests.docker;

import static java.nio.file.attribute.PosixFilePermissions.fromString;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Starts that cannot succeed end at once, say why, and leave nothing behind. */
@Tag("root")
@Timeout(300)
class RefusedStartTest {

  @TempDir Path folder;
  private Path dataRoot;
  private Path socket;

  @BeforeEach
  void paths() {
    dataRoot = folder.resolve("data");
    socket = folder.resolve("docker.sock");
  }

  @ParameterizedTest
  @CsvSource({
    "--no-such-flag, unknown flag: --no-such-flag",
    "-x, unknown flag: -x",
    "--log-level=loud, unable to parse logging level: loud",
    "-D=maybe, 'invalid argument \"maybe\" for -D: true or false is expected'",
    "word, '\"gantryd\" accepts no arguments: word'",
    "--group, flag needs an argument: --group",
  })
  void aBadFlagIsAUsageError(String flag, String message) {
    Command refused = gantryd(flag);
    assertEquals(64, refused.exit(), refused::err);
    assertTrue(refused.err().contains(message), refused::err);
    assertNothingWasMade();
  }

  @Test
  void aDataRootThatOthersMayWriteIsRefused() throws IOException {
    Files.createDirectory(dataRoot);
    Files.setPosixFilePermissions(dataRoot, fromString("rwxrwxrwx"));
    Command refused = gantryd();
    assertEquals(77, refused.exit(), refused::err);
    assertTrue(refused.err().contains(dataRoot + " is writable by others"), refused::err);
    assertFalse(Files.exists(dataRoot.resolve("lock")));
    assertFalse(Files.exists(socket));
  }

  @Test
  void aDataRootOfAnotherUserIsRefused() throws IOException {
    Files.createDirectory(dataRoot);
    Files.setAttribute(dataRoot, "unix:uid", 1234);
    Command refused = gantryd();
    assertEquals(77, refused.exit(), refused::err);
    assertTrue(refused.err().contains("belongs to user 1234"), refused::err);
  }

  @Test
  void aFolderOfConfigurationThatIsNotThereIsNamed() {
    Command refused = gantryd("--etc", folder.resolve("nowhere").toString());
    assertEquals(66, refused.exit(), refused::err);
    assertTrue(
        refused.err().contains("no such directory: " + folder.resolve("nowhere")), refused::err);
  }

  @Test
  void aSocketFromOutsideThatIsNotThereIsMissed() {
    Command refused = gantryd("-H", "fd://"); // standard input is a pipe
    assertEquals(66, refused.exit(), refused::err);
    assertTrue(refused.err().contains("-H fd:// needs a listening socket"), refused::err);
    assertNothingWasMade();
  }

  @Test
  void aSocketThatSomebodyListensOnIsInUse() throws IOException {
    try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      other.bind(UnixDomainSocketAddress.of(socket));
      Command refused = gantryd();
      assertEquals(75, refused.exit(), refused::err);
      assertTrue(refused.err().contains(socket + ": in use"), refused::err);
      assertTrue(Files.exists(socket), "the other's socket is still there");
    }
    assertFalse(Files.exists(dataRoot.resolve("lock")));
  }

  @Test
  void aFurtherAddressThatIsTakenEndsTheEngine() throws IOException {
    Path taken = folder.resolve("taken.sock");
    try (ServerSocketChannel unix = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        ServerSocketChannel tcp = ServerSocketChannel.open()) {
      unix.bind(UnixDomainSocketAddress.of(taken));
      tcp.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      int port = tcp.socket().getLocalPort();
      for (String address : List.of("unix://" + taken, "tcp://127.0.0.1:" + port)) {
        Command refused = gantryd("-H", address);
        assertEquals(74, refused.exit(), refused::err);
        assertTrue(refused.err().contains("gantryd: cannot listen on " + address), refused::err);
        assertFalse(refused.err().contains("\tat "), refused::err);
        assertFalse(Files.exists(socket), "the first socket is gone again");
      }
      assertTrue(Files.exists(taken), "the other's socket is still there");
    }
  }

  @Test
  void tcpBeyondLoopbackWithoutCertificatesOfClientsIsRefusedWithTheWaysOut() {
    for (String flag : List.of("--debug=false", "--tls")) {
      Command refused = gantryd("-H", "tcp://0.0.0.0:0", flag);
      assertEquals(74, refused.exit(), refused::err);
      assertTrue(refused.err().contains("would be root on this host"), refused::err);
      assertTrue(refused.err().contains("--tcp-without-authentication"), refused::err);
    }
  }

  @Test
  void aFileOfTlsThatIsNotThereIsNamed() {
    Path none = folder.resolve("none.pem");
    Command refused =
        gantryd("-H", "tcp://127.0.0.1:0", "--tlsverify", "--tlscert", none.toString());
    assertEquals(74, refused.exit(), refused::err);
    assertTrue(
        refused.err().contains("cannot use " + none + ": there is no such file"), refused::err);
  }

  @Test
  void aGroupThatIsNotThereIsNamed() {
    Command refused = gantryd("--group", "no-such-group");
    assertEquals(71, refused.exit(), refused::err);
    assertTrue(refused.err().contains("no-such-group: no such group"), refused::err);
    assertNothingWasMade();
  }

  @Test
  void aSecondEngineOnOneDataRootIsToldThePidOfTheFirst() {
    try (Instance first = Instance.start()) {
      dataRoot = first.dataRoot();
      Command refused = gantryd();
      assertEquals(75, refused.exit(), refused::err);
      assertTrue(
          refused
              .err()
              .contains("already running: the engine with pid " + first.gate().pid() + " has"),
          refused::err);
      first.docker("version").ok();
    }
  }

  @Test
  void aJavaThatIsNotThereIsNamed() {
    Command refused =
        Command.run(
            Map.of("JAVA_HOME", folder.toString()), Duration.ofSeconds(30), words(List.of()));
    assertEquals(66, refused.exit(), refused::err);
    assertTrue(refused.err().contains("JAVA_HOME is " + folder), refused::err);
    assertNothingWasMade();
  }

  private Command gantryd(String... flags) {
    return Command.run(Map.of(), Duration.ofSeconds(30), words(List.of(flags)));
  }

  private List<String> words(List<String> flags) {
    List<String> words = new ArrayList<>();
    words.add(Instance.home().resolve("bin/gantryd").toString());
    words.addAll(List.of("-g", dataRoot.toString(), "-H", "unix://" + socket));
    words.addAll(List.of("--exec-root", folder.resolve("run").toString()));
    words.addAll(flags);
    return words;
  }

  private void assertNothingWasMade() {
    assertEquals(
        0, folder.toFile().list().length, () -> List.of(folder.toFile().list()).toString());
  }
}
