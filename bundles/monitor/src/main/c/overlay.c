/* A root on the kernel's overlay file system, of any number of layers the kernel takes. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

enum { PAGE = 4096 /* what mount(2) takes of options */ };
static const char what[] = "mount overlay on /";

struct overlay {
  const char *upper, *work;
  bool is_volatile;
  const struct arg *options, *lower;
  unsigned option_count, lower_count;
  size_t cut; /* what all directories begin with, up to a slash: a working directory, and names below it */
};

static void narrow(struct overlay *o, const char *path) {
  const char *first = arg_text(o->lower);
  while (o->cut > 0 && strncmp(first, path, o->cut) != 0) {
    do o->cut--;
    while (o->cut > 0 && first[o->cut - 1] != '/');
  }
}

static void overlay_parse(struct overlay *o, const struct arg *a, unsigned n) {
  unsigned i = 3;
  *o = (struct overlay){.upper = arg_text(a), .work = arg_text(a + 1), .is_volatile = arg_number(a + 2) & 1, .options = a + 3};
  while (i < n && strcmp(arg_text(a + i), "--") != 0) i++;
  o->option_count = i - 3;
  if (++i >= n) return;
  o->lower = a + i;
  o->lower_count = n - i;
  const char *slash = strrchr(arg_text(o->lower), '/');
  o->cut = slash ? (size_t)(slash - arg_text(o->lower)) + 1 : 0;
  for (; i < n; i++) narrow(o, arg_text(a + i));
  if (*o->upper) {
    narrow(o, o->upper);
    narrow(o, o->work);
  }
}

/* Goes where the layers are: a path of any length is no matter then, and no name needs escapes. */
static int enter(const struct overlay *o, char *path, size_t capacity) {
  if (!o->lower_count || o->cut == 0 || o->cut >= capacity) {
    errno = EINVAL;
    return -1;
  }
  memcpy(path, arg_text(o->lower), o->cut);
  path[o->cut] = 0;
  return chdir(path);
}

static int set_options(const struct overlay *o, int context) {
  (void)sys_fsconfig(context, FSCONFIG_SET_STRING, "source", "overlay");
  for (unsigned i = 0; i < o->option_count; i++) {
    if (context_option(context, arg_text(o->options + i)) < 0) return -1;
  }
  return 0;
}

static int create(const struct overlay *o, int context) {
  if (o->is_volatile && sys_fsconfig(context, FSCONFIG_SET_FLAG, "volatile", NULL) < 0) return -1;
  if (sys_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0) return -1;
  return sys_fsmount(context, 0);
}

static int one_by_one(const struct overlay *o, int context) {
  if (set_options(o, context) < 0) return -1;
  for (unsigned i = 0; i < o->lower_count; i++) {
    if (sys_fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", arg_text(o->lower + i) + o->cut) < 0) return -1;
  }
  if (*o->upper && (sys_fsconfig(context, FSCONFIG_SET_STRING, "upperdir", o->upper + o->cut) < 0 ||
                    sys_fsconfig(context, FSCONFIG_SET_STRING, "workdir", o->work + o->cut) < 0)) {
    return -1;
  }
  return create(o, context);
}

/* A directory through a mount of its own in which files have the container's numbers; nobody else sees that. */
static int mapped(struct setup *s, const char *path) {
  int fd = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE);
  if (fd < 0) return failed(s, "open the layer %s", path);
  if (idmap(s, fd, 0) < 0) return failed(s, "map the users of the layer %s", path);
  return fd;
}

static int set_directory(struct setup *s, int context, const char *key, int fd) {
  int result = sys_fsconfig_fd(context, key, fd);
  if (result < 0) return failed(s, "give the overlay file system a layer (%s, Linux 6.13)", key);
  return result;
}

