package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView.MountPoint;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.HostSpec.BindOptions;
import io.gantry.api.HostSpec.MountRequest;
import io.gantry.api.HostSpec.VolumeOptions;
import io.gantry.api.Volumes;
import io.gantry.engine.volume.VolumeService;
import io.gantry.linux.MountInfo;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Containers with volumes of the driver local. */
@Tag("root")
@Timeout(120)
class VolumesTest {
  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;
  private Volumes volumes;

  @BeforeEach
  void start() throws Exception {
    home = Engines.Home.make(scratch);
    restart();
  }

  private void restart() {
    engine = new Engines(home);
    volumes = new VolumeService(engine.volumes);
  }

  @AfterEach
  void stop() {
    for (var container : engine.containers.list()) {
      engine.containers.remove(container.id(), true, true);
    }
    engine.close();
    home.destroy();
    assertEquals(List.of(), mounts());
  }

  private List<String> mounts() {
    return MountInfo.ofSelf().stream()
        .map(MountInfo::target)
        .filter(target -> target.startsWith(scratch.toString()))
        .toList();
  }

  private String create(Consumer<Specs> how) {
    return engine.containers.create(Specs.spec(how)).id();
  }

  private int run(String id) throws Exception {
    var end = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    engine.containers.start(id);
    return end.get(60, TimeUnit.SECONDS).status();
  }

  private Path path(String volume) {
    return Path.of(volumes.inspect(volume).path());
  }

  private List<String> names() {
    return volumes.list().stream().map(Volumes.VolumeView::name).toList();
  }

  @Test
  void volumesAreMountedAsAsked() throws Exception {
    String id =
        create(
            s -> {
              s.cmd = List.of("sh", "-c", "echo a >/named/a; echo b >/own/b; ! touch /ro/c");
              s.binds = List.of("named:/named", "named:/ro/:ro");
              s.volumes = List.of("/own");
            });
    assertEquals(0, run(id));
    assertTrue(Files.exists(path("named").resolve("a")));
    assertFalse(Files.exists(path("named").resolve("c")));
    var points = engine.containers.inspect(id).mounts();
    assertEquals(
        List.of("/named", "/ro", "/own"), points.stream().map(MountPoint::destination).toList());
    assertEquals("z", points.get(0).mode());
    assertEquals("ro", points.get(1).mode());
    assertTrue(Files.exists(Path.of(points.get(2).source()).resolve("b")));
    String own = points.get(2).name();
    engine.containers.remove(id, false, true);
    assertEquals(List.of("named"), names());
    assertFalse(names().contains(own));
  }

  @Test
  void anAnonymousVolumeStaysUnlessItGoesWithItsContainer() throws Exception {
    String id = create(s -> s.volumes = List.of("/own"));
    engine.containers.remove(id, false, false);
    assertEquals(1, names().size());
    String kept = names().get(0);
    String passing =
        create(
            s -> {
              s.cmd = List.of("true");
              s.volumes = List.of("/own");
              s.autoRemove = true;
            });
    engine.containers.start(passing);
    engine
        .containers
        .await(passing, WaitCondition.REMOVED)
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
    assertEquals(List.of(kept), names());
  }

