/* One loop over signals, the JVM's ready pipe and time. The JVM is in a process group of its own, so that Ctrl-C reaches
 * the gate alone; clients that connect while no JVM runs wait in the listener's backlog. */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

enum {
  EXIT_USAGE = 64,
  EXIT_SYSTEM = 71, /* the operating system refused a step that is needed */
  EXIT_IN_USE = 75, /* another engine, or another server, has what this one needs */
  FINAL_LEAST = 64, /* sysexits: the JVM says that trying again will not help */
  FINAL_MOST = 78,
  READY_FD = 3,
  BACKLOG = 512,
  STOP_MS = 20000,
  ENDING_POLL_MS = 50,
  DELAY_FIRST_MS = 100,
  DELAY_MOST_MS = 5000,
  GOOD_LIFE_MS = 60000
};

static struct {
  const char *pidfile, *socket, *group, *log;
  char **command;
  int listener, signals, ready;
  bool owns_pidfile, owns_socket, was_ready, stopping, in_use;
  pid_t jvm;
  uint64_t started_ms, stop_until_ms, start_at_ms, delay_ms;
} gate = {.listener = -1, .ready = -1};

static int complain(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return -1;
}

/* ---- pidfile and socket ---- */

/* One that was killed keeps its pid and its name until it is reaped, but no command line. */
static bool lives(pid_t pid) {
  char path[32], byte;
  snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool there = fd >= 0 && read(fd, &byte, 1) > 0;
  if (fd >= 0) close(fd);
  return there;
}

static bool is_gate(pid_t pid) {
  char path[32], name[32];
  snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
  return pid != getpid() && read_file(AT_FDCWD, path, name, sizeof name) > 0 && strcmp(name, "gantry-gate\n") == 0 && lives(pid);
}

