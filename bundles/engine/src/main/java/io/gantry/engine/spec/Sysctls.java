package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Kernel parameters: only those that a namespace of the container's own holds. */
final class Sysctls {
  private static final Set<String> IPC =
      Set.of(
          "kernel.msgmax",
          "kernel.msgmnb",
          "kernel.msgmni",
          "kernel.sem",
          "kernel.shmall",
          "kernel.shmmax",
          "kernel.shmmni",
          "kernel.shm_rmid_forced");

  static final long MOST_GROUPS = 2147483647;

  private Sysctls() {}

  /**
   * @param lastGroup that the container has
   */
  static Map<String, String> of(HostSpec host, long lastGroup) {
    boolean ownNetwork = !host.namespaces().network().equals(Modes.HOST);
    boolean ownIpc = !host.namespaces().ipc().equals(Modes.HOST);
    boolean ownUts = !host.namespaces().uts().equals(Modes.HOST);
    var all = new HashMap<String, String>();
    if (ownNetwork && Modes.container(host.namespaces().network()).isEmpty()) {
      all.put("net.ipv4.ip_unprivileged_port_start", "0");
      all.put("net.ipv4.ping_group_range", "0 " + lastGroup);
    }
    for (var entry : host.kernel().sysctls().entrySet()) {
      String key = entry.getKey().replace('/', '.');
      check(key, ownNetwork, ownIpc, ownUts);
      all.put(key, entry.getValue());
    }
    return all;
  }

  private static void check(String key, boolean ownNetwork, boolean ownIpc, boolean ownUts) {
    if (IPC.contains(key) || key.startsWith("fs.mqueue.")) {
      require(ownIpc, key, "is not allowed in the hosts ipc namespace");
    } else if (key.startsWith("net.")) {
      require(ownNetwork, key, "not allowed in host network namespace");
    } else if (key.equals("kernel.hostname")) {
      require(false, key, "is not allowed as it conflicts with the OCI \"hostname\" field");
    } else if (!(key.equals("kernel.domainname") && ownUts)) {
      throw new GantryException(
          INVALID, "sysctl \"" + key + "\" is not in a separate kernel namespace");
    }
  }

  private static void require(boolean own, String key, String otherwise) {
    if (!own) {
      throw new GantryException(INVALID, "sysctl \"" + key + "\" " + otherwise);
    }
  }
}
