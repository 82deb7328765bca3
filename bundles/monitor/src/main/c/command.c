/* The last steps: directory, environment, and the program itself, below a reaping pid 1 when asked for. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checker.h"
#include "setup.h"
#include "sys.h"

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int op_cwd(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  char seen[PATH_MAX];
  int dir = open_inside(s, arg_text(a), O_PATH | O_DIRECTORY);
  if (dir < 0 || fchdir(dir) < 0) return failed(s, "chdir to cwd (\"%s\") set in config.json failed", arg_text(a));
  close(dir);
  /* The system call, not the library: outside the root it says "(unreachable)" (CVE-2024-21626). */
  if (syscall(SYS_getcwd, seen, sizeof seen) < 0 || seen[0] != '/') {
    return refused(s, EPERM, "chdir to cwd (\"%s\") set in config.json failed: outside of the container", arg_text(a));
  }
  return 0;
}

int op_umask(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  s->umask = (mode_t)arg_number(a) & 0777;
  return 0;
}

int op_env(struct setup *s, const struct arg *a, unsigned n) {
  char **environment = must_alloc((n + 2) * sizeof *environment);
  for (unsigned i = 0; i < n; i++) environment[i] = (char *)(uintptr_t)a[i].bytes;
  free(s->environment);
  s->environment = environment;
  return 0;
}

static const char *variable(struct setup *s, const char *name) {
  size_t length = strlen(name);
  for (char **e = s->environment; e && *e; e++) {
    if (strncmp(*e, name, length) == 0 && (*e)[length] == '=') return *e + length + 1;
  }
  return NULL;
}

static void add_home(struct setup *s) {
  static char home[HOME_MOST + 8];
  const char *given = variable(s, "HOME");
  if (!s->looked_up || (given && *given)) return;
  snprintf(home, sizeof home, "HOME=%s", s->user.home);
  unsigned count = 0;
  for (; s->environment[count]; count++) {
    if (strncmp(s->environment[count], "HOME=", 5) == 0) break;
  }
  s->environment[count] = home; /* op_env left room for one more */
}

/* Whether the file may be run, as Go's LookPath sees it; else errno says why not. */
static bool runnable(const char *path) {
  struct stat st;
  if (stat(path, &st) < 0) return false;
  errno = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
  return !S_ISDIR(st.st_mode) && (st.st_mode & 0111) != 0;
}

static int search_path(struct setup *s, const char *name, char *found, size_t capacity) {
  const char *at = variable(s, "PATH");
  if (!at) at = default_path;
  for (;;) {
    size_t length = strcspn(at, ":");
    int n = snprintf(found, capacity, "%.*s/%s", length ? (int)length : 1, length ? at : ".", name);
    if (n > 0 && (size_t)n < capacity && runnable(found)) return 0;
    if (!at[length]) break;
    at += length + 1;
  }
  return refused(s, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

static int find_command(struct setup *s, const char *name, char *found, size_t capacity) {
  if (!strchr(name, '/')) return search_path(s, name, found, capacity);
  if (strlen(name) >= capacity) return refused(s, ENAMETOOLONG, "exec: \"%.100s...\": file name too long", name);
  strcpy(found, name);
  if (runnable(name)) return 0;
  if (errno == EISDIR || errno == EACCES) return failed(s, "exec: \"%s\"", name);
  return failed(s, "exec: \"%s\": stat %s", name, name);
}

static pid_t reaped_child;

static void forward(int signal) { kill(reaped_child, signal); }

static void forward_signals(void) {
  struct sigaction action = {.sa_handler = forward, .sa_flags = SA_RESTART};
  for (int signal = 1; signal < NSIG; signal++) {
    if (signal != SIGCHLD && signal != SIGKILL && signal != SIGSTOP && signal != SIGTTIN && signal != SIGTTOU) {
      (void)sigaction(signal, &action, NULL);
    }
  }
}

/* Pid 1 of --init: passes signals on, reaps whatever is orphaned, ends as its child does. */
static _Noreturn void reap_until_end(void) {
  for (;;) {
    int status;
    pid_t pid = wait(&status);
    if (pid == reaped_child) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    if (pid < 0 && errno == ECHILD) _exit(70);
  }
}

/* Forks the program's process below this one; returns in the child only. */
static int fork_below(struct setup *s) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  signal(SIGTTOU, SIG_IGN);
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  /* What comes between the fork and the handlers waits: init ignores what it has no handler for. */
  sigprocmask(SIG_BLOCK, &all, NULL);
  if (s->profile && private_proc(s) < 0) return -1;
  reaped_child = fork(); /* not clone3, which seccomp profiles refuse because they cannot see its flags */
  if (reaped_child < 0) return failed(s, "fork below init");
  if (reaped_child > 0) {
    if (s->profile && apparmor_change(s) < 0) _exit(70);
    forward_signals();
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* What init holds open would keep pipes from ending, and let others see what is masked; the report socket must not outlive the exec. */
    (void)sys_close_range(0, ~0u);
    reap_until_end();
  }
  /* Own group in the foreground, so that the terminal's signals reach the program and not init as well. */
  if (setpgid(0, 0) == 0 && s->tty) (void)tcsetpgrp(0, getpid());
  signal(SIGTTOU, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  return 0;
}

int command_run(struct setup *s, char **argv) {
  char path[PATH_MAX];
  int error = 0;
  if (strchr(argv[0], '/')) { /* why it cannot be run is looked up only then */
    execve(argv[0], argv, s->environment);
    error = errno;
  }
  if (find_command(s, argv[0], path, sizeof path) < 0) return -1;
  if (!error) execve(path, argv, s->environment);
  else errno = error;
  return failed(s, "exec %s", path);
}

int op_exec(struct setup *s, const struct arg *a, unsigned n) {
  char path[PATH_MAX];
  bool below = s->reap && s->stage == STAGE_INIT;
  if (!s->environment && op_env(s, NULL, 0) < 0) return -1;
  add_home(s);
  char **argv = must_alloc((n + 1) * sizeof *argv);
  for (unsigned i = 0; i < n; i++) argv[i] = (char *)(uintptr_t)a[i].bytes;
  if (s->serves) checker_serve(s, argv);
  if (below && find_command(s, argv[0], path, sizeof path) < 0) return -1; /* while it is this process that fails */
  umask(s->umask);
  report_send(s, REPORT_EXECING, 0, NULL, 0);
  if (below && fork_below(s) < 0) return -1;
  return command_run(s, argv);
}
