#include "seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the architecture's audit number is needed here"
#endif

void rule(struct rules *r, uint16_t code, uint8_t yes, uint8_t no, uint32_t value) {
  r->filter[r->count++] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = value};
}

static void load(struct rules *r, size_t offset) { rule(r, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset); }
static void end(struct rules *r, uint32_t what) { rule(r, BPF_RET | BPF_K, 0, 0, what); }

void rules_begin(struct rules *r) {
  r->count = 0;
  load(r, offsetof(struct seccomp_data, arch));
  rule(r, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCHITECTURE);
  end(r, SECCOMP_RET_KILL_PROCESS);
  load(r, offsetof(struct seccomp_data, nr));
}

void rule_call(struct rules *r, int call, uint8_t no) { rule(r, BPF_JMP | BPF_JEQ | BPF_K, 0, no, (uint32_t)call); }

/* Little-endian: the low half comes first. */
void rule_argument(struct rules *r, unsigned number) {
  load(r, offsetof(struct seccomp_data, args) + number * sizeof(uint64_t));
}

void rule_allow(struct rules *r) { end(r, SECCOMP_RET_ALLOW); }
void rule_refuse(struct rules *r, int error) { end(r, SECCOMP_RET_ERRNO | (uint32_t)error); }

void allow_calls(struct rules *r, const int *calls, size_t count) {
  for (size_t i = 0; i < count; i++) {
    rule_call(r, calls[i], 1);
    rule_allow(r);
  }
}

void allow_without(struct rules *r, int call, unsigned argument, uint32_t bits, int error) {
  rule_call(r, call, 4);
  rule_argument(r, argument);
  rule(r, BPF_JMP | BPF_JSET | BPF_K, 1, 0, bits);
  rule_allow(r);
  rule_refuse(r, error);
}

int rules_install(struct rules *r) {
  rule_refuse(r, EPERM);
  struct sock_fprog program = {.len = r->count, .filter = r->filter};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}
