/* The zygote: a process with nothing open and nothing to hide, from which every monitor is forked.
 *
 * spawn_main copies the binary into a sealed memfd and runs that in the background, so that what a container sees as
 * /proc/PID/exe of a monitor or an init can never be written (CVE-2019-5736). spawn_zygote then serves DIR/spawn.sock:
 * one fork for each connection, which reads one message and becomes what that asks for. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "monitor.h"
#include "net.h"
#include "sys.h"
#include "sha256.h"
#include "wire.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif
enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, FIRST_MESSAGE_SECONDS = 30, ACCEPT_AGAIN_MS = 100 };

static char sha256[65], boot[64], original_oom[16];
static struct rlimit original_files;
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];

const char *helper_sha256(void) { return sha256; }
const char *boot_id(void) { return boot; }
const char *spawn_oom_score(void) { return original_oom; }

static int write_oom_score(const char *score) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  /* As far as the host lets us; the engine tells of it in `info`. */
  if (fd >= 0 && write_all(fd, score, strlen(score)) < 0) errno = 0;
  return fd;
}

int spawn_restore_limits(void) {
  (void)setrlimit(RLIMIT_NOFILE, &original_files);
  return write_oom_score(original_oom);
}

/* ---- the command ---- */

static int sealed_copy(void) {
  int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  int copy = memfd_create("gantry-helper", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (copy < 0 && errno == EINVAL) copy = memfd_create("gantry-helper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (self < 0 || copy < 0) return -1;
  ssize_t n;
  do n = sendfile(copy, self, NULL, 1 << 20);
  while (n > 0);
  close(self);
  if (n < 0 || fcntl(copy, F_ADD_SEALS, ALL_SEALS) < 0) return -1;
  return copy;
}

static _Noreturn void become_zygote(const char *dir, int ready) {
  char number[16];
  char *argv[] = {(char *)(uintptr_t)"gantry-spawn", (char *)(uintptr_t)"zygote", (char *)(uintptr_t)dir, number, NULL};
  char *environment[] = {NULL};
  setsid();
  int copy = sealed_copy();
  snprintf(number, sizeof number, "%d", ready);
  if (copy >= 0 && fcntl(ready, F_SETFD, 0) == 0) (void)syscall(SYS_execveat, copy, "", argv, environment, AT_EMPTY_PATH);
  dprintf(ready, "%s: cannot run from a sealed copy: %s", dir, errno_words(errno));
  _exit(1);
}

int spawn_main(const char *dir) {
  int ready[2];
  char answer[512];
  if (dir[0] != '/') {
    fprintf(stderr, "%s: not an absolute path\n", dir);
    return 1;
  }
  if (pipe2(ready, O_CLOEXEC) < 0) return 1;
  pid_t pid = fork();
  if (pid == 0) become_zygote(dir, ready[1]);
  close(ready[1]);
  ssize_t n = pid < 0 ? -1 : read_all(ready[0], answer, sizeof answer - 1);
  if (n == 2 && memcmp(answer, "ok", 2) == 0) return 0;
  fprintf(stderr, "%.*s\n", n > 0 ? (int)n : 28, n > 0 ? answer : "the zygote ended at once     ");
  return 1;
}

/* ---- the zygote ---- */

static _Noreturn void say_no(int ready, const char *path, const char *why) {
  dprintf(ready, "%s: %s", path, why);
  _exit(1);
}

static void learn_who_we_are(int ready) {
  int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  if (self < 0 || fcntl(self, F_GET_SEALS) != ALL_SEALS) say_no(ready, "zygote", "not a sealed copy");
  if (sha256_file(self, sha256) < 0) say_no(ready, "zygote", errno_words(errno));
  close(self);
  if (read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot) < 0) boot[0] = 0;
  boot[strcspn(boot, "\n")] = 0;
  if (read_file(AT_FDCWD, "/proc/self/oom_score_adj", original_oom, sizeof original_oom) < 0) strcpy(original_oom, "0");
  original_oom[strcspn(original_oom, "\n")] = 0;
}

static void settle(void) {
  struct rlimit files;
  title_set("gantry-spawn");
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  umask(077);
  if (chdir("/") < 0) _exit(1);
  /* Not -1000: a memory leak of ours should still be stoppable. */
  int score = write_oom_score("-999");
  if (score >= 0) close(score);
  getrlimit(RLIMIT_NOFILE, &original_files);
  files = original_files;
  files.rlim_cur = files.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &files);
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++) dup2(null, fd);
  if (null > 2) close(null);
}

/* The lock on the directory lives as long as the zygote; a socket file alone says nothing. */
static void lock_directory(const char *dir, int ready) {
  struct stat st;
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || fstat(fd, &st) < 0) say_no(ready, dir, errno_words(errno));
  if (st.st_uid != geteuid() || (st.st_mode & 077)) say_no(ready, dir, "must be 0700 and the caller's");
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) say_no(ready, socket_path, "in use");
}

