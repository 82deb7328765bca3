#include "ops.h"

#include <string.h>

#include "sys.h"

/* n a number, s a string, p a string that is not empty, b bytes; a star repeats what is before it, none included. */
static const char *const signatures[OP_END] = {
    [OP_CGROUP] = "p*",
    [OP_UNSHARE] = "n",
    [OP_SETNS] = "pn",
    [OP_PROPAGATION] = "n",
    [OP_SOURCE] = "npn",
    [OP_ROOT_BIND] = "p",
    [OP_ROOT_OVERLAY] = "ssns*",
    [OP_ROOT] = "",
    [OP_MOUNT] = "ppnp*",
    [OP_BIND] = "npnnnn",
    [OP_DEV] = "s",
    [OP_DEV_NODE] = "pnnnnn",
    [OP_DEV_LINK] = "pp",
    [OP_DEV_DIR] = "pn",
    [OP_DEV_DONE] = "",
    [OP_MASK] = "p*",
    [OP_READONLY] = "p*",
    [OP_ROOT_READONLY] = "",
    [OP_HOSTNAME] = "s",
    [OP_DOMAINNAME] = "s",
    [OP_SYSCTL] = "ps",
    [OP_RLIMIT] = "nnn",
    [OP_OOM_SCORE] = "p",
    [OP_NETLINK] = "b",
    [OP_LOOPBACK_UP] = "",
    [OP_TOUCH] = "pn",
    [OP_MKDIR] = "pn",
    [OP_USER_LOOKUP] = "sp*",
    [OP_CAPS] = "nnnn",
    [OP_NO_NEW_PRIVILEGES] = "",
    [OP_SECCOMP] = "bn",
    [OP_IDENTITY] = "",
    [OP_CWD] = "p",
    [OP_ENV] = "p*",
    [OP_CONSOLE] = "",
    [OP_EXEC] = "ss*",
    [OP_JOIN] = "nn",
    [OP_UMASK] = "n",
    [OP_DEVICES] = "pb",
    [OP_OWNER] = "nn",
    [OP_USERNS] = "pp",
    [OP_USERNS_OF] = "p",
    [OP_ENTER] = "n",
    [OP_NEW] = "npnp*",
    [OP_RAISE] = "nn",
    [OP_NETFILTER] = "b",
    [OP_DNS] = "pn",
    [OP_APPARMOR] = "p",
};

static uint32_t get_u32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

static uint16_t get_u16(const uint8_t *p) {
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* What an argument takes: length, bytes, the NUL, padding. */
static size_t arg_size(uint32_t length) { return 4 + (((size_t)length + 1 + 3) & ~(size_t)3); }

static bool arg_fits(char kind, const uint8_t *bytes, uint32_t length) {
  if (bytes[length] != 0) return false;
  switch (kind) {
    case 'n': return length == 8;
    case 'p': return length > 0 && !memchr(bytes, 0, length);
    case 's': return length == 0 || !memchr(bytes, 0, length);
    default: return true;
  }
}

static const char *args_check(uint16_t code, uint16_t nargs, const uint8_t *at, size_t left) {
  const char *kind = signatures[code];
  for (unsigned i = 0; i < nargs; i++) {
    if (!*kind) return "too many arguments";
    if (left < 4) return "truncated argument";
    uint32_t length = get_u32(at);
    if (length > PROGRAM_MOST || arg_size(length) > left) return "truncated argument";
    if (!arg_fits(*kind, at + 4, length)) return "malformed argument";
    at += arg_size(length);
    left -= arg_size(length);
    if (kind[1] != '*') kind++;
  }
  if (*kind && kind[1] != '*') return "too few arguments";
  return left ? "bytes after the last argument" : NULL;
}

static const char *op_check(const uint8_t *at, size_t left, uint32_t *size, uint32_t *code) {
  if (left < 8) return "truncated op";
  *code = get_u16(at);
  uint16_t nargs = get_u16(at + 2);
  *size = get_u32(at + 4);
  if (*size < 8 || *size > left || *size % 4) return "malformed length";
  if (*code >= OP_END || !signatures[*code]) return "unknown op";
  return args_check((uint16_t)*code, nargs, at + 8, *size - 8);
}

const char *program_check(const uint8_t *bytes, size_t length, uint32_t *index, uint32_t *code) {
  *index = *code = 0;
  if (length < 8 || length > PROGRAM_MOST) return "malformed program";
  if (get_u32(bytes) != OP_MAGIC) return "not a program";
  uint32_t count = get_u32(bytes + 4);
  if (count > OPS_MOST) return "too many ops";
  const uint8_t *at = bytes + 8;
  size_t left = length - 8;
  for (; *index < count; ++*index) {
    uint32_t size = 0;
    const char *wrong = op_check(at, left, &size, code);
    if (wrong) return wrong;
    if (*code == OP_EXEC && *index + 1 != count) return "ops after EXEC";
    at += size;
    left -= size;
  }
  return left ? "bytes after the last op" : NULL;
}

void program_open(struct program *p, const uint8_t *bytes, size_t length) {
  *p = (struct program){.next = bytes + 8, .end = bytes + length, .left = get_u32(bytes + 4)};
}

bool program_next(struct program *p, struct op *op) {
  if (p->left == 0) return false;
  *op = (struct op){.code = get_u16(p->next), .nargs = get_u16(p->next + 2), .args = p->next + 8};
  p->next += get_u32(p->next + 4);
  p->left--;
  return true;
}

void op_args(const struct op *op, struct arg *args) {
  const uint8_t *at = op->args;
  for (unsigned i = 0; i < op->nargs; i++) {
    args[i] = (struct arg){.bytes = at + 4, .length = get_u32(at)};
    at += arg_size(args[i].length);
  }
}

uint64_t arg_number(const struct arg *a) {
  uint64_t value;
  memcpy(&value, a->bytes, sizeof value);
  return value;
}
