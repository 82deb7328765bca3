/* What stays when a process has ended: the record in DIR, and what the kernel counted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor.h"
#include "sys.h"

enum { REMEMBERED = 128, START_FIELD = 22 };

uint64_t record_start_time(pid_t pid) {
  char path[32], text[1024];
  uint64_t start = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (read_file(AT_FDCWD, path, text, sizeof text) < 0) return 0;
  /* The second field is a name in parentheses and may hold anything; what follows the last one is field 3. */
  char *at = strrchr(text, ')'), *rest = NULL;
  if (!at) return 0;
  char *word = strtok_r(at + 1, " ", &rest);
  for (int field = 3; word && field < START_FIELD; field++) word = strtok_r(NULL, " ", &rest);
  return word && parse_u64(word, &start) ? start : 0;
}

/* The number on the line "NAME number", or of the whole file when name is empty. */
static uint64_t read_count(const char *path, const char *name) {
  char text[4096];
  uint64_t value = 0;
  size_t length = strlen(name);
  if (!path || read_file(AT_FDCWD, path, text, sizeof text) < 0) return 0;
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    if (length == 0 && parse_u64(line, &value)) return value;
    if (length && strncmp(line, name, length) == 0 && line[length] == ' ' && parse_u64(line + length + 1, &value)) return value;
  }
  return 0;
}

static uint64_t cpu_used(void) {
  uint64_t micros = read_count(monitor.cpu_file, "usage_usec");
  return micros ? micros * 1000 : read_count(monitor.cpu_file, "");
}

uint64_t record_oom_kills(void) {
  uint64_t kills = 0;
  for (char **file = monitor.oom_files; file && *file; file++) kills += read_count(*file, "oom_kill");
  return kills;
}

void record_ending(struct ending *e, const struct process *p) {
  *e = (struct ending){.time_ns = p->end_ns};
  e->signal = WIFSIGNALED(p->wait_status) ? (uint64_t)WTERMSIG(p->wait_status) : 0;
  e->status = e->signal ? 128 + e->signal : (uint64_t)WEXITSTATUS(p->wait_status);
  if (p != monitor.init) return;
  e->oom_kills = record_oom_kills();
  e->cpu_ns = cpu_used();
}

static int format_record(char *text, size_t size, const struct process *p, const struct ending *e) {
  int n = snprintf(text, size, "status=%llu\nsignal=%llu\ntime_ns=%llu\noom_kills=%llu\ncpu_ns=%llu\npid=%d\nstart=%llu\n",
                   (unsigned long long)e->status, (unsigned long long)e->signal, (unsigned long long)e->time_ns,
                   (unsigned long long)e->oom_kills, (unsigned long long)e->cpu_ns, (int)p->pid, (unsigned long long)p->start);
  if (!p->failure) return n;
  char line[sizeof p->failure->text];
  snprintf(line, sizeof line, "%s", p->failure->text);
  for (char *at = line; *at; at++) {
    if (*at == '\n') *at = ' ';
  }
  return n + snprintf(text + n, size - (size_t)n, "error=%s\n", line);
}

/* Of init. A failure leaves no record: the engine then learns of the end from its connection, or not at all. */
void record_exit(const struct process *p, const struct ending *e) {
  char text[2048];
  int length = format_record(text, sizeof text, p, e);
  int fd = openat(monitor.dir_fd, "exit.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  int written = write_all(fd, text, (size_t)length);
  close(fd);
  if (written == 0) (void)renameat(monitor.dir_fd, "exit.tmp", monitor.dir_fd, "exit");
}

/* The execs that ended last, as a ring; the text is what HELLO says of them. Of the others nothing is kept: a health
 * check every few seconds would fill memory. */
static char *remembered[REMEMBERED];
static unsigned remembered_next;

void record_remember(const char *id, const struct ending *e) {
  char text[ID_LENGTH + 64];
  snprintf(text, sizeof text, "%s %llu %llu", id, (unsigned long long)e->status, (unsigned long long)e->time_ns);
  unsigned slot = remembered_next++ % REMEMBERED;
  free(remembered[slot]);
  remembered[slot] = must_copy(text);
}

void record_put_remembered(struct buffer *b) {
  for (unsigned i = 0; i < REMEMBERED; i++) {
    const char *text = remembered[(remembered_next + i) % REMEMBERED];
    if (text) message_put_text(b, TAG_EXITED_EXEC, text);
  }
}

void put_ending(struct buffer *b, const struct ending *e) {
  message_put_u64(b, TAG_STATUS, e->status);
  message_put_u64(b, TAG_SIGNAL, e->signal);
  message_put_u64(b, TAG_TIME_NS, e->time_ns);
  message_put_u64(b, TAG_OOM_KILLS, e->oom_kills);
  message_put_u64(b, TAG_CPU_NS, e->cpu_ns);
}
