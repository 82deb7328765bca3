package io.gantry.volume.local;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What Docker's options of the driver {@code local} say: {@code type} and {@code device} as
 * mount(8) takes them, {@code o} with commas between.
 *
 * @param type {@code bind} or {@code rbind} when the options say so
 */
record MountRequest(String type, String device, List<String> options) {

  private static final Set<String> KNOWN = Set.of("type", "device", "o", "size");

  /** Words of fstab(5) that say nothing to the kernel, and the opposites of its flags. */
  private static final Set<String> SILENT =
      Set.of(
          "defaults",
          "auto",
          "noauto",
          "_netdev",
          "user",
          "nouser",
          "users",
          "nofail",
          "suid",
          "dev",
          "exec",
          "atime",
          "diratime",
          "norelatime",
          "nostrictatime");

  /** What the kernel's file systems call a secret. */
  private static final Pattern SECRET = Pattern.compile("((?:^|,)pass(?:word2?)?=)[^,]*");

  /** Those whose servers the kernel wants by address. */
  private static final Set<String> REMOTE = Set.of("nfs", "nfs4", "cifs");

  MountRequest {
    options = List.copyOf(options);
  }

  /**
   * Whether the options make sense, in dockerd's words.
   *
   * @throws GantryException INVALID; UNSUPPORTED for a limit, which only a tmpfs can have
   */
  static void check(Map<String, String> options) {
    for (String option : options.keySet()) {
      if (!KNOWN.contains(option)) {
        throw new GantryException(Kind.INVALID, "invalid option: \"" + option + "\"");
      }
    }
    need(options, "device", "type");
    need(options, "type", "device");
    if (options.containsKey("size")) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          "quota size requested but no quota support (a tmpfs is limited by o=size=…)");
    }
    for (String value : options.values()) {
      if (value.indexOf('\0') >= 0) {
        throw new GantryException(Kind.INVALID, "an option holds a zero byte");
      }
    }
  }

  private static void need(Map<String, String> options, String there, String needed) {
    if (options.containsKey(there) && !options.containsKey(needed)) {
      throw new GantryException(Kind.INVALID, "missing required option: \"" + needed + "\"");
    }
  }

  /** Whether there is something to mount; else the volume is a plain directory. */
  static boolean isIn(Map<String, String> options) {
    return options.containsKey("type") || options.containsKey("device");
  }

  static MountRequest of(Map<String, String> options) {
    String type = options.getOrDefault("type", "");
    List<String> words = new ArrayList<>();
    for (String word : options.getOrDefault("o", "").split(",", -1)) {
      if (word.equals("bind") || word.equals("rbind")) {
        type = word;
      } else if (!word.isBlank() && !SILENT.contains(word)) {
        words.add(word);
      }
    }
    return new MountRequest(type, options.getOrDefault("device", ""), words);
  }

  boolean isBind() {
    return type.equals("bind") || type.equals("rbind");
  }

  /**
   * @throws GantryException INVALID when a server's name leads to no address
   */
  Mount mount() {
    return new Mount(type, device, "/", REMOTE.contains(type) ? addressed() : options);
  }

  /** The options for users' eyes. */
  String shown() {
    return SECRET.matcher(String.join(",", options)).replaceAll("$1********");
  }

  private List<String> addressed() {
    return options.stream()
        .map(word -> word.startsWith("addr=") ? "addr=" + address(word.substring(5)) : word)
        .toList();
  }

  private static String address(String host) {
    try {
      return InetAddress.getByName(host).getHostAddress();
    } catch (UnknownHostException e) {
      throw new GantryException(
          Kind.INVALID, "error resolving passed in network volume address: " + host, e);
    }
  }
}
