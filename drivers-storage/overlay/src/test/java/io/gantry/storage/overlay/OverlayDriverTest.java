package io.gantry.storage.overlay;

import static io.gantry.spi.storage.SnapshotOptions.VIEW;
import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.KeyedLines.Line;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.Recovery;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.SnapshotOptions;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.testkit.StorageDriverContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class OverlayDriverTest extends StorageDriverContract {

  @TempDir Path own;

  @Override
  protected StorageDriver driver(Path root, Runnable step) {
    return Workbench.driver(root, Duration.ofMinutes(1), step);
  }

  @Test
  void whatIsMountedIsSaidInFull() {
    Workbench bench = new Workbench(own);
    bench.layer("a", null, dir -> {});
    bench.layer("b", "a", dir -> {});
    bench.driver.prepare("s", "b", WRITABLE);
    bench.driver.prepare("e", "b", SnapshotOptions.ephemeral());
    bench.driver.prepare("empty", null, WRITABLE);
    assertEquals(List.of(Mount.bind(own + "/snapshots/a/fs", "/", "ro")), bench.driver.mounts("a"));
    assertEquals(List.of(Mount.bind(own + "/snapshots/empty/fs", "/")), mounts(bench, "empty"));
    Mount mount = mounts(bench, "s").get(0);
    String options = String.join(",", mount.options());
    assertEquals("overlay", mount.type());
    assertTrue(
        options.matches(
            "rw,redirect_dir=nofollow,metacopy=off,index=off,xino=off,"
                + "lowerdir=ROOT/l/[0-9a-z]{4}:ROOT/l/[0-9a-z]{4},".replace("ROOT", own.toString())
                + "upperdir=ROOT/snapshots/s/fs,workdir=ROOT/snapshots/s/work"
                    .replace("ROOT", own.toString())),
        options);
    assertTrue(mounts(bench, "e").get(0).options().contains("volatile"));
    bench.driver.prepare("v", "b", VIEW);
    assertEquals(mounts(bench, "b"), mounts(bench, "v"));
    assertTrue(mounts(bench, "v").get(0).readOnly());
    assertFalse(bench.driver.layerDir("s").whole());
  }

  private static List<Mount> mounts(Workbench bench, String id) {
    return bench.driver.mounts(id);
  }

  @Test
  void aLayerThatIsInPlaceWorksThoughItsCommitFailed() {
    Path layer = own.resolve("snapshots/layer");
    StorageDriver driver =
        driver(
            own,
            () -> {
              if (Files.exists(layer)) {
                throw new GantryException(Kind.INTERNAL, "sync: EIO");
              }
            });
    driver.prepare("s", null, WRITABLE);
    assertThrows(GantryException.class, () -> driver.commit("s", "layer"));
    StorageDriver next = driver(own, () -> {});
    next.prepare("child", "layer", WRITABLE);
    assertEquals("", Workbench.seen(next, "child", root -> String.join(",", root.names())));
  }

  @Test
  void aContainersRootShowsTheMountPointsThatItsImageLacks() {
    Workbench bench = new Workbench(own);
    bench.layer("bare", null, dir -> dir.mkdir("bin", 0755));
    bench.layer(
        "etc",
        "bare",
        dir -> {
          dir.mkdir("etc", 0700);
          try (Dir etc = dir.dir("etc")) {
            etc.create("hosts", 0600).close();
          }
        });
    SnapshotOptions root = new SnapshotOptions(false, Map.of(SnapshotOptions.ROOT, "true"));
    bench.driver.prepare("s", "bare", root);
    bench.driver.prepare("other", "bare", WRITABLE);
    bench.driver.prepare("e", "etc", root);
    assertEquals(List.of(".dockerenv", "bin", "dev", "etc", "proc", "sys"), bench.names("s"));
    assertEquals(List.of("hostname", "hosts", "resolv.conf"), bench.names("s", "etc"));
    assertEquals(List.of("hostname", "hosts", "resolv.conf"), bench.names("e", "etc"));
    int mode = bench.seen("e", dir -> dir.stat("etc").mode() & 07777);
    assertEquals(0700, mode);
    assertEquals(List.of("bin"), bench.names("other"));
    assertEquals(List.of("bin"), bench.names("bare"));
    bench.changes("s", dir -> assertEquals(List.of(), dir.names()));
  }

  @Test
  void mountPointsAreMadeAgainAndGoneWithoutWhereTheyCannotBe() {
    Workbench bench = new Workbench(own);
    bench.layer("bare", null, dir -> {});
    bench.driver.prepare(
        "s", "bare", new SnapshotOptions(false, Map.of(SnapshotOptions.ROOT, "true")));
    try (Dir dir = Dir.open(own.resolve("mountpoints"))) {
      dir.removeTree("etc");
    }
    StorageDriver next = driver(own, () -> {});
    next.recover(Set.of("bare", "s"));
    boolean complete = Workbench.seen(next, "s", dir -> dir.has("etc") && dir.has("proc"));
    assertTrue(complete);
    assertTrue(Files.exists(own.resolve("mountpoints/etc/hosts")));
    try (Dir dir = Dir.open(own)) {
      dir.removeTree("mountpoints");
      dir.create("mountpoints", 0644).close();
    }
    StorageDriver last = driver(own, () -> {});
    boolean bare = Workbench.seen(last, "s", dir -> dir.names().isEmpty());
    assertTrue(bare);
  }

  @Test
  void chainsOfAnyLengthAreMountedUpToTheKernelsLimit() {
    Workbench.onTmpfs(
        own,
        place -> {
          Workbench bench = new Workbench(place);
          String parent = null;
          for (int i = 1; i <= 500; i++) {
            String name = "from" + i;
            bench.layer("l" + i, parent, dir -> dir.create(name, 0644).close());
            parent = "l" + i;
            if (Set.of(1, 2, 100, 320, 500).contains(i)) {
              bench.driver.prepare("s", parent, WRITABLE);
              bench.inside("s", dir -> dir.unlink("from1"));
              assertEquals(i - 1, bench.names("s").size());
              assertEquals(i, bench.names(parent).size());
              bench.driver.remove("s");
            }
          }
          bench.driver.prepare(
              "s", "l500", new SnapshotOptions(false, Map.of(SnapshotOptions.ROOT, "true")));
          GantryException e =
              assertThrows(GantryException.class, () -> bench.driver.commit("s", "l501"));
          assertEquals(
              "max depth exceeded: the overlay file system takes 500 layers, not 501",
              e.getMessage());
          assertEquals(500, bench.names("s").size());
        });
  }

  @Test
  void aLongPathToTheDataRootIsNoMatter() throws IOException {
    String part = "deep:down,a\\b ".repeat(17);
    Path deep = own.resolve(part).resolve(part).resolve(part).resolve(part);
    Workbench bench = new Workbench(Files.createDirectories(deep));
    assertEquals("", bench.driver.probe().reason());
    bench.layer("a", null, dir -> dir.create("a", 0644).close());
    bench.layer("b", "a", dir -> dir.create("b", 0644).close());
    bench.driver.prepare("s", "b", WRITABLE);
    bench.inside("s", dir -> dir.create("s", 0644).close());
    assertEquals(List.of("a", "b", "s"), bench.names("s"));
    assertEquals(List.of("a", "b"), bench.names("b"));
  }

  @Test
  void aVolatileSnapshotIsMountedAgainUntilTheHostRestarts() throws IOException {
    Workbench bench = new Workbench(own);
    bench.layer("l", null, dir -> {});
    bench.driver.prepare("s", "l", SnapshotOptions.ephemeral());
    bench.inside("s", dir -> dir.create("first", 0644).close());
    Path mark = own.resolve("snapshots/s/work/work/incompat/volatile");
    assertTrue(Files.exists(mark), "the kernel does not mark volatile mounts any more");
    bench.inside("s", dir -> dir.create("second", 0644).close());
    assertEquals(List.of("first", "second"), bench.names("s"));
    restartHost("s");
    GantryException e = assertThrows(GantryException.class, () -> bench.driver.mounts("s"));
    assertEquals(Kind.CONFLICT, e.kind());
    e = assertThrows(GantryException.class, () -> bench.driver.commit("s", "half"));
    assertEquals(Kind.CONFLICT, e.kind());
    Recovery kept = bench.driver.recover(Set.of("l", "s"));
    assertEquals(Set.of("s"), kept.lost());
    assertEquals(List.of("ephemeral snapshot s"), bench.driver.recover(Set.of("l")).swept());
  }

  private void restartHost(String id) throws IOException {
    Path file = own.resolve("snapshots").resolve(id).resolve("volatile-record");
    SnapshotRecord record = SnapshotRecord.decode(Files.readString(file)).orElseThrow();
    SnapshotRecord old =
        new SnapshotRecord(record.snapshot(), "", record.lower(), "another", List.of());
    Files.writeString(file, old.encode());
  }

  @Test
  void whatAPowerCutTookOfAVolatileSnapshotIsSwept() throws IOException {
    Workbench bench = new Workbench(own);
    bench.driver.prepare("torn", null, SnapshotOptions.ephemeral());
    bench.driver.prepare("durable", null, WRITABLE);
    Files.write(own.resolve("snapshots/torn/volatile-record"), new byte[0]);
    Files.write(own.resolve("snapshots/durable/record"), new byte[0]);
    assertEquals(1, bench.driver.recover(Set.of()).swept().size());
    assertFalse(Files.exists(own.resolve("snapshots/torn")));
    assertTrue(Files.exists(own.resolve("snapshots/durable/fs")));
  }

  @Test
  void aDamagedRecordOfALayerHidesThatLayerOnly() throws IOException {
    Workbench bench = new Workbench(own);
    bench.layer("a", null, dir -> dir.create("a", 0644).close());
    bench.layer("b", "a", dir -> dir.create("b", 0644).close());
    bench.driver.prepare("s", "b", WRITABLE);
    Files.write(own.resolve("snapshots/a/record"), new byte[] {'?'});
    assertEquals(Set.of("a"), bench.driver.recover(Set.of("a", "b", "s")).lost());
    assertEquals(List.of("a", "b"), bench.names("s"));
    bench.driver.prepare("t", "b", WRITABLE);
    assertEquals(List.of("a", "b"), bench.names("t"));
    GantryException e = assertThrows(GantryException.class, () -> bench.driver.remove("a"));
    assertEquals(Kind.CONFLICT, e.kind());
  }

  @Test
  void linksAreRepaired() throws IOException {
    Workbench bench = new Workbench(own);
    bench.layer("a", null, dir -> dir.create("a", 0644).close());
    bench.layer("b", "a", dir -> dir.create("b", 0644).close());
    try (var links = Files.newDirectoryStream(own.resolve("l"))) {
      for (Path link : links) {
        Files.delete(link);
      }
    }
    Files.createSymbolicLink(own.resolve("l/none"), Path.of("../snapshots/none/fs"));
    Files.createSymbolicLink(own.resolve("l/more"), Path.of("../snapshots/a/fs"));
    assertEquals(
        List.of("link more to no layer", "link none to no layer"),
        bench.driver.recover(Set.of("a", "b")).swept().stream().sorted().toList());
    assertEquals(List.of("a", "b"), bench.names("b"));
    assertEquals(List.of(), bench.driver.recover(Set.of("a", "b")).swept());
  }

  @Test
  void aLargeRemovalGoesOnWithoutItsCaller() throws Exception {
    Workbench bench = new Workbench(own);
    bench.driver.prepare("large", null, WRITABLE);
    bench.changes(
        "large",
        dir -> {
          for (int i = 0; i < 100; i++) {
            dir.mkdir("d" + i, 0755);
          }
        });
    OverlayDriver hurried = Workbench.driver(own, Duration.ZERO, () -> {});
    hurried.remove("large");
    assertFalse(Files.exists(own.resolve("snapshots/large")));
    Instant end = Instant.now().plusSeconds(30);
    while (scratch().length > 0) {
      assertTrue(Instant.now().isBefore(end), "nobody deletes it");
      Thread.onSpinWait();
    }
    hurried.prepare("large", null, WRITABLE);
    hurried.letGo();
    hurried.remove("large");
    assertEquals(1, scratch().length);
    assertEquals(1, bench.driver.recover(Set.of()).swept().size());
    assertEquals(0, scratch().length);
  }

  private String[] scratch() {
    return own.resolve("scratch").toFile().list();
  }

  @Test
  void aRecordKeepsWhatALaterVersionWrote() {
    Snapshot snapshot =
        new Snapshot("s", Snapshot.Kind.WRITABLE, "p", Instant.EPOCH, Map.of("k=", "\nv"));
    String text = new SnapshotRecord(snapshot, "", List.of("1", "2"), "boot", List.of()).encode();
    SnapshotRecord read = SnapshotRecord.decode(text).orElseThrow();
    assertEquals(text, read.encode());
    List<Line> later = new ArrayList<>(List.of(new Line("colour", "green")));
    SnapshotRecord kept = new SnapshotRecord(snapshot, "", List.of(), "", later);
    assertEquals(kept, SnapshotRecord.decode(kept.encode()).orElseThrow());
    assertTrue(kept.asLayer("l", "x", List.of()).encode().contains("\ncolour green\n"));
    assertEquals(Optional.empty(), SnapshotRecord.decode("gantry-overlay 1\nsum 0\n"));
  }
}
