#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

int sys_fsopen(const char *type) { return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC); }

int sys_fsconfig(int fd, unsigned command, const char *key, const char *value) {
  return (int)syscall(SYS_fsconfig, fd, command, key, value, 0);
}

int sys_fsconfig_fd(int fd, const char *key, int value) {
  return (int)syscall(SYS_fsconfig, fd, FSCONFIG_SET_FD, key, NULL, value);
}

int sys_fsmount(int fd, unsigned attributes) { return (int)syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes); }

int sys_open_tree(int dir, const char *path, unsigned flags) {
  return (int)syscall(SYS_open_tree, dir, path, flags | OPEN_TREE_CLOEXEC);
}

int sys_mount_setattr(int fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation) {
  struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
  return (int)syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, &attr, sizeof attr);
}

int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
}

int sys_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int sys_close_range(unsigned first, unsigned last) { return (int)syscall(SYS_close_range, first, last, 0); }

pid_t sys_clone(uint64_t flags) {
  struct clone_args args = {.flags = flags};
  /* A sibling inherits the signal that tells of its end; naming one as well is refused. */
  args.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD;
  return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

int sys_terminal(int master) { return ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); }

int move_mount_onto(int mount, int target) {
  return (int)syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

ssize_t read_all(int fd, void *data, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t n = read(fd, (char *)data + done, length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += (size_t)n;
  }
  return (ssize_t)done;
}

int write_all(int fd, const void *data, size_t length) {
  const char *at = data;
  while (length > 0) {
    ssize_t n = write(fd, at, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    at += n;
    length -= (size_t)n;
  }
  return 0;
}

ssize_t read_file(int dir, const char *path, char *text, size_t capacity) {
  int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read_all(fd, text, capacity - 1);
  close(fd);
  if (n >= 0) text[n] = 0;
  return n;
}

uint64_t wall_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static char *title;
static size_t title_room;

void title_keep(int argc, char **argv) {
  title = argv[0];
  title_room = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - title);
}

void title_set(const char *text) {
  prctl(PR_SET_NAME, text, 0, 0, 0);
  if (!title) return;
  memset(title, 0, title_room);
  strncpy(title, text, title_room);
}

void *must_alloc(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (!memory) _exit(70);
  return memory;
}

char *must_copy(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(must_alloc(size), text, size);
}

bool parse_u64(const char *text, uint64_t *value) {
  uint64_t sum = 0;
  if (!*text) return false;
  for (; *text; text++) {
    if (*text < '0' || *text > '9') return false;
    if (__builtin_mul_overflow(sum, 10u, &sum)) return false;
    if (__builtin_add_overflow(sum, (uint64_t)(*text - '0'), &sum)) return false;
  }
  *value = sum;
  return true;
}

const char *errno_words(int error) {
  static char words[96];
  switch (error) {
    case ELOOP: return "too many levels of symbolic links";
    case ENOMEM: return "cannot allocate memory";
    case EBUSY: return "device or resource busy";
    case EOPNOTSUPP: return "operation not supported";
    case EADDRINUSE: return "address already in use";
    case EADDRNOTAVAIL: return "cannot assign requested address";
    case ENETUNREACH: return "network is unreachable";
    case EHOSTUNREACH: return "no route to host";
    case ENAMETOOLONG: return "file name too long";
    default: break;
  }
  const char *text = strerror(error);
  size_t n = strlen(text);
  if (n >= sizeof words) n = sizeof words - 1;
  memcpy(words, text, n);
  words[n] = 0;
  if (words[0] >= 'A' && words[0] <= 'Z') words[0] = (char)(words[0] + 'a' - 'A');
  return words;
}

enum { MOST_FDS = 16 };

union control_space {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(MOST_FDS * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

int send_with_fds(int socket, const void *data, size_t length, const int *fds, unsigned count) {
  union control_space space = {0};
  struct iovec io = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
  struct msghdr head = {.msg_iov = &io, .msg_iovlen = 1};
  if (count > 0) {
    head.msg_control = space.bytes;
    head.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *control = CMSG_FIRSTHDR(&head);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(control), fds, count * sizeof(int));
  }
  ssize_t n;
  do n = sendmsg(socket, &head, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -1 : 0;
}

static void take_control(struct msghdr *head, int *fds, unsigned *count, pid_t *pid) {
  unsigned room = count ? *count : 0, got = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
    if (c->cmsg_level != SOL_SOCKET) continue;
    if (c->cmsg_type == SCM_CREDENTIALS && pid) {
      struct ucred who;
      memcpy(&who, CMSG_DATA(c), sizeof who);
      *pid = who.pid;
    }
    if (c->cmsg_type != SCM_RIGHTS) continue;
    size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < n; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
      if (got < room) fds[got++] = fd;
      else close(fd);
    }
  }
  if (count) *count = got;
}

ssize_t receive_with_fds(int socket, void *data, size_t length, int *fds, unsigned *count, pid_t *pid) {
  union control_space space;
  struct iovec io = {.iov_base = data, .iov_len = length};
  struct msghdr head = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = space.bytes, .msg_controllen = sizeof space.bytes};
  ssize_t n;
  do n = recvmsg(socket, &head, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (count) *count = 0;
    return -1;
  }
  take_control(&head, fds, count, pid);
  return n;
}
