package io.gantry.exec.namespaces.seccomp;

import java.util.List;

/**
 * A profile as it holds for one kind of machine, kernel and set of capabilities.
 *
 * @param action what is done for calls without a rule, a SECCOMP_RET_* value
 * @param hidesNewer calls that are newer than any the profile names do not exist (ENOSYS), so that
 *     programs fall back on older ones instead of failing for good
 * @param architectures the machine's own first
 * @param filterFlags SECCOMP_FILTER_FLAG_*
 */
record Profile(
    int action, boolean hidesNewer, List<Arch> architectures, List<Rule> rules, long filterFlags) {

  Profile {
    architectures = List.copyOf(architectures);
    rules = List.copyOf(rules);
  }

  /**
   * @param action a SECCOMP_RET_* value
   * @param conditions all of which must hold
   */
  record Rule(List<String> names, int action, List<Condition> conditions) {

    Rule {
      names = List.copyOf(names);
      conditions = List.copyOf(conditions);
    }
  }
}
