package io.gantry.engine.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
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
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;

/** What is undone, removed or swept takes nothing along that somebody else counts on. */
@Tag("root")
class NothingTakenAlongTest {

  private static final String A = "a".repeat(64);
  private static final String B = "b".repeat(64);
  private static final VolumeSpec ONE = new VolumeSpec("one", "", null, null);

  @TempDir Path data;
  private LocalDriver driver;
  private VolumeKeeper keeper;
  private VolumeService volumes;

  @BeforeEach
  void start() {
    next();
  }

  /** What a restart of the engine does before its drivers take over. */
  private void next() {
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
            data.resolve("run"),
            new OnlyDriver(),
            new EventRing(),
            new SpareDisk(data),
            InstantSource.system());
    keeper.load();
    volumes = new VolumeService(keeper);
  }

  private final class OnlyDriver implements Leased<VolumeDriver> {
    @Override
    public <R> R call(String name, Function<? super VolumeDriver, ? extends R> body) {
      return body.apply(driver);
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

  private List<String> names() {
    return volumes.list().stream().map(VolumeView::name).toList();
  }

  @Test
  void whatADriverHasAlreadyIsNotTakenBack() throws IOException {
    volumes.create(ONE);
    Path file = write(Path.of(volumes.inspect("one").path()).resolve("file"));
    Files.delete(data.resolve("volumes/one.json"));
    next();
    var other = new VolumeSpec("one", "", Map.of("type", "tmpfs", "device", "tmpfs"), null);
    var e = assertThrows(GantryException.class, () -> volumes.create(other));
    assertEquals(Kind.CONFLICT, e.kind());
    assertTrue(Files.exists(file));
    Files.writeString(data.resolve("volume/local/volumes/one/record"), "nonsense");
    e = assertThrows(GantryException.class, () -> volumes.create(ONE));
    assertEquals(Kind.CONFLICT, e.kind());
    assertTrue(Files.exists(file));
  }

  /** Before its driver is back, and when somebody waited for the driver as it took over. */
  @Test
  void whereAVolumeIsStaysKnown() throws Exception {
    volumes.create(ONE);
    String path = volumes.inspect("one").path();
    assertTrue(Files.isDirectory(Path.of(path)));
    next();
    assertEquals(path, volumes.inspect("one").path());
    keeper.use(new VolumeSpec("own", "", null, null), A, true, false);
    path = volumes.inspect("own").path();
    next();
    var held = keeper.table().make("own").lock;
    held.lock();
    try {
      CompletableFuture.runAsync(() -> keeper.recover("local", driver, Set.of(A))).get();
    } finally {
      held.unlock();
    }
    assertEquals(path, volumes.inspect("own").path());
  }

  @Test
  void aVolumeThatWasMadeForAContainerIsTakenBackWithIt() {
    keeper.use(ONE, A, false, false);
    keeper.use(ONE, A, false, false);
    keeper.takeBack("one", A);
    keeper.takeBack("one", A);
    assertEquals(List.of(), names());
  }

  @Test
  void aVolumeThatOthersAskedForMeanwhileStays() {
    keeper.use(ONE, A, false, false);
    volumes.create(ONE);
    keeper.takeBack("one", A);
    assertEquals(List.of("one"), names());
    volumes.remove("one", false);
    keeper.use(ONE, A, false, false);
    keeper.use(ONE, B, false, false);
    keeper.release("one", B, false);
    keeper.takeBack("one", A);
    assertEquals(List.of("one"), names());
  }

  /** It goes with its volumes while another one, that was given the volume by name, has it. */
  @Test
  void aVolumeOutlivesItsOwnerForGood() {
    keeper.use(ONE, A, true, false);
    keeper.use(ONE, B, false, false);
    keeper.claim("one", A);
    keeper.release("one", A, true);
    keeper.release("one", B, false);
    keeper.recover("local", driver, Set.of());
    assertEquals(List.of("one"), names());
  }

  /** The same with a crash after the owner's record has gone. */
  @Test
  void aVolumeOutlivesAnOwnerThatWasCutShort() {
    keeper.use(ONE, A, true, false);
    keeper.use(ONE, B, false, false);
    next();
    keeper.expect("one", "local", B, false);
    keeper.recover("local", driver, Set.of(B));
    keeper.release("one", B, false);
    keeper.recover("local", driver, Set.of());
    assertEquals(List.of("one"), names());
  }

  @Test
  void aVolumeWhoseRecordIsLostIsStillInUse() throws IOException {
    keeper.use(ONE, A, false, false);
    Files.writeString(data.resolve("volumes/one.json"), "nonsense");
    next();
    keeper.expect("one", "local", A, false);
    keeper.unmount("one", "somebody");
    keeper.recover("local", driver, Set.of(A));
    assertEquals(List.of(), volumes.prune(volume -> true).names());
    assertEquals(List.of(A), volumes.inspect("one").users());
  }

  /** The copy is cut short while another container, which has the volume, writes into it. */
  @Test
  void whatOthersWriteDuringACopyStays() throws IOException {
    keeper.use(ONE, A, false, false);
    keeper.use(ONE, B, false, false);
    Path image = Files.createDirectory(data.resolve("image"));
    Files.writeString(image.resolve("of-the-image"), "content");
    Path file = Path.of(volumes.inspect("one").path()).resolve("mine");
    var e =
        assertThrows(
            GantryException.class,
            () ->
                keeper.fill(
                    "one",
                    A,
                    null,
                    () -> {
                      write(file);
                      Thread.currentThread().interrupt();
                      return Optional.of(Dir.open(image));
                    }));
    assertTrue(Thread.interrupted());
    assertEquals(Kind.CANCELLED, e.kind());
    assertTrue(Files.exists(file));
  }

  private static Path write(Path file) {
    try {
      return Files.writeString(file, "content");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
