/* A folder for what tests write, and what is in it. */
#ifndef GANTRY_SCRATCH_H
#define GANTRY_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"
#include "sys.h"

static char directory[] = "/tmp/gantry-unit-XXXXXX";

static inline const char *path(const char *name) {
  static char text[4][256];
  static unsigned next;
  char *p = text[next++ % 4];
  snprintf(p, 256, "%s/%s", directory, name);
  return p;
}

/* Takes away what the tests have written. */
static inline void sweep(void) {
  DIR *d = opendir(directory);
  if (!d) return;
  for (struct dirent *e; (e = readdir(d));) {
    if (e->d_name[0] != '.') CHECK_NUMBER(unlinkat(dirfd(d), e->d_name, 0), 0);
  }
  closedir(d);
  CHECK_NUMBER(rmdir(directory), 0);
}

#endif
