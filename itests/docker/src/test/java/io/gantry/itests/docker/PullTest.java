package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Registry;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Images that skopeo has put into Debian's registry come here. */
@Tag("root")
@Timeout(600)
class PullTest {

  private static final String INDEX = "application/vnd.oci.image.index.v1+json";
  private static final String MANIFEST = "application/vnd.oci.image.manifest.v1+json";

  @TempDir Path folder;

  private void fill(Registry registry, Instance engine) throws Exception {
    engine.importBusybox();
    Path archive = folder.resolve("busybox.tar");
    engine.docker("save", "-o", archive.toString(), "busybox").ok();
    engine.docker("rmi", "busybox").ok();
    String from = "docker-archive:" + archive;
    registry.copy(from, "busybox:docker", "--format", "v2s2");
    registry.copy(from, "busybox:oci", "--format", "oci");
    registry.copy(from, "zstd:1", "--format", "oci", "--dest-compress-format", "zstd");
    String own = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    String image = registry.manifest("busybox:oci");
    String entry =
        "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%d,\"platform\":{\"os\":\"linux\",\"architecture\":\"%s\"}}";
    String index =
        "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"manifests\":[%s,%s]}"
            .formatted(
                INDEX,
                entry.formatted(MANIFEST, Registry.digest(image), image.length(), "s390x"),
                entry.formatted(MANIFEST, Registry.digest(image), image.length(), own));
    registry.put("busybox", "multi", INDEX, index);
  }

  @Test
  void whatSkopeoHasPutThereIsPulledAndRuns() throws Exception {
    try (Registry registry = Registry.start(folder);
        Instance engine = Instance.start()) {
      fill(registry, engine);
      String host = registry.host();
      for (String name : List.of("busybox:docker", "busybox:oci", "busybox:multi", "zstd:1")) {
        String ref = host + "/" + name;
        String digest = Registry.digest(registry.manifest(name));
        List<String> lines = engine.docker("pull", ref).ok().lines().toList();
        assertEquals(
            List.of("Digest: " + digest, "Status: Downloaded newer image for " + ref, ref),
            lines.subList(lines.size() - 3, lines.size()));
        assertEquals("x", engine.docker("run", "--rm", ref, "echo", "x").ok());
        String digests = engine.docker("inspect", "-f", "{{.RepoDigests}}", ref).ok();
        assertTrue(digests.contains(name.split(":")[0] + "@" + digest), digests);
        String again = engine.docker("pull", ref).ok();
        assertTrue(again.contains("Status: Image is up to date for " + ref), again);
      }
      engine.docker("rmi", "-f", host + "/zstd:1").ok();
      String byDigest = host + "/zstd@" + Registry.digest(registry.manifest("zstd:1"));
      assertTrue(engine.docker("pull", byDigest).ok().endsWith(byDigest));
      assertEquals(
          "manifest for " + host + "/busybox:nope not found: manifest unknown: manifest unknown",
          engine
              .docker("pull", host + "/busybox:nope")
              .err()
              .replaceFirst("Error response from daemon: ", "")
              .strip());
    }
  }

  @Test
  void aRunPullsWhatIsNotHereAndAllTagsComeAtOnce() throws Exception {
    try (Registry registry = Registry.start(folder);
        Instance engine = Instance.start();
        Http http = engine.http()) {
      fill(registry, engine);
      String host = registry.host();
      assertEquals("x", engine.docker("run", "--rm", host + "/busybox:oci", "echo", "x").ok());
      engine.docker("pull", "-a", host + "/busybox").ok();
      assertEquals(
          List.of("docker", "multi", "oci"),
          engine.docker("images", "--format", "{{.Tag}}").ok().lines().sorted().toList());
      String name = host + "/busybox:multi";
      String answer = http.call("GET", "/distribution/" + name + "/json", "").body();
      assertTrue(answer.contains(Registry.digest(registry.manifest("busybox:multi"))), answer);
      assertTrue(answer.contains("{\"architecture\":\"s390x\",\"os\":\"linux\"}"), answer);
      String refused =
          engine.docker("pull", "--platform", "linux/ppc64le", host + "/busybox:multi").err();
      assertTrue(refused.contains("no matching manifest for linux/ppc64le"), refused);
      String soon = Long.toString(Instant.now().getEpochSecond() + 1);
      String events = engine.docker("events", "--since", "1", "--until", soon).ok();
      assertTrue(events.contains("image pull " + name + " ("), events);
    }
  }
}
