package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.AttachOptions;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers.WaitCondition;
import io.gantry.api.LogQuery;
import io.gantry.engine.log.LogDefaults;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Logs of real containers: how they are kept, and how they are shipped. */
@Tag("root")
@Timeout(180)
class LoggingTest {
  private static final LogQuery ALL = new LogQuery(true, true, false, false, false, null, null, -1);

  @TempDir Path scratch;
  private Engines.Home home;
  private Engines engine;

  @BeforeEach
  void start() throws IOException {
    home = Engines.Home.make(scratch);
    engine = open(new MemoryShipper(), Map.of());
  }

  @AfterEach
  void stop() {
    engine.close();
    home.destroy();
  }

  private Engines open(MemoryShipper shipper, Map<String, String> configured) {
    return new Engines(home, shipper, new LogDefaults("json-file", configured, false));
  }

  @Test
  void attributesAreThoseThatOptionsAskFor() throws Exception {
    String id =
        run(
            s -> {
              s.name = "web";
              s.cmd = List.of("echo", "one");
              s.labels = Map.of("a", "1", "b", "x y&z", "c", "no");
              s.env = List.of("E=\u00fc", "F=no");
              s.logOptions =
                  Map.of("labels", "a", "labels-regex", "^b", "env", "E", "tag", "{{.Name}}");
            });
    assertTrue(
        Files.readString(home.place().log(id))
            .contains(
                "\"attrs\":{\"E\":\"\u00fc\",\"a\":\"1\",\"b\":\"x y\\u0026z\",\"tag\":\"web\"}"));
    var details = new LogQuery(true, true, false, false, true, null, null, -1);
    assertEquals(
        "E=%C3%BC,a=1,b=x+y%26z,tag=web one\n", Engines.text(engine.containers.logs(id, details)));
    assertEquals("one\n", Engines.text(engine.containers.logs(id, ALL)));
  }

  @Test
  void theConfigurationRotatesWhatSaysNothingItself() throws Exception {
    engine.close();
    engine = open(new MemoryShipper(), Map.of("max-size", "1k", "max-file", "3"));
    String id = run(s -> s.cmd = List.of("seq", "100"));
    assertTrue(Files.exists(rotated(id, "2")));
    assertFalse(Files.exists(rotated(id, "3")));
    assertEquals(Map.of(), engine.containers.inspect(id).spec().host().log().options());
  }

  @Test
  void rotatedFilesAreCompressedAndReadBack() throws Exception {
    String id =
        run(
            s -> {
              s.cmd = List.of("seq", "100");
              s.logDriver = "local";
              s.logOptions = Map.of("max-size", "1k", "max-file", "20");
            });
    Await.until(
        "compressed", () -> Files.exists(rotated(id, "1.gz")) && !Files.exists(rotated(id, "1")));
    assertEquals(numbers(100), Engines.text(engine.containers.logs(id, ALL)).lines().toList());
    assertFalse(engine.containers.inspect(id).files().containsKey("log"));
  }

  @Test
  void aMonitorPutsCompressedFilesInTheirPlaces() throws Exception {
    String id =
        start(
            s -> {
              s.cmd = List.of("sh", "-c", "seq 100; sleep 1000");
              s.logOptions = Map.of("max-size", "1k", "max-file", "20", "compress", "true");
            });
    Await.until(
        "compressed", () -> Files.exists(rotated(id, "1.gz")) && !Files.exists(rotated(id, "1")));
    assertEquals(numbers(100), Engines.text(engine.containers.logs(id, ALL)).lines().toList());
    engine.containers.remove(id, true, false);
  }

  @Test
  void badValuesAreSaidByTheStart() {
    String id =
        engine.containers.create(Specs.spec(s -> s.logOptions = Map.of("max-file", "0"))).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertEquals(
        "failed to create task for container: failed to initialize logging driver: max-file cannot"
            + " be less than 1",
        e.getMessage());
    assertEquals(GantryException.Kind.INVALID, e.kind());
    refused("{{.Nope}}", "can't evaluate field Nope in type *logger.Info");
    refused("{{", "template: log-tag:1: unclosed action");
  }

  private void refused(String tag, String sentence) {
    String id = engine.containers.create(Specs.spec(s -> s.logOptions = Map.of("tag", tag))).id();
    var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
    assertTrue(e.getMessage().endsWith(sentence), e.getMessage());
  }

  @Test
  void driversAndOptionsThatThereAreNotAreRefusedBeforeThereIsAContainer() {
    var e =
        assertThrows(
            GantryException.class,
            () -> engine.containers.create(Specs.spec(s -> s.logDriver = "nope")));
    assertEquals("error looking up logging plugin nope: plugin \"nope\" not found", e.getMessage());
    assertThrows(
        GantryException.class,
        () ->
            engine.containers.create(
                Specs.spec(
                    s -> {
                      s.logDriver = "memory";
                      s.logOptions = Map.of("bad", "1");
                    })));
    assertEquals(List.of(), engine.containers.list());
  }

