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

  private Sysctls() {}

  static Map<String, String> of(HostSpec host) {
    boolean ownNetwork = !host.namespaces().network().equals(Modes.HOST);
    boolean ownIpc = !host.namespaces().ipc().equals(Modes.HOST);
    boolean ownUts = !host.namespaces().uts().equals(Modes.HOST);
    var all = new HashMap<String, String>();
    if (ownNetwork && Modes.container(host.namespaces().network()).isEmpty()) {
      all.put("net.ipv4.ip_unprivileged_port_start", "0");
      all.put("net.ipv4.ping_group_range", "0 2147483647");
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
      require(ownIpc, key, "ipc");
    } else if (key.startsWith("net.")) {
      require(ownNetwork, key, "network");
    } else if (key.equals("kernel.domainname")) {
      require(ownUts, key, "UTS");
    } else {
      throw new GantryException(
          INVALID, "sysctl \"" + key + "\" is not in a separate kernel namespace");
    }
  }

  private static void require(boolean own, String key, String namespace) {
    if (!own) {
      throw new GantryException(
          INVALID, "sysctl \"" + key + "\" not allowed in host " + namespace + " namespace");
    }
  }
}
