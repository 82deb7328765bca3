package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The capabilities a container's processes may have. */
final class Capabilities {
  private static final String ALL = "ALL";

  /** capabilities(7) in the order of their numbers. */
  private static final List<String> NAMES =
      List.of(
          "CHOWN",
          "DAC_OVERRIDE",
          "DAC_READ_SEARCH",
          "FOWNER",
          "FSETID",
          "KILL",
          "SETGID",
          "SETUID",
          "SETPCAP",
          "LINUX_IMMUTABLE",
          "NET_BIND_SERVICE",
          "NET_BROADCAST",
          "NET_ADMIN",
          "NET_RAW",
          "IPC_LOCK",
          "IPC_OWNER",
          "SYS_MODULE",
          "SYS_RAWIO",
          "SYS_CHROOT",
          "SYS_PTRACE",
          "SYS_PACCT",
          "SYS_ADMIN",
          "SYS_BOOT",
          "SYS_NICE",
          "SYS_RESOURCE",
          "SYS_TIME",
          "SYS_TTY_CONFIG",
          "MKNOD",
          "LEASE",
          "AUDIT_WRITE",
          "AUDIT_CONTROL",
          "SETFCAP",
          "MAC_OVERRIDE",
          "MAC_ADMIN",
          "SYSLOG",
          "WAKE_ALARM",
          "BLOCK_SUSPEND",
          "AUDIT_READ",
          "PERFMON",
          "BPF",
          "CHECKPOINT_RESTORE");

  private static final List<String> DEFAULT =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE");

  private Capabilities() {}

  /**
   * Every capability there is to give.
   *
   * @param held bit set of those the engine has
   */
  static Set<String> all(long held) {
    var all = new LinkedHashSet<String>();
    for (int i = 0; i < NAMES.size(); i++) {
      if ((held >>> i & 1) != 0) {
        all.add("CAP_" + NAMES.get(i));
      }
    }
    return all;
  }

  /**
   * What {@code --cap-add} and {@code --cap-drop} come to.
   *
   * @throws GantryException INVALID for a name that no capability has
   */
  static Set<String> of(List<String> add, List<String> drop, long held) {
    var added = add.stream().map(name -> canonical("CapAdd", name)).toList();
    var dropped = drop.stream().map(name -> canonical("CapDrop", name)).toList();
    Set<String> result;
    if (added.contains(ALL)) {
      result = all(held);
      dropped.forEach(result::remove);
    } else {
      result = new LinkedHashSet<>();
      if (!dropped.contains(ALL)) {
        DEFAULT.stream().filter(name -> !dropped.contains(name)).forEach(result::add);
      }
      result.addAll(added);
    }
    return result;
  }

  private static String canonical(String field, String text) {
    String name = text.toUpperCase(Locale.ROOT);
    if (name.equals(ALL)) {
      return ALL;
    }
    name = name.startsWith("CAP_") ? name : "CAP_" + name;
    if (!NAMES.contains(name.substring("CAP_".length()))) {
      throw new GantryException(
          INVALID, "invalid " + field + ": unknown capability: \"" + name + "\"");
    }
    return name;
  }
}