/* Both are to be seen through one mount. */
static int set_upper(struct setup *s, const struct overlay *o, int context, int *both) {
  char parent[PAGE];
  const char *upper = o->upper + o->cut, *work = o->work + o->cut, *slash = strrchr(upper, '/');
  size_t length = slash ? (size_t)(slash - upper) + 1 : 0;
  if (length >= sizeof parent || strncmp(upper, work, length) != 0) return refused(s, EINVAL, "the directories of the root lie apart");
  memcpy(parent, upper, length);
  parent[length] = 0;
  *both = mapped(s, length ? parent : ".");
  if (*both < 0) return -1;
  int fds[] = {openat(*both, upper + length, O_PATH | O_DIRECTORY | O_CLOEXEC), openat(*both, work + length, O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (fds[0] < 0 || fds[1] < 0) return failed(s, what);
  if (set_directory(s, context, "upperdir", fds[0]) < 0 || set_directory(s, context, "workdir", fds[1]) < 0) return -1;
  close(fds[0]);
  close(fds[1]);
  return 0;
}

/* By descriptors, since what is mounted nowhere has no name; such a mount is taken apart when its descriptor closes, so all
 * of them stay open until overlay has made its own of them. */
static int mount_mapped(struct setup *s, const struct overlay *o, int context) {
  int *layers = must_alloc((o->lower_count + 1) * sizeof *layers), both = -1;
  if (set_options(o, context) < 0) return context_failed(s, context, what);
  for (unsigned i = 0; i < o->lower_count; i++) {
    layers[i] = mapped(s, arg_text(o->lower + i) + o->cut);
    if (layers[i] < 0 || set_directory(s, context, "lowerdir+", layers[i]) < 0) return -1;
  }
  if (*o->upper && set_upper(s, o, context, &both) < 0) return -1;
  if (act_as_root(s, true) < 0) return failed(s, what);
  s->new_root = create(o, context);
  int error = errno;
  if (act_as_root(s, false) < 0) return failed(s, what);
  errno = error;
  if (s->new_root < 0) return context_failed(s, context, what);
  for (unsigned i = 0; i < o->lower_count; i++) close(layers[i]);
  free(layers);
  if (both >= 0) close(both);
  close(context);
  return chdir("/") < 0 ? failed(s, what) : 0;
}

static bool add(char *page, size_t *length, const char *before, const char *text) {
  int n = snprintf(page + *length, PAGE - *length, "%s%s", before, text);
  *length += n > 0 ? (size_t)n : 0;
  return *length < PAGE;
}

/* The kernel splits the page at commas and lowerdir at colons, but for those behind a backslash. */
static bool add_name(char *page, size_t *length, const char *before, const char *name) {
  bool fits = add(page, length, before, "");
  for (; fits && *name; name++) {
    char one[] = {*name, 0};
    fits = add(page, length, strchr(":,\\", *name) ? "\\" : "", one);
  }
  return fits;
}

static bool fill_page(const struct overlay *o, char *page) {
  size_t length = 0;
  bool fits = true;
  for (unsigned i = 0; fits && i < o->lower_count; i++) {
    fits = add_name(page, &length, i ? ":" : "lowerdir=", arg_text(o->lower + i) + o->cut);
  }
  /* No "rw" here: before Linux 6.5 overlay refuses what is not its own. */
  if (fits && o->is_volatile) fits = add(page, &length, ",", "volatile");
  for (unsigned i = 0; fits && i < o->option_count; i++) fits = add(page, &length, ",", arg_text(o->options + i));
  if (!fits || !*o->upper) return fits;
  return add_name(page, &length, ",upperdir=", o->upper + o->cut) && add_name(page, &length, ",workdir=", o->work + o->cut);
}

/* For kernels before 6.7, which know no lowerdir+ and take 255 bytes of a string: mount(2) on the directory one is in. That is
 * seen in this mount namespace only, and not for long. */
static int in_one_page(const struct overlay *o, const char *path) {
  char page[PAGE];
  if (!fill_page(o, page)) {
    errno = E2BIG;
    return -1;
  }
  if (syscall(SYS_mount, "overlay", ".", "overlay", 0ul, page) < 0) return -1;
  int mount = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE), error = errno;
  (void)syscall(SYS_umount2, path, MNT_DETACH);
  errno = error;
  return mount;
}

int op_root_overlay(struct setup *s, const struct arg *a, unsigned n) {
  struct overlay o;
  char path[PAGE];
  overlay_parse(&o, a, n);
  if (enter(&o, path, sizeof path) < 0) return failed(s, what);
  int context = sys_fsopen("overlay");
  if (context < 0) return failed(s, what);
  if (s->userns >= 0) return mount_mapped(s, &o, context);
  s->new_root = one_by_one(&o, context);
  int error = errno;
  /* Kernels that do not know lowerdir+ say so at once or in the end. */
  if (s->new_root < 0 && error == EINVAL) s->new_root = in_one_page(&o, path);
  errno = error;
  if (s->new_root < 0) return context_failed(s, context, what);
  close(context);
  return chdir("/") < 0 ? failed(s, what) : 0;
}
