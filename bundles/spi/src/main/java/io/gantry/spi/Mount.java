package io.gantry.spi;

import java.util.List;

/**
 * One mount as data: storage and volume drivers say what, the monitor does it.
 *
 * @param type file system type as mount(2) knows it, {@code bind} or {@code rbind}
 * @param source what is mounted; for a bind an absolute host path
 * @param target absolute path relative to the root it is mounted on; {@code /} for the root itself
 * @param options as in fstab(5): {@code ro}, {@code nosuid}, {@code size=64m}, {@code lowerdir=…};
 *     for binds also {@code rprivate}, {@code rslave}, {@code rshared}, and {@code rro} where what
 *     an {@code rbind} brings along becomes read-only, too
 */
public record Mount(String type, String source, String target, List<String> options) {

  public Mount {
    options = List.copyOf(options);
  }

  /** A bind of a host path. */
  public static Mount bind(String source, String target, String... options) {
    return new Mount("bind", source, target, List.of(options));
  }

  public boolean readOnly() {
    return options.contains("ro") || options.contains("rro");
  }
}
