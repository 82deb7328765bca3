package io.gantry.exec.namespaces;

import io.gantry.exec.namespaces.seccomp.Seccomp;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.exec.ProcessSpec;
import java.util.List;

/** What is the same for a container's first process and for those that join it. */
final class ProcessProgram {

  private static final List<String> RLIMITS =
      List.of(
          "cpu",
          "fsize",
          "data",
          "stack",
          "core",
          "rss",
          "nproc",
          "nofile",
          "memlock",
          "as",
          "locks",
          "sigpending",
          "msgqueue",
          "nice",
          "rtprio",
          "rttime");

  private static final int UMASK = 0022;

  private final Kernel kernel;
  private final Seccomp seccomp;

  ProcessProgram(Kernel kernel, Seccomp seccomp) {
    this.kernel = kernel;
    this.seccomp = seccomp;
  }

  /**
   * What only the host's root may do, before a user namespace is entered: inside, nobody may go
   * beyond what there is.
   */
  OpProgram limits(ProcessSpec process) {
    var program = new OpProgram();
    process.rlimits().forEach(limit -> program.raise(resource(limit), limit.hard()));
    if (process.oomScoreAdj() != null) {
      program.oomScore(process.oomScoreAdj());
    }
    confine(process, program);
    return program;
  }

  /**
   * @param mapped in a user namespace: {@link #limits} come before it
   */
  void add(ProcessSpec process, OpProgram program, boolean mapped) {
    if (process.args().isEmpty()) {
      throw new GantryException(Kind.INVALID, "no command specified");
    }
    process.rlimits().forEach(limit -> program.rlimit(resource(limit), limit.soft(), limit.hard()));
    if (!mapped) {
      if (process.oomScoreAdj() != null) {
        program.oomScore(process.oomScoreAdj());
      }
      confine(process, program);
    }
    program.umask(UMASK).env(process.env()).userLookup(process.user(), process.groups());
    if (process.terminal()) {
      program.console();
    }
    // A filter needs CAP_SYS_ADMIN or no_new_privs: so it comes while there still is the one, or
    // after the other; then as late as can be, since it holds for our own steps too.
    if (!process.noNewPrivileges()) {
      filter(process, program);
    }
    long capabilities = Capabilities.bits(process.capabilities(), kernel.lastCapability());
    program.caps(capabilities, capabilities, 0, 0).identity().cwd(cwd(process));
    if (process.noNewPrivileges()) {
      program.noNewPrivileges();
      filter(process, program);
    }
    program.exec(process.args());
  }

  /** The working directory, absolute. */
  static String cwd(ProcessSpec process) {
    String cwd = process.cwd().isEmpty() ? "/" : process.cwd();
    if (!cwd.startsWith("/")) {
      throw new GantryException(
          Kind.INVALID,
          "the working directory '" + cwd + "' is invalid, it needs to be an absolute path");
    }
    return cwd;
  }

  private void filter(ProcessSpec process, OpProgram program) {
    if (!process.seccomp().equals(ProcessSpec.SECCOMP_UNCONFINED)) {
      Seccomp.Filter filter = seccomp.filter(process.seccomp(), process.capabilities());
      program.seccomp(filter.instructions(), filter.flags());
    }
  }

  /** As dockerd, which ignores profiles on hosts without AppArmor. */
  private void confine(ProcessSpec process, OpProgram program) {
    String profile = process.apparmor();
    if (profile != null && kernel.hasAppArmor()) {
      program.appArmor(profile);
    }
  }

  private static int resource(ProcessSpec.Rlimit limit) {
    int resource = RLIMITS.indexOf(limit.type());
    if (resource < 0) {
      throw new GantryException(Kind.INVALID, "invalid ulimit type: " + limit.type());
    }
    if (Long.compareUnsigned(limit.soft(), limit.hard()) > 0) { // -1 is unlimited
      throw new GantryException(
          Kind.INVALID,
          "ulimit soft limit must be less than or equal to hard limit: "
              + limit.soft()
              + " > "
              + limit.hard());
    }
    return resource;
  }
}