  @Test
  void everyLineIsShippedOnceAndInOrder() throws Exception {
    String id = run(shipped("seq", "3000"));
    Await.until("shipped", () -> engine.shipper.lines.size() == 3000);
    assertEquals(numbers(3000).stream().map(n -> "stdout " + n).toList(), engine.shipper.lines);
    Await.until("closed", () -> engine.shipper.open.isEmpty());
    assertEquals(numbers(3000), Engines.text(engine.containers.logs(id, ALL)).lines().toList());
  }

  @Test
  void whatIsAwayGetsItsLinesLaterAndHoldsNobodyUp() throws Exception {
    engine.shipper.away = true;
    run(shipped("seq", "100")); // which ends all the same
    assertEquals(List.of(), engine.shipper.lines);
    engine.shipper.away = false;
    Await.until("shipped", () -> engine.shipper.lines.size() == 100);
  }

  @Test
  void anotherEngineGoesOnWhereOneHasStopped() throws Exception {
    String id = start(shipped("sh", "-c", "seq 50; read x; seq 51 100; sleep 1000"));
    var first = engine.shipper;
    Await.until("shipped", () -> first.lines.size() == 50);
    engine.close();
    var second = new MemoryShipper();
    engine = open(second, Map.of());
    var stdin = engine.containers.attach(id, new AttachOptions(true, true, true, false, true, ""));
    stdin.write(ByteBuffer.wrap(new byte[] {10})).toCompletableFuture().get();
    Await.until("shipped", () -> second.lines.size() == 50);
    assertEquals("stdout 51", second.lines.get(0));
    assertEquals(50, first.lines.size());
    engine.containers.remove(id, true, false);
  }

  /** Its program may have run for a moment: what it printed is in its log, which users can read. */
  @Test
  void whatAStartPrintedThatAnEngineDiedInIsShipped() throws Exception {
    String id = engine.containers.create(Specs.spec(shipped("sleep", "1000"))).id();
    String other = run(s -> s.cmd = List.of("echo", "begin"));
    engine.close();
    Files.copy(home.place().log(other), home.place().log(id));
    var next = new MemoryShipper();
    engine = open(next, Map.of());
    Await.until("shipped", () -> next.lines.equals(List.of("stdout begin")));
    Await.until("closed", () -> next.open.isEmpty());
    assertEquals(Status.CREATED, engine.containers.inspect(id).state().status());
  }

  @Test
  void aContainerThatGoesWithItsEndHasItsLogShippedBefore() throws Exception {
    String id =
        start(
            s -> {
              shipped("seq", "1000").accept(s);
              s.autoRemove = true;
            });
    engine
        .containers
        .await(id, WaitCondition.REMOVED)
        .toCompletableFuture()
        .get(60, TimeUnit.SECONDS);
    assertEquals(1000, engine.shipper.lines.size());
  }

  @Test
  void aShipperThatHangsKeepsNobodyFromAContainerThatGoes() throws Exception {
    var letGo = new CompletableFuture<Void>();
    engine.shipper.hangsUntil = letGo;
    try {
      String id = run(shipped("seq", "100"));
      var removal = CompletableFuture.runAsync(() -> engine.containers.remove(id, true, false));
      Await.until(
          "removing", () -> engine.containers.inspect(id).state().status() == Status.REMOVING);
      engine.containers.rename(id, "renamed"); // takes the container's lock
      var e = assertThrows(GantryException.class, () -> engine.containers.start(id));
      assertEquals("container is marked for removal and cannot be started", e.getMessage());
      assertFalse(removal.isDone());
      removal.get(60, TimeUnit.SECONDS);
      assertThrows(GantryException.class, () -> engine.containers.inspect(id));
    } finally {
      letGo.complete(null);
    }
  }

  private static Consumer<Specs> shipped(String... command) {
    return s -> {
      s.cmd = List.of(command);
      s.openStdin = true;
      s.logDriver = "memory";
    };
  }

  private String start(Consumer<Specs> how) {
    String id = engine.containers.create(Specs.spec(how)).id();
    engine.containers.start(id);
    return id;
  }

  private String run(Consumer<Specs> how) throws Exception {
    String id = engine.containers.create(Specs.spec(how)).id();
    var end = engine.containers.await(id, WaitCondition.NEXT_EXIT).toCompletableFuture();
    engine.containers.start(id);
    end.get(60, TimeUnit.SECONDS);
    return id;
  }

  private Path rotated(String id, String suffix) {
    var log = home.place().log(id);
    return log.resolveSibling(log.getFileName() + "." + suffix);
  }

  private static List<String> numbers(int last) {
    return IntStream.rangeClosed(1, last).mapToObj(Integer::toString).toList();
  }
}