static int write_pidfile(void) {
  char text[32], why[64];
  uint64_t pid;
  if (!gate.pidfile) return 0;
  if (read_file(AT_FDCWD, gate.pidfile, text, sizeof text) > 0) {
    text[strcspn(text, "\n")] = 0;
    if (parse_u64(text, &pid) && pid < INT32_MAX && is_gate((pid_t)pid)) {
      snprintf(why, sizeof why, "already running with pid %d", (int)pid);
      gate.in_use = true;
      return complain(gate.pidfile, why);
    }
  }
  int fd = open(gate.pidfile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
  if (fd < 0 || write_all(fd, text, (size_t)n) < 0) return complain(gate.pidfile, errno_words(errno));
  close(fd);
  gate.owns_pidfile = true;
  return 0;
}

static int find_group(gid_t *gid) {
  uint64_t number;
  struct group *group;
  if (parse_u64(gate.group, &number) && number <= INT32_MAX) {
    *gid = (gid_t)number;
    return 0;
  }
  group = getgrnam(gate.group);
  if (!group) return complain(gate.group, "no such group");
  *gid = group->gr_gid;
  return 0;
}

enum probe { PROBE_FREE, PROBE_IN_USE, PROBE_ENDING, PROBE_FAILED };

/* The peer of a listening socket is whoever called listen(): when that gate was killed, its JVM, which holds the socket
 * too, is about to end. */
static enum probe probe_socket(const struct sockaddr_un *address) {
  struct ucred peer = {0};
  socklen_t length = sizeof peer;
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return PROBE_FAILED;
  int connected = connect(probe, (const struct sockaddr *)address, sizeof *address), error = errno;
  bool knows = connected == 0 && getsockopt(probe, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0;
  close(probe);
  if (connected < 0) return error == EAGAIN ? PROBE_IN_USE : PROBE_FREE;
  return knows && !lives(peer.pid) ? PROBE_ENDING : PROBE_IN_USE;
}

/* A socket file that nobody accepts on was left behind by a crash. */
static int remove_stale(const struct sockaddr_un *address) {
  struct stat st;
  if (lstat(gate.socket, &st) < 0) return errno == ENOENT ? 0 : complain(gate.socket, errno_words(errno));
  if (!S_ISSOCK(st.st_mode)) return complain(gate.socket, "exists and is no socket");
  uint64_t until = monotonic_ms() + STOP_MS;
  enum probe found;
  while ((found = probe_socket(address)) == PROBE_ENDING && monotonic_ms() < until) {
    struct pollfd signalled = {.fd = gate.signals, .events = POLLIN};
    if (poll(&signalled, 1, ENDING_POLL_MS) > 0) return complain(gate.socket, "the former engine is still ending");
  }
  if (found == PROBE_FAILED) return complain(gate.socket, errno_words(errno));
  gate.in_use = found != PROBE_FREE;
  if (gate.in_use) return complain(gate.socket, "in use");
  if (unlink(gate.socket) < 0) return complain(gate.socket, errno_words(errno));
  return 0;
}

static int bind_socket(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  gid_t gid = (gid_t)-1;
  if (!gate.socket) return 0;
  if (strlen(gate.socket) >= sizeof address.sun_path) return complain(gate.socket, "path too long for a socket");
  strcpy(address.sun_path, gate.socket);
  if (gate.group && find_group(&gid) < 0) return -1;
  if (remove_stale(&address) < 0) return -1;
  gate.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* Nobody gets in before the group is right. */
  mode_t before = umask(0177);
  int bound = gate.listener < 0 ? -1 : bind(gate.listener, (struct sockaddr *)&address, sizeof address);
  umask(before);
  if (bound < 0) return complain(gate.socket, errno_words(errno));
  gate.owns_socket = true;
  if ((gate.group && chown(gate.socket, (uid_t)-1, gid) < 0) || chmod(gate.socket, 0660) < 0 || listen(gate.listener, BACKLOG) < 0) {
    return complain(gate.socket, errno_words(errno));
  }
  return 0;
}

static void clean_up(void) {
  if (gate.owns_socket) unlink(gate.socket);
  if (gate.owns_pidfile) unlink(gate.pidfile);
}

/* ---- the JVM ---- */

static _Noreturn void become_jvm(int ready, pid_t parent) {
  setpgid(0, 0);
  reset_signals();
  /* Without its gate nobody would stop it or start it again: it ends in order. Containers go on. */
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(EXIT_SYSTEM);
  if (gate.listener >= 0 && dup2(gate.listener, 0) < 0) _exit(EXIT_SYSTEM);
  if (ready != READY_FD ? dup2(ready, READY_FD) < 0 : fcntl(ready, F_SETFD, 0) < 0) _exit(EXIT_SYSTEM);
  (void)sys_close_range(READY_FD + 1, ~0u);
  setenv("GANTRY_READY_FD", "3", 1);
  execvp(gate.command[0], gate.command);
  complain(gate.command[0], errno_words(errno));
  _exit(127);
}

static int start_jvm(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return complain("pipe", errno_words(errno));
  pid_t self = getpid();
  gate.jvm = fork();
  if (gate.jvm == 0) become_jvm(ends[1], self);
  close(ends[1]);
  if (gate.jvm < 0) {
    close(ends[0]);
    return complain("fork", errno_words(errno));
  }
  gate.ready = ends[0];
  gate.started_ms = monotonic_ms();
  gate.start_at_ms = 0;
  return 0;
}

static void forget_ready(void) {
  if (gate.ready >= 0) close(gate.ready);
  gate.ready = -1;
}

static void read_ready(void) {
  char byte;
  ssize_t n = read(gate.ready, &byte, 1);
  if (n < 0 && errno == EINTR) return;
  if (n == 1) gate.was_ready = true;
  forget_ready();
}

static void plan_restart(void) {
  uint64_t now = monotonic_ms();
  bool long_life = now - gate.started_ms >= GOOD_LIFE_MS;
  if (long_life) gate.delay_ms = 0;
  gate.start_at_ms = now + gate.delay_ms;
  gate.delay_ms = gate.delay_ms ? gate.delay_ms * 2 : DELAY_FIRST_MS;
  if (gate.delay_ms > DELAY_MOST_MS) gate.delay_ms = DELAY_MOST_MS;
}

/* The exit code of the gate when this end of the JVM is the gate's too, else -1. */
static int judge(int status) {
  int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (gate.stopping) return 0;
  bool final = !WIFSIGNALED(status) && (code == 0 || (code >= FINAL_LEAST && code <= FINAL_MOST));
  if (final || !gate.was_ready) return code;
  fprintf(stderr, "the engine ended with %s %d, it is started again\n", WIFSIGNALED(status) ? "signal" : "code",
          WIFSIGNALED(status) ? WTERMSIG(status) : code);
  return -1;
}

static void stop(void) {
  if (gate.stopping) return;
  gate.stopping = true;
  gate.stop_until_ms = monotonic_ms() + STOP_MS;
  if (gate.jvm > 0) kill(gate.jvm, SIGTERM);
}

static int reap_jvm(void) {
  int status;
  if (gate.jvm <= 0 || waitpid(gate.jvm, &status, WNOHANG) != gate.jvm) return -1;
  gate.jvm = 0;
  if (gate.ready >= 0) {
    struct pollfd last = {.fd = gate.ready, .events = POLLIN};
    if (poll(&last, 1, 0) > 0) read_ready(); /* it may have been ready just before */
    forget_ready();
  }
  int code = judge(status);
  if (code < 0) plan_restart();
  return code;
}

static int take_signal(void) {
  struct signalfd_siginfo info;
  if (read(gate.signals, &info, sizeof info) != sizeof info) return -1;
  switch (info.ssi_signo) {
    case SIGCHLD: return reap_jvm();
    case SIGTERM:
    case SIGINT: stop(); break;
    default:
      if (gate.jvm > 0) kill(gate.jvm, (int)info.ssi_signo);
  }
  return gate.stopping && gate.jvm == 0 ? 0 : -1;
}

static int timeout_ms(void) {
  uint64_t now = monotonic_ms(), until = gate.stopping ? gate.stop_until_ms : gate.start_at_ms;
  if (!until) return -1;
  return until > now ? (int)(until - now) : 0;
}

static void on_time(void) {
  if (timeout_ms() != 0) return;
  if (gate.stopping) {
    if (gate.jvm > 0) kill(gate.jvm, SIGKILL);
    gate.stop_until_ms = 0; /* its end is told by SIGCHLD */
    return;
  }
  if (start_jvm() < 0) plan_restart(); /* the host lacks processes or descriptors for now */
}

static int serve(void) {
  for (;;) {
    struct pollfd fds[] = {{.fd = gate.signals, .events = POLLIN}, {.fd = gate.ready, .events = POLLIN}};
    int n = poll(fds, COUNT(fds), timeout_ms());
    if (n < 0 && errno != EINTR) return EXIT_SYSTEM;
    if (n > 0 && fds[1].revents) read_ready();
    int code = n > 0 && fds[0].revents ? take_signal() : -1;
    if (code >= 0) return code;
    on_time();
  }
}

static int watch_signals(void) {
  static const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
  sigset_t set;
  sigemptyset(&set);
  for (unsigned i = 0; i < COUNT(signals); i++) sigaddset(&set, signals[i]);
  sigprocmask(SIG_BLOCK, &set, NULL);
  gate.signals = signalfd(-1, &set, SFD_CLOEXEC);
  return gate.signals < 0 ? complain("signalfd", errno_words(errno)) : 0;
}

static int open_log(void) {
  if (!gate.log) return 0;
  int fd = open(gate.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0) return complain(gate.log, errno_words(errno));
  close(fd);
  return 0;
}

static int read_options(int argc, char **argv) {
  static const struct option options[] = {{"pidfile", required_argument, NULL, 'p'},
                                          {"socket", required_argument, NULL, 's'},
                                          {"group", required_argument, NULL, 'g'},
                                          {"log", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
  int option;
  while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
    switch (option) {
      case 'p': gate.pidfile = optarg; break;
      case 's': gate.socket = optarg; break;
      case 'g': gate.group = optarg; break;
      case 'l': gate.log = optarg; break;
      default: return -1;
    }
  }
  gate.command = argv + optind;
  if (optind < argc) return 0;
  return complain("gate", "no command to run");
}

int gate_main(int argc, char **argv) {
  /* Descriptors from whoever started us end here: the JVM would keep them. */
  (void)sys_close_range(3, ~0u);
  prctl(PR_SET_NAME, "gantry-gate", 0, 0, 0);
  if (read_options(argc, argv) < 0) return EXIT_USAGE;
  bool started = open_log() == 0 && watch_signals() == 0 && write_pidfile() == 0 && bind_socket() == 0 && start_jvm() == 0;
  int code = started ? serve() : gate.in_use ? EXIT_IN_USE : EXIT_SYSTEM;
  clean_up();
  return code;
}
