package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Tables of iptables-legacy, which nf_tables knows nothing of: read as {@code iptables-legacy -S}
 * does, by options of a raw socket (linux/netfilter_ipv4/ip_tables.h, ip6_tables.h).
 */
public final class LegacyTables {
  private static final Path NET = Path.of("/proc/thread-self/net");
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int SOCK_RAW = 3;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int IPPROTO_RAW = 255;
  private static final int LEVEL_IPV4 = 0;
  private static final int LEVEL_IPV6 = 41;

  private static final int GET_INFO = 64;
  private static final int GET_ENTRIES = 65;
  private static final int NAME = 32;
  private static final int HOOKS = NAME; // struct ipt_getinfo: bits of the hooks it has,
  private static final int POLICIES = NAME + 4 + 5 * 4; // behind a word for the first rule of each,
  private static final int SIZE = POLICIES + 5 * 4 + 4; // and bytes of all its rules
  private static final int INFO_BYTES = SIZE + 4;
  private static final int ENTRIES = 40; // struct ipt_get_entries: name, size, then these
  private static final int FORWARD = 2;

  private static final int TARGET_AT = 88; // in a rule: where its target begins
  private static final int TARGET_AT6 = 140;
  private static final int VERDICT = 32; // in a target without a name
  private static final int DROP = -1;
  private static final int TRIES = 100;

  private LegacyTables() {}

  /**
   * Names of the tables whose chain FORWARD drops what no rule accepts, in the network namespace of
   * this thread. Tables that nobody has used are not made by it.
   */
  public static List<String> droppingForwarded(boolean ipv6) {
    var names = names(ipv6);
    if (names.isEmpty()) {
      return List.of();
    }
    int fd = libc().socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    if (fd < 0) {
      throw failed("socket", "raw");
    }
    try {
      var dropping = new ArrayList<String>();
      for (String name : names) {
        if (dropsForwarded(fd, ipv6, name)) {
          dropping.add(name);
        }
      }
      return dropping;
    } finally {
      libc().close(fd);
    }
  }

  private static List<String> names(boolean ipv6) {
    try {
      return Files.readAllLines(NET.resolve(ipv6 ? "ip6_tables_names" : "ip_tables_names"));
    } catch (IOException e) {
      return List.of(); // this kernel has none
    }
  }

  /** A table that others change meanwhile has another size than was said. */
  private static boolean dropsForwarded(int fd, boolean ipv6, String table) {
    for (int left = TRIES; ; left--) {
      try {
        return isPolicyDrop(fd, ipv6, table);
      } catch (GantryException e) {
        if (left == 0 || SyscallError.errno(e) != Errno.EAGAIN) {
          throw e;
        }
      }
    }
  }

  private static boolean isPolicyDrop(int fd, boolean ipv6, String table) {
    var info = asked(INFO_BYTES, table);
    get(fd, ipv6, GET_INFO, info, table);
    if ((info.getInt(HOOKS) & 1 << FORWARD) == 0) {
      return false;
    }
    int size = info.getInt(SIZE);
    var rules = asked(ENTRIES + size, table).putInt(NAME, size);
    get(fd, ipv6, GET_ENTRIES, rules, table);
    int policy = ENTRIES + info.getInt(POLICIES + 4 * FORWARD);
    int target = policy + (rules.getShort(policy + (ipv6 ? TARGET_AT6 : TARGET_AT)) & 0xffff);
    return rules.getInt(target + VERDICT) == DROP;
  }

  private static ByteBuffer asked(int bytes, String table) {
    return ByteBuffer.allocate(bytes)
        .order(ByteOrder.nativeOrder())
        .put(0, table.getBytes(US_ASCII));
  }

  private static void get(int fd, boolean ipv6, int option, ByteBuffer value, String table) {
    int[] length = {value.capacity()};
    int level = ipv6 ? LEVEL_IPV6 : LEVEL_IPV4;
    if (libc().getsockopt(fd, level, option, value.array(), length) < 0) {
      throw failed("getsockopt", "table " + table);
    }
  }
}
