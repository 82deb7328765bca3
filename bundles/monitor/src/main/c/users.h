/* Who a container's process is to be: user specs against the image's passwd and group files, as Docker reads them. */
#ifndef GANTRY_USERS_H
#define GANTRY_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GROUPS_MOST = 4096, HOME_MOST = 1024 };

struct user {
  uint32_t uid, gid;
  uint32_t groups[GROUPS_MOST];
  size_t ngroups;
  char home[HOME_MOST];
};

/* A file's text (no NUL is needed at its end); a missing file is empty. */
struct text {
  const char *at;
  size_t length;
};

enum user_error { USER_OK, USER_UNKNOWN, GROUP_UNKNOWN, USER_RANGE, USER_GROUPS_MANY };

/* Resolves "user[:group]"; on failure *name is the part in question (within spec). */
enum user_error user_find(struct user *u, const char *spec, struct text passwd, struct text group, struct text *name);
/* Adds a supplementary group, by name or number. */
enum user_error user_add_group(struct user *u, const char *name, struct text group);

#endif
