package io.gantry.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("root")
class RootfsTest {

  @TempDir Path temp;
  private Path tree;
  private Path secret;

  @BeforeEach
  void plant() throws Exception {
    tree = Files.createDirectories(temp.resolve("tree/etc")).getParent();
    Files.writeString(tree.resolve("etc/passwd"), "inside");
    secret = Files.createDirectories(temp.resolve("secret"));
    Files.writeString(secret.resolve("passwd"), "outside");
  }

  private List<Mount> bind() {
    return List.of(Mount.bind(tree.toString(), "/"));
  }

  @Test
  void linksLeadNowhereElse() throws Exception {
    Files.createSymbolicLink(tree.resolve("absolute"), secret);
    Files.createSymbolicLink(tree.resolve("up"), Path.of("../../../../../../../../../../"));
    Files.createSymbolicLink(tree.resolve("in"), Path.of("/up/etc"));
    try (Rootfs rootfs = Rootfs.ofMounts(bind(), List.of(), false)) {
      assertEquals(
          Errno.ENOENT,
          SyscallError.errno(
              assertThrows(GantryException.class, () -> rootfs.dir("/absolute").close())));
      for (String path : List.of("up/etc", "in", "/../../etc", "up/up/up/in")) {
        assertEquals("inside", read(rootfs, path, "passwd"), path);
      }
      assertEquals("/etc", rootfs.resolve("up/in"));
      assertEquals(secret.toString(), rootfs.resolve("absolute"));
      assertEquals("/etc/nosuch/x", rootfs.resolve("/in/nosuch/x"));
    }
  }

  @Test
  void nobodySeesTheMountsAndTheyGoWithIt() throws Exception {
    int open = descriptors();
    try (Rootfs rootfs =
        Rootfs.ofMounts(overlay(3), List.of(Mount.bind(secret.toString(), "/mnt/s")), false)) {
      assertEquals("outside", read(rootfs, "mnt/s", "passwd"));
      assertEquals(List.of(), processesThatMount(temp.resolve("upper")));
      assertEquals(List.of(), processesThatMount(secret));
    }
    assertEquals(open, descriptors());
    try (Rootfs again = Rootfs.ofMounts(overlay(3), List.of(), false)) {
      assertEquals(Optional.empty(), again.dir("mnt/s").find("passwd"));
    }
    assertEquals(open + 1, descriptors()); // the directory just above
  }

  /** The kernel refuses (EBUSY) what has an index as long as it is mounted elsewhere. */
  @Test
  void aFailureLeavesNothingMounted() throws Exception {
    var root = overlay(2).get(0);
    var options = new ArrayList<>(root.options());
    options.add("index=on");
    var indexed = List.of(new Mount("overlay", "overlay", "/", options));
    var missing = List.of(Mount.bind(temp.resolve("nosuch").toString(), "/mnt"));
    for (int i = 0; i < 50; i++) {
      assertErrno(Errno.ENOENT, () -> Rootfs.ofMounts(indexed, missing, false).close());
      Rootfs.ofMounts(indexed, List.of(), false).close();
    }
  }

  @Test
  void whatIsWrittenToAnOverlayIsInItsUpperDirectory() throws Exception {
    try (Rootfs rootfs = Rootfs.ofMounts(overlay(2), List.of(), false);
        Dir top = rootfs.top()) {
      assertFalse(top.isReadOnly());
      top.create("new", 0600).close();
      top.unlink("layer-1");
    }
    assertTrue(Files.exists(temp.resolve("upper/new")));
    assertTrue(
        Files.exists(temp.resolve("upper/layer-1"), java.nio.file.LinkOption.NOFOLLOW_LINKS));
    assertTrue(Files.exists(temp.resolve("lower-1/layer-1")));
  }

  @Test
  void moreLayersThanOneOptionHolds() throws Exception {
    try (Rootfs rootfs = Rootfs.ofMounts(overlay(150), List.of(), false);
        Dir top = rootfs.top()) {
      assertTrue(top.has("layer-1"));
      assertTrue(top.has("layer-150"));
    }
  }

  @Test
  void readOnlyIsReadOnly() throws Exception {
    var volume = List.of(Mount.bind(secret.toString(), "/v", "ro"));
    Files.createDirectory(tree.resolve("v"));
    Files.createDirectory(tree.resolve("w"));
    try (Rootfs rootfs = Rootfs.ofMounts(bind(), volume, false);
        Dir top = rootfs.top();
        Dir v = rootfs.dir("v")) {
      assertFalse(top.isReadOnly());
      assertTrue(v.isReadOnly());
      assertErrno(Errno.EROFS, () -> v.mkdir("x", 0700));
      assertTrue(top.stat("v").mountRoot());
      assertFalse(top.stat("w").mountRoot());
      assertEquals(Optional.of(v.stat().mount()), rootfs.mountOf("/v"));
      assertEquals(top.stat().mount(), top.stat("w").mount());
    }
    var writable = List.of(Mount.bind(secret.toString(), "/v"));
    try (Rootfs rootfs = Rootfs.ofMounts(bind(), writable, true);
        Dir top = rootfs.top();
        Dir v = rootfs.dir("v")) {
      assertTrue(top.isReadOnly());
      assertErrno(Errno.EROFS, () -> top.mkdir("x", 0700));
      v.mkdir("x", 0700);
    }
  }

  @Test
  void targetsAreMadeInsideWhateverTheLinks() throws Exception {
    Files.createSymbolicLink(tree.resolve("link"), secret.resolve("deep"));
    var file = Mount.bind(secret.resolve("passwd").toString(), "/a/b/hosts");
    Rootfs.ofMounts(bind(), List.of(file), false).close();
    assertTrue(Files.isRegularFile(tree.resolve("a/b/hosts")));
    var behindLink = List.of(Mount.bind(secret.toString(), "/link/x"));
    Rootfs.ofMounts(bind(), behindLink, false).close();
    assertTrue(Files.isDirectory(tree.resolve(secret.toString().substring(1)).resolve("deep/x")));
    assertFalse(Files.exists(secret.resolve("deep")));
  }

