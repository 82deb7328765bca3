package io.gantry.engine.container;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Events.Event;
import io.gantry.linux.Mounts;
import io.gantry.spi.GantryException;
import io.gantry.spi.Mount;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What is on which disk of a container, and what the next engine makes of it. */
class RecordsTest extends WithEngine {
  private String sleeper(boolean autoRemove) {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sleep", "1000");
              s.autoRemove = autoRemove;
            });
    String id = engine.containers.create(spec).id();
    engine.containers.start(id);
    return id;
  }

  private static Set<String> records(Path root) {
    try (var files = Files.walk(root)) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .map(file -> root.relativize(file).toString())
          .collect(Collectors.toSet());
    } catch (IOException | UncheckedIOException e) { // a file went while it was looked at
      return Set.of();
    }
  }

  private static void end(ContainerView container) {
    ProcessHandle process = ProcessHandle.of(container.state().pid()).orElseThrow();
    process.destroyForcibly();
    Await.until("it has ended", () -> !process.isAlive());
  }

  @Test
  void thoseThatGoWhenTheyEndAreInTheExecRootOnly() throws Exception {
    String lasting = sleeper(false);
    String passing = sleeper(true);
    var data = home.place().dataRoot();
    var exec = home.place().execRoot();
    var copied = Set.of("containers/" + lasting + ".json", "runs/" + lasting + ".json");
    Await.until("the run is copied", () -> records(data).equals(copied));
    assertEquals(
        Set.of(
            "containers/" + passing + ".json",
            "runs/" + passing + ".json",
            "runs/" + lasting + ".json"),
        records(exec));
    engine.containers.stop(passing, "KILL", null);
    Await.until("it is gone", () -> engine.containers.list().size() == 1);
    assertEquals(Set.of("runs/" + lasting + ".json"), records(exec));
  }

  @Test
  void aRebootLeavesNothingOfThoseThatGoWhenTheyEnd() throws Exception {
    String passing = sleeper(true);
    var running = engine.containers.inspect(passing);
    engine.close();
    ProcessHandle monitor =
        ProcessHandle.of(running.state().pid()).flatMap(ProcessHandle::parent).orElseThrow();
    monitor.destroyForcibly();
    end(running);
    clear(home.place().execRoot());
    engine = new Engines(home);
    assertEquals(List.of(), engine.containers.list());
    assertFalse(Files.exists(home.place().files(passing)));
    assertEquals(Set.of(), records(home.place().dataRoot()));
  }

  /** As a reboot does; the zygote, which a reboot ends as well, is found by its socket. */
  private static void clear(Path execRoot) throws IOException {
    try (var entries = Files.list(execRoot)) {
      for (Path entry : entries.toList()) {
        if (!entry.getFileName().toString().startsWith("spawn")) {
          OwnFiles.removeTree(entry);
        }
      }
    }
  }

  @Test
  void endsThatNoEngineSawAreToldWithTheirTrueTimes() throws Exception {
    String killed = sleeper(false);
    String greedy =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.cmd = List.of("sh", "-c", "read x; tail /dev/zero");
                      s.openStdin = true;
                      s.limits =
                          new io.gantry.api.HostSpec.Limits(
                              16 << 20, 16 << 20, 0, 0, 0, 0, 0, "", "", 0, 0, false);
                    }))
            .id();
    engine.containers.start(greedy);
    var view = engine.containers.inspect(killed);
    long greed = engine.containers.inspect(greedy).state().pid();
    engine.close();
    Instant before = Instant.now();
    end(view);
    Files.writeString(Path.of("/proc/" + greed + "/fd/0"), "go\n");
    Await.until("it ran out of memory", () -> ProcessHandle.of(greed).isEmpty());
    Instant after = Instant.now();
    Await.until("time goes by", () -> Instant.now().isAfter(after.plusMillis(300)));

    engine = new Engines(home);
    engine.actions();
    Map<String, Event> told =
        engine.events.stream()
            .filter(event -> event.action().equals("die"))
            .collect(Collectors.toMap(Event::actor, event -> event));
    assertEquals(Set.of(killed, greedy), told.keySet());
    for (Event event : told.values()) {
      assertFalse(event.time().isBefore(before), event.toString());
      assertFalse(event.time().isAfter(after), event.toString());
      assertEquals("137", event.attributes().get("exitCode"));
    }
    var oom = engine.events.stream().filter(e -> e.action().equals("oom")).toList();
    assertEquals(List.of(greedy), oom.stream().map(Event::actor).toList());
    assertEquals(told.get(greedy).time(), oom.get(0).time());
    assertEquals(told.get(killed).time(), engine.containers.inspect(killed).state().finished());
  }

  @Test
  void anEndThatACrashKeptFromBeingCopiedIsCopiedByTheNextEngine() throws Exception {
    String id = sleeper(false);
    engine.containers.kill(id, "KILL");
    engine.close();
    Files.deleteIfExists(home.place().dataRoot().resolve("runs/" + id + ".json"));
    engine = new Engines(home);
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
    Await.until(
        "it is copied", () -> records(home.place().dataRoot()).contains("runs/" + id + ".json"));
  }

  @Test
  void whateverAContainerMadeOfItsHostsFileItStartsAgain() throws Exception {
    String id = engine.containers.create(Specs.running("sleep", "1000")).id();
    Path hosts = home.place().files(id).resolve("hosts");
    Files.write(hosts, new byte[] {-1, -2});
    engine.containers.start(id);
    engine.containers.kill(id, "KILL");
    try (var file = new RandomAccessFile(hosts.toFile(), "rw")) {
      file.setLength(4L << 30); // the heap is smaller
    }
    engine.containers.start(id);
    assertEquals(Status.RUNNING, engine.containers.inspect(id).state().status());
    assertTrue(Files.readString(hosts).startsWith("127.0.0.1"));
  }

  @Test
  void filesThatAPowerCutTookAreMadeAgain() {
    var spec =
        Specs.spec(
            s -> {
              s.cmd = List.of("sh", "-c", "cat /etc/hosts && echo kept >/v/x && sleep 1000");
              s.volumes = List.of("/v");
            });
    String id = engine.containers.create(spec).id();
    engine.close();
    OwnFiles.removeTree(home.place().files(id));
    engine = new Engines(home);
    engine.containers.start(id);
    assertEquals(Status.RUNNING, engine.containers.inspect(id).state().status());
    Await.until(
        "its volume is there",
        () -> {
          var volume = engine.containers.inspect(id).mounts().get(0);
          return Files.exists(Path.of(volume.source()).resolve("x"));
        });
  }

  @Test
  void aRemovalThatTheDriverRefusesKeepsTheRecord() throws Exception {
    String id = engine.containers.create(Specs.running("true")).id();
    engine.close();
    Path record = home.place().dataRoot().resolve("containers/" + id + ".json");
    String line =
        Files.readAllLines(record).get(0).replace("\"value\":{", "\"value\":{\"newer\":1,");
    Files.writeString(record, line + "\n" + Digest.sha256(line.getBytes(UTF_8)) + "\n");
    engine = new Engines(home);
    Path refuse = Files.createFile(home.trees().resolve(LinkedTrees.REFUSE));
    assertThrows(GantryException.class, () -> engine.containers.remove(id, false, false));
    Files.delete(refuse);
    assertTrue(Files.readString(record).contains("\"newer\":1"), "a newer version's field");
    engine.close();
    engine = new Engines(home);
    assertEquals(Status.CREATED, engine.containers.inspect(id).state().status());
    engine.containers.remove(id, false, false);
    assertEquals(Set.of(), records(home.place().dataRoot()));
  }

  @Test
  void filesThatCannotBeRemovedKeepNoContainer() {
    String id = engine.containers.create(Specs.running("true")).id();
    Path busy = home.place().files(id).resolve("busy");
    assertTrue(busy.toFile().mkdir());
    Mounts.mount(new Mount("tmpfs", "tmpfs", busy.toString(), List.of()), busy);
    try {
      engine.containers.remove(id, false, false);
      assertEquals(List.of(), engine.containers.list());
      assertTrue(engine.actions().contains("destroy"));
    } finally {
      Mounts.unmount(busy);
    }
    engine.close();
    engine = open();
    assertFalse(Files.exists(home.place().files(id)));
  }

  @Test
  void aRemovalThatWasCutShortIsFinished() throws Exception {
    String id = sleeper(false);
    engine.containers.stop(id, "KILL", Duration.ofSeconds(10));
    engine.containers.writeOut();
    engine.close();
    Files.delete(home.place().dataRoot().resolve("containers/" + id + ".json"));
    engine = new Engines(home);
    assertEquals(List.of(), engine.containers.list());
    assertEquals(Set.of(), records(home.place().dataRoot()));
    assertEquals(Set.of(), records(home.place().execRoot()));
    assertFalse(Files.exists(home.place().files(id)));
  }

  @Test
  void aStopIsRememberedByTheNextEngine() {
    String id =
        engine
            .containers
            .create(
                Specs.spec(
                    s -> {
                      s.cmd = List.of("sleep", "1000");
                      s.restartPolicy = "unless-stopped";
                    }))
            .id();
    engine.containers.start(id);
    engine.containers.stop(id, "KILL", Duration.ofSeconds(10));
    engine.close();
    engine = new Engines(home);
    assertEquals(Status.EXITED, engine.containers.inspect(id).state().status());
    assertTrue(engine.actions().stream().noneMatch("start"::equals));
  }
}
