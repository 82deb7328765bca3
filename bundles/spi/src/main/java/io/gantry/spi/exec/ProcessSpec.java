package io.gantry.spi.exec;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A process; follows the OCI runtime specification 1.2.
 *
 * @param args program and arguments; a program without a slash is looked up in PATH
 * @param env {@code NAME=value}
 * @param cwd absolute; made when missing
 * @param user as Docker takes it: empty, {@code name}, {@code uid}, either with {@code :group} or
 *     {@code :gid}; names are looked up in the container's own files
 * @param groups further groups, by name or number
 * @param terminal it gets a pseudo-terminal of the container
 * @param rows of the terminal, 0 when unknown
 * @param columns of the terminal, 0 when unknown
 * @param capabilities bounding set, names as in capabilities(7) ({@code CAP_CHOWN}); effective for
 *     root, ambient for none
 * @param noNewPrivileges see prctl(2)
 * @param seccomp {@code ""} for the default profile, {@code unconfined}, or a profile in Docker's
 *     JSON
 * @param apparmor profile of AppArmor that is in the kernel, {@code unconfined}, or null on a host
 *     without it
 * @param rlimits limits to set
 * @param oomScoreAdj -1000 to 1000, or null to inherit
 */
public record ProcessSpec(
    List<String> args,
    List<String> env,
    String cwd,
    String user,
    List<String> groups,
    boolean terminal,
    int rows,
    int columns,
    Set<String> capabilities,
    boolean noNewPrivileges,
    String seccomp,
    @Nullable String apparmor,
    List<Rlimit> rlimits,
    @Nullable Integer oomScoreAdj) {

  public static final String SECCOMP_DEFAULT = "";
  public static final String SECCOMP_UNCONFINED = "unconfined";

  public ProcessSpec {
    args = List.copyOf(args);
    env = List.copyOf(env);
    groups = List.copyOf(groups);
    capabilities = Set.copyOf(capabilities);
    rlimits = List.copyOf(rlimits);
  }

  /**
   * A resource limit.
   *
   * @param type {@code nofile}, {@code core} … as in getrlimit(2), without RLIMIT_ and in lower
   *     case
   * @param soft -1 for unlimited
   * @param hard -1 for unlimited; clamped to what the engine itself may set
   */
  public record Rlimit(String type, long soft, long hard) {}
}
