package io.gantry.volume.local;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Mounts;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.testkit.VolumeDriverContract;
import io.gantry.spi.volume.VolumeDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalDriverTest extends VolumeDriverContract {

  @TempDir Path own;

  @Override
  protected VolumeDriver driver(Path root) {
    return new LocalDriver(root, InstantSource.system(), Duration.ofMinutes(1), () -> {});
  }

  @Test
  void aPlainVolumeIsADirectoryWhateverTheUmask() throws IOException {
    driver.create("one", Map.of());
    Path data = Path.of(driver.mount("one", "a").source());
    assertEquals("_data", data.getFileName().toString());
    assertEquals(data.toString(), volume("one").path());
    assertEquals("rwxr-xr-x", PosixFilePermissions.toString(Files.getPosixFilePermissions(data)));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(data.getParent())));
    driver.unmount("one", "a");
    driver.remove("one");
  }

  @Test
  void aTmpfsIsMountedForAsLongAsSomebodyHoldsIt() throws IOException {
    driver.create("one", Map.of("type", "tmpfs", "device", "tmpfs", "o", "size=1m,uid=7,nosuid"));
    Path data = Path.of(driver.mount("one", "a").source());
    assertEquals(7, Files.getAttribute(data, "unix:uid"));
    assertEquals(1 << 20, Files.getFileStore(data).getTotalSpace());
    Files.writeString(data.resolve("file"), "content");
    driver.mount("one", "b");
    driver.unmount("one", "a");
    assertTrue(Files.exists(data.resolve("file")));
    driver.unmount("one", "b");
    assertFalse(Files.exists(data.resolve("file")));
    assertEquals(-1, driver.usage("one"));
    driver.remove("one");
  }

  @Test
  void aDirectoryOfTheHostIsMountedAndNeverRemoved() throws IOException {
    Path device = Files.createDirectory(own.toRealPath().resolve("device"));
    Files.writeString(device.resolve("file"), "mine");
    driver.create("one", bind(device));
    assertEquals("mine", read("one", "file"));
    write("one", "new", "theirs");
    driver.mount("one", "a");
    driver = driver(Path.of(volume("one").path()).resolve("../../..").normalize());
    driver.recover(Map.of("one", Set.of())); // its holder is gone
    driver.remove("one");
    assertEquals("mine", Files.readString(device.resolve("file")));
    assertEquals("theirs", Files.readString(device.resolve("new")));
  }

  @Test
  void whatIsMountedOnAVolumeOutlivesItsRemoval() throws IOException {
    Path device = Files.createDirectory(own.toRealPath().resolve("device"));
    Files.writeString(device.resolve("file"), "mine");
    Path root = own.toRealPath().resolve("root");
    VolumeDriver mine = driver(root);
    mine.create("one", Map.of());
    Path below = Files.createDirectory(root.resolve("volumes/one/_data/below"));
    Mounts.mount(Mount.bind(device.toString(), "/"), below);
    mine.remove("one");
    assertEquals(List.of(), mine.list());
    for (Path moved : list(root.resolve("scratch"))) {
      Mounts.unmount(moved.resolve("_data/below"));
    }
    assertEquals("mine", Files.readString(device.resolve("file")));
    assertEquals(1, mine.recover(Map.of()).swept().size());
    assertEquals(List.of(), list(root.resolve("scratch")));
  }

  private static List<Path> list(Path dir) throws IOException {
    try (var all = Files.list(dir)) {
      return all.toList();
    }
  }

  @Test
  void aDeviceThatIsNotThereIsNamed() {
    driver.create("one", bind(Path.of("/nosuch/device")));
    GantryException e = assertThrows(GantryException.class, () -> driver.mount("one", "a"));
    assertEquals(Kind.INVALID, e.kind());
    assertTrue(e.getMessage().startsWith("error while mounting volume '"), e.getMessage());
    assertTrue(e.getMessage().contains("no such file or directory"), e.getMessage());
    driver.create("two", Map.of("type", "nosuchfs", "device", "x"));
    e = assertThrows(GantryException.class, () -> driver.mount("two", "a"));
    assertTrue(e.getMessage().contains("no such device"), e.getMessage());
    driver.create("three", Map.of("type", "tmpfs", "device", "tmpfs", "o", "nonsense=1"));
    e = assertThrows(GantryException.class, () -> driver.mount("three", "a"));
    assertTrue(e.getMessage().contains("nonsense"), e.getMessage());
    driver.remove("one");
    driver.remove("two");
    driver.remove("three");
  }

  @Test
  void theOptionsAreDockers() {
    assertSentence("invalid option: \"bogus\"", Map.of("bogus", "1"));
    assertSentence("missing required option: \"device\"", Map.of("type", "tmpfs"));
    assertSentence("missing required option: \"type\"", Map.of("device", "tmpfs"));
    GantryException e =
        assertThrows(GantryException.class, () -> driver.create("one", Map.of("size", "1g")));
    assertEquals(Kind.UNSUPPORTED, e.kind());
  }

  private void assertSentence(String sentence, Map<String, String> options) {
    GantryException e = assertThrows(GantryException.class, () -> driver.create("one", options));
    assertEquals(sentence, e.getMessage());
    assertEquals(Kind.INVALID, e.kind());
  }

  @Test
  void wordsOfFstabAreTakenApart() {
    MountRequest nfs =
        MountRequest.of(
            Map.of("type", "nfs", "device", ":/path", "o", "addr=127.0.0.1,rw,_netdev,nfsvers=4"));
    assertEquals("nfs", nfs.mount().type());
    assertEquals(List.of("addr=127.0.0.1", "rw", "nfsvers=4"), nfs.mount().options());
    assertFalse(nfs.isBind());
    assertTrue(MountRequest.of(bind(Path.of("/x"))).isBind());
    MountRequest opposites =
        MountRequest.of(
            Map.of("type", "tmpfs", "device", "t", "o", "suid,dev,exec,atime,sync,size=1m"));
    assertEquals(List.of("sync", "size=1m"), opposites.mount().options());
  }

  @Test
  void passwordsAreNotShown() {
    String options = "addr=127.0.0.1,username=a,password=secret,pass=other,vers=3.0";
    MountRequest cifs = MountRequest.of(Map.of("type", "cifs", "device", "//h/s", "o", options));
    assertEquals(
        "addr=127.0.0.1,username=a,password=********,pass=********,vers=3.0", cifs.shown());
    assertTrue(cifs.mount().options().contains("password=secret"));
  }

  @Test
  void aDamagedRecordKeepsItsData() throws IOException {
    driver.create("one", Map.of());
    write("one", "file", "content");
    Path data = Path.of(volume("one").path());
    Files.writeString(data.resolveSibling("record"), "nonsense");
    assertEquals(Set.of("one"), driver.recover(Map.of("one", Set.of())).lost());
    assertKind(Kind.CONFLICT, () -> driver.create("one", Map.of()));
    assertEquals("content", Files.readString(data.resolve("file")));
    driver.remove("one");
    assertFalse(Files.exists(data));
  }

  private static Map<String, String> bind(Path device) {
    return Map.of("type", "none", "device", device.toString(), "o", "bind");
  }
}