  @Test
  void whatTheImageHasNoPlaceForIsLeftOut() throws Exception {
    Files.createDirectories(tree.resolve("etc/hostname"));
    Files.createSymbolicLink(tree.resolve("round"), Path.of("/made/../round"));
    String file = secret.resolve("passwd").toString();
    var further =
        List.of(
            Mount.bind(file, "/etc/hostname"),
            Mount.bind(secret.toString(), "/etc/passwd"),
            Mount.bind(secret.toString(), "/etc/passwd/below"),
            Mount.bind(file, "/round"),
            Mount.bind(file, "/round/below"),
            Mount.bind(file, "/fits"));
    try (Rootfs rootfs = Rootfs.ofMounts(bind(), further, false);
        Dir etc = rootfs.dir("etc")) {
      assertEquals("inside", read(rootfs, "etc", "passwd"));
      assertTrue(etc.stat("hostname").isDirectory());
      assertEquals("outside", read(rootfs, "/", "fits"));
    }
  }

  @Test
  void aProcessIsTakenByNumberAndStart() throws Exception {
    Files.createDirectory(tree.resolve("bin"));
    Files.copy(Path.of("/bin/busybox"), tree.resolve("bin/busybox"));
    var process =
        new ProcessBuilder("chroot", tree.toString(), "/bin/busybox", "sleep", "1000").start();
    try {
      awaitRoot(process, tree);
      String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
      long start = Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
      try (Rootfs rootfs = Rootfs.ofProcess(process.pid(), start)) {
        assertEquals("inside", read(rootfs, "etc", "passwd"));
      }
      assertEquals(Kind.NOT_FOUND, kind(() -> Rootfs.ofProcess(process.pid(), start + 1).close()));
      process.destroyForcibly().waitFor();
      assertEquals(Kind.NOT_FOUND, kind(() -> Rootfs.ofProcess(process.pid(), start).close()));
    } finally {
      process.destroyForcibly();
    }
  }

  /** Else what is written to a volume then would land in the directory that it hides. */
  @Test
  void whatIsMountedThereOutlivesTheProcess() throws Exception {
    Path volume = Files.createDirectory(tree.resolve("v"));
    String script = "mount --bind \"$1\" \"$2\" && echo mounted && exec sleep 1000";
    var process =
        new ProcessBuilder(
                "unshare", "-m", "sh", "-c", script, "sh", secret.toString(), volume.toString())
            .start();
    try {
      assertEquals("mounted", process.inputReader().readLine());
      String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
      long start = Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[19]);
      int open;
      try (Rootfs rootfs = Rootfs.ofProcess(process.pid(), start)) {
        process.destroyForcibly().waitFor();
        open = descriptors();
        assertEquals("outside", read(rootfs, volume.toString(), "passwd"));
      }
      assertEquals(open - 2, descriptors()); // of the root and of the namespace
    } finally {
      process.destroyForcibly();
    }
  }

  private static void awaitRoot(Process process, Path root) throws Exception {
    Path link = Path.of("/proc/" + process.pid() + "/root");
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (!Files.readSymbolicLink(link).equals(root)) {
      assertTrue(System.nanoTime() < deadline && process.isAlive());
      Thread.onSpinWait();
    }
  }

  @Test
  void magicLinksAreNotFollowed() throws Exception {
    Files.createDirectory(tree.resolve("p"));
    try (Rootfs rootfs =
        Rootfs.ofMounts(bind(), List.of(new Mount("rbind", "/proc", "/p", List.of())), false)) {
      assertErrno(Errno.ELOOP, () -> rootfs.dir("p/self/root").close());
      assertErrno(Errno.ELOOP, () -> rootfs.dir("p/thread-self/cwd/x").close());
    }
  }

  private List<Mount> overlay(int layers) throws IOException {
    var lower = new ArrayList<String>();
    for (int i = 1; i <= layers; i++) {
      Path dir = Files.createDirectories(temp.resolve("lower-" + i));
      Files.writeString(dir.resolve("layer-" + i), "");
      lower.add(dir.toString());
    }
    return List.of(
        new Mount(
            "overlay",
            "overlay",
            "/",
            List.of(
                "lowerdir=" + String.join(":", lower),
                "upperdir=" + Files.createDirectories(temp.resolve("upper")),
                "workdir=" + Files.createDirectories(temp.resolve("work")))));
  }

  private static String read(Rootfs rootfs, String dir, String name) throws Exception {
    try (Dir at = rootfs.dir(dir);
        File file = at.open(name)) {
      var content = java.nio.ByteBuffer.allocate(64);
      file.read(content);
      return new String(content.array(), 0, content.position());
    }
  }

  private static void assertErrno(Errno expected, Runnable call) {
    assertEquals(expected, SyscallError.errno(assertThrows(GantryException.class, call::run)));
  }

  private static Kind kind(Runnable call) {
    return assertThrows(GantryException.class, call::run).kind();
  }

  private static int descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return (int) all.count();
    }
  }

  private static List<String> processesThatMount(Path directory) throws IOException {
    var found = new ArrayList<String>();
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      for (Path process : all.filter(p -> p.getFileName().toString().matches("[0-9]+")).toList()) {
        try {
          if (Files.readString(process.resolve("mountinfo")).contains(directory.toString())) {
            found.add(process.toString());
          }
        } catch (IOException e) {
          // it has ended
        }
      }
    }
    return found;
  }
}
