package io.gantry.itests.docker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Registry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the stock command line pushes to Debian's registry, skopeo reads, and the other way. */
@Tag("root")
@Timeout(600)
class PushTest {

  @TempDir Path folder;

  /** An image of two layers, of which the upper one was made here. */
  private static void make(Instance engine, String name) {
    engine.importBusybox();
    engine.docker("run", "--name", "maker", "busybox", "sh", "-c", "echo x >/mine").ok();
    engine.docker("commit", "maker", name).ok();
    engine.docker("rm", "maker").ok();
  }

  private static String id(Instance engine, String ref) {
    return engine.docker("image", "inspect", "-f", "{{.Id}}", ref).ok();
  }

  @Test
  void whatIsPushedIsReadByOthersAndComesBack() throws Exception {
    try (Registry registry = Registry.start(folder);
        Instance engine = Instance.start()) {
      String ref = registry.host() + "/mine:1";
      make(engine, ref);
      List<String> lines = engine.docker("push", ref).ok().lines().toList();
      assertEquals("The push refers to repository [" + registry.host() + "/mine]", lines.get(0));
      String json = registry.manifest("mine:1");
      String digest = Registry.digest(json);
      assertEquals(
          "1: digest: %s size: %d".formatted(digest, json.length()), lines.get(lines.size() - 1));
      String id = id(engine, ref);
      assertTrue(json.contains(id), json);

      Path dir = folder.resolve("dir");
      registry.skopeo(
          "copy", "-q", "--src-tls-verify=false", "docker://" + ref, "dir:" + dir); // verifies all
      assertEquals(json, Files.readString(dir.resolve("manifest.json"), UTF_8));
      registry.copy("dir:" + dir, "back:1");
      engine.docker("rmi", ref, "busybox").ok();
      engine.docker("pull", registry.host() + "/back:1").ok();
      assertEquals(id, id(engine, registry.host() + "/back:1"));
      assertEquals(
          "x", engine.docker("run", "--rm", registry.host() + "/back:1", "cat", "/mine").ok());
    }
  }

  @Test
  void whatIsPulledGoesOutByteByByte() throws Exception {
    try (Registry registry = Registry.start(folder.resolve("one"));
        Registry other = Registry.start(folder.resolve("other"));
        Instance engine = Instance.start()) {
      engine.importBusybox();
      Path archive = folder.resolve("busybox.tar");
      engine.docker("save", "-o", archive.toString(), "busybox").ok();
      engine.docker("rmi", "busybox").ok();
      String from = "docker-archive:" + archive;
      registry.copy(from, "x:docker", "--format", "v2s2");
      registry.copy(from, "x:oci", "--format", "oci");
      registry.copy(from, "x:zstd", "--format", "oci", "--dest-compress-format", "zstd");
      for (String tag : List.of("docker", "oci", "zstd")) {
        String ref = registry.host() + "/x:" + tag;
        engine.docker("pull", ref).ok();
        String copy = tag + "-copy:1";
        for (Registry to : List.of(registry, other)) {
          String name = to.host() + "/" + copy;
          engine.docker("tag", ref, name).ok();
          String told = engine.docker("push", name).ok();
          assertEquals(to == registry, told.contains(": Mounted from x"), told);
        }
        String json = registry.manifest("x:" + tag);
        assertEquals(json, registry.manifest(copy));
        assertEquals(json, other.manifest(copy));
        engine.docker("rmi", "-f", id(engine, ref)).ok();
      }
    }
  }

  /** Images for two platforms are pushed, an index over them is made, skopeo copies all of it. */
  @Test
  void anIndexOfPushedImagesIsWhole() throws Exception {
    try (Registry registry = Registry.start(folder);
        Instance engine = Instance.start()) {
      engine.importBusybox();
      Path root = folder.resolve("root.tar");
      engine.docker("create", "--name", "root", "busybox", "true").ok();
      engine.docker("export", "-o", root.toString(), "root").ok();
      engine.docker("rm", "root").ok();
      String host = registry.host();
      for (String architecture : List.of("amd64", "arm64")) {
        String ref = host + "/multi:" + architecture;
        engine.docker("import", "--platform", "linux/" + architecture, root.toString(), ref).ok();
        engine.docker("push", "-q", ref).ok();
      }
      String list = host + "/multi:list";
      engine
          .docker(
              "manifest",
              "create",
              "--insecure",
              list,
              host + "/multi:amd64",
              host + "/multi:arm64")
          .ok();
      engine.docker("manifest", "push", "--insecure", list).ok();
      registry.copy("docker://" + list, "copied:list", "--all");
      assertEquals(registry.manifest("multi:list"), registry.manifest("copied:list"));
      for (String architecture : List.of("amd64", "arm64")) {
        String ref = host + "/copied:list";
        engine.docker("pull", "-q", "--platform", "linux/" + architecture, ref).ok();
        assertEquals(id(engine, host + "/multi:" + architecture), id(engine, ref));
      }
    }
  }
}
