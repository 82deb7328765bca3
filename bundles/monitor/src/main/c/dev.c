/* /dev: built on a detached tmpfs that no process of the image has seen, attached as a whole; and its terminal. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

/* In a user namespace no node can be made: the host's root fills what belongs to the container's. */
static int give_to_root(struct setup *s, const char *name) {
  if (fchownat(s->dev, name, s->root_uid, s->root_gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) return failed(s, "chown /dev/%s", name);
  return 0;
}

int op_dev(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  char size[64];
  struct arg options[] = {{(const uint8_t *)"mode=755", 8}, {(const uint8_t *)size, 0}};
  snprintf(size, sizeof size, "size=%.50s", a->length ? arg_text(a) : "65536k");
  s->dev = new_filesystem(s, "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME, options, COUNT(options));
  if (s->dev < 0) return -1;
  return s->userns >= 0 ? give_to_root(s, "") : 0;
}

/* Names in the new /dev are the engine's; still, none leads out of it. */
static bool name_fits(const char *name) { return name[0] != '/' && !strstr(name, ".."); }

static int dev_ready(struct setup *s, const char *name) {
  if (s->dev >= 0 && name_fits(name)) return 0;
  return refused(s, EINVAL, "make /dev/%s: %s", name, s->dev < 0 ? "no /dev is being built" : "invalid name");
}

int op_dev_node(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  const char *name = arg_text(a);
  if (dev_ready(s, name) < 0) return -1;
  dev_t device = makedev((unsigned)arg_number(a + 2), (unsigned)arg_number(a + 3));
  if (mknodat(s->dev, name, (mode_t)arg_number(a + 1), device) < 0) return failed(s, "make /dev/%s", name);
  uid_t uid = (uid_t)arg_number(a + 4);
  gid_t gid = (gid_t)arg_number(a + 5);
  if ((uid || gid) && fchownat(s->dev, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0) return failed(s, "chown /dev/%s", name);
  return 0;
}

int op_dev_link(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (dev_ready(s, arg_text(a)) < 0) return -1;
  if (symlinkat(arg_text(a + 1), s->dev, arg_text(a)) < 0) return failed(s, "make /dev/%s", arg_text(a));
  return 0;
}

int op_dev_dir(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (dev_ready(s, arg_text(a)) < 0) return -1;
  if (mkdirat(s->dev, arg_text(a), (mode_t)arg_number(a + 1)) < 0) return failed(s, "make /dev/%s", arg_text(a));
  return s->userns >= 0 ? give_to_root(s, arg_text(a)) : 0;
}

int op_dev_done(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  if (s->dev < 0) return refused(s, EINVAL, "no /dev is being built");
  int target = make_target(s, "/dev", true);
  if (target >= 0) close(target);
  /* A link in its place would let the image choose where the devices appear (CVE-2026-41579). */
  target = sys_openat2(s->root, "dev", O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  if (target < 0 && errno == ELOOP) return refused(s, ELOOP, "/dev of the image must not be a symbolic link");
  if (target < 0 || move_mount_onto(s->dev, target) < 0) return failed(s, "mount on /dev");
  close(target);
  close(s->dev);
  s->dev = -1;
  return 0;
}

/* The master end of a new terminal in the container's own devpts: one of the host's would be "not a tty" inside. */
static int open_master(struct setup *s) {
  struct statfs fs;
  int unlocked = 0;
  int master = open_inside(s, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
  if (master < 0) return failed(s, "open /dev/pts/ptmx");
  if (fstatfs(master, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC) return refused(s, ENOTTY, "/dev/pts is no devpts");
  if (ioctl(master, TIOCSPTLCK, &unlocked) < 0) return failed(s, "unlock the terminal");
  return master;
}

/* On /dev/console of init, if there is one: by descriptors, so that no name can be swapped (CVE-2025-52565). */
static int cover_console(struct setup *s, int slave) {
  struct stat st;
  int target = open_inside(s, "/dev/console", O_PATH | O_NOFOLLOW);
  if (target < 0) return errno == ENOENT ? 0 : failed(s, "open /dev/console");
  if (fstat(target, &st) == 0 && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
    int mount = sys_open_tree(slave, "", OPEN_TREE_CLONE | AT_EMPTY_PATH);
    if (mount < 0 || move_mount_onto(mount, target) < 0) return failed(s, "mount the terminal on /dev/console");
    close(mount);
  }
  close(target);
  return 0;
}

int op_console(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  int master = open_master(s);
  if (master < 0) return -1;
  int slave = sys_terminal(master);
  if (slave < 0) return failed(s, "open the terminal");
  struct winsize size = {.ws_row = (unsigned short)s->rows, .ws_col = (unsigned short)s->columns};
  if (s->rows && s->columns && ioctl(master, TIOCSWINSZ, &size) < 0) return failed(s, "size the terminal");
  if (s->stage == STAGE_INIT && cover_console(s, slave) < 0) return -1;
  report_send(s, REPORT_CONSOLE, 0, &master, 1);
  close(master);
  for (int fd = 0; fd < 3; fd++) {
    if (dup2(slave, fd) < 0) return failed(s, "take the terminal");
  }
  close(slave);
  if (ioctl(0, TIOCSCTTY, 0) < 0) return failed(s, "make the terminal the controlling one");
  return 0;
}
