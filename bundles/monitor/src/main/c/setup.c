#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "spawn.h"
#include "sys.h"

enum { REPORT_FD = 3, JOIN_FD, SIGNALS = 64, JOIN_SESSION_KEYRING = 1 };

typedef int (*op_function)(struct setup *, const struct arg *, unsigned);

static const op_function functions[OP_END] = {
    [OP_CGROUP] = op_cgroup,
    [OP_UNSHARE] = op_unshare,
    [OP_SETNS] = op_setns,
    [OP_PROPAGATION] = op_propagation,
    [OP_SOURCE] = op_source,
    [OP_ROOT_BIND] = op_root_bind,
    [OP_ROOT_OVERLAY] = op_root_overlay,
    [OP_ROOT] = op_root,
    [OP_MOUNT] = op_mount,
    [OP_BIND] = op_bind,
    [OP_DEV] = op_dev,
    [OP_DEV_NODE] = op_dev_node,
    [OP_DEV_LINK] = op_dev_link,
    [OP_DEV_DIR] = op_dev_dir,
    [OP_DEV_DONE] = op_dev_done,
    [OP_MASK] = op_mask,
    [OP_READONLY] = op_readonly,
    [OP_ROOT_READONLY] = op_root_readonly,
    [OP_HOSTNAME] = op_hostname,
    [OP_DOMAINNAME] = op_domainname,
    [OP_SYSCTL] = op_sysctl,
    [OP_RLIMIT] = op_rlimit,
    [OP_OOM_SCORE] = op_oom_score,
    [OP_NETLINK] = op_netlink,
    [OP_LOOPBACK_UP] = op_loopback_up,
    [OP_TOUCH] = op_touch,
    [OP_MKDIR] = op_mkdir,
    [OP_USER_LOOKUP] = op_user_lookup,
    [OP_CAPS] = op_caps,
    [OP_NO_NEW_PRIVILEGES] = op_no_new_privileges,
    [OP_SECCOMP] = op_seccomp,
    [OP_IDENTITY] = op_identity,
    [OP_CWD] = op_cwd,
    [OP_ENV] = op_env,
    [OP_CONSOLE] = op_console,
    [OP_EXEC] = op_exec,
    [OP_JOIN] = op_join,
    [OP_UMASK] = op_umask,
    [OP_DEVICES] = op_devices,
    [OP_OWNER] = op_owner,
    [OP_USERNS] = op_userns,
    [OP_USERNS_OF] = op_userns_of,
    [OP_ENTER] = op_enter,
    [OP_NEW] = op_new,
    [OP_RAISE] = op_raise,
    [OP_NETFILTER] = op_netfilter,
    [OP_DNS] = op_dns,
    [OP_APPARMOR] = op_apparmor,
};

int refused(struct setup *s, int error, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(s->text, sizeof s->text, format, args);
  va_end(args);
  s->error = error;
  return -1;
}

int failed(struct setup *s, const char *format, ...) {
  int error = errno;
  va_list args;
  va_start(args, format);
  int n = vsnprintf(s->text, sizeof s->text, format, args);
  va_end(args);
  s->error = error;
  if (n >= 0 && (size_t)n < sizeof s->text) snprintf(s->text + n, sizeof s->text - (size_t)n, ": %s", errno_words(error));
  return -1;
}

void report_send(struct setup *s, enum report_kind kind, uint32_t value, const int *fds, unsigned count) {
  struct report r = {.kind = kind, .stage = s->stage, .index = s->index, .code = s->code, .value = value};
  if (kind == REPORT_FAILED) r.error = s->error;
  if (kind == REPORT_FAILED || kind == REPORT_SOCKETS) memcpy(r.text, s->text, sizeof r.text);
  /* A plain write where it will do: the container's seccomp filter may be in force. Without a monitor there is
   * nobody to tell and nothing to go on for. */
  if (count ? send_with_fds(s->report, &r, sizeof r, fds, count) < 0 : write(s->report, &r, sizeof r) < 0) _exit(71);
}

static _Noreturn void give_up(struct setup *s) {
  report_send(s, REPORT_FAILED, 0, NULL, 0);
  _exit(127);
}

int move_on(struct setup *s) {
  pid_t pid = sys_clone(CLONE_PARENT);
  if (pid < 0) return failed(s, "fork inside the namespaces");
  if (pid == 0) {
    if (s->oom >= 0) close(s->oom);
    s->oom = -1;
    return 0;
  }
  report_send(s, REPORT_MOVED, (uint32_t)pid, NULL, 0);
  _exit(0);
}

