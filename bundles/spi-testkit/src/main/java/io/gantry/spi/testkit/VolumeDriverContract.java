package io.gantry.spi.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.MountInfo;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.volume.Volume;
import io.gantry.spi.volume.VolumeDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every volume driver must do. A driver's test extends this and makes the driver; all of it
 * needs root, since drivers mount.
 */
@Tag("root")
public abstract class VolumeDriverContract {

  private static final Map<String, String> LABELS = Map.of("some key", "some=value");
  private static final Map<String, String> EPHEMERAL = Map.of(Volume.EPHEMERAL, "true");

  @TempDir Path temp = Path.of("/nonexistent"); // until it is set

  private Path root;
  protected VolumeDriver driver;

  /** Makes a driver as after a start, on what an earlier one has left below {@code root}. */
  protected abstract VolumeDriver driver(Path root);

  /** Options of a volume whose data stays while nobody holds it. */
  protected Map<String, String> options() {
    return Map.of();
  }

  @BeforeEach
  void start() throws IOException {
    root = Files.createDirectory(temp.toRealPath().resolve("root"));
    driver = driver(root);
    assertEquals(new Recovery(Set.of(), Set.of()), driver.recover(Map.of()));
  }

  @AfterEach
  void nothingIsMounted() {
    List<String> mounted =
        MountInfo.ofSelf().stream()
            .map(MountInfo::target)
            .filter(target -> target.startsWith(root.toString()))
            .toList();
    assertEquals(List.of(), mounted);
  }

  // Life

  @Test
  void aVolumeIsThereUntilItIsRemoved() {
    driver.create("one", options());
    driver.create("two", options());
    assertEquals(Set.of("one", "two"), names());
    assertEquals(Optional.of(volume("one")), driver.find("one"));
    driver.remove("one");
    assertEquals(Optional.empty(), driver.find("one"));
    driver.remove("one");
    assertEquals(Set.of("two"), names());
    driver.remove("two");
  }

  @Test
  void aNewVolumeIsEmpty() throws IOException {
    driver.create("one", options());
    write("one", "file", "content");
    driver.remove("one");
    driver.create("one", options());
    assertFalse(Files.exists(held("one").resolve("file")));
    assertEquals(List.of(), children("one"));
    driver.unmount("one", "reader");
    driver.remove("one");
  }

  @Test
  void makingItAgainChangesNothing() throws IOException {
    driver.create("one", options());
    write("one", "file", "content");
    driver.create("one", options());
    assertEquals("content", read("one", "file"));
    assertKind(Kind.CONFLICT, () -> driver.create("one", otherOptions()));
    assertEquals("content", read("one", "file"));
    driver.remove("one");
  }

  private Map<String, String> otherOptions() {
    return options().isEmpty() ? Map.of("type", "tmpfs", "device", "tmpfs") : Map.of();
  }

  @Test
  void whatItWasMadeWithIsKept() {
    driver.create("one", options(), LABELS);
    Volume volume = volume("one");
    assertEquals(options(), volume.options());
    assertEquals(driver.features().contains("labels") ? LABELS : Map.of(), volume.labels());
    driver.remove("one");
  }

  @Test
  void itSaysWhatItHolds() throws IOException {
    driver.create("one", options());
    long before = driver.usage("one");
    write("one", "file", "0123456789");
    long after = driver.usage("one");
    assertTrue(before < 0 ? after == before : after == before + 10, before + " " + after);
    assertKind(Kind.NOT_FOUND, () -> driver.usage("none"));
    driver.remove("one");
  }

  // Holders

  @Test
  void allHoldersGetTheSameData() throws IOException {
    driver.create("one", options());
    Mount first = driver.mount("one", "a");
    assertTrue(first.type().endsWith("bind"), first.type());
    assertTrue(Path.of(first.source()).isAbsolute(), first.source());
    assertEquals(first, driver.mount("one", "a"));
    Path there = Path.of(driver.mount("one", "b").source());
    Files.writeString(Path.of(first.source()).resolve("file"), "content");
    assertEquals("content", Files.readString(there.resolve("file")));
    driver.unmount("one", "a");
    driver.unmount("one", "a");
    assertEquals("content", Files.readString(there.resolve("file")));
    driver.unmount("one", "b");
    driver.unmount("one", "b");
    driver.unmount("one", "never");
    assertEquals("content", read("one", "file"));
    driver.remove("one");
  }

  @Test
  void aHeldVolumeStays() throws IOException {
    driver.create("one", options());
    Path there = held("one");
    Files.writeString(there.resolve("file"), "content");
    assertKind(Kind.CONFLICT, () -> driver.remove("one"));
    assertEquals("content", Files.readString(there.resolve("file")));
    driver.unmount("one", "reader");
    driver.remove("one");
    assertEquals(Set.of(), names());
  }

  @Test
  void whatIsNotThereCannotBeMounted() {
    assertKind(Kind.NOT_FOUND, () -> driver.mount("none", "a"));
    driver.unmount("none", "a");
    driver.remove("none");
    assertEquals(Set.of(), names());
  }

