/* What a CHECK asks for, and what follows from results: the same as with dockerd. */
#ifndef GANTRY_HEALTH_H
#define GANTRY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

enum health_state { HEALTH_STARTING, HEALTH_GOOD, HEALTH_BAD };
enum outcome { OUTCOME_ENDED, OUTCOME_LATE, OUTCOME_NOT_RUN };
enum { RESULTS_KEPT = 5, OUTPUT_KEPT = 4096 };

struct rules {
  uint64_t interval_ms, timeout_ms, start_period_ms, start_interval_ms, retries;
};

struct health {
  enum health_state state;
  uint64_t streak; /* of checks that failed */
};

/* False when something that is needed is not said. */
bool rules_read(struct rules *r, const struct message *m);
/* After one more check, which began at this age of the run. */
void health_after(struct health *h, const struct rules *r, bool passed, uint64_t age_ms);
/* To the next check, at this age. */
uint64_t health_interval(const struct health *h, const struct rules *r, uint64_t age_ms);

#endif
