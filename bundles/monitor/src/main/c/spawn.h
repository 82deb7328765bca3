/* The zygote, and what it knows on behalf of every process forked from it. */
#ifndef GANTRY_SPAWN_H
#define GANTRY_SPAWN_H

int spawn_main(const char *dir);
/* The zygote proper, once it runs from its sealed copy; started by spawn_main only. */
int spawn_zygote(const char *dir, const char *ready_fd);

/* Gives a container's process back the limits and the OOM score that the zygote was started with. Returns a descriptor by
 * which this process, and no other, can be given another score wherever it is by then; -1: there is none. */
int spawn_restore_limits(void);
/* That score. */
const char *spawn_oom_score(void);
const char *helper_sha256(void);
const char *boot_id(void);

#endif
