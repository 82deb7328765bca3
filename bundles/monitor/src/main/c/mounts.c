/* Mounts of a container: made detached, attached by descriptor on targets that were looked up inside its root. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
int op_propagation(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (syscall(SYS_mount, NULL, "/", NULL, (unsigned long)arg_number(a), NULL) < 0) return failed(s, "set the propagation of /");
  return 0;
}

int op_source(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  uint64_t slot = arg_number(a);
  if (slot >= SLOTS || s->slots[slot] >= 0) return refused(s, EINVAL, "slot %llu is taken", (unsigned long long)slot);
  enum { RECURSIVE = 1, FLAT = 2, MAPPED = 4 };
  uint64_t how = arg_number(a + 2);
  bool recursive = how & RECURSIVE;
  unsigned flags = OPEN_TREE_CLONE | (recursive ? AT_RECURSIVE : 0);
  s->slots[slot] = sys_open_tree(AT_FDCWD, arg_text(a + 1), flags);
  s->slot_recursive[slot] = recursive;
  s->slot_flat[slot] = how & FLAT;
  if (s->slots[slot] < 0) return failed(s, "bind source %s", arg_text(a + 1));
  if (s->userns < 0) return 0;
  if (how & MAPPED && idmap(s, s->slots[slot], 0) < 0) return failed(s, "map the users of %s", arg_text(a + 1));
  /* Where the container mounts something in it, that must not come to the host. */
  if (sys_mount_setattr(s->slots[slot], flags & AT_RECURSIVE, 0, 0, MS_SLAVE) < 0) return failed(s, "bind source %s", arg_text(a + 1));
  return 0;
}

int op_root_bind(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  s->new_root = sys_open_tree(AT_FDCWD, arg_text(a), OPEN_TREE_CLONE);
  if (s->new_root < 0) return failed(s, "mount the root %s", arg_text(a));
  if (s->userns < 0) return 0;
  if (idmap(s, s->new_root, 0) < 0) return failed(s, "map the users of the root %s", arg_text(a));
  if (sys_mount_setattr(s->new_root, 0, 0, 0, MS_PRIVATE) < 0) return failed(s, "mount the root %s", arg_text(a));
  return 0;
}

/* The file system's own words on what it refused ("e overlay: ..."), kept by the kernel in the context. */
int context_failed(struct setup *s, int context, const char *what) {
  int error = errno;
  char words[256];
  ssize_t n = read(context, words, sizeof words - 1);
  close(context);
  errno = error;
  if (n <= 2) return failed(s, "%s", what);
  words[n] = 0;
  words[strcspn(words, "\n")] = 0;
  return refused(s, error, "%s: %s (%s)", what, errno_words(error), words + 2);
}

int context_option(int context, const char *option) {
  char key[64];
  const char *equals = strchr(option, '=');
  if (!equals) return sys_fsconfig(context, FSCONFIG_SET_FLAG, option, NULL);
  size_t length = (size_t)(equals - option);
  if (length >= sizeof key) {
    errno = EINVAL;
    return -1;
  }
  memcpy(key, option, length);
  key[length] = 0;
  return sys_fsconfig(context, FSCONFIG_SET_STRING, key, equals + 1);
}

static int create_mount(struct setup *s, int context, unsigned attributes, const char *what) {
  if (sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0) return context_failed(s, context, what);
  int mount = sys_fsmount(context, attributes);
  if (mount < 0) return context_failed(s, context, what);
  close(context);
  return mount;
}

int new_filesystem(struct setup *s, const char *type, unsigned attributes, const struct arg *options, unsigned n) {
  char what[128];
  snprintf(what, sizeof what, "mount %s", type);
  int context = sys_fsopen(type);
  if (context < 0) return failed(s, "%s", what);
  /* A name in /proc/mounts as mount(8) would give; file systems that know no source take it too. */
  (void)sys_fsconfig(context, FSCONFIG_SET_STRING, "source", type);
  for (unsigned i = 0; i < n; i++) {
    if (context_option(context, arg_text(options + i)) < 0) return context_failed(s, context, what);
  }
  return create_mount(s, context, attributes, what);
}

