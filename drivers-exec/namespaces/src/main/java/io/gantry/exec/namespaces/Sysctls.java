package io.gantry.exec.namespaces;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.exec.TaskSpec.Namespace;
import java.util.List;
import java.util.Set;

/**
 * Kernel parameters that a container may have of its own: those of namespaces it does not share.
 */
final class Sysctls {

  private static final Set<String> OF_IPC =
      Set.of(
          "kernel/msgmax",
          "kernel/msgmnb",
          "kernel/msgmni",
          "kernel/sem",
          "kernel/shmall",
          "kernel/shmmax",
          "kernel/shmmni",
          "kernel/shm_rmid_forced");

  private Sysctls() {}

  /**
   * The parameter's path below /proc/sys.
   *
   * @param name dotted, or with slashes where a part has a dot in it
   * @throws GantryException INVALID when setting it would change more than the container
   */
  static String path(String name, Set<Namespace.Kind> own) {
    String path = slashed(name);
    if (List.of(path.split("/", -1)).stream().anyMatch(p -> p.isEmpty() || p.startsWith("."))) {
      throw new GantryException(Kind.INVALID, "invalid sysctl: " + name);
    }
    if (path.startsWith("net/")) {
      if (!own.contains(Namespace.Kind.NETWORK)) {
        throw new GantryException(
            Kind.INVALID, "sysctl \"" + name + "\" not allowed in host network namespace");
      }
      return path;
    }
    boolean ofIpc = OF_IPC.contains(path) || path.startsWith("fs/mqueue/");
    boolean allowed =
        (ofIpc && own.contains(Namespace.Kind.IPC))
            || (path.equals("kernel/domainname") && own.contains(Namespace.Kind.UTS));
    if (!allowed) {
      throw new GantryException(
          Kind.INVALID, "sysctl \"" + name + "\" is not in a separate kernel namespace");
    }
    return path;
  }

  /** As sysctl(8): the separator that comes first is the separator. */
  private static String slashed(String name) {
    int dot = name.indexOf('.');
    int slash = name.indexOf('/');
    if (slash >= 0 && (dot < 0 || slash < dot)) {
      return name;
    }
    var swapped = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      swapped.append(c == '.' ? '/' : c == '/' ? '.' : c);
    }
    return swapped.toString();
  }
}
