package io.gantry.engine.spec;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.api.HostSpec;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.ProcessSpec;
import java.util.List;

/**
 * {@code --security-opt}, read.
 *
 * @param seccomp as in {@link ProcessSpec#seccomp()}
 * @param apparmor profile that was asked for, or empty
 * @param writableCgroups it may write to the control groups it sees: its own
 */
public record SecurityOptions(
    boolean noNewPrivileges, String seccomp, String apparmor, boolean writableCgroups) {

  /**
   * @throws GantryException INVALID, in dockerd's words
   */
  public static SecurityOptions parse(HostSpec host) {
    boolean noNewPrivileges = false;
    boolean writableCgroups = host.privileges().privileged();
    String seccomp =
        host.privileges().privileged()
            ? ProcessSpec.SECCOMP_UNCONFINED
            : ProcessSpec.SECCOMP_DEFAULT;
    String apparmor = "";
    for (String option : host.privileges().securityOptions()) {
      if (option.equals("no-new-privileges")) {
        noNewPrivileges = true;
        continue;
      }
      if (option.equals("disable")) {
        continue;
      }
      int at = separator(option);
      if (at < 0) {
        throw new GantryException(INVALID, "invalid --security-opt 1: \"" + option + "\"");
      }
      String value = option.substring(at + 1);
      switch (option.substring(0, at)) {
        case "label" -> {} // as without --selinux-enabled: nothing is labelled
        case "apparmor" -> apparmor = value;
        case "seccomp" -> seccomp = value.equals("builtin") ? ProcessSpec.SECCOMP_DEFAULT : value;
        case "no-new-privileges" -> noNewPrivileges = flag(option, value);
        case "writable-cgroups" -> writableCgroups = flag(option, value);
        default ->
            throw new GantryException(INVALID, "invalid --security-opt 2: \"" + option + "\"");
      }
    }
    return new SecurityOptions(noNewPrivileges, seccomp, apparmor, writableCgroups);
  }

  /** Old clients write a colon; a profile's JSON has colons of its own. */
  private static int separator(String option) {
    int equals = option.indexOf('=');
    return equals >= 0 ? equals : option.indexOf(':');
  }

  private static boolean flag(String option, String value) {
    if (List.of("1", "t", "T", "true", "TRUE", "True").contains(value)) {
      return true;
    }
    if (List.of("0", "f", "F", "false", "FALSE", "False").contains(value)) {
      return false;
    }
    throw new GantryException(INVALID, "invalid --security-opt 2: \"" + option + "\"");
  }
}
