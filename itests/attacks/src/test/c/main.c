/* probe: tries what it is told and says what came of it, a line each: name, outcome, words. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { TEXT = 400, SECONDS = 10 };

enum outcome said(enum outcome outcome, char *text, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(text, size, format, args);
  va_end(args);
  return outcome;
}

enum outcome by_errno(long result, char *text, size_t size) {
  if (result >= 0) return said(REACHED, text, size, "succeeded");
  switch (errno) {
    case EPERM:
    case EACCES:
    case EROFS: return said(REFUSED, text, size, "%s", strerror(errno));
    case ENOSYS: return said(REFUSED, text, size, "%s", strerror(errno));
    case ENOENT:
    case ENXIO:
    case ENODEV:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: return said(ABSENT, text, size, "%s", strerror(errno));
    default: return said(REACHED, text, size, "%s", strerror(errno));
  }
}

static void attempt(const struct probe *p, bool planted) {
  static const char *const words[] = {"refused", "reached", "absent"};
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char text[TEXT] = "";
    alarm(SECONDS);
    if (planted && p->plant) p->plant();
    enum outcome o = p->attempt(text, sizeof text);
    printf("%s\t%s\t%s\n", p->name, words[o], text);
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  /* A call that kills its caller was not let through. */
  if (!WIFEXITED(status)) printf("%s\trefused\tended by signal %d\n", p->name, WTERMSIG(status));
}

static void each(void (*visit)(const struct probe *, bool), bool flag) {
  for (size_t i = 0; i < calls_count; i++) visit(calls + i, flag);
  for (size_t i = 0; i < files_count; i++) visit(files + i, flag);
  for (size_t i = 0; i < states_count; i++) visit(states + i, flag);
}

static void describe(const struct probe *p, bool flag) {
  (void)flag;
  printf("%s\t%s\t%s\n", p->name, p->stands_for, p->holds);
}

static int ids(void) {
  gid_t groups[1024];
  int n = getgroups(1024, groups);
  printf("uid=%u gid=%u groups", getuid(), getgid());
  for (int i = 0; i < n; i++) printf(" %u", groups[i]);
  printf("\n");
  return 0;
}

static int cwd(void) {
  char path[4096];
  if (!getcwd(path, sizeof path)) return printf("no cwd: %s\n", strerror(errno)), 0;
  /* A directory that is not below the root has such a name, and leads out of it. */
  if (path[0] == '/') return printf("refused %s\n", path), 0;
  return printf("outside %s\n", path), 0;
}

static int env(void) {
  for (char **e = environ; *e; e++) printf("%s\n", *e);
  printf("end of environment\n");
  return 0;
}

static _Noreturn void be_deaf(void) {
  for (int s = 1; s < 65; s++) signal(s, SIG_IGN);
  for (volatile unsigned long n = 0;; n++) {
  }
}

static int flood(void) {
  static char block[65536];
  memset(block, 'y', sizeof block);
  for (size_t i = 99; i < sizeof block; i += 100) block[i] = '\n';
  while (write(1, block, sizeof block) > 0) {
  }
  return 0;
}

/* Exchanges a directory and a link for as long as the container lives. */
static int swap(void) {
  for (;;) {
    if (syscall(SYS_renameat2, AT_FDCWD, "/swapped", AT_FDCWD, "/other", 2 /* RENAME_EXCHANGE */) < 0) return 1;
  }
}

static int nest(void) {
  for (int i = 0; i < 20000; i++) {
    if (mkdir("d", 0755) < 0 || chdir("d") < 0) return 1;
  }
  return 0;
}

static int try_open(const char *path) {
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  return printf(fd < 0 ? "refused: %s\n" : "open: %s\n", fd < 0 ? strerror(errno) : path), 0;
}

/* Called by the name of a program that an engine might look for in here. */
static bool is_helper(const char *called) {
  const char *slash = strrchr(called, '/'), *name = slash ? slash + 1 : called;
  return strcmp(name, "probe") != 0;
}

int main(int argc, char **argv) {
  const char *verb = argc > 1 ? argv[1] : "true";
  if (is_helper(argv[0])) return close(creat("/was-run", 0600));
  if (!strcmp(verb, "true")) return 0;
  if (!strcmp(verb, "sleep")) return poll(NULL, 0, 300 * 1000);
  if (!strcmp(verb, "ids")) return ids();
  if (!strcmp(verb, "cwd")) return cwd();
  if (!strcmp(verb, "env")) return env();
  if (!strcmp(verb, "deaf")) be_deaf();
  if (!strcmp(verb, "flood")) return flood();
  if (!strcmp(verb, "swap")) return swap();
  if (!strcmp(verb, "nest")) return nest();
  if (!strcmp(verb, "open") && argc > 2) return try_open(argv[2]);
  if (!strcmp(verb, "list")) return each(describe, false), 0;
  if (!strcmp(verb, "all")) return each(attempt, false), 0;
  if (!strcmp(verb, "planted")) return each(attempt, true), 0;
  return 64;
}
