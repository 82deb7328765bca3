package io.gantry.itests.docker;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.v1.V1Server;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Registries and indexes of version 1, from a stock client's view. */
@Tag("root")
@Timeout(600)
class FirstRegistriesTest {

  private static void pushPullAndRun(Instance engine, String ref) {
    engine.docker("tag", "busybox", ref).ok();
    String pushed = engine.docker("push", ref).ok();
    assertTrue(pushed.contains("Image successfully pushed"), pushed);
    engine.docker("rmi", ref).ok();
    List<String> lines = engine.docker("pull", ref).ok().lines().toList();
    assertEquals(
        List.of("Status: Downloaded newer image for " + ref, ref),
        lines.subList(lines.size() - 2, lines.size()));
    assertEquals("x", engine.docker("run", "--rm", ref, "echo", "x").ok());
    assertTrue(engine.docker("pull", ref).ok().contains("Image is up to date for " + ref));
  }

  @Test
  void anImageGoesToARegistryAndComesBack() throws IOException {
    try (V1Server registry = V1Server.standalone();
        Instance engine = Instance.start()) {
      engine.importBusybox();
      String ref = registry.host() + "/x:1";
      pushPullAndRun(engine, ref);
      engine.docker("run", "--name", "changed", ref, "sh", "-c", "echo changed >/etc/changed").ok();
      engine.docker("commit", "changed", registry.host() + "/x:2").ok();
      engine.docker("push", registry.host() + "/x:2").ok();
      engine.docker("rm", "changed").ok();
      engine.docker("rmi", ref, registry.host() + "/x:2").ok();
      engine.docker("pull", "-a", registry.host() + "/x").ok();
      assertEquals(
          "changed",
          engine.docker("run", "--rm", registry.host() + "/x:2", "cat", "/etc/changed").ok());
      String names = engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").ok();
      assertEquals(
          List.of(ref, registry.host() + "/x:2"),
          names.lines().filter(name -> name.startsWith(registry.host())).sorted().toList());
      String absent = engine.docker("pull", registry.host() + "/x:3").err();
      assertTrue(
          absent.contains("Tag 3 not found in repository " + registry.host() + "/x"), absent);
    }
  }

  @Test
  void anIndexLeadsToItsRegistry() throws IOException {
    List<String> endpoints = new ArrayList<>();
    try (V1Server index = V1Server.index(endpoints);
        V1Server registry = V1Server.registryOf(index.index());
        Instance engine = Instance.start()) {
      endpoints.add(registry.host());
      index.index().users.put("alice", "secret");
      index.index().isPrivate = true;
      engine.importBusybox();
      String ref = index.host() + "/a/b:1";
      engine.docker("tag", "busybox", ref).ok();
      String refused = engine.docker("push", ref).err();
      assertTrue(refused.contains("please login"), refused);
      logIn(engine, index.host(), "alice:secret");
      pushPullAndRun(engine, ref);
      assertTrue(
          registry.asked.stream()
              .allMatch(one -> one.header("Authorization").startsWith("Token signature=")));
      assertFalse(engine.log().contains("secret"));
    }
  }

  /** As {@code docker login} writes it. */
  private static void logIn(Instance engine, String host, String user) throws IOException {
    Path folder = Path.of(engine.environment().get("DOCKER_CONFIG"));
    Files.createDirectories(folder);
    String auth = Base64.getEncoder().encodeToString(user.getBytes(UTF_8));
    Files.writeString(
        folder.resolve("config.json"),
        "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}".formatted(host, auth));
  }

  @Test
  void anIndexIsSearched() throws IOException {
    try (V1Server index = V1Server.index(List.of());
        Instance engine = Instance.start()) {
      index.index().descriptions.put("busybox", "small");
      index.index().descriptions.put("a/busybox", "also small");
      String format = "{{.Name}} {{.StarCount}} {{.IsOfficial}} {{.Description}}";
      String term = index.host() + "/busy";
      assertEquals(
          List.of("a/busybox 10  also small", "busybox 5 [OK] small"),
          engine.docker("search", "--format", format, term).ok().lines().sorted().toList());
      assertEquals(
          "busybox 5 [OK] small",
          engine.docker("search", "--format", format, "--filter", "is-official=true", term).ok());
      assertEquals(
          "a/busybox 10  also small",
          engine.docker("search", "--format", format, "--filter", "stars=7", term).ok());
      assertEquals(
          1,
          engine.docker("search", "--format", format, "--limit", "1", term).ok().lines().count());
    }
  }
}
