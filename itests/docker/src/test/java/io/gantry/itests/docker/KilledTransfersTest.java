package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Narrows;
import io.gantry.itests.harness.Registry;
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

  private static final int IMAGES = 10;
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

  private static List<Command> transferAll(Instance engine, ExecutorService threads, String host)
      throws Exception {
    List<Future<Command>> all = new ArrayList<>();
    for (int i = 0; i < IMAGES; i++) {
      String pulled = host + "/pulled-" + i + ":1";
      String pushed = host + "/pushed-" + i + ":1";
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
    try (Registry registry = Registry.start(folder);
        Instance engine = Instance.start();
        Narrows narrows = new Narrows(registry.port(), (IMAGES + 2L) * BYTES)) {
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < IMAGES; i++) {
        String direct = registry.host() + "/pulled-" + i + ":1";
        ids.add(make(engine, direct, i));
        engine.docker("push", "-q", direct).ok();
        engine.docker("rmi", direct).ok();
        make(engine, narrows.host() + "/pushed-" + i + ":1", 100 + i);
      }

      Future<List<Command>> first =
          threads.submit(() -> transferAll(engine, threads, narrows.host()));
      Eventually.eventually("transfers are under way", narrows::isHeld);
      ProcessHandle killed = engine.engine();
      killed.destroyForcibly();
      killed.onExit().join();
      first.get();
      engine.awaitAnswer();
      Path ingest = engine.dataRoot().resolve("blobs/ingest");
      long arrived = bytes(ingest);
      narrows.open();
      long complete = engine.docker("images", "-q").ok().lines().count() - IMAGES;

      for (Command again : transferAll(engine, threads, narrows.host())) {
        again.ok();
      }
      long missing = (IMAGES - complete) * BYTES - arrived;
      assertTrue(arrived > 0 || complete > 0, "nothing was under way");
      assertTrue(
          narrows.down() < missing + TALK,
          "fetched " + narrows.down() + ", and " + missing + " were missing");
      for (int i = 0; i < IMAGES; i++) {
        String ref = narrows.host() + "/pulled-" + i + ":1";
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