  @Test
  void differentVolumesAreUsedAtTheSameTime() throws Exception {
    var threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        String name = "volume" + i;
        all.add(
            threads.submit(
                () -> {
                  driver.create(name, options());
                  write(name, "file", name);
                  assertEquals(name, read(name, "file"));
                  return name;
                }));
      }
      for (Future<?> one : all) {
        one.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(16, names().size());
    names().forEach(driver::remove);
  }

  // Taking over

  @Test
  void aFreshDriverGoesOn() throws IOException {
    driver.create("one", options(), LABELS);
    Mount mount = driver.mount("one", "a");
    Files.writeString(Path.of(mount.source()).resolve("file"), "content");
    Volume before = volume("one");

    driver = driver(root);
    Recovery recovery = driver.recover(Map.of("one", Set.of("a"), "gone", Set.of()));
    assertEquals(Set.of("one"), recovery.alive());
    assertEquals(Set.of("gone"), recovery.lost());
    assertEquals("content", Files.readString(Path.of(mount.source()).resolve("file")));
    assertEquals(before, volume("one"));
    assertEquals(mount, driver.mount("one", "a"));
    assertKind(Kind.CONFLICT, () -> driver.remove("one"));
    driver.unmount("one", "a");
    driver.remove("one");
  }

  @Test
  void whatIsHeldByNobodyAnyMoreIsLetGo() throws IOException {
    driver.create("one", options());
    driver.mount("one", "a");
    driver = driver(root);
    driver.recover(Map.of("one", Set.of()));
    nothingIsMounted();
    driver.remove("one");
    assertEquals(Set.of(), names());
  }

  @Test
  void dataNobodyExpectsStaysUnlessItIsEphemeral() throws IOException {
    driver.create("kept", options());
    write("kept", "file", "content");
    driver.create("swept", options(), EPHEMERAL);
    driver.create("used", options(), EPHEMERAL);
    driver = driver(root);
    driver.recover(Map.of("used", Set.of()));
    boolean labels = driver.features().contains("labels");
    assertEquals(labels ? Set.of("kept", "used") : Set.of("kept", "swept", "used"), names());
    assertEquals("content", read("kept", "file"));
    names().forEach(driver::remove);
  }

  @Test
  void anEphemeralVolumeMayBecomeOneThatStays() throws IOException {
    driver.create("one", options(), EPHEMERAL);
    write("one", "file", "content");
    driver.create("one", options(), LABELS);
    driver = driver(root);
    driver.recover(Map.of());
    assertEquals("content", read("one", "file"));
    if (driver.features().contains("labels")) {
      assertEquals(LABELS, volume("one").labels());
    }
    driver.remove("one");
  }

  // Rules

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "../x", "a/b", "/a", ".hidden", "-x", "a b", "a\nb", "ä"})
  void whatIsNoNameBecomesNoPath(String name) {
    assertKind(Kind.INVALID, () -> driver.create(name, options()));
    assertKind(Kind.INVALID, () -> driver.mount(name, "a"));
    assertKind(Kind.INVALID, () -> driver.remove(name));
    assertKind(Kind.INVALID, () -> driver.unmount(name, "a"));
    assertKind(Kind.INVALID, () -> driver.usage(name));
    assertEquals(Set.of(), names());
  }

  @Test
  void namesMayBeLongAndDifferInSize() {
    String name = "v" + "o".repeat(199) + ".-_";
    driver.create(name, options());
    driver.create("V" + name.substring(1), options());
    assertEquals(2, names().size());
    names().forEach(driver::remove);
    assertEquals(Set.of(), names());
  }

  @Test
  void anUnknownOptionIsRefusedByName() {
    GantryException e =
        assertThrows(
            GantryException.class, () -> driver.create("one", Map.of("no such option", "1")));
    assertEquals(Kind.INVALID, e.kind());
    assertTrue(e.getMessage().contains("no such option"), e.getMessage());
    assertEquals(Set.of(), names());
  }

  @Test
  void aCancelledCallLeavesNothing() {
    Thread.currentThread().interrupt();
    assertKind(Kind.CANCELLED, () -> driver.create("one", options()));
    assertTrue(Thread.interrupted());
    assertEquals(Set.of(), names());
  }

  protected static void assertKind(Kind kind, Runnable call) {
    GantryException e = assertThrows(GantryException.class, call::run);
    assertEquals(kind, e.kind(), e.getMessage());
    assertNotEquals("", e.getMessage());
  }

  private Set<String> names() {
    return driver.list().stream().map(Volume::name).collect(Collectors.toSet());
  }

  protected Volume volume(String name) {
    return driver.list().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
  }

  private Path held(String volume) {
    return Path.of(driver.mount(volume, "reader").source());
  }

  private List<Path> children(String volume) throws IOException {
    try (var entries = Files.list(held(volume))) {
      return entries.toList();
    }
  }

  protected String read(String volume, String file) throws IOException {
    try {
      return Files.readString(held(volume).resolve(file));
    } finally {
      driver.unmount(volume, "reader");
    }
  }

  protected void write(String volume, String file, String text) throws IOException {
    try {
      Files.writeString(held(volume).resolve(file), text);
    } finally {
      driver.unmount(volume, "reader");
    }
  }
}
