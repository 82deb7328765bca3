package io.gantry.itests.isolation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@code userns-remap}, with the stock command line: the root of containers is nobody on the host,
 * and files have the container's numbers whichever way they are asked for.
 */
@Tag("root")
class UserNamespacesTest {

  /** A gantryd with accounts and ranges of its own over the host's, which stay as they are. */
  private static final String GANTRYD =
      """
      #!/bin/sh
      [ "$CAGED" ] || CAGED=1 exec unshare --mount --propagation slave "$0" "$@"
      for file in passwd group subuid subgid; do mount --bind "%1$s/etc/$file" "/etc/$file" || exit; done
      exec "%2$s/bin/gantryd" "$@"
      """;

  /** Busybox, and files of user 33 and group 44: {@code /owned}, {@code /data/dir/file}. */
  private static final String IMAGE =
      """
      set -e
      mkdir -p "$0"/root/bin "$0"/root/etc "$0"/root/tmp "$0"/other/data/dir
      cp "$(command -v busybox)" "$0"/root/bin/busybox
      for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "$0/root/bin/$applet"; done
      echo root:x:0:0:root:/root:/bin/sh >"$0"/root/etc/passwd
      echo root:x:0: >"$0"/root/etc/group
      chmod 1777 "$0"/root/tmp
      echo owned >"$0"/other/owned
      echo filled >"$0"/other/data/dir/file
      chmod 600 "$0"/other/owned "$0"/other/data/dir/file
      tar -C "$0"/root --owner=0 --group=0 --numeric-owner -cf "$0"/image.tar .
      tar -C "$0"/other --owner=33 --group=44 --numeric-owner -rf "$0"/image.tar ./owned ./data
      docker import -c 'CMD ["sh"]' "$0"/image.tar remapped:latest
      """;

  /** Owner, group and name of the files in a tar. */
  private static final String LIST =
      " | tar --numeric-owner -tv | grep -v '^d' | tr -s ' ' | cut -d ' ' -f 2,6";

  private static final String MAPS = "cat /proc/self/uid_map /proc/self/gid_map | awk '{$1=$1} 1'";

  @TempDir Path scratch;

  @BeforeEach
  void makeGantrydAndFiles() throws IOException {
    Path etc = Files.createDirectories(scratch.resolve("etc"));
    String account = "dockremap:x:990:";
    Files.writeString(
        etc.resolve("passwd"),
        Files.readString(Path.of("/etc/passwd")) + account + "990::/:/usr/sbin/nologin\n");
    Files.writeString(
        etc.resolve("group"), Files.readString(Path.of("/etc/group")) + account + "\n");
    Files.writeString(
        etc.resolve("subuid"), "dockremap:200000:1000\nother:1:9\ndockremap:250000:64536\n");
    Files.writeString(etc.resolve("subgid"), "dockremap:300000:65536\n");
    Path gantryd = Files.createDirectories(scratch.resolve("home/bin")).resolve("gantryd");
    Files.writeString(gantryd, GANTRYD.formatted(scratch, Instance.home()));
    mode(gantryd, "rwxr-xr-x");
    mode(scratch, "rwxr-xr-x"); // what is not to be read there is so by its own mode
    Files.writeString(scratch.resolve("given"), "given\n");
    Path host = Files.createDirectories(scratch.resolve("host"));
    mode(Files.writeString(host.resolve("secret"), "secret\n"), "rw-------");
  }

  private static void mode(Path file, String mode) throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  @ParameterizedTest
  @ValueSource(strings = {"overlay", "vfs"})
  void rootIsNobodyAndFilesHaveTheContainersNumbers(String storage) throws IOException {
    try (Instance engine =
        Instance.startAt(
            scratch.resolve("home"),
            Files.createTempDirectory("gy"),
            "--userns-remap=default",
            "--storage-driver=" + storage)) {
      host(engine, IMAGE, scratch.resolve("image").toString());
      String told = docker(engine, "info -f", "{{.SecurityOptions}}");
      assertTrue(told.contains("name=userns"), told);
      docker(engine, "create --name web -v named:/data -v", volume(), "remapped sleep 1000");
      docker(engine, "cp", given(), "web:/tmp/created");
      docker(engine, "start web");
      usersAreOthersOnTheHost(engine);
      filesKeepTheirOwners(engine);
      takenOutTheyHaveThemToo(engine);
      itGoesOnWithoutItsEngine(engine);
      oneMayHaveTheHostsUsers(engine);
    }
  }

  private String volume() {
    return scratch.resolve("host") + ":/host";
  }

  private String given() {
    return scratch.resolve("given").toString();
  }

  private static void usersAreOthersOnTheHost(Instance engine) throws IOException {
    assertEquals("0 200000 1000\n1000 250000 64536\n0 300000 65536", inside(engine, MAPS));
    String pid = docker(engine, "inspect -f {{.State.Pid}} web");
    assertEquals(200_000, Files.getAttribute(Path.of("/proc", pid), "unix:uid"));
    assertEquals(
        List.of("PID UID GID COMMAND", pid + " 200000 300000 sleep 1000"),
        docker(engine, "top web -o pid,uid,gid,args")
            .lines()
            .map(line -> line.strip().replaceAll(" +", " "))
            .toList());
    assertEquals("33:44", docker(engine, "exec -u 33:44 web sh -c", "echo $(id -u):$(id -g)"));
    assertEquals("65534:65534 600", inside(engine, "stat -c '%u:%g %a' /host/secret"));
    refused(engine, "cat /host/secret", "Permission denied");
    refused(engine, "echo x >/host/new", "Permission denied");
    refused(engine, "chmod 644 /host/secret", "Operation not permitted");
    refused(engine, "mknod /tmp/disk b 8 0", "Operation not permitted");
    refused(engine, "echo 1 >/proc/sys/vm/swappiness", "");
  }

