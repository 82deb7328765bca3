/* Lists of system calls that a process may make; whatever they do not name fails with EPERM. */
#ifndef GANTRY_SECCOMP_H
#define GANTRY_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

enum { RULES_MOST = 256 };

struct rules {
  struct sock_filter filter[RULES_MOST];
  unsigned short count;
};

void rules_begin(struct rules *r);
/* One instruction; `yes` and `no` are how many to skip. Behind the rules of a call the accumulator must hold the call's number,
 * so these end, or have not begun. */
void rule(struct rules *r, uint16_t code, uint8_t yes, uint8_t no, uint32_t value);
void rule_call(struct rules *r, int call, uint8_t no);
/* Loads the low half of an argument, counted from 0. */
void rule_argument(struct rules *r, unsigned number);
void rule_allow(struct rules *r);
void rule_refuse(struct rules *r, int error);

void allow_calls(struct rules *r, const int *calls, size_t count);
/* A call whose argument has none of these bits. */
void allow_without(struct rules *r, int call, unsigned argument, uint32_t bits, int error);
/* Puts them in force; there is no way back. */
int rules_install(struct rules *r);

#endif
