package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.ContainerSpec;
import io.gantry.engine.spec.Modes;
import io.gantry.engine.userns.Remapping;
import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who the users of a container are on the host. Of one that runs the kernel knows: what the engine
 * has been told since, or was told by an operator in between, does not change it.
 */
final class Users {
  private static final List<String> OF_HOST = List.of("0 0 4294967295");

  private Users() {}

  /** Of a container at its next start; null: the host's. */
  static @Nullable UserMaps wanted(ContainerSpec spec, Remapping remapping) {
    return spec.host().namespaces().user().equals(Modes.HOST) ? null : remapping.maps();
  }

  /**
   * What goes with users of its own.
   *
   * @throws GantryException INVALID in dockerd's words
   */
  static void check(ContainerSpec spec, Remapping remapping) {
    var host = spec.host();
    boolean alone =
        host.privileges().privileged()
            || host.namespaces().network().equals(Modes.HOST)
            || host.namespaces().pid().equals(Modes.HOST);
    if (!alone || wanted(spec, remapping) == null) {
      return;
    }
    if (host.privileges().privileged()) {
      throw new GantryException(
          INVALID,
          "privileged mode is incompatible with user namespaces.  You must run the container in the"
              + " host namespace when running privileged mode");
    }
    throw new GantryException(
        INVALID,
        host.namespaces().network().equals(Modes.HOST)
            ? "cannot share the host's network namespace when user namespaces are enabled"
            : "cannot share the host PID namespace when user namespaces are enabled");
  }

  /** Of one that runs, if it does; null: the host's. */
  static @Nullable UserMaps of(Container container) {
    var running = container.running();
    if (running == null) {
      return null;
    }
    var task = running.task();
    if (task == null) {
      return ofProcess(container.run().pid());
    }
    var maps = task.idMaps();
    return maps.isEmpty() ? null : UserMaps.parse(maps.users(), maps.groups());
  }

  private static @Nullable UserMaps ofProcess(long pid) {
    List<String> users = lines(pid, "uid_map");
    return users.isEmpty() || users.equals(OF_HOST)
        ? null
        : UserMaps.parse(users, lines(pid, "gid_map"));
  }

  private static List<String> lines(long pid, String file) {
    Path path = Path.of("/proc/" + pid + "/" + file);
    try {
      return Files.readAllLines(path).stream()
          .map(line -> line.strip().replaceAll("\\s+", " "))
          .toList();
    } catch (NoSuchFileException e) {
      return List.of(); // it has ended, or the kernel knows no user namespaces
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "read " + path + ": " + e.getMessage(), e);
    }
  }

  /**
   * A namespace belongs to a user namespace: only who has the same users can do anything in it.
   *
   * @param name of the kind of namespace
   */
  static void requireSame(@Nullable UserMaps users, Container donor, String name) {
    UserMaps others = of(donor);
    if (users == null ? others != null : !users.equals(others)) {
      throw new GantryException(
          CONFLICT,
          "cannot join "
              + name
              + " namespace of container "
              + donor.id
              + ": its users are "
              + (others == null ? "the host's" : "mapped")
              + " and those of this container "
              + (users == null ? "the host's" : others == null ? "mapped" : "mapped otherwise")
              + " (userns-remap, --userns=host)");
    }
  }

  /** The user namespace that a process is in, as the kernel names it. */
  static String namespace(long pid) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/user")).toString();
    } catch (IOException e) {
      return ""; // it has ended, which the join will find
    }
  }
}
