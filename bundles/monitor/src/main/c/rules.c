#include "health.h"

/* Longer than any machine runs; sums of it do not overflow. */
static const uint64_t longest_ms = (uint64_t)1 << 53;

static uint64_t duration(const struct message *m, enum tag tag) {
  uint64_t asked = message_u64(m, tag, 0);
  return asked < longest_ms ? asked : longest_ms;
}

bool rules_read(struct rules *r, const struct message *m) {
  r->interval_ms = duration(m, TAG_INTERVAL_MS);
  r->timeout_ms = duration(m, TAG_TIMEOUT_MS);
  r->start_period_ms = duration(m, TAG_START_PERIOD_MS);
  r->start_interval_ms = duration(m, TAG_START_INTERVAL_MS);
  r->retries = message_u64(m, TAG_RETRIES, 0);
  return r->interval_ms > 0 && r->timeout_ms > 0 && r->start_interval_ms > 0 && r->retries > 0;
}

static bool begins(const struct health *h, const struct rules *r, uint64_t age_ms) {
  return h->state == HEALTH_STARTING && age_ms < r->start_period_ms;
}

void health_after(struct health *h, const struct rules *r, bool passed, uint64_t age_ms) {
  if (passed) {
    *h = (struct health){.state = HEALTH_GOOD};
  } else if (!begins(h, r, age_ms)) {
    h->streak++;
    if (h->streak >= r->retries) h->state = HEALTH_BAD;
  }
}

uint64_t health_interval(const struct health *h, const struct rules *r, uint64_t age_ms) {
  return begins(h, r, age_ms) ? r->start_interval_ms : r->interval_ms;
}
