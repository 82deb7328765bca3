/* Who the process is and what it may do. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

enum { ACCOUNT_FILE_MOST = 1 << 20 };

/* An image's file: only a regular one, only so much of it, and a missing one is empty. A FIFO must not stop us. */
static int read_accounts(struct setup *s, const char *path, struct text *text) {
  struct stat st;
  *text = (struct text){"", 0};
  int fd = open_inside(s, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? 0 : failed(s, "open %s", path);
  if (fstat(fd, &st) < 0) return failed(s, "read %s", path);
  if (!S_ISREG(st.st_mode)) return refused(s, EINVAL, "%s is not a regular file", path);
  if (st.st_size > ACCOUNT_FILE_MOST) return refused(s, EFBIG, "%s is larger than 1 MiB", path);
  char *data = must_alloc(ACCOUNT_FILE_MOST);
  ssize_t n = read_all(fd, data, ACCOUNT_FILE_MOST);
  close(fd);
  if (n < 0) return failed(s, "read %s", path);
  *text = (struct text){data, (size_t)n};
  return 0;
}

static int user_refused(struct setup *s, enum user_error e, struct text name) {
  int length = name.length > 256 ? 256 : (int)name.length;
  switch (e) {
    case USER_OK: return 0;
    case USER_UNKNOWN: return refused(s, ENOENT, "unable to find user %.*s: no matching entries in passwd file", length, name.at);
    case GROUP_UNKNOWN: return refused(s, ENOENT, "unable to find group %.*s: no matching entries in group file", length, name.at);
    case USER_RANGE: return refused(s, ERANGE, "uids and gids must be in range 0-2147483647");
    default: return refused(s, E2BIG, "more than %d supplementary groups", GROUPS_MOST);
  }
}

int op_user_lookup(struct setup *s, const struct arg *a, unsigned n) {
  struct text passwd, group, name;
  if (read_accounts(s, "/etc/passwd", &passwd) < 0 || read_accounts(s, "/etc/group", &group) < 0) return -1;
  enum user_error e = user_find(&s->user, arg_text(a), passwd, group, &name);
  for (unsigned i = 1; i < n && e == USER_OK; i++) {
    name = (struct text){arg_text(a + i), a[i].length};
    e = user_add_group(&s->user, arg_text(a + i), group);
  }
  if (user_refused(s, e, name) < 0) return -1;
  s->looked_up = true;
  if (passwd.length) free((void *)(uintptr_t)passwd.at);
  if (group.length) free((void *)(uintptr_t)group.at);
  return 0;
}

int op_caps(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  s->bounding = arg_number(a);
  s->permitted = arg_number(a + 1);
  s->inheritable = arg_number(a + 2);
  s->ambient = arg_number(a + 3);
  s->caps = true;
  for (unsigned cap = 0; cap < 64; cap++) {
    if (s->bounding >> cap & 1 || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break; /* the first one that this kernel does not know ends the list */
    return failed(s, "drop capability %u", cap);
  }
  return 0;
}

int op_no_new_privileges(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return failed(s, "set no_new_privs");
  return 0;
}

int op_seccomp(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (a->length % sizeof(struct sock_filter) || a->length / sizeof(struct sock_filter) > BPF_MAXINSNS) {
    return refused(s, EINVAL, "install the seccomp filter: invalid length");
  }
  struct sock_fprog filter = {
      .len = (unsigned short)(a->length / sizeof(struct sock_filter)),
      .filter = (struct sock_filter *)(uintptr_t)a->bytes,
  };
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, (unsigned long)arg_number(a + 1), &filter) < 0) {
    return failed(s, "install the seccomp filter");
  }
  return 0;
}

static int set_caps(struct setup *s) {
  /* As execve would decide: root gets the set, others only what is ambient. */
  uint64_t permitted = s->user.uid == 0 ? s->permitted : s->ambient;
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  for (unsigned i = 0; i < 2; i++) {
    data[i].permitted = data[i].effective = (uint32_t)(permitted >> (32 * i));
    data[i].inheritable = (uint32_t)(s->inheritable >> (32 * i));
  }
  if (syscall(SYS_capset, &head, data) < 0) return failed(s, "set the capabilities");
  for (unsigned cap = 0; cap < 64; cap++) {
    if (!(s->ambient >> cap & 1)) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0) return failed(s, "raise ambient capability %u", cap);
  }
  return 0;
}

/* 0-2 that are the host's null device become the container's: a descriptor is a way into the mount it was opened on. */
static void reopen_null(struct setup *s) {
  struct stat ours, st;
  int null = open_inside(s, "/dev/null", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (null < 0) return;
  bool is_null = fstat(null, &ours) == 0 && S_ISCHR(ours.st_mode) && ours.st_rdev == makedev(1, 3);
  for (int fd = 0; is_null && fd < 3; fd++) {
    if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == ours.st_rdev) (void)dup2(null, fd);
  }
  close(null);
}

/* So that /dev/stdout and the like can be opened again by the user; what refuses (a read-only mount) stays. */
static void give_stdio(uid_t uid) {
  for (int fd = 0; fd < 3; fd++) {
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_uid == uid) continue;
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) continue;
    if (fchown(fd, uid, (gid_t)-1) < 0) continue;
  }
}

int op_identity(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  if (!s->looked_up) return refused(s, EINVAL, "no user was looked up");
  gid_t groups[GROUPS_MOST];
  for (size_t i = 0; i < s->user.ngroups; i++) groups[i] = s->user.groups[i];
  reopen_null(s);
  give_stdio(s->user.uid);
  /* Groups first, the user last: each step needs what the next one gives up. */
  if (setgroups(s->user.ngroups, groups) < 0) return failed(s, "set the supplementary groups");
  if (s->caps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return failed(s, "keep the capabilities");
  if (setresgid(s->user.gid, s->user.gid, s->user.gid) < 0) return failed(s, "set gid %u", s->user.gid);
  if (setresuid(s->user.uid, s->user.uid, s->user.uid) < 0) return failed(s, "set uid %u", s->user.uid);
  if (!s->caps) return 0;
  if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0) return failed(s, "keep the capabilities");
  return set_caps(s);
}
