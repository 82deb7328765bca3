package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Narrows;
import io.gantry.itests.harness.Registry;
import io.gantry.itests.harness.UploadKeeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An engine that is killed amid pulls and pushes goes on with what it has, and loses nothing. */
@Tag("root")
@Timeout(900)
class KilledTransfersTest {

  /** Of each kind at once. */
  private static final int IMAGES = Integer.getInteger("gantry.transfers", 20);

  private static final int BYTES = 4_000_000;

  /** Of what is not layers: manifests, configurations, headers; for all images. */
  private static final long TALK = 500_000;

  @TempDir Path folder;

  /** Makes an image of random bytes, which no compressor makes smaller. */
  private String make(Instance engine, String name, int seed) throws IOException {
    byte[] content = new byte[BYTES];
    new Random(seed).nextBytes(content);
    Path root = Files.createDirectories(folder.resolve("root-" + seed));
    Files.write(root.resolve("content"), content);
    Path tar = folder.resolve(seed + ".tar");
    Command.run(
            engine.environment(),
            Duration.ofMinutes(1),
            List.of("tar", "-C", root.toString(), "-cf", tar.toString(), "content"))
        .ok();
    return engine.docker("import", tar.toString(), name).ok();
  }

  private static List<Command> transferAll(
      Instance engine, ExecutorService threads, String from, String to) throws Exception {
    List<Future<Command>> all = new ArrayList<>();
    for (int i = 0; i < IMAGES; i++) {
      String pulled = from + "/pulled-" + i + ":1";
      String pushed = to + "/pushed-" + i + ":1";
      all.add(threads.submit(() -> engine.docker("pull", pulled)));
      all.add(threads.submit(() -> engine.docker("push", pushed)));
    }
    List<Command> ended = new ArrayList<>();
    for (Future<Command> one : all) {
      ended.add(one.get());
    }
    return ended;
  }

  private static long bytes(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      long all = 0;
      for (Path file : files.toList()) {
        all += Files.size(file);
      }
      return all;
    }
  }

  @Test
  void pullsAndPushesGoOnAfterAKill() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    long half = (IMAGES / 2 + 1L) * BYTES;
    try (Registry registry = Registry.start(folder);
        UploadKeeper keeper = new UploadKeeper(registry, folder.resolve("uploads"));
        Instance engine = Instance.start();
        Narrows down = new Narrows(registry.port(), half);
        Narrows up = new Narrows(keeper.port(), half)) {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < IMAGES; i++) {
        String direct = registry.host() + "/pulled-" + i + ":1";
        ids.add(make(engine, direct, i));
        engine.docker("push", "-q", direct).ok();
        engine.docker("rmi", direct).ok();
        make(engine, up.host() + "/pushed-" + i + ":1", 100 + i);
      }

      Future<List<Command>> first =
          threads.submit(() -> transferAll(engine, threads, down.host(), up.host()));
      Eventually.eventually("pulls and pushes are under way", () -> down.isHeld() && up.isHeld());
      ProcessHandle killed = engine.engine();
      killed.destroyForcibly();
      killed.onExit().join();
      first.get();
      engine.awaitAnswer();
      Path ingest = engine.dataRoot().resolve("blobs/ingest");
      long arrived = bytes(ingest);
      down.open();
      up.open();
      long kept = keeper.kept();
      long complete = engine.docker("images", "-q").ok().lines().count() - IMAGES;

      for (Command again : transferAll(engine, threads, down.host(), up.host())) {
        again.ok();
      }
      assertTrue(arrived > 0 || complete > 0, "no pull was under way");
      assertTrue(kept > 0, "no push was under way");
      long toFetch = (IMAGES - complete) * BYTES - arrived;
      assertTrue(
          down.down() < toFetch + TALK,
          "fetched " + down.down() + ", and " + toFetch + " were missing");
      long toSend = (long) IMAGES * BYTES - kept;
      assertTrue(up.up() < toSend + TALK, "sent " + up.up() + ", and " + toSend + " were missing");
      assertEquals(0, keeper.open(), "uploads that nobody ends");
      assertEquals(0, bytes(engine.dataRoot().resolve("registry/uploads")), "records of uploads");
      for (int i = 0; i < IMAGES; i++) {
        String ref = down.host() + "/pulled-" + i + ":1";
        assertEquals(ids.get(i), engine.docker("image", "inspect", "-f", "{{.Id}}", ref).ok());
        String copy = folder.resolve("copy-" + i).toString();
        String pushed = "docker://" + registry.host() + "/pushed-" + i + ":1";
        registry.skopeo("copy", "-q", "--src-tls-verify=false", pushed, "dir:" + copy);
      }
      try (Http http = engine.http()) {
        String check = http.call("GET", "/gantry/v1/images/check", "").body();
        assertTrue(check.contains("\"damages\":[]"), check);
      }
      assertEquals(0, bytes(ingest), "rests of transfers");
      engine
          .docker(
              Stream.concat(
                      Stream.of("rmi", "-f"),
                      engine.docker("images", "-q", "--no-trunc").ok().lines().distinct())
                  .toArray(String[]::new))
          .ok();
      assertEquals(0, bytes(engine.dataRoot().resolve("blobs/sha256")), "blobs of nothing");
    } finally {
      threads.shutdownNow();
    }
  }
}
