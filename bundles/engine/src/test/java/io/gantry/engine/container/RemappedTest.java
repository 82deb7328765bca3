package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.AttachOptions;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.ExecSpec;
import io.gantry.engine.volume.VolumeService;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import io.gantry.spi.storage.StorageDriver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Containers whose users are others on the host. */
@Tag("root")
@Timeout(120)
class RemappedTest {
  private static final UserMaps FIRST = maps(200_000);
  private static final UserMaps SECOND = maps(400_000);

  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;
  private String kind = "overlay";

  private static UserMaps maps(int from) {
    var lines = List.of("0 " + from + " 1000", "1000 " + (from + 5000) + " 64536");
    return UserMaps.parse(lines, lines);
  }

  @BeforeEach
  void home() throws Exception {
    home = Engines.Home.make(scratch);
    Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void start(UserMaps users) {
    StorageDriver storage =
        kind.equals("overlay")
            ? new LayeredTrees(home.trees(), home.busybox())
            : new LinkedTrees(home.trees(), home.busybox());
    engine = new Engines(home, storage);
    engine.users = users;
  }

  @AfterEach
  void stop() {
    try {
      for (var container : engine.containers.list()) {
        engine.containers.remove(container.id(), true, true);
      }
    } finally {
      engine.close();
      home.destroy();
    }
  }

  private String create(Consumer<Specs> how) {
    return engine.containers.create(Specs.spec(how)).id();
  }

  private String started(Consumer<Specs> how) {
    String id =
        create(
            s -> {
              s.cmd = List.of("sleep", "1000");
              how.accept(s);
            });
    engine.containers.start(id);
    return id;
  }

  private int run(String id) throws Exception {
    var end = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    engine.containers.start(id);
    return end.get(60, TimeUnit.SECONDS).status();
  }

  private String sh(String id, String script) throws Exception {
    var spec =
        new ExecSpec(
            List.of("sh", "-c", script), List.of(), "", "", false, false, true, true, false, "");
    return Engines.text(
        engine.containers.startExec(engine.containers.createExec(id, spec), false, 0, 0));
  }

  private static String owner(Path file) throws IOException {
    return Files.getAttribute(file, "unix:uid") + ":" + Files.getAttribute(file, "unix:gid");
  }

  private void refused(String sentence, Runnable action) {
    String said = assertThrows(GantryException.class, action::run).getMessage();
    assertTrue(said.contains(sentence), said);
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void rootIsNobodyOnTheHost(String storage) throws Exception {
    kind = storage;
    start(FIRST);
    Path host = Files.createDirectories(scratch.resolve("host"));
    Files.writeString(host.resolve("secret"), "secret");
    Files.setPosixFilePermissions(
        host.resolve("secret"), PosixFilePermissions.fromString("rw-------"));
    String id =
        started(
            s -> {
              s.binds = List.of(host + ":/host", "named:/named");
              s.capAdd = List.of("SYS_ADMIN", "SYS_PTRACE");
              s.tmpfs = Map.of("/scratch", "");
            });
    assertEquals(
        "0 200000 1000\n1000 205000 64536\n", sh(id, "tr -s ' ' < /proc/1/uid_map | sed 's/^ //'"));
    assertEquals("no\n", sh(id, "cat /host/secret 2>/dev/null || echo no"));
    assertEquals("no\n", sh(id, "(echo x > /host/new) 2>/dev/null || echo no"));
    assertEquals("no\n", sh(id, "(echo 1 > /proc/sys/vm/swappiness) 2>/dev/null || echo no"));
    assertEquals(
        "no\n",
        sh(
            id,
            "mount -t tmpfs none /proc/sys && echo 1 > /proc/sys/x 2>&1; mknod /d b 8 0 2>/dev/null || echo no"));
    assertEquals(
        "0:0\n0:0\n0:0\n0:0\n65534:65534\n",
        sh(id, "stat -c %u:%g /bin /etc/hosts /dev/shm /scratch /host"));
    assertEquals(
        "", sh(id, "echo x > /named/file && chown 33:1033 /named/file && echo x >> /etc/hosts"));
    Path volume = Path.of(new VolumeService(engine.volumes).inspect("named").path());
    assertEquals("200000:200000", owner(volume));
    assertEquals("200033:205033", owner(volume.resolve("file")));
    long pid = engine.containers.inspect(id).state().pid();
    assertEquals("200000", Files.getAttribute(Path.of("/proc/" + pid), "unix:uid").toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void filesHaveTheContainersNumbersInEveryState(String storage) throws Exception {
    kind = storage;
    start(FIRST);
    String id =
        create(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.binds = List.of("named:/named");
            });
    put(id, "/tmp", "created", 33);
    put(id, "/named", "created", 33);
    engine.containers.start(id);
    put(id, "/tmp", "running", 1033);
    put(id, "/named", "running", 1033);
    assertEquals(
        "33 33 1033 1033 \n",
        sh(
            id,
            "stat -c %u /tmp/created /named/created /tmp/running /named/running | tr '\\n' ' ';"
                + " echo"));
    sh(id, "mkdir /tmp/dir; touch /tmp/dir/mine; chown 44 /tmp/dir/mine; ln -s mine /tmp/dir/link");
    var wanted =
        List.of(
            "tmp/created 33", "tmp/dir 0", "tmp/dir/link 0", "tmp/dir/mine 44", "tmp/running 1033");
    assertEquals(wanted, owners(id, "/tmp"));
    assertEquals(List.of("named/created 33", "named/running 1033"), owners(id, "/named"));
    assertEquals(List.of("hosts 0"), owners(id, "/etc/hosts"));
    refused("Container ID 70000 cannot be mapped to a host ID", () -> put(id, "/etc", "x", 70_000));
    engine.containers.kill(id, "KILL");
    engine.containers.await(id, WaitCondition.NOT_RUNNING).toCompletableFuture().get();
    assertEquals(wanted, owners(id, "/tmp"));
    assertEquals(List.of("named/created 33", "named/running 1033"), owners(id, "/named"));
    assertEquals(List.of("hosts 0"), owners(id, "/etc/hosts"));
  }

  @Test
  void aRunKeepsItsUsersAndTheNextHasThoseOfTheEngine() throws Exception {
    start(FIRST);
    String id = started(s -> s.name = "kept");
    sh(id, "echo x > /tmp/mine");
    engine.close();
    start(SECOND);
    assertEquals("0 200000\n", sh(id, "head -n 1 /proc/self/uid_map | awk '{print $1, $2}'"));
    assertTrue(owners(id, "/tmp").contains("tmp/mine 0"), owners(id, "/tmp").toString());
    String other = started(s -> {});
    refused(
        "cannot join network namespace of container " + id,
        () -> {
          started(s -> s.networkMode = "container:kept");
        });
    engine.containers.kill(id, "KILL");
    engine.containers.await(id, WaitCondition.NOT_RUNNING).toCompletableFuture().get();
    engine.containers.start(id);
    assertEquals(
        "0 400000\n0\n",
        sh(id, "head -n 1 /proc/self/uid_map | awk '{print $1, $2}'; stat -c %u /tmp/mine"));
    String joined =
        started(
            s -> {
              s.networkMode = "container:" + other;
              s.pidMode = "container:" + other;
            });
    assertEquals(
        sh(other, "readlink /proc/self/ns/user"), sh(joined, "readlink /proc/self/ns/user"));
    assertEquals(sh(other, "readlink /proc/self/ns/net"), sh(joined, "readlink /proc/self/ns/net"));
    String plain =
        started(
            s -> {
              s.usernsMode = "host";
              s.networkMode = "host";
            });
    assertEquals("0 0 4294967295\n", sh(plain, "tr -s ' ' < /proc/self/uid_map | sed 's/^ //'"));
    refused("cannot join PID namespace", () -> started(s -> s.pidMode = "container:" + plain));
  }

  @Test
  void whatTakesTheHostsUsersIsRefused() throws Exception {
    start(FIRST);
    refused(
        "privileged mode is incompatible with user namespaces.  You must run the container in the"
            + " host namespace when running privileged mode",
        () -> create(s -> s.privileged = true));
    refused(
        "cannot share the host's network namespace when user namespaces are enabled",
        () -> create(s -> s.networkMode = "host"));
    refused(
        "cannot share the host PID namespace when user namespaces are enabled",
        () -> create(s -> s.pidMode = "host"));
    String id =
        create(
            s -> {
              s.usernsMode = "host";
              s.privileged = true;
              s.cmd = List.of("grep", "-q", "0 *0 *4294967295", "/proc/self/uid_map");
            });
    assertEquals(0, run(id));
    String shared =
        create(
            s -> {
              s.ipcMode = "host";
              s.utsMode = "host";
              s.oomScoreAdj = 77;
              s.user = "33:44";
              s.terminal = true;
              s.init = true;
              s.cmd =
                  List.of(
                      "sh",
                      "-c",
                      "cat /proc/self/oom_score_adj; id -u; stat -c %u $(tty); echo x > $(tty)");
            });
    var stream =
        engine.containers.attach(shared, new AttachOptions(false, true, true, false, true, ""));
    engine.containers.start(shared);
    assertEquals("77\r\n33\r\n33\r\nx\r\n", Engines.text(stream));
  }

  private void put(String id, String path, String name, int owner) {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      var entry = new TarArchiveEntry(name);
      entry.setSize(1);
      entry.setUserId(owner);
      tar.putArchiveEntry(entry);
      tar.write('x');
      tar.closeArchiveEntry();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    engine.containers.write(id, path, new ByteArrayInputStream(bytes.toByteArray()), Set.of());
  }

  /** Names and owners, but for the top. */
  private List<String> owners(String id, String path) throws Exception {
    var bytes = new ByteArrayOutputStream();
    try (var stream = engine.containers.read(id, path).tar()) {
      for (; ; ) {
        var next = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
        if (!next.hasRemaining()) {
          break;
        }
        bytes.write(next.array(), next.arrayOffset() + next.position(), next.remaining());
      }
    }
    var found = new ArrayList<String>();
    try (var tar = new TarArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null; ) {
        String name = entry.getName().replaceAll("/$", "");
        if (name.contains("/") || !entry.isDirectory()) {
          found.add(name + " " + entry.getLongUserId());
        }
      }
    }
    found.sort(null);
    return found;
  }
}
