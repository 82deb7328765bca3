package io.gantry.itests.docker;

import static io.gantry.itests.harness.Eventually.eventually;
import static io.gantry.itests.harness.Eventually.within;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A data root on a small disk of its own, which gets full, or read-only. */
@Tag("root")
@Timeout(300)
class FullDiskTest {

  private static final String FULL = "no space left on device";
  private static final Pattern LOSS =
      Pattern.compile("\\[gantry: (\\d+) log lines? w\\w+ lost: " + FULL + "\\]");

  @TempDir Path folder;
  private Instance engine;

  @BeforeEach
  void startOnASmallDisk() {
    engine = Instance.start();
    engine.stop();
    mount("-t", "tmpfs", "-o", "size=40m,mode=0710", "tmpfs", disk().toString());
    engine.startAgain();
    engine.importBusybox();
  }

  @AfterEach
  void unmount() {
    for (String id : engine.docker("ps", "-aq").ok().lines().toList()) {
      engine.docker("rm", "-f", id).ok();
    }
    engine.stop();
    engine.forgetNetworks();
    command("umount", disk().toString());
    engine.close(); // on the data root of the first start, below the mount
  }

  private Path disk() {
    return engine.dataRoot();
  }

  private static void mount(String... words) {
    List<String> all = new ArrayList<>(List.of("mount"));
    all.addAll(List.of(words));
    command(all.toArray(String[]::new));
  }

  private static void command(String... words) {
    Command.run(Map.of(), Duration.ofSeconds(60), List.of(words)).ok();
  }

  private void fill() throws IOException {
    byte[] page = new byte[4096];
    try (OutputStream out = Files.newOutputStream(disk().resolve("ballast"))) {
      while (true) {
        out.write(page);
      }
    } catch (IOException e) {
      assertTrue(e.getMessage().contains("No space left"), e.getMessage());
    }
  }

  private void refused(String... words) {
    Command refused = engine.docker(words);
    assertNotEquals(0, refused.exit(), () -> String.join(" ", words) + ": " + refused.out());
    assertTrue(refused.err().contains(FULL), refused.err());
  }

  private String state(String name) {
    return engine.docker("inspect", "-f", "{{.State.Status}}", name).ok();
  }

  private String pid(String name) {
    return engine.docker("inspect", "-f", "{{.State.Pid}}", name).ok();
  }

  @Test
  void aFullDiskCanBeCleanedUpAndNoContainerEndsByIt() throws IOException {
    String counting = "i=0; while :; do i=$((i+1)); echo $i; usleep 10000; done";
    engine.docker("run", "-d", "--name", "counts", "busybox", "sh", "-c", counting).ok();
    engine.docker("run", "-d", "--name", "quiet", "busybox", "sleep", "1000").ok();
    engine.docker("run", "-d", "--name", "third", "busybox", "sleep", "1000").ok();
    engine.docker("run", "--name", "over", "busybox", "true").ok();
    engine.docker("run", "--name", "second", "busybox", "true").ok();
    engine.docker("tag", "busybox", "other:1").ok();
    within(
        Duration.ofSeconds(60),
        "space is reserved",
        () -> disk().resolve("reserve").toFile().length() == 4 << 20);
    String counts = pid("counts");
    fill();

    refused("create", "busybox", "true");
    refused("tag", "busybox", "more:1");
    refused("rename", "over", "done");
    refused("update", "--restart", "always", "over");
    assertEquals("in", engine.docker("exec", "quiet", "echo", "in").ok());
    assertTrue(engine.docker("logs", "counts").ok().startsWith("1\n2\n3\n"));
    engine.docker("stop", "-t", "1", "quiet").ok();
    assertEquals("exited", state("quiet"));

    long jvm = engine.engine().pid();
    command("kill", "-9", Long.toString(jvm));
    within(
        Duration.ofSeconds(40),
        "the gate starts it again",
        () -> engine.docker("ps", "-a", "--format", "{{.Names}}").out().contains("counts"));
    assertEquals(counts, pid("counts"));
    engine.stop();
    engine.startAgain();
    assertEquals(counts, pid("counts"));
    assertEquals("exited", state("quiet"));
    refused("create", "busybox", "true");
    engine.docker("stop", "-t", "1", "third").ok();

    engine.docker("rmi", "other:1").ok();
    Files.delete(disk().resolve("ballast"));
    eventually("what was lost is told", () -> LOSS.matcher(log()).find());
    loadCompressed();
    fill();
    String pruned = engine.docker("image", "prune", "-af").ok();
    assertTrue(pruned.contains("untagged: packed:1"), pruned);
    engine.docker("rm", "over").ok();
    assertTrue(engine.docker("container", "prune", "-f").ok().contains("Total reclaimed space"));
    assertEquals("counts", engine.docker("ps", "-a", "--format", "{{.Names}}").ok());
    Files.delete(disk().resolve("ballast"));
    engine.docker("run", "--rm", "busybox", "true").ok();
    assertEquals(counts, pid("counts"));
    engine.docker("stop", "-t", "1", "counts").ok();
    assertEveryNumberIsThereOrToldAsLost();
  }