void reset_signals(void) {
  /* By system call: libraries keep some numbers to themselves, and an ignored signal would be inherited. */
  uint64_t action[8] = {0}, mask = 0;
  for (int signal = 1; signal <= SIGNALS; signal++) (void)syscall(SYS_rt_sigaction, signal, action, NULL, sizeof mask);
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

/* Leaves 0-2 and the report socket, and nothing else. */
static void arrange_descriptors(struct setup *s) {
  int null = s->inside ? s->null : open("/dev/null", O_RDWR | O_CLOEXEC);
  int given[3] = {s->in, s->out, s->err};
  if (s->join >= 0) s->join = fcntl(s->join, F_DUPFD_CLOEXEC, 16);
  /* Out of the way of 0-3 first: the descriptors may be among them. */
  int report = fcntl(s->report, F_DUPFD_CLOEXEC, 16);
  for (int fd = 0; fd < 3; fd++) {
    int from = given[fd] >= 0 ? given[fd] : null;
    given[fd] = fcntl(from, F_DUPFD_CLOEXEC, 16);
  }
  for (int fd = 0; fd < 3; fd++) {
    if (given[fd] < 0 || dup2(given[fd], fd) < 0) _exit(71);
  }
  if (report < 0 || dup3(report, REPORT_FD, O_CLOEXEC) < 0) _exit(71);
  s->report = REPORT_FD;
  if (s->join >= 0) s->join = dup3(s->join, JOIN_FD, O_CLOEXEC);
  (void)sys_close_range(s->join >= 0 ? JOIN_FD + 1 : JOIN_FD, ~0u);
}

static void be_ordinary(struct setup *s) {
  struct sched_param normal = {0};
  reset_signals();
  setsid();
  /* Real-time tasks cannot join a v1 cpu cgroup, and the engine may be one. */
  (void)syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &normal);
  if (!s->inside) s->oom = spawn_restore_limits();
  /* A session keyring of its own, not the engine's; kernels without keys have none to share. */
  (void)syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL);
  umask(0);
}

static void run_program(struct setup *s, const uint8_t *bytes, size_t length) {
  struct program p;
  struct op op;
  struct arg *args = must_alloc(ARGS_MOST * sizeof *args);
  program_open(&p, bytes, length);
  for (; program_next(&p, &op); s->index++) {
    s->code = op.code;
    op_args(&op, args);
    if (functions[op.code](s, args, op.nargs) < 0) give_up(s);
  }
  free(args);
}

/* The rest of the program comes as a descriptor of a file, when the engine has prepared what init must find. */
static void await_program(struct setup *s) {
  uint64_t length = 0;
  int fd = -1;
  unsigned count = 1;
  report_send(s, REPORT_WAITING, 0, NULL, 0);
  ssize_t n = receive_with_fds(s->report, &length, sizeof length, &fd, &count, NULL);
  if (n != sizeof length || count != 1) _exit(72); /* the monitor has let go */
  const uint8_t *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) {
    failed(s, "read the program");
    give_up(s);
  }
  close(fd);
  run_program(s, bytes, length);
}

static int join_cgroups(struct setup *s) {
  for (unsigned i = 0; i < s->cgroup_count; i++) {
    if (write(s->cgroup_fds[i], "0", 1) < 0) return failed(s, "join the container's cgroup");
    close(s->cgroup_fds[i]);
  }
  return 0;
}

int setup_join(int process, bool user) {
  static const int all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  return (int)syscall(SYS_setns, process, user ? all | CLONE_NEWUSER : all);
}

int join_container(struct setup *s) {
  if (setup_join(s->join, s->joins_user) < 0) return failed(s, "join the container's namespaces");
  close(s->join);
  s->join = -1;
  if (s->joins_user && become_root(s) < 0) return -1;
  if (!s->serves) { /* who serves stays out of the pid namespace, where nobody sees it */
    if (move_on(s) < 0) return -1;
    setsid(); /* the forked sibling leads a session of its own, for its terminal */
    if (join_cgroups(s) < 0) return -1;
  }
  s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return 0;
}

/* The files have to be opened while the host's can be seen. */
static void open_cgroups(struct setup *s) {
  for (char **file = s->cgroups; file && *file && s->cgroup_count < CGROUPS_MOST; file++) {
    s->cgroup_fds[s->cgroup_count++] = open(*file, O_WRONLY | O_CLOEXEC);
  }
}

/* Whether the program says itself when the container is entered: what comes before needs the host's root. */
static bool enters(const struct setup *s) {
  struct program p;
  struct op op;
  if (!s->length) return false;
  program_open(&p, s->program, s->length);
  while (program_next(&p, &op)) {
    if (op.code == OP_ENTER) return true;
  }
  return false;
}

static void begin(struct setup *s, const char *title) {
  title_set(title);
  s->root = s->new_root = s->dev = s->proc = s->oom = s->userns = -1;
  s->umask = 022;
  for (unsigned i = 0; i < SLOTS; i++) s->slots[i] = -1;
  arrange_descriptors(s);
  be_ordinary(s);
}

_Noreturn void setup_visit(struct setup *s, int (*enter)(struct setup *)) {
  begin(s, "gantry-visit");
  if (enter(s) < 0) give_up(s);
  run_program(s, s->program, s->length);
  report_send(s, REPORT_DONE, 0, NULL, 0);
  _exit(0);
}

static int enter_network(struct setup *s) {
  if (syscall(SYS_setns, s->network, CLONE_NEWNET) < 0) return failed(s, "join the network namespace");
  close(s->network);
  return 0;
}

_Noreturn void setup_run(struct setup *s) {
  if (s->network >= 0 && enter_network(s) < 0) give_up(s);
  begin(s, s->stage == STAGE_INIT ? "gantry-init" : s->serves ? "gantry-check" : "gantry-exec");
  open_cgroups(s);
  if (s->join < 0) {
    if (join_cgroups(s) < 0) give_up(s);
    s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  } else if (!(s->joins_user && enters(s)) && join_container(s) < 0) {
    give_up(s);
  }
  if (s->length) run_program(s, s->program, s->length);
  if (s->wait) await_program(s);
  refused(s, EINVAL, "the program ends without EXEC");
  give_up(s);
}
