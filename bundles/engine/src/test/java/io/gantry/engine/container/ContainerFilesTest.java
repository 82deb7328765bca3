package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ByteStream;
import io.gantry.api.ContainerFiles.FileType;
import io.gantry.api.ContainerFiles.Unpacking;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.storage.LayerDir;
import io.gantry.spi.storage.StorageDriver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
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

/** Copies from and to real containers, whose roots are plain directories or overlays. */
@Tag("root")
@Timeout(120)
class ContainerFilesTest {
  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;

  @BeforeEach
  void home() throws Exception {
    home = Engines.Home.make(scratch);
  }

  private void start(String kind) {
    StorageDriver storage =
        kind.equals("overlay")
            ? new LayeredTrees(home.trees(), home.busybox())
            : new LinkedTrees(home.trees(), home.busybox());
    engine = new Engines(home, storage);
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

  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void filesGoInAndOutInEveryState(String kind) throws Exception {
    start(kind);
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    put(id, "/tmp", "created", "1");
    engine.containers.start(id);
    put(id, "/tmp", "running", "2");
    engine.containers.pause(id);
    put(id, "/tmp/", "paused", "3");
    assertEquals(Map.of("created", "1"), get(id, "/tmp/created"));
    engine.containers.unpause(id);
    engine.containers.kill(id, "KILL");
    put(id, "tmp/.", "ended", "4");
    var all = Map.of("tmp/created", "1", "tmp/running", "2", "tmp/paused", "3", "tmp/ended", "4");
    assertEquals(all, get(id, "/tmp"));
    engine.containers.restart(id, null, Duration.ZERO);
    assertEquals(all, get(id, "/tmp/"));
    assertEquals(0, mountsOfOurOwn());
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void statsAreOfTheLinkItself(String kind) throws Exception {
    start(kind);
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    var link = engine.containers.stat(id, "/bin/ls");
    assertEquals(FileType.SYMLINK, link.type());
    assertEquals("ls /bin/busybox", link.name() + " " + link.linkTarget());
    var passwd = engine.containers.stat(id, "etc/../etc/./passwd");
    assertEquals(FileType.REGULAR, passwd.type());
    assertEquals("/", engine.containers.stat(id, "/").name());
    assertEquals(".", engine.containers.stat(id, "/etc/.").name());
    assertEquals(FileType.DIRECTORY, engine.containers.stat(id, "/etc/").type());
    assertEquals(Kind.NOT_FOUND, kind(() -> engine.containers.stat(id, "/etc/passwd/")));
    assertEquals(Kind.NOT_FOUND, kind(() -> engine.containers.stat(id, "/nosuch")));
    assertEquals(Kind.INVALID, kind(() -> put(id, "/etc/passwd", "x", "")));
    assertEquals(Kind.NOT_FOUND, kind(() -> put(id, "/nosuch", "x", "")));
    for (String tooLong : List.of("/" + "a".repeat(256), "/a".repeat(2048) + "/")) {
      assertEquals(Kind.INVALID, kind(() -> engine.containers.stat(id, tooLong)));
      assertEquals(Kind.INVALID, kind(() -> get(id, tooLong)));
      assertEquals(Kind.INVALID, kind(() -> put(id, tooLong, "x", "")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void volumesAreReachedAndReadOnlyIsReadOnly(String kind) throws Exception {
    start(kind);
    Path rw = Files.createDirectories(scratch.resolve("rw"));
    Path ro = Files.createDirectories(scratch.resolve("ro"));
    Files.writeString(ro.resolve("f"), "volume");
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.readonly = true;
              s.binds = List.of(rw + ":/data/rw", ro + ":/data/ro:ro");
              s.tmpfs = Map.of("/scratch", "");
            });
    String id = engine.containers.create(spec).id();
    for (int round = 0; round < 2; round++) {
      put(id, "/data/rw", "f" + round, "in");
      assertEquals("in", Files.readString(rw.resolve("f" + round)));
      assertEquals(Map.of("ro/f", "volume"), get(id, "/data/ro"));
      assertTrue(get(id, "/data").containsKey("data/ro/f"));
      assertEquals(
          "mounted volume is marked read-only",
          message(Kind.FORBIDDEN, () -> put(id, "/data/ro", "x", "")));
      assertEquals(
          "container rootfs is marked read-only",
          message(Kind.FORBIDDEN, () -> put(id, "/tmp", "x", "")));
      var exported = files(engine.containers.export(id));
      assertTrue(exported.containsKey("etc/passwd"));
      assertFalse(exported.containsKey("data/ro/f"));
      assertThrows(GantryException.class, () -> get(id, "/proc/1/root/etc"));
      if (round == 0) {
        engine.containers.start(id);
      }
    }
    put(id, "/scratch", "f", "tmpfs");
    assertEquals(Map.of("f", "tmpfs"), get(id, "/scratch/f"));
    assertFalse(get(id, "/").keySet().stream().anyMatch(name -> name.startsWith("/proc/")));
  }

  /** CVE-2018-15664, CVE-2021-41089, CVE-2026-41568: a path is checked, then used. */
  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void whoSwapsLinksWhileOthersCopyReachesNothingOutside(String kind) throws Exception {
    start(kind);
    Path secret = Files.createDirectories(scratch.resolve("secret"));
    Files.writeString(secret.resolve("f"), "outside");
    var before = Files.getPosixFilePermissions(secret.resolve("f"));
    String swap =
        "mkdir -p /a/d /a/real; echo inside >/a/real/f; cd /a; ln -s "
            + secret
            + " evil; touch /ready; while :; do"
            + " mv d x; mv evil d; mv d evil; mv x d;"
            + " rm -rf d; ln -s "
            + secret
            + " d; rm d; mkdir d; echo inside >d/f; done";
    String id = engine.containers.create(Specs.running("sh", "-c", swap)).id();
    engine.containers.start(id);
    awaitFile(id, "/ready");
    var results = new HashMap<String, Integer>();
    for (int i = 0; i < 150; i++) {
      for (String path : List.of("/a/d", "/a/d/", "/a/d/f", "/a")) {
        count(results, "out", () -> assertInside(get(id, path)));
      }
      count(results, "in", () -> put(id, "/a/d", "f", "planted"));
      count(results, "in", () -> put(id, "/a", "d/f", "planted"));
    }
    assertTrue(results.getOrDefault("out", 0) > 50, results.toString());
    assertTrue(results.getOrDefault("in", 0) > 10, results.toString());
    assertEquals("outside", Files.readString(secret.resolve("f")));
    assertEquals(before, Files.getPosixFilePermissions(secret.resolve("f")));
    assertArrayEquals(new String[] {"f"}, secret.toFile().list());
  }

  private static void assertInside(Map<String, String> files) {
    files.forEach((name, content) -> assertFalse(content.contains("outside"), name));
  }

  private interface Step {
    void run() throws Exception;
  }

  private static void count(Map<String, Integer> results, String name, Step step) throws Exception {
    try {
      step.run();
      results.merge(name, 1, Integer::sum);
    } catch (GantryException e) { // what was swapped away was not there
      results.merge(name + " " + e.kind(), 1, Integer::sum);
    }
  }

  /**
   * A second mount is refused by the kernel (EBUSY; {@link LayeredTrees}). Nobody may look into
   * {@code /proc/PID/mountinfo} of the containers meanwhile: until it is closed that keeps the
   * mounts of one that has ended.
   */
  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void copiesCommitsStartsRestartsAndRemovalsNeverMountTwice(String kind) throws Exception {
    start(kind);
    String work = "n=$(cat /n 2>/dev/null || echo 0); echo $((n+1)) >/n; sleep 0.05";
    String id = engine.containers.create(Specs.running("sh", "-c", work)).id();
    var acknowledged = new ConcurrentLinkedQueue<String>();
    var unexpected = new ConcurrentLinkedQueue<String>();
    var starts = new AtomicInteger();
    long end = System.nanoTime() + Duration.ofSeconds(6).toNanos();
    var tasks = new ArrayList<Callable<Void>>();
    for (int worker = 0; worker < 3; worker++) {
      String own = "w" + worker + "-";
      tasks.add(
          () -> {
            for (int i = 0; System.nanoTime() < end; i++) {
              String name = own + i;
              if (done(unexpected, () -> put(id, "/tmp", name, name))) {
                acknowledged.add(name);
                done(unexpected, () -> assertEquals(Map.of(name, name), get(id, "/tmp/" + name)));
              }
            }
            return null;
          });
    }
    tasks.add(
        () -> {
          while (System.nanoTime() < end) {
            if (done(unexpected, () -> engine.containers.start(id))) {
              starts.incrementAndGet();
            }
            engine
                .containers
                .await(id, WaitCondition.NOT_RUNNING)
                .toCompletableFuture()
                .get(60, TimeUnit.SECONDS);
          }
          return null;
        });
    tasks.add(
        () -> {
          while (System.nanoTime() < end) {
            done(unexpected, () -> engine.containers.restart(id, "KILL", Duration.ZERO));
            done(unexpected, () -> engine.containers.changes(id));
            done(unexpected, () -> files(engine.containers.export(id)));
          }
          return null;
        });
    tasks.add(
        () -> {
          for (int i = 0; System.nanoTime() < end; i++) {
            boolean pause = i % 2 == 0;
            done(unexpected, () -> engine.containers.commit(id, CommittingTest.commit(pause, "")));
          }
          return null;
        });
    var threads = Executors.newFixedThreadPool(tasks.size());
    try {
      for (var task : threads.invokeAll(tasks)) {
        task.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(List.of(), unexpected.stream().distinct().limit(5).toList());
    assertTrue(engine.commits.get() > 10, engine.commits.toString());
    assertTrue(starts.get() > 3 && acknowledged.size() > 10, starts + " " + acknowledged.size());
    end(id);
    assertStays(id, acknowledged);
    engine.containers.remove(id, true, true);
    assertEquals(Kind.NOT_FOUND, kind(() -> get(id, "/tmp")));
  }

  private void end(String id) {
    try {
      engine.containers.kill(id, "KILL");
    } catch (GantryException e) {
      assertEquals(Kind.CONFLICT, e.kind()); // it has ended by itself
    }
  }

  private void assertStays(String id, Iterable<String> acknowledged) throws Exception {
    var there = get(id, "/tmp");
    for (String name : acknowledged) {
      assertEquals(name, there.get("tmp/" + name));
    }
  }

  /** False for what may be refused; anything else that goes wrong is kept. */
  private static boolean done(ConcurrentLinkedQueue<String> unexpected, Step step) {
    try {
      step.run();
      return true;
    } catch (GantryException e) {
      if (e.kind() != Kind.NOT_MODIFIED && e.kind() != Kind.CONFLICT) {
        unexpected.add(e.kind() + " " + e.getMessage());
      }
    } catch (Exception | AssertionError e) {
      unexpected.add(e.toString());
    }
    return false;
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "overlay"})
  void aClientThatLeavesOrASlowOneHoldsUpNobodyForEver(String kind) throws Exception {
    start(kind);
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    put(id, "/tmp", "big", "x".repeat(4 << 20));
    int open = descriptors();
    var left = engine.containers.read(id, "/tmp").tar();
    assertTrue(left.read().toCompletableFuture().get(60, TimeUnit.SECONDS).hasRemaining());
    left.close();
    assertEquals(open, descriptors());
    engine.containers.start(id);
    engine.containers.kill(id, "KILL");

    var slow = engine.containers.read(id, "/tmp").tar();
    slow.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
    engine.containers.remove(id, true, true);
    var cut =
        assertThrows(
            ExecutionException.class,
            () -> slow.read().toCompletableFuture().get(60, TimeUnit.SECONDS));
    assertEquals(
        Kind.CONFLICT, ((GantryException) cut.getCause()).kind(), "it must not look complete");
    slow.close();
  }

  @Test
  void anEphemeralOneGoesAsSoonAsItsFilesAreLetGo() throws Exception {
    var asked = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    engine =
        new Engines(
            home,
            new LayeredTrees(home.trees(), home.busybox()) {
              @Override
              public LayerDir layerDir(String snapshot) {
                asked.countDown();
                awaitQuietly(goOn);
                return super.layerDir(snapshot);
              }
            });
    String id = createEphemeral();
    engine.containers.start(id);
    var removed = engine.containers.await(id, WaitCondition.REMOVED).toCompletableFuture();
    var changes = CompletableFuture.supplyAsync(() -> engine.containers.changes(id));
    assertTrue(asked.await(20, TimeUnit.SECONDS));
    engine.containers.kill(id, "KILL");
    awaitStatus(id, Status.EXITED); // it cannot be removed
    assertFalse(removed.isDone());
    goOn.countDown();
    changes.get(20, TimeUnit.SECONDS);
    removed.get(60, TimeUnit.SECONDS);
    assertEquals(List.of(), engine.containers.list());
  }

  @Test
  void theEndOfAnEphemeralOneCutsNoCopy() throws Exception {
    start("overlay");
    String id = createEphemeral();
    put(id, "/tmp", "big", "x".repeat(4 << 20));
    engine.containers.start(id);
    var removed = engine.containers.await(id, WaitCondition.REMOVED).toCompletableFuture();
    try (var copy = engine.containers.read(id, "/tmp/big").tar()) {
      long bytes = copy.read().toCompletableFuture().get(60, TimeUnit.SECONDS).remaining();
      engine.containers.kill(id, "KILL");
      // Longer than a removal by force lets a copy go on.
      assertThrows(TimeoutException.class, () -> removed.get(3, TimeUnit.SECONDS));
      assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
      for (int n = 1; n > 0; bytes += n) {
        n = copy.read().toCompletableFuture().get(60, TimeUnit.SECONDS).remaining();
      }
      assertTrue(bytes > 4 << 20, bytes + " bytes came");
    }
    removed.get(60, TimeUnit.SECONDS);
    assertEquals(List.of(), engine.containers.list());
  }

  /** Its end is on no other record than the monitor's as long as it is about to be removed. */
  @Test
  void theNextEngineKnowsHowAnEphemeralOneEndedThatCouldNotBeRemoved() throws Exception {
    start("overlay");
    String id = createEphemeral();
    put(id, "/tmp", "big", "x".repeat(4 << 20));
    engine.containers.start(id);
    var run = home.place().run(id);
    try (var copy = engine.containers.read(id, "/tmp/big").tar()) {
      copy.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
      engine.containers.kill(id, "KILL");
      awaitStatus(id, Status.EXITED);
      assertTrue(Files.exists(run.resolve("exit")));
      engine.close();
    }
    start("overlay");
    Await.until("it is removed", () -> engine.containers.list().isEmpty());
    assertFalse(Files.exists(run));
    var told = engine.events.stream().filter(event -> event.action().equals("die")).toList();
    assertEquals(List.of(id), told.stream().map(event -> event.actor()).toList());
    assertEquals("137", told.get(0).attributes().get("exitCode"));
  }

  private String createEphemeral() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.autoRemove = true;
            });
    return engine.containers.create(spec).id();
  }

  private void awaitStatus(String id, Status wanted) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (engine.containers.inspect(id).state().status() != wanted) {
      assertTrue(System.nanoTime() < deadline, "it never is " + wanted);
      Thread.onSpinWait();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertTrue(latch.await(60, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain"})
  void ownersAndKindsAreKeptAsAsked(String kind) throws Exception {
    start(kind);
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.user = "acc";
            });
    String id = engine.containers.create(spec).id();
    Path tmp = home.trees().resolve("container-" + id).resolve("tmp");
    put(id, "/tmp", "mine", "", Set.of());
    assertEquals(77, Files.getAttribute(tmp.resolve("mine"), "unix:uid"));
    put(id, "/tmp", "users", "", Set.of(Unpacking.AS_USER));
    assertEquals(1234, Files.getAttribute(tmp.resolve("users"), "unix:uid"));
    Files.createDirectory(tmp.resolve("dir"));
    assertEquals(
        "cannot overwrite directory \"dir\" with non-directory \"/tmp\"",
        message(Kind.INVALID, () -> put(id, "/tmp", "dir", "", Set.of(Unpacking.KEEP_KIND))));
    put(id, "/tmp", "dir", "a file now");
    assertTrue(Files.isRegularFile(tmp.resolve("dir")));
    assertEquals(
        "unexpected EOF",
        message(
            Kind.INVALID,
            () ->
                engine.containers.write(
                    id, "/tmp", new ByteArrayInputStream(new byte[] {1, 2, 3}), Set.of())));
  }

  private void put(String id, String path, String name, String content) throws IOException {
    put(id, path, name, content, Set.of());
  }

  private void put(String id, String path, String name, String content, Set<Unpacking> how)
      throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var tar = new TarArchiveOutputStream(bytes)) {
      var entry = new TarArchiveEntry(name);
      entry.setSize(content.length());
      entry.setUserId(77);
      tar.putArchiveEntry(entry);
      tar.write(content.getBytes());
      tar.closeArchiveEntry();
    }
    engine.containers.write(id, path, new ByteArrayInputStream(bytes.toByteArray()), how);
  }

  private Map<String, String> get(String id, String path) throws Exception {
    return files(engine.containers.read(id, path).tar());
  }

  /** Contents of regular files by name. */
  private static Map<String, String> files(ByteStream stream) throws Exception {
    var bytes = new ByteArrayOutputStream();
    try (stream) {
      for (; ; ) {
        var next = stream.read().toCompletableFuture().get(60, TimeUnit.SECONDS);
        if (!next.hasRemaining()) {
          break;
        }
        bytes.write(next.array(), next.arrayOffset() + next.position(), next.remaining());
      }
    }
    var files = new HashMap<String, String>();
    try (var tar = new TarArchiveInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null; ) {
        if (entry.isFile()) {
          boolean small = entry.getSize() < 1 << 16;
          files.put(entry.getName(), small ? new String(tar.readAllBytes()) : "");
        }
      }
    }
    return files;
  }

  private void awaitFile(String id, String path) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (true) {
      try {
        engine.containers.stat(id, path);
        return;
      } catch (GantryException e) {
        assertTrue(System.nanoTime() < deadline, e.getMessage());
      }
    }
  }

  private static Kind kind(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(GantryException.class, call).kind();
  }

  private static String message(Kind kind, org.junit.jupiter.api.function.Executable call) {
    var e = assertThrows(GantryException.class, call);
    assertEquals(kind, e.kind(), e.getMessage());
    return e.getMessage();
  }

  private int mountsOfOurOwn() throws IOException {
    return Files.readString(Path.of("/proc/self/mountinfo")).contains(home.trees().toString())
        ? 1
        : 0;
  }

  private static int descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return (int) all.count();
    }
  }
}