  @Test
  void aContainerTakesOverWhatAnotherHas() throws Exception {
    String donor =
        create(
            s -> {
              s.binds = List.of("named:/named");
              s.volumes = List.of("/own");
            });
    String heir =
        create(
            s -> {
              s.cmd = List.of("sh", "-c", "! touch /named/x && ! touch /own/x && touch /mine/x");
              s.volumesFrom = List.of(donor + ":ro");
              s.binds = List.of("mine:/mine");
            });
    assertEquals(0, run(heir));
    engine.containers.remove(donor, false, true); // the heir has it still
    assertEquals(3, names().size());
    engine.containers.remove(heir, false, true);
    assertEquals(List.of("mine", "named"), names());
    var e =
        assertThrows(GantryException.class, () -> create(s -> s.volumesFrom = List.of("nobody")));
    assertEquals("No such container: nobody", e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
  }

  @Test
  void aMountedVolumeOutlivesTheEngineAndIsLetGoAtTheEnd() throws Exception {
    var options = java.util.Map.of("type", "tmpfs", "device", "tmpfs");
    volumes.create(new Volumes.VolumeSpec("memory", "", options, null));
    String id =
        create(
            s -> {
              s.cmd = List.of("sh", "-c", "echo a >/m/a; sleep 1000");
              s.binds = List.of("memory:/m");
            });
    engine.containers.start(id);
    Await.until("it has written", () -> Files.exists(path("memory").resolve("a")));
    engine.close();
    restart();
    assertTrue(Files.exists(path("memory").resolve("a")));
    assertThrows(GantryException.class, () -> volumes.remove("memory", true));
    engine.containers.kill(id, "KILL");
    Await.until("it is unmounted", () -> mounts().isEmpty());
  }

  @Test
  void nothingIsLeftOfAContainerThatIsRefused() {
    var missing =
        new MountRequest(
            "bind",
            "/no/such",
            "/x",
            false,
            new BindOptions("", false, false, false, false),
            null,
            null,
            null);
    var e =
        assertThrows(
            GantryException.class,
            () ->
                create(
                    s -> {
                      s.binds = List.of("fresh:/a");
                      s.mounts = List.of(missing);
                    }));
    assertEquals(
        "invalid mount config for type \"bind\": bind source path does not exist: /no/such",
        e.getMessage());
    e =
        assertThrows(
            GantryException.class,
            () ->
                create(
                    s -> {
                      s.binds = List.of("fresh:/a");
                      s.volumes = List.of("/b");
                      s.mounts = List.of(part("fresh2", "bogus", ""));
                    }));
    assertEquals(GantryException.Kind.NOT_FOUND, e.kind());
    assertEquals(List.of(), names());
  }

  @Test
  void nothingIsPrunedWhileItIsNotKnownWhoHasWhat() throws Exception {
    String id = create(s -> s.binds = List.of("named:/a"));
    Path record = home.place().dataRoot().resolve("containers/" + id + ".json");
    byte[] sound = Files.readAllBytes(record);
    engine.close();
    Files.writeString(record, "no record");
    restart();
    var e = assertThrows(GantryException.class, () -> volumes.prune(view -> true));
    assertEquals(GantryException.Kind.CONFLICT, e.kind());
    assertTrue(e.getMessage().contains(id), e.getMessage());
    assertEquals(List.of("named"), names());
    engine.close();
    Files.write(record, sound);
    restart();
    assertEquals(List.of(id), volumes.inspect("named").users());
  }

  private static MountRequest part(String volume, String driver, String subpath) {
    return new MountRequest(
        "volume",
        volume,
        "/x",
        false,
        null,
        new VolumeOptions(false, null, driver, null, subpath),
        null,
        null);
  }

  /**
   * CVE-2021-30465, CVE-2023-0778: while one container swaps directories of a shared volume for
   * links to the host, another one has a part of it mounted, and files are copied out.
   */
  @Test
  void aPartThatIsSwappedForALinkLeadsNobodyOut() throws Exception {
    volumes.create(new Volumes.VolumeSpec("shared", "", null, null));
    Path data = path("shared");
    Path host = Files.createDirectories(scratch.resolve("host/part"));
    Files.writeString(host.resolve("secret"), "of the host");
    Path swapped = Files.createDirectories(data.resolve("way/part")).getParent();
    Path link = Files.createSymbolicLink(data.resolve("link"), host.getParent());
    var over = new AtomicBoolean();
    var swapping =
        new Thread(
            () -> {
              while (!over.get()) {
                swap(swapped, link);
              }
            });
    swapping.start();
    try {
      for (int i = 0; i < 15; i++) {
        String id =
            create(
                s -> {
                  s.cmd = List.of("sh", "-c", "! cat /x/secret");
                  s.mounts = List.of(part("shared", "", "way/part"));
                });
        try {
          assertEquals(0, run(id), "the host's file was read");
        } catch (GantryException e) {
          assertTrue(e.getMessage().contains("cannot access path"), e.getMessage());
        }
        engine.containers.remove(id, true, false);
      }
      copyOut(over);
    } finally {
      over.set(true);
      swapping.join();
    }
    assertEquals(List.of(), mounts());
  }

  private void copyOut(AtomicBoolean over) throws IOException {
    String id = create(s -> s.binds = List.of("shared:/v"));
    for (int i = 0; i < 200 && !over.get(); i++) {
      assertThrows(GantryException.class, () -> engine.containers.read(id, "/v/way/part/secret"));
    }
  }

  private static void swap(Path one, Path other) {
    try {
      Path aside = one.resolveSibling("aside");
      Files.move(one, aside);
      Files.move(other, one);
      Files.move(one, other);
      Files.move(aside, one);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** CVE-2022-23648: the path of a volume leads out of the root by dots. */
  @Test
  void aTargetWithDotsStaysInside() throws Exception {
    String id =
        create(
            s -> {
              s.cmd = List.of("sh", "-c", "touch /deep/x");
              s.volumes = List.of("/../../../deep");
            });
    var point = engine.containers.inspect(id).mounts().get(0);
    assertEquals("/deep", point.destination());
    assertEquals(0, run(id));
    assertTrue(Files.exists(Path.of(point.source()).resolve("x")));
    assertFalse(Files.exists(Path.of("/deep"), LinkOption.NOFOLLOW_LINKS));
  }
}
