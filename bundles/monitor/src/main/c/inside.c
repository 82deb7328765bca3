/* Names inside the container's root. Every look-up is the kernel's, confined to the root and without magic links;
 * what is missing is made one component at a time, next to a descriptor, so that a process which swaps directories
 * for links meanwhile (it may share a volume with us) changes only where inside its own root things appear. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

enum { LINKS_MOST = 40 };

static int lookup(struct setup *s, const char *path, uint64_t flags) {
  return sys_openat2(s->root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int open_inside(struct setup *s, const char *path, uint64_t flags) { return lookup(s, path, flags); }

/* Splits "/a/b/c" into "/a/b" and "c"; trailing slashes are no component. */
static int split(const char *path, char parent[PATH_MAX], char name[NAME_MAX + 1]) {
  size_t end = strlen(path);
  while (end > 0 && path[end - 1] == '/') end--;
  size_t begin = end;
  while (begin > 0 && path[begin - 1] != '/') begin--;
  if (end == begin || end - begin > NAME_MAX || begin + 2 > PATH_MAX) {
    errno = end == begin ? EINVAL : ENAMETOOLONG;
    return -1;
  }
  memcpy(name, path + begin, end - begin);
  name[end - begin] = 0;
  parent[0] = '/';
  memcpy(parent + 1, path, begin);
  parent[begin + 1] = 0;
  return 0;
}

/* Where the dangling link parent/name points, as a path inside the root. */
static int link_target(int dir, const char *parent, const char *name, char path[PATH_MAX]) {
  char target[PATH_MAX];
  ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
  if (n < 0) return -1;
  target[n] = 0;
  int length = target[0] == '/' ? snprintf(path, PATH_MAX, "%s", target) : snprintf(path, PATH_MAX, "%s/%s", parent, target);
  if (length < PATH_MAX) return 0;
  errno = ENAMETOOLONG;
  return -1;
}

static int make_one(struct setup *s, const char *path, mode_t mode, bool directory, unsigned links);

/* Opens the directory, making what is missing of it. */
static int reach(struct setup *s, const char *path, mode_t mode, unsigned links) {
  int fd = lookup(s, path, O_PATH | O_DIRECTORY);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (make_one(s, path, mode, true, links) < 0) return -1;
  return lookup(s, path, O_PATH | O_DIRECTORY);
}

static void give_to_user(struct setup *s, int dir, const char *name) {
  /* Best effort: a read-only or foreign file system may refuse, and the directory is there. */
  if (s->looked_up && (s->user.uid || s->user.gid)) {
    if (fchownat(dir, name, s->user.uid, s->user.gid, AT_SYMLINK_NOFOLLOW) < 0) return;
  }
}

static int make_in(struct setup *s, int dir, const char *name, mode_t mode, bool directory) {
  if (directory) {
    if (mkdirat(dir, name, mode) < 0) return -1;
    give_to_user(s, dir, name);
    return 0;
  }
  int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return -1;
  close(fd);
  return 0;
}

static int make_one(struct setup *s, const char *path, mode_t mode, bool directory, unsigned links) {
  char parent[PATH_MAX], name[NAME_MAX + 1], target[PATH_MAX];
  if (links > LINKS_MOST) {
    errno = ELOOP;
    return -1;
  }
  if (split(path, parent, name) < 0) return -1;
  int dir = reach(s, parent, 0755, links + 1);
  if (dir < 0) return -1;
  int result = make_in(s, dir, name, mode, directory);
  if (result < 0 && errno == EEXIST && link_target(dir, parent, name, target) == 0) {
    result = make_one(s, target, mode, directory, links + 1);
  } else if (result < 0 && (errno == EINVAL || errno == EEXIST)) {
    result = 0; /* no link, so somebody else has made it: the caller's look-up decides */
  }
  int error = errno;
  close(dir);
  errno = error;
  return result;
}

int make_directories(struct setup *s, const char *path, mode_t mode) { return reach(s, path, mode, 0); }

int make_target(struct setup *s, const char *path, bool directory) {
  int fd = lookup(s, path, O_PATH);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (directory) return reach(s, path, 0755, 0);
  if (make_one(s, path, 0644, false, 0) < 0) return -1;
  return lookup(s, path, O_PATH);
}
