/* Checks the health of the container while it runs, whether or not there is an engine.
 *
 * One step waits for the clock at a time: the next check; a look at one that takes longer than most, which the engine is then
 * told of; its time-out; and, when it was killed, the time by which it has ended or hangs in the kernel. So there is
 * never more than one. A check that has not begun by its time-out is killed when it begins, and judged then. */
#include "health.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "checker.h"
#include "monitor.h"
#include "sys.h"

/* KEEP_MS: who serves checks is not worth its memory when they are rarer. */
enum { BRIEF_MS = 100, AFTER_KILL_MS = 5000, KEEP_MS = 10 * 1000, GRID_MOST_MS = 50 };

struct result {
  uint64_t begin_ns, end_ns, status;
  enum outcome outcome;
  uint8_t *output;
  size_t length;
  bool cut;
};

static bool asked;
static struct rules rules;
static struct attribute program; /* a copy */
static struct health health;
static struct result results[RESULTS_KEPT];
static unsigned result_count;

static enum { NEXT_CHECK, BRIEF, TIME_OUT, KILLED } step;
static uint64_t look_at_ms;

/* Of the check that goes on. */
static struct process *running;
static char id[ID_LENGTH + 1];
static uint64_t began_ms, began_ns;
static struct buffer output;
static bool cut;

static uint64_t age_at(uint64_t now) { return now - monitor.started_ms; }

/* ---- messages ---- */

static void put_result(struct buffer *b, const struct result *r) {
  static struct buffer inner;
  buffer_empty(&inner);
  message_put_u64(&inner, TAG_BEGIN_NS, r->begin_ns);
  message_put_u64(&inner, TAG_TIME_NS, r->end_ns);
  message_put_u64(&inner, TAG_OUTCOME, r->outcome);
  message_put_u64(&inner, TAG_STATUS, r->status);
  message_put_u64(&inner, TAG_FLAGS, r->cut ? FLAG_CUT : 0);
  message_put(&inner, TAG_BYTES, r->output, r->length);
  message_put(b, TAG_RESULT, inner.data + inner.start, buffer_length(&inner));
}

static void put_state(struct buffer *b) {
  message_put_u64(b, TAG_HEALTH, health.state);
  message_put_u64(b, TAG_STREAK, health.streak);
}

void health_put(struct buffer *b) {
  if (!asked) return;
  put_state(b);
  unsigned first = result_count > RESULTS_KEPT ? result_count - RESULTS_KEPT : 0;
  for (unsigned i = first; i < result_count; i++) put_result(b, results + i % RESULTS_KEPT);
}

static void tell_result(const struct result *r) {
  static struct buffer b;
  buffer_empty(&b);
  size_t begin = message_begin(&b, MSG_CHECKED);
  message_put_text(&b, TAG_EXEC_ID, id);
  put_state(&b);
  put_result(&b, r);
  message_end(&b, begin);
  connections_tell(&b);
}

static void tell_of_running(void) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_CHECKING);
  message_put_text(&b, TAG_EXEC_ID, id);
  message_put_u64(&b, TAG_INIT_PID, (uint64_t)running->pid);
  message_put_u64(&b, TAG_BEGIN_NS, began_ns);
  message_end(&b, begin);
  connections_tell(&b);
  buffer_clear(&b);
}

/* A check may come later by a fiftieth of the interval, so that many monitors wake a processor, and the engine, together. */
static uint64_t together(uint64_t at_ms, uint64_t interval_ms) {
  uint64_t grid = interval_ms / 50 < GRID_MOST_MS ? interval_ms / 50 : GRID_MOST_MS;
  return grid ? (at_ms + grid - 1) / grid * grid : at_ms;
}

int health_ask(const struct message *m) {
  struct attribute given;
  struct rules said;
  uint32_t index, code;
  if (!message_has(m, TAG_PROGRAM, &given) || program_check(given.value, given.length, &index, &code) || !rules_read(&said, m)) return EINVAL;
  if (monitor.phase != PHASE_RUNNING) return ESRCH;
  uint8_t *copy = must_alloc(given.length);
  memcpy(copy, given.value, given.length);
  free((void *)(uintptr_t)program.value);
  program = (struct attribute){.length = given.length, .value = copy};
  rules = said;
  checker_renew();
  if (!asked) {
    uint64_t interval = health_interval(&health, &rules, 0);
    look_at_ms = together(monitor.started_ms + interval, interval);
  }
  asked = true;
  return 0;
}

/* ---- results ---- */

void health_output(const struct process *p, const uint8_t *data, size_t length) {
  if (p != running) return;
  size_t room = OUTPUT_KEPT - buffer_length(&output);
  cut = cut || length > room;
  buffer_append(&output, data, length < room ? length : room);
}

static void wait_for_next(void) {
  uint64_t now = monotonic_ms(), interval = health_interval(&health, &rules, age_at(now));
  running = NULL;
  step = NEXT_CHECK;
  look_at_ms = together(now + interval, interval);
  if (interval > KEEP_MS) checker_let_go();
}

static void judge(enum outcome outcome, uint64_t status, uint64_t end_ns) {
  struct result *r = results + result_count++ % RESULTS_KEPT;
  free(r->output);
  *r = (struct result){.begin_ns = began_ns, .end_ns = end_ns, .status = status, .outcome = outcome, .length = buffer_length(&output), .cut = cut};
  r->output = must_alloc(r->length);
  if (r->length) memcpy(r->output, output.data + output.start, r->length);
  health_after(&health, &rules, outcome == OUTCOME_ENDED && status == 0, age_at(began_ms));
  tell_result(r);
  wait_for_next();
}

