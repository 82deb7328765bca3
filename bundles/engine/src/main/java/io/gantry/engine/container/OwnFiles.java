package io.gantry.engine.container;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.gantry.api.ContainerSpec;
import io.gantry.engine.spec.EtcTexts;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.spec.NetworkNames;
import io.gantry.linux.Dir;
import io.gantry.spi.GantryException;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Files of a container outside its root: hosts, hostname, resolv.conf, anonymous volumes. In the
 * data root and not among its run's, since the container may write to them as much as it likes.
 */
final class OwnFiles {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> TRAVERSED =
      PosixFilePermissions.fromString("rwx--x---");
  private static final Set<PosixFilePermission> PUBLIC =
      PosixFilePermissions.fromString("rwxr-xr-x");
  private static final Set<PosixFilePermission> READABLE =
      PosixFilePermissions.fromString("rw-r--r--");

  private final Place place;

  OwnFiles(Place place) {
    this.place = place;
  }

  /** Makes the directory and the volumes in it, where they are not there. */
  void create(ContainerRecord record) {
    var dir = place.files(record.id());
    try {
      directory(dir, TRAVERSED);
      for (var volume : record.volumes()) {
        directory(dir.resolve("volumes").resolve(volume.name()), PUBLIC);
      }
    } catch (IOException e) {
      throw failed("make " + dir, e);
    }
  }

  /**
   * Writes hosts, hostname and resolv.conf where they are not as they should be: the host's may
   * have changed.
   */
  void writeEtc(ContainerRecord record, NetworkNames names) {
    var dir = place.files(record.id());
    ContainerSpec spec = record.spec();
    try {
      write(dir.resolve("hostname"), EtcTexts.hostname(spec.process()));
      write(dir.resolve("hosts"), EtcTexts.hosts(spec, names));
      write(
          dir.resolve("resolv.conf"),
          EtcTexts.resolvConf(
              spec.host(), ofHost(names.apart() && names.server().isEmpty()), names));
    } catch (IOException e) {
      throw failed("write in " + dir, e);
    }
  }

  /** Sources on the host by target in the container; those of whose network it shares. */
  Map<String, String> etc(ContainerRecord record) {
    String donor = Modes.container(record.spec().host().namespaces().network());
    var dir = place.files(donor.isEmpty() ? record.id() : donor);
    var files = new LinkedHashMap<String, String>();
    for (String name : new String[] {"resolv.conf", "hostname", "hosts"}) {
      files.put("/etc/" + name, dir.resolve(name).toString());
    }
    return files;
  }

  Map<String, String> volumes(ContainerRecord record) {
    var volumes = new LinkedHashMap<String, String>();
    for (var volume : record.volumes()) {
      volumes.put(volume.target(), volume(record, volume).toString());
    }
    return volumes;
  }

  Path volume(ContainerRecord record, ContainerRecord.OwnVolume volume) {
    return place.files(record.id()).resolve("volumes").resolve(volume.name());
  }

  /**
   * By descriptors: a container may have a directory of another's files mounted, and swap names in
   * it meanwhile. What is mounted in there is not gone into.
   */
  void remove(String id) {
    Path dir = place.files(id);
    if (Files.exists(dir, NOFOLLOW_LINKS)) {
      try (Dir all = Dir.open(Objects.requireNonNull(dir.getParent()))) {
        all.removeTree(id);
      }
    }
  }

  /** An empty run directory; whatever an earlier run left in it goes. */
  Path makeRun(String id) {
    var dir = place.run(id);
    try {
      if (!isMade(dir)) {
        if (Files.exists(dir, NOFOLLOW_LINKS)) {
          Reach.clear(dir);
          removeTree(dir);
        }
        directory(dir, PRIVATE);
      }
      return dir;
    } catch (IOException e) {
      throw failed("make " + dir, e);
    }
  }

  /** Mostly it can be made at once; to look first costs more. */
  private static boolean isMade(Path dir) throws IOException {
    try {
      Files.createDirectory(dir, PosixFilePermissions.asFileAttribute(PRIVATE));
      return true;
    } catch (FileAlreadyExistsException | NoSuchFileException e) {
      return false;
    }
  }

  void removeRun(String id) {
    Reach.clear(place.run(id));
    removeTree(place.run(id));
  }

  private static void directory(Path dir, Set<PosixFilePermission> permissions) throws IOException {
    if (!Files.isDirectory(dir)) {
      Files.createDirectories(dir);
      Files.setPosixFilePermissions(dir, permissions); // whatever the umask
    }
  }

  /** Of a file that the container may have made anything of: no more than asked for is read. */
  private static boolean holds(Path file, byte[] wanted) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(wanted.length + 1), wanted);
    }
  }

  /** In place: a running container has the file mounted, and sees the change. */
  private static void write(Path file, String text) throws IOException {
    byte[] wanted = text.getBytes(UTF_8);
    if (Files.exists(file) && holds(file, wanted)) {
      return; // a full disk must not keep it from starting
    }
    Files.write(file, wanted);
    Files.setPosixFilePermissions(file, READABLE);
  }

  /** The host's own resolv.conf. */
  String ofHost() {
    return ofHost(false);
  }

  /**
   * @param apart for a network namespace that the host's own resolver cannot be reached from:
   *     systemd's says elsewhere whom it asks
   */
  private static String ofHost(boolean apart) {
    return resolvers(apart, Path.of("/etc"), Path.of("/run/systemd/resolve"));
  }

  /** Where systemd's resolver does not say it, search domains are still those of the host. */
  static String resolvers(boolean apart, Path etc, Path systemd) {
    String text = read(etc.resolve("resolv.conf"));
    if (!apart || !text.contains("nameserver 127.0.0.53")) {
      return text;
    }
    String asked = read(systemd.resolve("resolv.conf"));
    return asked.isEmpty() ? text : asked;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) { // a host without one resolves nothing, nor does the container
      return "";
    }
  }

  /** Symbolic links are removed, never followed; does nothing when there is none. */
  static void removeTree(Path dir) {
    try {
      Files.walkFileTree(
          dir,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              if (e instanceof NoSuchFileException) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e)
                throws IOException {
              Files.deleteIfExists(dir);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw failed("remove " + dir, e);
    }
  }

  private static GantryException failed(String what, IOException e) {
    return StoreFailure.of(what, e);
  }
}
