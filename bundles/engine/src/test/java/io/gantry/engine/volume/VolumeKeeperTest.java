package io.gantry.engine.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Leased;
import io.gantry.api.Volumes.VolumeSpec;
import io.gantry.api.Volumes.VolumeView;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.event.EventRing;
import io.gantry.linux.Dir;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.volume.VolumeDriver;
import io.gantry.volume.local.LocalDriver;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;

/** Volumes with the real driver; a new keeper on the same folders is the next engine. */
@Tag("root")
class VolumeKeeperTest {

  private static final String A = "a".repeat(64);
  private static final String B = "b".repeat(64);

  @TempDir Path temp;
  private final EventRing events = new EventRing();
  private Path data;
  private boolean away;
  private String hanging = "";
  private LocalDriver driver;
  private VolumeKeeper keeper;
  private VolumeService volumes;
  private Runnable expected = () -> {}; // by containers on record

  @BeforeEach
  void start() throws IOException {
    data = Files.createDirectories(temp.resolve("data"));
    next(Set.of());
  }

  /** What a restart of the engine does. */
  private void next(Set<String> containers) {
    var context =
        (BundleContext)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {BundleContext.class},
                (proxy, method, arguments) -> data.toString());
    driver = new LocalDriver(context);
    keeper =
        new VolumeKeeper(
            data,
            temp.resolve("run"),
            new OnlyDriver(),
            events,
            new SpareDisk(data),
            InstantSource.system());
    keeper.load();
    expected.run();
    volumes = new VolumeService(keeper);
    keeper.recover("local", driver, containers);
  }

  private final class OnlyDriver implements Leased<VolumeDriver> {
    @Override
    public <R> R call(String name, Function<? super VolumeDriver, ? extends R> body) {
      if (!name.equals("local")) {
        throw new GantryException(Kind.NOT_FOUND, "no driver " + name);
      }
      if (away) {
        throw new GantryException(Kind.UNAVAILABLE, "volume driver local is away");
      }
      return body.apply(hanging.isEmpty() ? driver : hangingAt(hanging));
    }

    @Override
    public List<String> names() {
      return List.of("local");
    }

    @Override
    public String defaultName() {
      return "local";
    }
  }

  /** The driver, which cannot remove one volume for now. */
  private VolumeDriver hangingAt(String volume) {
    return (VolumeDriver)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {VolumeDriver.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("remove") && volume.equals(arguments[0])) {
                throw new GantryException(Kind.UNAVAILABLE, "volume driver local hangs");
              }
              return method.invoke(driver, arguments);
            });
  }

  private static VolumeSpec named(String name) {
    return new VolumeSpec(name, "", null, null);
  }

  private List<String> names() {
    return volumes.list().stream().map(VolumeView::name).toList();
  }

  private Path path(String volume) {
    return Path.of(volumes.inspect(volume).path());
  }

  private static GantryException refused(Kind kind, Runnable call) {
    var e = assertThrows(GantryException.class, call::run);
    assertEquals(kind, e.kind(), e.getMessage());
    return e;
  }

  @Test
  void whatWasAcknowledgedIsThereForTheNextEngine() throws IOException {
    volumes.create(new VolumeSpec("one", "", Map.of(), Map.of("k", "v")));
    Files.writeString(path("one").resolve("file"), "content");
    var before = volumes.inspect("one");
    next(Set.of());
    assertEquals(before, volumes.inspect("one"));
    assertEquals("content", Files.readString(path("one").resolve("file")));
    volumes.remove("one", false);
    next(Set.of());
    assertEquals(List.of(), names());
    assertFalse(Files.exists(data.resolve("volume/local/volumes/one")));
  }

  @Test
  void aDriverThatFailsLeavesNothing() {
    var bad = new VolumeSpec("one", "", Map.of("bogus", "1"), null);
    assertEquals(
        "create one: invalid option: \"bogus\"",
        refused(Kind.INVALID, () -> volumes.create(bad)).getMessage());
    var own = new VolumeSpec("two", "", Map.of("bogus", "1"), null);
    refused(Kind.INVALID, () -> keeper.use(own, A, true, false));
    var nosuch = new VolumeSpec("x", "nosuch", null, null);
    assertEquals(
        "create x: error looking up volume plugin nosuch: plugin \"nosuch\" not found",
        refused(Kind.NOT_FOUND, () -> volumes.create(nosuch)).getMessage());
    assertEquals(List.of(), names());
    next(Set.of());
    assertEquals(List.of(), names());
  }

  @Test
  void aVolumeThatAContainerHasStays() {
    keeper.use(named("one"), A, false, false);
    assertEquals(
        "remove one: volume is in use - [" + A + "]",
        refused(Kind.CONFLICT, () -> volumes.remove("one", true)).getMessage());
    assertEquals(List.of(), volumes.prune(volume -> true).names());
    keeper.release("one", A, false);
    assertEquals(List.of("one"), volumes.prune(volume -> true).names());
    refused(Kind.NOT_FOUND, () -> volumes.remove("one", false));
    volumes.remove("one", true);
  }

  /** An engine that died while it made a container, or removed one with its volumes. */
  @Test
  void aVolumeThatCannotBePrunedKeepsNoOther() {
    List.of("one", "two", "three").forEach(name -> volumes.create(named(name)));
    hanging = "one";
    var e = refused(Kind.UNAVAILABLE, () -> volumes.prune(volume -> true));
    assertEquals(
        "2 volumes were removed and 1 not: remove one: volume driver local hangs", e.getMessage());
    assertEquals(List.of("one"), names());
    hanging = "";
    assertEquals(List.of("one"), volumes.prune(volume -> true).names());
  }

  @Test
  void aVolumeOfAContainerThatIsNotThereIsSwept() {
    keeper.use(named("own"), A, true, false);
    keeper.use(named("named"), A, false, false);
    keeper.use(named("claimed"), A, false, false);
    keeper.claim("claimed", A);
    next(Set.of(A));
    assertEquals(List.of("claimed", "named", "own"), names());
    next(Set.of());
    assertEquals(List.of("named"), names());
  }

  @Test
  void aVolumeThatWasLeftBehindStays() {
    keeper.use(named("own"), A, true, false);
    keeper.disown("own");
    next(Set.of());
    assertEquals(List.of("own"), names());
  }

  /** The container that made it goes with its volumes while another one still has it. */
  @Test
  void aVolumeThatAnotherContainerHasOutlivesItsOwner() {
    keeper.use(named("own"), A, true, false);
    keeper.use(named("own"), B, false, false);
    keeper.claim("own", A);
    keeper.release("own", A, true);
    assertEquals(List.of("own"), names());
    keeper.disown("own"); // B goes without its volumes
    keeper.release("own", B, false);
    next(Set.of());
    assertEquals(List.of("own"), names());
  }

  @Test
  void aRemovalThatWasBegunIsFinished() {
    volumes.create(named("one"));
    away = true;
    refused(Kind.UNAVAILABLE, () -> volumes.remove("one", false));
    assertEquals(List.of("one"), names());
    volumes.remove("one", true); // by force it is gone for everybody
    assertEquals(List.of(), names());
    assertTrue(Files.exists(data.resolve("volume/local/volumes/one")));
    away = false;
    next(Set.of());
    assertEquals(List.of(), names());
    assertFalse(Files.exists(data.resolve("volume/local/volumes/one")));
  }

  @Test
  void aNameWhoseRemovalWaitsMayBeUsedAgain() throws IOException {
    volumes.create(named("one"));
    Files.writeString(path("one").resolve("file"), "old");
    away = true;
    volumes.remove("one", true);
    away = false;
    volumes.create(named("one"));
    assertFalse(Files.exists(path("one").resolve("file")));
  }

  @Test
  void aVolumeWhoseRecordIsLostIsTakenInWhole() throws IOException {
    volumes.create(new VolumeSpec("one", "", null, Map.of("k", "v")));
    Files.writeString(path("one").resolve("file"), "content");
    Files.writeString(data.resolve("volumes/one.json"), "nonsense");
    next(Set.of());
    assertEquals(Map.of("k", "v"), volumes.inspect("one").labels());
    assertEquals("content", Files.readString(path("one").resolve("file")));
    next(Set.of());
    assertEquals(List.of("one"), names());
  }

  @Test
  void anEphemeralVolumeLastsOnceAContainerThatStaysHasIt() throws IOException {
    keeper.use(named("own"), A, true, true);
    keeper.use(named("other"), A, true, true);
    keeper.use(named("own"), B, false, false);
    try (var all = Files.walk(temp.resolve("run"))) { // the power is cut
      all.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
    next(Set.of(B));
    assertEquals(List.of("own"), names());
  }

  /** The driver sweeps ephemeral volumes that nobody expects. */
  @Test
  void anEphemeralVolumeWhoseRecordIsLostStaysWithTheContainerThatRuns() throws IOException {
    keeper.use(new VolumeSpec("own", "", null, Map.of("k", "v")), A, true, true);
    keeper.use(named("other"), A, true, true);
    keeper.mount("own", A);
    Files.writeString(path("own").resolve("file"), "content");
    Files.delete(temp.resolve("run/volumes/own.json"));
    Files.delete(temp.resolve("run/volumes/other.json"));
    expected = () -> keeper.expect("own", "local", A, true);
    next(Set.of(A));
    assertEquals(List.of("own"), names());
    assertEquals(Map.of("k", "v"), volumes.inspect("own").labels());
    assertEquals("content", Files.readString(path("own").resolve("file")));
    next(Set.of(A));
    assertEquals(List.of("own"), names());
    keeper.unmount("own", A);
    assertTrue(keeper.release("own", A, true));
    assertEquals(List.of(), names());
    expected = () -> {};
    next(Set.of());
    assertEquals(List.of(), names());
  }

  // Copy-up

  private Path image() throws IOException {
    Path image = Files.createDirectories(temp.resolve("image"));
    Files.writeString(image.resolve("file"), "of the image");
    Files.setAttribute(image, "unix:uid", 1234);
    return image;
  }

  private void fill(Path image) {
    keeper.fill("one", A, null, () -> Optional.of(Dir.open(image)));
  }

  /** CVE-2020-1726: content was copied over what a volume held. */
  @Test
  void onlyAnEmptyVolumeIsFilled() throws IOException {
    keeper.use(named("one"), A, false, false);
    Files.createSymbolicLink(path("one").resolve("file"), Path.of("/etc/passwd"));
    fill(image());
    assertTrue(Files.isSymbolicLink(path("one").resolve("file")));
    assertEquals(0, Files.getAttribute(path("one"), "unix:uid"));
    Files.delete(path("one").resolve("file"));
    fill(image());
    assertEquals("of the image", Files.readString(path("one").resolve("file")));
    assertEquals(1234, Files.getAttribute(path("one"), "unix:uid"));
  }

  @Test
  void aVolumeIsFilledWhollyOrNotAtAll() throws IOException {
    keeper.use(named("one"), A, false, false);
    Path image = image();
    Thread.currentThread().interrupt(); // a copy is ended by it
    refused(Kind.CANCELLED, () -> fill(image));
    assertTrue(Thread.interrupted());
    assertTrue(isEmpty(path("one")));
    assertFalse(keeper.table().find("one").require().filling());
    fill(image);
    assertFalse(isEmpty(path("one")));
  }

  /** Clients' requests have a thread each while they wait. */
  @Test
  void onlyAFewWaitForAVolumeThatIsBeingFilled() throws Exception {
    var entered = new CountDownLatch(1);
    var letGo = new CountDownLatch(1);
    keeper.use(named("one"), A, false, false);
    var filled =
        CompletableFuture.runAsync(
            () ->
                keeper.fill(
                    "one",
                    A,
                    null,
                    () -> {
                      entered.countDown();
                      await(letGo);
                      return Optional.empty();
                    }));
    await(entered);
    var threads = Executors.newCachedThreadPool();
    try {
      List<Future<?>> waiting = new ArrayList<>();
      for (int i = 0; i < VolumeTable.MOST_FILL_WAITS; i++) {
        waiting.add(threads.submit(() -> keeper.use(named("one"), B, false, false)));
      }
      var state = keeper.table().find("one");
      awaitQueue(state.lock, VolumeTable.MOST_FILL_WAITS);
      var e = refused(Kind.UNAVAILABLE, () -> keeper.use(named("one"), B, false, false));
      assertTrue(
          e.getMessage().contains("being filled with content of the image of container " + A));
      assertFalse(keeper.release("one", A, false), "somebody is busy with it");
      letGo.countDown();
      for (var each : waiting) {
        each.get(20, TimeUnit.SECONDS);
      }
      filled.get(20, TimeUnit.SECONDS);
      assertEquals(List.of(A, B), List.copyOf(state.users));
    } finally {
      letGo.countDown();
      threads.shutdownNow();
    }
  }

  private static void awaitQueue(ReentrantLock lock, int length) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (lock.getQueueLength() != length) {
      assertTrue(System.nanoTime() < end, "threads wait for the lock");
      Thread.onSpinWait();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatAnEngineThatDiedHadBegunToCopyIsNobodys() throws IOException {
    keeper.use(named("one"), A, false, false);
    Files.writeString(path("one").resolve("half"), "of the image");
    var record = keeper.table().find("one").require();
    new VolumeRecords(data, temp.resolve("run")).put(record.filling(true));
    next(Set.of(A));
    keeper.mount("one", A);
    assertTrue(isEmpty(path("one")));
    Files.writeString(path("one").resolve("mine"), "kept");
    keeper.unmount("one", A);
    next(Set.of(A));
    keeper.mount("one", A);
    assertTrue(Files.exists(path("one").resolve("mine")));
    keeper.unmount("one", A);
  }

  private static boolean isEmpty(Path dir) {
    try (Dir open = Dir.open(dir)) {
      return open.isEmpty();
    }
  }
}
