/* Op programs: their form, checked whole before the first op runs (PROTOCOL.md, "Op programs"). */
#ifndef GANTRY_OPS_H
#define GANTRY_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum op_code {
  OP_CGROUP = 1,
  OP_UNSHARE,
  OP_SETNS,
  OP_PROPAGATION,
  OP_SOURCE,
  OP_ROOT_BIND,
  OP_ROOT_OVERLAY,
  OP_ROOT,
  OP_MOUNT,
  OP_BIND,
  OP_DEV,
  OP_DEV_NODE,
  OP_DEV_LINK,
  OP_DEV_DIR,
  OP_DEV_DONE,
  OP_MASK,
  OP_READONLY,
  OP_ROOT_READONLY,
  OP_HOSTNAME,
  OP_DOMAINNAME,
  OP_SYSCTL,
  OP_RLIMIT,
  OP_OOM_SCORE,
  OP_NETLINK,
  OP_LOOPBACK_UP,
  OP_TOUCH,
  OP_MKDIR,
  OP_USER_LOOKUP,
  OP_CAPS,
  OP_NO_NEW_PRIVILEGES,
  OP_SECCOMP,
  OP_IDENTITY,
  OP_CWD,
  OP_ENV,
  OP_CONSOLE,
  OP_EXEC,
  OP_TMPCOPYUP,
  OP_JOIN,
  OP_UMASK,
  OP_DEVICES,
  OP_OWNER,
  OP_USERNS,
  OP_USERNS_OF,
  OP_ENTER,
  OP_NEW,
  OP_RAISE,
  OP_NETFILTER,
  OP_DNS,
  OP_APPARMOR,
  OP_END
};

enum { OP_MAGIC = 0x47505231, PROGRAM_MOST = 4 << 20, OPS_MOST = 4096, ARGS_MOST = UINT16_MAX, SLOTS = 4096 };

struct arg {
  const uint8_t *bytes; /* NUL-terminated, and 4-byte aligned when the program is */
  uint32_t length;
};

struct op {
  uint16_t code;
  uint16_t nargs;
  const uint8_t *args;
};

struct program {
  const uint8_t *next, *end;
  uint32_t left;
};

/* What is wrong with a program: NULL if nothing. The index and code of the op in question are set. */
const char *program_check(const uint8_t *bytes, size_t length, uint32_t *index, uint32_t *code);

/* Walks a checked program. */
void program_open(struct program *p, const uint8_t *bytes, size_t length);
bool program_next(struct program *p, struct op *op);
/* Fills args[0..nargs) of a checked op. */
void op_args(const struct op *op, struct arg *args);

static inline const char *arg_text(const struct arg *a) { return (const char *)a->bytes; }
uint64_t arg_number(const struct arg *a);

#endif
