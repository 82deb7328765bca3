/* gantry-helper: the processes of Gantry that are no JVM. The first argument names the role (PROTOCOL.md, "Roles"). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box.h"
#include "gate.h"
#include "replay.h"
#include "sha256.h"
#include "spawn.h"
#include "sys.h"
#include "wire.h"

static int usage(void) {
  fputs("usage: gantry-helper gate [OPTION...] -- JAVA ARG... | spawn DIR | box PROGRAM ARG... | replay FILE... | version\n", stderr);
  return 64;
}

static int version(void) {
  char hash[65];
  int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self < 0 || sha256_file(self, hash) < 0) return 1;
  printf("protocol=%d\nop_set=%d\nsha256=%s\n", PROTOCOL_VERSION, OP_SET_VERSION, hash);
  return 0;
}

int main(int argc, char **argv) {
  title_keep(argc, argv);
  const char *role = argc > 1 ? argv[1] : "";
  if (!strcmp(role, "gate")) return gate_main(argc - 1, argv + 1);
  if (!strcmp(role, "spawn") && argc == 3) return spawn_main(argv[2]);
  if (!strcmp(role, "zygote") && argc == 4) return spawn_zygote(argv[2], argv[3]);
  if (!strcmp(role, "box")) return box_main(argc - 1, argv + 1);
  if (!strcmp(role, "replay")) return replay_main(argc - 2, argv + 2);
  if (!strcmp(role, "version") && argc == 2) return version();
  return usage();
}
