package io.gantry.exec.namespaces;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.Collection;
import java.util.List;

/** Capabilities by name; the place in the list is the bit (linux/capability.h). */
final class Capabilities {

  private static final List<String> NAMES =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_DAC_READ_SEARCH",
          "CAP_FOWNER",
          "CAP_FSETID",
          "CAP_KILL",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETPCAP",
          "CAP_LINUX_IMMUTABLE",
          "CAP_NET_BIND_SERVICE",
          "CAP_NET_BROADCAST",
          "CAP_NET_ADMIN",
          "CAP_NET_RAW",
          "CAP_IPC_LOCK",
          "CAP_IPC_OWNER",
          "CAP_SYS_MODULE",
          "CAP_SYS_RAWIO",
          "CAP_SYS_CHROOT",
          "CAP_SYS_PTRACE",
          "CAP_SYS_PACCT",
          "CAP_SYS_ADMIN",
          "CAP_SYS_BOOT",
          "CAP_SYS_NICE",
          "CAP_SYS_RESOURCE",
          "CAP_SYS_TIME",
          "CAP_SYS_TTY_CONFIG",
          "CAP_MKNOD",
          "CAP_LEASE",
          "CAP_AUDIT_WRITE",
          "CAP_AUDIT_CONTROL",
          "CAP_SETFCAP",
          "CAP_MAC_OVERRIDE",
          "CAP_MAC_ADMIN",
          "CAP_SYSLOG",
          "CAP_WAKE_ALARM",
          "CAP_BLOCK_SUSPEND",
          "CAP_AUDIT_READ",
          "CAP_PERFMON",
          "CAP_BPF",
          "CAP_CHECKPOINT_RESTORE");

  static final int SYS_ADMIN = NAMES.indexOf("CAP_SYS_ADMIN");

  private Capabilities() {}

  /**
   * A set as bits; what this kernel does not know yet is left out.
   *
   * @param last the highest one that the kernel knows
   */
  static long bits(Collection<String> names, int last) {
    long bits = 0;
    for (String name : names) {
      int bit = NAMES.indexOf(name);
      if (bit < 0) {
        throw new GantryException(Kind.INVALID, "unknown capability: \"" + name + '"');
      }
      if (bit <= last) {
        bits |= 1L << bit;
      }
    }
    return bits;
  }
}