  /** In the image, in a layer above it, in a volume that was filled from it, and copied in. */
  private void filesKeepTheirOwners(Instance engine) throws IOException {
    assertEquals(
        "33:44 600 /owned\n33:44 600 /data/dir/file\n0:0 644 /tmp/created",
        owners(engine, "/owned /data/dir/file /tmp/created"));
    Path filled = Path.of(docker(engine, "volume inspect -f {{.Mountpoint}} named"), "dir/file");
    assertEquals(200_033, Files.getAttribute(filled, "unix:uid"));
    assertEquals(300_044, Files.getAttribute(filled, "unix:gid"));
    inside(engine, "echo more >>/owned; chown 1033:44 /tmp/created; echo mine >/tmp/mine");
    docker(engine, "cp", given(), "web:/tmp/running");
    docker(engine, "cp", given(), "web:/data/running");
    assertEquals(
        "33:44 600 /owned\n1033:44 644 /tmp/created\n0:0 644 /tmp/mine\n0:0 644 /tmp/running\n"
            + "0:0 644 /data/running",
        owners(engine, "/owned /tmp/created /tmp/mine /tmp/running /data/running"));
  }

  private static void takenOutTheyHaveThemToo(Instance engine) {
    assertEquals("33/44 owned", host(engine, "docker cp web:/owned -" + LIST));
    assertEquals("33/44 dir/file", host(engine, "docker cp web:/data/dir -" + LIST));
    assertEquals(
        "1033/44 tmp/created\n0/0 tmp/mine\n0/0 tmp/running",
        host(engine, "docker cp web:/tmp -" + LIST + " | sort -k 2"));
    String exported = host(engine, "docker export web" + LIST);
    for (String file : List.of("33/44 owned", "1033/44 tmp/created", "0/0 bin/busybox")) {
      assertTrue(exported.lines().anyMatch(file::equals), exported);
    }
    docker(engine, "commit web committed");
    String printed = "stat -c '%u:%g' /owned /tmp/created /tmp/mine; cat /owned";
    assertEquals(
        "33:44\n1033:44\n0:0\nowned\nmore",
        docker(engine, "run --rm --network none committed sh -c", printed));
  }

  private void itGoesOnWithoutItsEngine(Instance engine) {
    String pid = docker(engine, "inspect -f {{.State.Pid}} web");
    ProcessHandle former = engine.engine();
    former.destroyForcibly();
    Eventually.eventually("the engine is killed", () -> !former.isAlive());
    engine.awaitAnswer();
    assertNotEquals(former.pid(), engine.engine().pid());
    assertEquals(pid, docker(engine, "inspect -f {{.State.Pid}} web"));
    assertEquals("0 200000 1000\n1000 250000 64536\n0 300000 65536", inside(engine, MAPS));
    docker(engine, "cp", given(), "web:/tmp/adopted");
    assertEquals("0:0 644 /tmp/adopted", owners(engine, "/tmp/adopted"));
    assertEquals("33/44 owned", host(engine, "docker cp web:/owned -" + LIST));
    docker(engine, "restart -t 0 web");
    assertEquals(
        "33:44 600 /owned\n1033:44 644 /tmp/created\n0:0 644 /tmp/adopted\n33:44 600 /data/dir/file",
        owners(engine, "/owned /tmp/created /tmp/adopted /data/dir/file"));
    docker(engine, "stop -t 0 web");
    assertEquals("33/44 owned", host(engine, "docker cp web:/owned -" + LIST));
  }

  private void oneMayHaveTheHostsUsers(Instance engine) {
    Command privileged = engine.docker("run", "--rm", "--privileged", "remapped", "true");
    assertTrue(
        privileged.err().contains("privileged mode is incompatible with user namespaces"),
        privileged.toString());
    String printed = MAPS + "; stat -c '%u:%g' /owned /tmp/created; cat /host/secret";
    assertEquals(
        "0 0 4294967295\n0 0 4294967295\n33:44\n1033:44\nsecret",
        docker(engine, "run --rm --userns host -v", volume(), "committed sh -c", printed));
  }

  private static String owners(Instance engine, String files) {
    return inside(engine, "stat -c '%u:%g %a %n' " + files);
  }

  private static void refused(Instance engine, String script, String why) {
    Command command = engine.docker("exec", "web", "sh", "-c", script);
    assertNotEquals(0, command.exit(), script);
    assertTrue(command.err().contains(why), command.toString());
  }

  private static String inside(Instance engine, String script) {
    return docker(engine, "exec web sh -c", script);
  }

  /** Words of docker's; every other argument is one as it is. */
  private static String docker(Instance engine, String... words) {
    var all = new ArrayList<String>();
    for (int i = 0; i < words.length; i++) {
      all.addAll(i % 2 == 0 ? List.of(words[i].split(" ")) : List.of(words[i]));
    }
    return engine.docker(all.toArray(String[]::new)).ok();
  }

  /** A script of the host's with a docker that talks to the engine. */
  private static String host(Instance engine, String script, String... arguments) {
    var words = new ArrayList<>(List.of("bash", "-o", "pipefail", "-c", script));
    words.addAll(List.of(arguments));
    return Command.run(engine.environment(), Duration.ofSeconds(60), words).ok();
  }
}