static int open_root(struct setup *s) {
  int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(s, "open the root");
  if (s->root >= 0) close(s->root);
  s->root = fd;
  return 0;
}

int op_root(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  if (s->new_root < 0) return refused(s, EINVAL, "no root was mounted");
  int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (here < 0 || move_mount_onto(s->new_root, here) < 0) return failed(s, "attach the root");
  close(here);
  /* With both names "." the old root ends up on top of the new one, from where it is let go: no directory for it is needed. */
  if (fchdir(s->new_root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0) return failed(s, "pivot into the root");
  if (syscall(SYS_umount2, ".", MNT_DETACH) < 0) return failed(s, "detach the old root");
  if (chdir("/") < 0) return failed(s, "enter the root");
  close(s->new_root);
  s->new_root = -1;
  return open_root(s);
}

int op_root_readonly(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  if (sys_mount_setattr(s->root, 0, MOUNT_ATTR_RDONLY, 0, 0) < 0) return failed(s, "make / read-only");
  return 0;
}

static bool on_procfs(int fd) {
  struct statfs fs;
  return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* Files below /proc that tools like lxcfs stand in for; all else there would hide what isolation relies on. */
static bool replaceable(const char *path) {
  static const char *const files[] = {
      "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps",
      "/proc/uptime", "/proc/loadavg", "/proc/slabinfo", "/proc/net/dev", "/proc/sys/kernel/ns_last_pid",
      "/proc/sys/crypto/fips_enabled",
  };
  for (unsigned i = 0; i < COUNT(files); i++) {
    if (strcmp(path, files[i]) == 0) return true;
  }
  return false;
}

/* Nothing but a procfs is /proc: masks, read-only paths and what is written there would miss the kernel (CVE-2019-16884). */
static int attach(struct setup *s, int mount, int target, const char *path) {
  if (!strcmp(path, "/proc") && !on_procfs(mount)) {
    return refused(s, EPERM, "\"%s\" cannot be mounted because it is not of type proc", path);
  }
  if (on_procfs(target) && !on_procfs(mount) && !replaceable(path)) {
    return refused(s, EPERM, "\"%s\" cannot be mounted because it is inside /proc", path);
  }
  if (move_mount_onto(mount, target) < 0) return failed(s, "mount on %s", path);
  return 0;
}

/* A link in place of /proc or /sys would put them where masks and read-only paths do not reach (CVE-2019-19921). */
static int refuse_link(struct setup *s, const char *path) {
  int fd = open_inside(s, path, O_PATH | O_NOFOLLOW);
  struct stat st;
  bool link = fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
  if (fd >= 0) close(fd);
  return link ? refused(s, ELOOP, "%s of the image must not be a symbolic link", path) : 0;
}

int op_mount(struct setup *s, const struct arg *a, unsigned n) {
  const char *type = arg_text(a), *path = arg_text(a + 1);
  if ((!strcmp(type, "proc") || !strcmp(type, "sysfs")) && refuse_link(s, path) < 0) return -1;
  int target = make_target(s, path, true);
  if (target < 0) return failed(s, "make the mount point %s", path);
  int mount = new_filesystem(s, type, (unsigned)arg_number(a + 2), a + 3, n - 3);
  if (mount < 0 || attach(s, mount, target, path) < 0) return -1;
  close(mount);
  close(target);
  return 0;
}

static bool wants_directory(int source, uint64_t kind) {
  struct stat st;
  if (kind) return kind == 2;
  return fstat(source, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Propagation is that of all mounts of the slot; so are the flags, unless they are for the topmost alone. */
static int set_flags(struct setup *s, uint64_t slot, uint64_t set, uint64_t clear, uint64_t propagation) {
  int mount = s->slots[slot];
  unsigned all = s->slot_recursive[slot] ? AT_RECURSIVE : 0;
  if (!s->slot_flat[slot]) return sys_mount_setattr(mount, all, set, clear, propagation);
  if (sys_mount_setattr(mount, all, 0, 0, propagation) < 0) return -1;
  return sys_mount_setattr(mount, 0, set, clear, 0);
}

int op_bind(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  uint64_t slot = arg_number(a);
  const char *path = arg_text(a + 1);
  if (slot >= SLOTS || s->slots[slot] < 0) return refused(s, EINVAL, "slot %llu is empty", (unsigned long long)slot);
  int mount = s->slots[slot];
  if ((!strcmp(path, "/proc") || !strcmp(path, "/sys")) && refuse_link(s, path) < 0) return -1;
  int target = make_target(s, path, wants_directory(mount, arg_number(a + 5)));
  if (target < 0) return failed(s, "make the mount point %s", path);
  if (set_flags(s, slot, arg_number(a + 2), arg_number(a + 3), arg_number(a + 4)) < 0) {
    return failed(s, "set the mount flags of %s", path);
  }
  if (attach(s, mount, target, path) < 0) return -1;
  close(target);
  close(mount);
  s->slots[slot] = -1;
  return 0;
}

/* The source of file masks must be the null device itself, not what an image may have put in its place (CVE-2025-31133). */
static int open_null(struct setup *s) {
  struct stat st;
  int fd = open_inside(s, "/dev/null", O_PATH | O_NOFOLLOW);
  if (fd < 0) return failed(s, "open /dev/null");
  if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) {
    return refused(s, EINVAL, "/dev/null of the container is no null device");
  }
  return fd;
}

struct covers {
  int empty, null;
};

static int clone_cover(struct setup *s, int cover) {
  int clone = sys_open_tree(cover, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
  return clone < 0 ? failed(s, "clone the cover of masked paths") : clone;
}

/* The mount to put on the target. The first directory gets the tmpfs itself, the others clones of it: before Linux 6.15
 * only what is attached can be cloned. */
static int cover_for(struct setup *s, struct covers *c, int target) {
  static const unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  struct stat st;
  if (fstat(target, &st) < 0) return failed(s, "look at a masked path");
  if (S_ISDIR(st.st_mode)) {
    if (c->empty >= 0) return clone_cover(s, c->empty);
    c->empty = new_filesystem(s, "tmpfs", attributes, NULL, 0);
    return c->empty < 0 ? -1 : fcntl(c->empty, F_DUPFD_CLOEXEC, 3);
  }
  if (c->null < 0) c->null = open_null(s);
  return c->null < 0 ? -1 : clone_cover(s, c->null);
}

static int mask(struct setup *s, struct covers *c, const char *path) {
  /* Looking first is cheaper than trying: a mount that fails costs an RCU grace period. */
  int target = open_inside(s, path, O_PATH);
  if (target < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : failed(s, "mask %s", path);
  int cover = cover_for(s, c, target);
  if (cover < 0) return -1;
  if (move_mount_onto(cover, target) < 0) return failed(s, "mask %s", path);
  close(cover);
  close(target);
  return 0;
}

int op_mask(struct setup *s, const struct arg *a, unsigned n) {
  struct covers covers = {-1, -1};
  for (unsigned i = 0; i < n; i++) {
    if (mask(s, &covers, arg_text(a + i)) < 0) return -1;
  }
  if (covers.empty >= 0) close(covers.empty);
  if (covers.null >= 0) close(covers.null);
  return 0;
}

static int make_readonly(struct setup *s, const char *path) {
  int target = open_inside(s, path, O_PATH);
  if (target < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : failed(s, "make %s read-only", path);
  int mount = sys_open_tree(target, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | AT_RECURSIVE);
  if (mount < 0 || sys_mount_setattr(mount, AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0) < 0 || move_mount_onto(mount, target) < 0) {
    return failed(s, "make %s read-only", path);
  }
  close(mount);
  close(target);
  return 0;
}

int op_readonly(struct setup *s, const struct arg *a, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    if (make_readonly(s, arg_text(a + i)) < 0) return -1;
  }
  return 0;
}

int op_touch(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  int fd = make_target(s, arg_text(a), false);
  if (fd < 0) return failed(s, "make the file %s", arg_text(a));
  close(fd);
  return 0;
}

int op_mkdir(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  int fd = make_directories(s, arg_text(a), (mode_t)arg_number(a + 1) & 07777);
  if (fd < 0) return failed(s, "make the directory %s", arg_text(a));
  close(fd);
  return 0;
}
