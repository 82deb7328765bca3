package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.engine.spec.ContainerMount;
import io.gantry.engine.spec.MountRequests;
import io.gantry.spi.GantryException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostSideTest {
  private static final Duration LITTLE = Duration.ofMillis(20);

  @TempDir Path scratch;
  private final List<Runnable> hanging = new ArrayList<>();

  private static Container container(Consumer<Specs> how) {
    return Specs.container(Specs.spec(how));
  }

  private static List<ContainerMount> mounts(Container container) {
    return MountRequests.of(container.record().spec(), List.of());
  }

  @Test
  void aDiskThatDoesNotAnswerIsWaitedForWithAnEndAndOnce() {
    Path source = scratch.resolve("new");
    var container = container(s -> s.binds.add(source + ":/x"));
    var host = new HostSide(hanging::add, LITTLE);
    var seen = host.look(container, mounts(container));
    var e = assertThrows(GantryException.class, seen::devices);
    assertEquals(GantryException.Kind.UNAVAILABLE, e.kind());
    assertTrue(e.getMessage().endsWith("its disk does not answer"), e.getMessage());
    assertThrows(GantryException.class, () -> host.look(container, mounts(container)).devices());
    assertEquals(1, hanging.size(), "looks that hang");

    hanging.remove(0).run();
    assertTrue(Files.isDirectory(source));
    assertThrows(GantryException.class, seen::devices, "what has come too late changes nothing");
    var next = new HostSide(Runnable::run, LITTLE).look(container, mounts(container));
    assertFalse(next.devices().rules().isEmpty());
  }

  @Test
  void whatIsWrongIsSaidByTheStart() throws Exception {
    Path file = Files.createFile(scratch.resolve("file"));
    var container = container(s -> s.binds.add(file + "/below:/x"));
    var seen = new HostSide(Runnable::run, LITTLE).look(container, mounts(container));
    var e = assertThrows(GantryException.class, seen::devices);
    assertEquals(GantryException.Kind.INVALID, e.kind());
    assertEquals(
        "error while creating mount source path '%s/below': mkdir %1$s/below: not a directory"
            .formatted(file),
        e.getMessage());
  }

  @Test
  void aLinkThatLeadsNowhereIsSaidInDockersWords() throws Exception {
    Path link = Files.createSymbolicLink(scratch.resolve("link"), scratch.resolve("nowhere"));
    var container = container(s -> s.binds.add(link + ":/x"));
    var seen = new HostSide(Runnable::run, LITTLE).look(container, mounts(container));
    assertEquals(
        "error while creating mount source path '%s': mkdir %1$s: file exists".formatted(link),
        assertThrows(GantryException.class, seen::devices).getMessage());
    assertFalse(Files.exists(link));
  }

  @Test
  void whoHasNothingOfTheHostWaitsForNoWorker() {
    var container = container(s -> s.volumes.add("/data"));
    var seen = new HostSide(hanging::add, LITTLE).look(container, mounts(container));
    assertFalse(seen.devices().rules().isEmpty());
    assertEquals(List.of(), hanging);
  }
}