  /** An image whose layer is kept as it came, too, and is let go of before images are pruned. */
  private void loadCompressed() {
    String script =
        """
        set -e
        mkdir "$0" && cd "$0"
        echo packed >file
        tar -cf layer.tar file
        gzip -k layer.tar
        diff=$(sha256sum layer.tar | cut -d ' ' -f 1)
        echo '{"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:'$diff'"]}}' >config.json
        echo '[{"Config":"config.json","RepoTags":["packed:1"],"Layers":["layer.tar.gz"]}]' >manifest.json
        tar -c config.json manifest.json layer.tar.gz | docker load
        """;
    Command.run(
            engine.environment(),
            Duration.ofSeconds(60),
            List.of("sh", "-c", script, folder.resolve("packed").toString()))
        .ok();
  }

  private String log() {
    Command logs = engine.docker("logs", "counts");
    return logs.out() + logs.err();
  }

  private void assertEveryNumberIsThereOrToldAsLost() {
    // Both streams as one, in the order of the file.
    Command both =
        Command.run(
            engine.environment(),
            Duration.ofSeconds(60),
            List.of("sh", "-c", "docker logs counts 2>&1"));
    long expected = 1;
    long lost = 0;
    for (String line : both.ok().lines().toList()) {
      Matcher loss = LOSS.matcher(line);
      if (loss.matches()) {
        lost += Long.parseLong(loss.group(1));
        expected += Long.parseLong(loss.group(1));
      } else {
        assertEquals(expected++, Long.parseLong(line));
      }
    }
    assertTrue(lost > 0, "lines were lost, or nothing was tested");
  }

  @Test
  void aStartChangesNoFileAndWorksOnAReadOnlyDisk() throws IOException {
    engine.docker("run", "--name", "over", "busybox", "echo", "said").ok();
    engine.docker("run", "-d", "--name", "lasting", "busybox", "sleep", "1000").ok();
    engine.docker("stop", "-t", "1", "lasting").ok();
    within(
        Duration.ofSeconds(60),
        "space is reserved",
        () -> disk().resolve("reserve").toFile().length() == 4 << 20);
    engine.stop();
    Map<String, String> before = files();
    engine.startAgain();
    assertEquals("said", engine.docker("logs", "over").ok());
    engine.stop();
    Map<String, String> after = files();
    before.remove("lock");
    after.remove("lock"); // which names the process that holds it
    assertEquals(before, after);

    mount("-o", "remount,ro", disk().toString());
    try {
      engine.startAgain();
      assertEquals("said", engine.docker("logs", "over").ok());
      assertEquals("exited", state("lasting"));
      assertEquals(2, engine.docker("ps", "-aq").ok().lines().count());
      Command created = engine.docker("create", "busybox", "true");
      assertTrue(created.err().toLowerCase().contains("read-only file system"), created.err());
      engine.stop();
    } finally {
      mount("-o", "remount,rw", disk().toString());
    }
    engine.startAgain();
    assertEquals("said", engine.docker("logs", "over").ok());
  }

  /** When each file was last written, and changed in any other way. */
  private Map<String, String> files() throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (var all = Files.walk(disk())) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(
            disk().relativize(file).toString(),
            Files.getLastModifiedTime(file) + " " + Files.getAttribute(file, "unix:ctime"));
      }
    }
    return files;
  }
}
