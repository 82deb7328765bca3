package io.gantry.itests.attacks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What other users of the host, and containers in its network, can reach of the engine. */
@Tag("root")
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostTest {

  private static final int NOBODY = 65534;

  private Gantry gantry;
  private Instance engine;
  private String container;

  @BeforeAll
  void open() throws IOException {
    gantry = new Gantry();
    engine = gantry.instance();
    Api api = new Api(gantry);
    Images.make(api);
    container =
        api.created(BodyAttacks.config("Cmd", List.of("/probe", "sleep"), ".NetworkMode", "host"));
    api.start(container);
    Files.setPosixFilePermissions( // of mkdtemp; as /var/lib is
        engine.scratch(), java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterAll
  void close() {
    gantry.close();
  }

  /** Runs a line as a user without rights; its exit code. */
  private Command asNobody(String line) {
    return Command.run(
        Map.of(),
        Duration.ofSeconds(60),
        List.of(
            "setpriv",
            "--reuid",
            "" + NOBODY,
            "--regid",
            "" + NOBODY,
            "--clear-groups",
            "sh",
            "-c",
            line));
  }

  /** CVE-2014-3499. */
  @Test
  void theSocketIsNotEverybodys() {
    assertEquals(
        7, asNobody("curl -sS --unix-socket " + engine.socket() + " http://d/_ping").exit());
  }

  /** CVE-2021-41091, CVE-2021-41103, CVE-2024-25621. */
  @Test
  void nobodyReachesFilesOfContainers() {
    for (Path root : List.of(engine.dataRoot(), engine.scratch().resolve("run"))) {
      Command found = asNobody("find " + root + " -mindepth 2 2>/dev/null | head -1");
      assertEquals("", found.out(), () -> "seen by a user without rights: " + found.out());
    }
  }

  /** CVE-2014-0047 class: nothing of the engine's may be swapped by others. */
  @Test
  void nothingIsWritableByOthers() throws IOException {
    var writable = new ArrayList<Path>();
    for (Path root : List.of(engine.dataRoot(), engine.scratch().resolve("run"))) {
      try (Stream<Path> files = Files.walk(root)) {
        files
            .filter(file -> !file.toString().contains("/trees/")) // those are the image's
            .filter(file -> !Files.isSymbolicLink(file))
            .filter(HostTest::othersMayWrite)
            .forEach(writable::add);
      }
    }
    assertEquals(List.of(), writable);
  }

  private static boolean othersMayWrite(Path file) {
    try {
      return Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS)
          .contains(PosixFilePermission.OTHERS_WRITE);
    } catch (IOException gone) {
      return false;
    }
  }

  /** CVE-2020-15257: a container in the host's network would reach it. */
  @Test
  void noSocketHasAnAbstractName() throws IOException {
    List<Long> own = own();
    for (String line : Files.readAllLines(Path.of("/proc/net/unix"))) {
      if (line.contains(" @")) {
        long inode = Long.parseLong(line.trim().split("\\s+")[6]);
        assertFalse(own.contains(inode), line);
      }
    }
  }

  /** CVE-2025-9074, and JMX: nothing listens on TCP that was not asked for. */
  @Test
  void nothingListensOnTcp() throws IOException {
    List<Long> own = own();
    for (String table : List.of("tcp", "tcp6", "udp", "udp6")) {
      for (String line : Files.readAllLines(Path.of("/proc/net/" + table))) {
        String[] parts = line.trim().split("\\s+");
        if (parts[0].endsWith(":") && own.contains(Long.parseLong(parts[9]))) {
          throw new AssertionError(table + ": " + line);
        }
      }
    }
  }

  /** Inodes of the sockets of the engine and its helpers. */
  private List<Long> own() throws IOException {
    var inodes = new ArrayList<Long>();
    var processes = new ArrayList<ProcessHandle>(List.of(engine.gate(), engine.engine()));
    ProcessHandle.allProcesses()
        .filter(process -> process.info().command().filter(c -> c.contains("memfd:")).isPresent())
        .forEach(processes::add);
    assertTrue(processes.size() > 2, "no helper was found");
    for (ProcessHandle process : processes) {
      String[] files = new java.io.File("/proc/" + process.pid() + "/fd").list();
      for (String file : files == null ? new String[0] : files) {
        try {
          String link =
              Files.readSymbolicLink(Path.of("/proc/" + process.pid() + "/fd/" + file)).toString();
          if (link.startsWith("socket:[")) {
            inodes.add(Long.parseLong(link.replaceAll("[^0-9]", "")));
          }
        } catch (IOException closed) {
          // it was there a moment ago
        }
      }
    }
    return inodes;
  }

  /** CVE-2016-3427 class: who may attach to the JVM is root. */
  @Test
  void nobodyAttachesToTheJvm() {
    Command attached = asNobody("jcmd " + engine.engine().pid() + " VM.version");
    assertTrue(attached.exit() != 0, attached.out());
    Command.run(
            Map.of(),
            Duration.ofSeconds(60),
            List.of("jcmd", "" + engine.engine().pid(), "VM.version"))
        .ok(); // root does
  }

  /** CVE-2019-5736: the runtime's program is sealed. */
  @Test
  void theHelpersProgramCannotBeWritten() {
    long sealed =
        ProcessHandle.allProcesses()
            .filter(
                process -> process.info().command().filter(c -> c.contains("memfd:")).isPresent())
            .peek(
                process ->
                    assertTrue(
                        Command.run(
                                    Map.of(),
                                    Duration.ofSeconds(30),
                                    List.of("sh", "-c", "exec 3>>/proc/" + process.pid() + "/exe"))
                                .exit()
                            != 0,
                        () -> "the program of " + process.pid() + " can be opened for writing"))
            .count();
    assertTrue(sealed > 0, "no helper was found");
  }

  /** Configuration that is no file, or no end of one, neither hangs nor fills the engine. */
  @Test
  void aFifoAmongTheConfigurationHangsNobody() throws IOException {
    Path etc = Files.createDirectory(engine.scratch().resolve("etc"));
    Command.run(Map.of(), Duration.ofSeconds(60), List.of("mkfifo", etc + "/io.gantry.rest.json"))
        .ok();
    Files.createSymbolicLink(etc.resolve("io.gantry.jmx.json"), Path.of("/dev/zero"));
    Files.writeString(etc.resolve("io.gantry.engine.json"), "{\"a\":" + "[".repeat(200_000));
    try (Instance other = Instance.start("--etc", etc.toString())) {
      other.docker("ps").ok();
      Eventually.eventually(
          "the log names each",
          () ->
              Stream.of("rest.json", "jmx.json", "engine.json")
                  .allMatch(name -> other.log().contains(name)));
    }
  }
}
