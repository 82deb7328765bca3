/* User namespaces: what the host's root does for a container whose own root is nobody there.
 *
 * USERNS makes the namespace in a child that ends at once; from then on this process, still the host's root, opens what
 * the container is to be given (layers and the engine's own files through mounts that are idmapped, sources of binds, device
 * nodes), and holds all of it by descriptors. ENTER joins the namespace and makes the others in it, so that they belong
 * to it. Not dumpable and of a memory that belongs to the host, this process cannot be looked into until its exec. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

static int write_map(pid_t pid, const char *file, const struct arg *map) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = write(fd, map->bytes, map->length) == (ssize_t)map->length ? 0 : -1, error = errno;
  close(fd);
  errno = error;
  return result;
}

static int open_namespace(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
  return open(path, O_RDONLY | O_CLOEXEC);
}

int op_owner(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  s->root_uid = (uid_t)arg_number(a);
  s->root_gid = (gid_t)arg_number(a + 1);
  return 0;
}

/* A namespace lives as long as a descriptor of it: whoever it was made with need not. */
int op_userns(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (s->userns >= 0) return refused(s, EINVAL, "there is a user namespace");
  pid_t self = getpid(), child = sys_clone(CLONE_NEWUSER);
  if (child < 0) return failed(s, "make a user namespace");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) _exit(0); /* killed before that */
    for (;;) pause();
  }
  const char *what = "map the users of the container";
  int done = write_map(child, "uid_map", a);
  if (done == 0) {
    what = "map the groups of the container";
    done = write_map(child, "gid_map", a + 1);
  }
  if (done == 0) {
    what = "open the user namespace";
    s->userns = open_namespace(child);
  }
  int error = errno;
  kill(child, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  errno = error;
  return s->userns < 0 ? failed(s, "%s", what) : 0;
}

int op_userns_of(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (s->userns >= 0) return refused(s, EINVAL, "there is a user namespace");
  s->userns = open(arg_text(a), O_RDONLY | O_CLOEXEC);
  return s->userns < 0 ? failed(s, "open the namespace %s", arg_text(a)) : 0;
}

int idmap(const struct setup *s, int mount, unsigned flags) {
  struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)s->userns};
  return (int)syscall(SYS_mount_setattr, mount, "", flags | AT_EMPTY_PATH, &attr, sizeof attr);
}

/* Overlay makes what it needs in its directories (whiteouts, copies under way) as who has mounted it; through an idmapped
 * mount only users of the container can make anything. So the container's root mounts, with all the host's powers. */
int act_as_root(const struct setup *s, bool container) {
  setfsgid(container ? s->root_gid : 0);
  setfsuid(container ? s->root_uid : 0);
  /* Who changes from root to somebody else thereby loses what concerns files. */
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &head, data) < 0) return -1;
  for (unsigned i = 0; i < 2; i++) data[i].effective = data[i].permitted;
  return (int)syscall(SYS_capset, &head, data);
}

/* Pipes are the host's root's. Whoever is given them may open them anew (/dev/stdout), so they become the container's; the
 * null device is replaced later by the container's own. */
static void give_stdio(uid_t uid, gid_t gid) {
  for (int fd = 0; fd < 3; fd++) {
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) continue;
    if (fchown(fd, uid, gid) < 0) continue;
  }
}

int become_root(struct setup *s) {
  if (setgroups(0, NULL) < 0) return failed(s, "drop the supplementary groups");
  if (setresgid(0, 0, 0) < 0) return failed(s, "become the container's root group");
  if (setresuid(0, 0, 0) < 0) return failed(s, "become the container's root");
  s->remapped = true;
  return 0;
}

int op_enter(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  uint64_t flags = arg_number(a);
  give_stdio(s->root_uid, s->root_gid);
  if (s->proc >= 0) close(s->proc); /* it shows the host's */
  s->proc = -1;
  if (s->join >= 0) return join_container(s);
  if (s->userns < 0) return refused(s, EINVAL, "there is no user namespace to enter");
  if (syscall(SYS_setns, s->userns, CLONE_NEWUSER) < 0) return failed(s, "enter the user namespace");
  close(s->userns);
  s->userns = -1;
  if (become_root(s) < 0) return -1;
  /* By now, so that what comes with a namespace (the root of mqueue) is the container's, too. */
  if (flags && syscall(SYS_unshare, (unsigned long)flags) < 0) return failed(s, "make the container's namespaces");
  if (s->root >= 0) close(s->root);
  s->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (flags & CLONE_NEWPID && move_on(s) < 0) return -1;
  setsid(); /* whoever goes on here leads a session of its own, for its terminal */
  return 0;
}

int op_new(struct setup *s, const struct arg *a, unsigned n) {
  uint64_t slot = arg_number(a);
  const char *type = arg_text(a + 1);
  if (slot >= SLOTS || s->slots[slot] >= 0) return refused(s, EINVAL, "slot %llu is taken", (unsigned long long)slot);
  s->slots[slot] = new_filesystem(s, type, (unsigned)arg_number(a + 2), a + 3, n - 3);
  if (s->slots[slot] < 0) return -1;
  s->slot_recursive[slot] = s->slot_flat[slot] = false;
  /* Once the host's is out of sight, no procfs can be made any more. */
  if (strcmp(type, "proc") == 0 && s->proc < 0) s->proc = fcntl(s->slots[slot], F_DUPFD_CLOEXEC, 3);
  return 0;
}

int op_raise(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  unsigned resource = (unsigned)arg_number(a);
  struct rlimit limit;
  if (getrlimit(resource, &limit) < 0) return failed(s, "read rlimit %u", resource);
  if (limit.rlim_max >= arg_number(a + 1)) return 0;
  limit.rlim_max = arg_number(a + 1);
  /* What the host does not give either stays as it is: RLIMIT takes what there is. */
  if (setrlimit(resource, &limit) < 0 && errno != EPERM) return failed(s, "set rlimit %u", resource);
  return 0;
}
