/* AppArmor: which profile confines the container's processes. The kernel is told through a procfs of our own, never through the
 * container's, where an image or a volume may have put anything. What is told for the next execve is inherited by whoever is forked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

/* What proc_pid_attr_write takes at once, a small page. */
enum { COMMAND_MOST = 4096 };

/* Docker's sentence, whichever file it was. */
static const char sentence[] = "unable to apply apparmor profile: apparmor failed to apply profile: write /proc/thread-self/attr/apparmor/exec";

/* The directory is AppArmor's own: the files above it belong to whichever security module came first. */
static int tell(struct setup *s, const char *file, const char *command, const char *profile) {
  char text[COMMAND_MOST];
  int length = snprintf(text, sizeof text, "%s %s", command, profile), proc = private_proc(s);
  if (proc < 0) return -1;
  if ((size_t)length >= sizeof text) {
    errno = ENAMETOOLONG;
    return failed(s, sentence);
  }
  int fd = openat(proc, file, O_WRONLY | O_CLOEXEC);
  /* In one piece: the kernel takes no part of a command. */
  bool told = fd >= 0 && write(fd, text, (size_t)length) == length;
  int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  return told ? 0 : failed(s, sentence);
}

int op_apparmor(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  if (tell(s, "self/attr/apparmor/exec", "exec", arg_text(a)) < 0) return -1;
  s->profile = arg_text(a);
  if (s->reap) return 0; /* pid 1 of --init asks once more */
  close(s->proc);
  s->proc = -1;
  return 0;
}

int apparmor_change(struct setup *s) { return tell(s, "self/attr/apparmor/current", "changeprofile", s->profile); }
