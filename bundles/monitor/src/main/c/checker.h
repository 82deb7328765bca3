/* Who serves checks: one process in the container's control groups and namespaces has carried out all of a check's program
 * but its last step, the command, and waits. For each check it forks the command, and that is nearly all of what a check
 * costs: user, capabilities and seccomp filter are inherited. It stays out of the pid namespace, so that nobody in the
 * container sees it; it is renewed now and then, since users and files that it has looked up may have changed.
 * Where it cannot be (a filter that refuses what it needs, a full control group) a check is exec'ed as any process. */
#ifndef GANTRY_CHECKER_H
#define GANTRY_CHECKER_H

#include <stdbool.h>
#include <stdint.h>

#include "setup.h"
#include "wire.h"

/* In that process. */
_Noreturn void checker_serve(struct setup *s, char **argv);

/* In the monitor: has one check begun; -1 when it has to be exec'ed instead. */
int checker_begin(const struct attribute *program, uint64_t now_ms);
/* Takes what it has said of checks. It is read when a child has ended; who wants to know sooner has it watched. */
void checker_read(void);
void checker_watch(bool wanted);
/* The next check has another one; of the latter, while there is a check, none. */
void checker_renew(void);
void checker_let_go(void);
/* The same, and there are no more checks: back when it has ended. */
void checker_end(void);

#endif