static int listen_at(const char *dir, int ready) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int n = snprintf(socket_path, sizeof socket_path, "%s/spawn.sock", dir);
  if (n < 0 || (size_t)n >= sizeof socket_path) say_no(ready, dir, "path too long for a socket");
  lock_directory(dir, ready);
  memcpy(address.sun_path, socket_path, sizeof address.sun_path);
  unlink(socket_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(socket_path, 0600) < 0 || listen(fd, 128) < 0) {
    say_no(ready, socket_path, errno_words(errno));
  }
  return fd;
}

static void end_zygote(int signal) {
  (void)signal;
  unlink(socket_path);
  _exit(0);
}

/* Tells when a link of the socket goes, and not of the run directories beside it; without inotify a zygote just stays. */
static int watch_socket(void) {
  int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd >= 0) (void)inotify_add_watch(fd, socket_path, IN_ATTRIB | IN_DELETE_SELF);
  return fd;
}

/* Waits for a connection. A zygote whose socket was removed (its directory with it) can be reached by nobody: it ends. */
static void await_connection(int listener, int removals) {
  struct pollfd fds[] = {{.fd = listener, .events = POLLIN}, {.fd = removals, .events = POLLIN}};
  char events[4096];
  if (poll(fds, COUNT(fds), -1) <= 0 || !fds[1].revents) return;
  while (read(removals, events, sizeof events) > 0) continue;
  if (access(socket_path, F_OK) < 0 && errno == ENOENT) _exit(0);
}

static bool is_ours(int connection) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

static void send_buffer(int connection, struct buffer *b) {
  (void)write_all(connection, b->data + b->start, buffer_length(b));
  buffer_clear(b);
}

static void answer_query(int connection, pid_t zygote) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_HELLO);
  message_put_u64(&b, TAG_PROTOCOL, PROTOCOL_VERSION);
  message_put_u64(&b, TAG_OP_SET, OP_SET_VERSION);
  message_put_text(&b, TAG_HELPER_SHA256, sha256);
  message_put_text(&b, TAG_BOOT_ID, boot);
  message_put_u64(&b, TAG_MONITOR_PID, (uint64_t)zygote);
  message_put_u64(&b, TAG_PHASE, PHASE_SPAWNER);
  message_end(&b, begin);
  send_buffer(connection, &b);
}

static void quit(int connection, pid_t zygote) {
  struct buffer b = {0};
  int process = sys_pidfd_open(zygote);
  if (process >= 0 && getppid() == zygote) {
    struct pollfd end = {.fd = process, .events = POLLIN};
    kill(zygote, SIGTERM);
    poll(&end, 1, 10000);
  }
  message_end(&b, message_begin(&b, MSG_OK));
  send_buffer(connection, &b);
}

static enum read_result next_message(struct reader *reader, int connection) {
  enum read_result got;
  do {
    errno = 0;
    got = reader_step(reader, connection);
  }
  while (got == READ_MORE && errno != EAGAIN);
  return got;
}

static _Noreturn void serve(int connection, pid_t zygote) {
  struct timeval patience = {.tv_sec = FIRST_MESSAGE_SECONDS};
  struct reader reader = {0};
  enum read_result got;
  signal(SIGCHLD, SIG_DFL);
  signal(SIGTERM, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  connection = dup3(connection, 3, O_CLOEXEC) < 0 && errno != EINVAL ? -1 : 3;
  (void)sys_close_range(4, ~0u);
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  got = next_message(&reader, connection);
  if (got == READ_MESSAGE && reader.message.type == MSG_EXPECT) {
    struct timeval none = {0}; /* whoever has said so may take his time, and ends us by hanging up */
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    monitor_expect(&reader.message);
    reader_reset(&reader);
    got = next_message(&reader, connection);
    if (got == READ_MESSAGE && reader.message.type != MSG_CREATE) _exit(0);
  }
  if (got != READ_MESSAGE) _exit(0);
  switch (reader.message.type) {
    case MSG_CREATE: monitor_main(connection, &reader.message);
    case MSG_START_NET: net_main(connection, &reader.message);
    case MSG_QUERY: answer_query(connection, zygote); break;
    case MSG_QUIT: quit(connection, zygote); break;
    default: break;
  }
  _exit(0);
}

int spawn_zygote(const char *dir, const char *ready_fd) {
  uint64_t ready = 0;
  if (!parse_u64(ready_fd, &ready) || ready > 1 << 20) return 1;
  if (dup2((int)ready, 3) < 0) return 1;
  (void)sys_close_range(4, ~0u);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  learn_who_we_are(3);
  int listener = listen_at(dir, 3), removals = watch_socket();
  (void)fcntl(listener, F_SETFL, O_NONBLOCK);
  settle();
  signal(SIGCHLD, SIG_IGN); /* no zombies: nobody asks how a monitor ended */
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, end_zygote);
  if (write_all(3, "ok", 2) < 0) return 1;
  close(3);
  pid_t self = getpid();
  for (;;) {
    await_connection(listener, removals);
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) {
      /* Without a descriptor or memory to spare on this host it would fail again at once. */
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) (void)poll(NULL, 0, ACCEPT_AGAIN_MS);
      continue;
    }
    pid_t child = is_ours(connection) ? sys_clone(0) : -1;
    if (child == 0) serve(connection, self);
    close(connection);
  }
}