static void judge_not_run(const char *text) {
  buffer_clear(&output);
  buffer_append(&output, text, strlen(text));
  judge(OUTCOME_NOT_RUN, 0, wall_clock_ns());
}

void health_finished(struct process *p) {
  struct ending e;
  if (p != running) return; /* it was given up */
  if (!asked) {
    running = NULL;
  } else if (step == KILLED) {
    judge(OUTCOME_LATE, 0, p->end_ns ? p->end_ns : wall_clock_ns());
  } else if (p->failure) {
    judge_not_run(p->failure->text);
  } else {
    record_ending(&e, p);
    judge(OUTCOME_ENDED, e.status, e.time_ns);
  }
}

/* ---- a check ---- */

/* No two of all monitors have one. Its end says whose it is: an engine has to tell it from what a user exec'ed. */
static void make_id(void) {
  static uint64_t own[2], number;
  if (!number++) (void)getrandom(own, sizeof own, 0);
  snprintf(id, sizeof id, "%016llx%016llx%016llx%.16s", (unsigned long long)own[0], (unsigned long long)own[1], (unsigned long long)number, monitor.container);
}

static int open_freezer(void) {
  static const char *const names[] = {"freezer.state", "cgroup.freeze"};
  for (unsigned i = 0; i < COUNT(names); i++) {
    for (char **file = monitor.cgroups; file && *file; file++) {
      int fd = exec_open_beside(*file, names[i]);
      if (fd >= 0) return fd;
    }
  }
  return -1;
}

/* Whether the container is paused. The file stays open: it is asked before each check. */
static bool stands_still(void) {
  static int freezer = -2;
  char text[16] = "";
  if (freezer == -2) freezer = open_freezer();
  return freezer >= 0 && pread(freezer, text, sizeof text - 1, 0) > 0 && (text[0] == '1' || text[0] == 'F');
}

static struct process *new_check(void) {
  struct process *p = process_new(id, 0, 0, 0);
  p->checks = true;
  return p;
}

static void exec_check(struct process *p) {
  running = p;
  if (exec_process(p, &program) == 0) return;
  char text[256];
  snprintf(text, sizeof text, "exec: cannot reach the container's cgroup: %s", errno_words(errno));
  running = NULL;
  judge_not_run(text);
}

static void begin_check(uint64_t now) {
  if (stands_still()) {
    look_at_ms = now + health_interval(&health, &rules, age_at(now));
    return;
  }
  make_id();
  buffer_clear(&output);
  cut = false;
  began_ms = now;
  began_ns = wall_clock_ns();
  step = BRIEF;
  look_at_ms = now + (rules.timeout_ms < BRIEF_MS ? rules.timeout_ms : BRIEF_MS);
  struct process *p = new_check();
  if (checker_begin(&program, now) < 0) {
    exec_check(p);
    return;
  }
  running = p;
  monitor_add(p);
}

static void kill_running(void) {
  if (running->pid > 0 && !running->reaped) (void)process_signal(running, SIGKILL, true);
}

void health_begun(struct process *p) {
  if (p != running) (void)process_signal(p, SIGKILL, true);
  else if (step == KILLED) kill_running();
  else if (step == TIME_OUT) tell_of_running();
}

void health_served(pid_t pid, int from) {
  if (!running || running->pid) {
    if (from >= 0) close(from);
    return;
  }
  checker_watch(false);
  running->pid = pid;
  running->started = true;
  if (from >= 0) process_take_output(running, from);
  health_begun(running);
}

void health_not_served(void) {
  if (!asked || !running || running->pid || running->report.fd >= 0) return;
  struct process *p = new_check();
  monitor_forget(running);
  exec_check(p);
}

void health_refused(const struct report *r) {
  if (!running || running->report.fd >= 0) return;
  process_failed(running, r);
  if (!running->pid) monitor_start_failed(running); /* else its end comes */
}

/* ---- the clock ---- */

/* One that takes longer than most may print more than a pipe holds, too. */
static void takes_longer(void) {
  step = TIME_OUT;
  look_at_ms = began_ms + rules.timeout_ms;
  if (running->started) {
    tell_of_running();
    return;
  }
  checker_watch(true);
  checker_read();
}

static void timed_out(uint64_t now) {
  if (stands_still()) { /* it does so with its container */
    look_at_ms = now + rules.timeout_ms;
    return;
  }
  step = KILLED;
  look_at_ms = now + AFTER_KILL_MS;
  kill_running();
}

static void given_up(uint64_t now) {
  if (running->pid > 0) judge(OUTCOME_LATE, 0, wall_clock_ns());
  else look_at_ms = now + AFTER_KILL_MS;
}

uint64_t health_look_at_ms(void) { return look_at_ms; }

void health_look(uint64_t now) {
  if (!look_at_ms || now < look_at_ms) return;
  switch (step) {
    case NEXT_CHECK: begin_check(now); break;
    case BRIEF: takes_longer(); break;
    case TIME_OUT: timed_out(now); break;
    case KILLED: given_up(now); break;
  }
}

void health_end(void) {
  checker_read();
  asked = false;
  look_at_ms = 0;
  checker_end();
  if (running && !running->pid && running->report.fd < 0) { /* it was never begun */
    monitor_forget(running);
    running = NULL;
  }
}
