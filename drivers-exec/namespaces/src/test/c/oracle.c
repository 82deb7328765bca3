/* Builds a filter with libseccomp from lines on standard input and writes it to standard output:
 *   default ACTION
 *   arch TOKEN
 *   rule ACTION NAME COUNT (INDEX OPERATOR A B)...
 * Numbers are decimal; OPERATOR is libseccomp's, in its order (NE 1 ... MASKED_EQ 7). Names that this libseccomp does
 * not know are left out. */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int result, const char *line) {
  if (result >= 0) return;
  fprintf(stderr, "%s: %s\n", line, strerror(-result));
  exit(1);
}

static int rule(scmp_filter_ctx filter, char *words) {
  uint32_t action = (uint32_t)strtoul(strtok(words, " "), NULL, 10);
  int number = seccomp_syscall_resolve_name(strtok(NULL, " "));
  unsigned count = (unsigned)atoi(strtok(NULL, " \n"));
  struct scmp_arg_cmp args[6];
  for (unsigned i = 0; i < count; i++) {
    args[i].arg = (unsigned)atoi(strtok(NULL, " "));
    args[i].op = (enum scmp_compare)atoi(strtok(NULL, " "));
    args[i].datum_a = strtoull(strtok(NULL, " "), NULL, 10);
    args[i].datum_b = strtoull(strtok(NULL, " \n"), NULL, 10);
  }
  return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(filter, action, number, count, args);
}

int main(void) {
  char line[4096], copy[4096];
  scmp_filter_ctx filter = NULL;
  while (fgets(line, sizeof line, stdin)) {
    strcpy(copy, line);
    char *words = strchr(line, ' ') + 1;
    if (line[0] == 'd') {
      filter = seccomp_init((uint32_t)strtoul(words, NULL, 10));
      check(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), copy);
    } else if (line[0] == 'a') {
      check(seccomp_arch_add(filter, (uint32_t)strtoul(words, NULL, 10)), copy);
    } else {
      check(rule(filter, words), copy);
    }
  }
  check(seccomp_export_bpf(filter, 1), "export");
  return 0;
}
