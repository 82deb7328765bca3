/* What a process goes through between its fork and its exec: the interpreter of op programs and its state. */
#ifndef GANTRY_SETUP_H
#define GANTRY_SETUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ops.h"
#include "users.h"
#include "wire.h"

enum { CGROUPS_MOST = 32, OOM_SCORE_MOST = 8 };

/* Reports go to the monitor as datagrams; the end of file (close-on-exec) says that exec has happened. */
enum report_kind {
  REPORT_WAITING = 1, /* the program of CREATE is through; PROGRAM is awaited */
  REPORT_MOVED,       /* the set-up goes on in the process named in `value`, which is in another pid namespace */
  REPORT_CONSOLE,     /* with the descriptor of the terminal's master */
  REPORT_EXECING,     /* everything but the exec itself has succeeded */
  REPORT_FAILED,
  REPORT_DONE,   /* of a visit */
  REPORT_UNSERVED, /* of who serves checks: it could not begin this one */
  REPORT_SOCKETS /* with descriptors of those for name look-ups; text says where they are */
};

struct report {
  uint32_t kind;
  int32_t error;
  uint32_t stage, index, code, value;
  char text[1024];
};

struct setup {
  enum stage stage;
  int report;       /* descriptor of the report socket */
  int in, out, err; /* what becomes 0-2; -1: /dev/null until CONSOLE */
  int network;      /* a network namespace to go to first, -1: stay */
  bool tty, wait, reap;
  uint64_t rows, columns;
  const uint8_t *program;
  size_t length;
  bool serves; /* exec: stays, and runs the command whenever it is told to: checker.c */
  bool inside; /* exec: forked by who has joined them: no path is the host's, and `null` is its /dev/null */
  int null;
  int join; /* exec: pidfd of the process whose namespaces to join, -1: stay */
  char **cgroups; /* exec: files by which to join, last of all; NULL: it is in them */
  int cgroup_fds[CGROUPS_MOST];
  unsigned cgroup_count;

  uint32_t index, code; /* of the op that runs */
  int error;
  char text[1024];

  int root;     /* "/" as look-ups see it */
  int new_root; /* detached, until ROOT */
  int dev;      /* detached, until DEV_DONE */
  int proc;     /* private procfs, never attached */
  int oom;      /* this process' own oom_score_adj */
  char oom_score[OOM_SCORE_MOST]; /* inherited by intention; "": whatever it is */
  int userns;   /* of the container, until it is entered; what is opened meanwhile is mapped by it */
  bool remapped; /* the container's root by now, no longer the host's */
  bool joins_user;  /* exec: the user namespace, too */
  uid_t root_uid; /* the container's root on the host */
  gid_t root_gid;
  int slots[SLOTS];
  bool slot_recursive[SLOTS];
  bool slot_flat[SLOTS];

  bool looked_up;
  struct user user;
  uint64_t bounding, permitted, inheritable, ambient;
  bool caps;
  mode_t umask;
  char **environment;
  const char *profile; /* of AppArmor, that the next execve begins; NULL: none was named */
};

/* Joins the namespaces of a process (a pidfd), that of pids for what is forked next. */
int setup_join(int process, bool user);

/* Runs the program in this process, which was forked for it; ends in exec or in a report. */
_Noreturn void setup_run(struct setup *s);

/* Runs a program of a visit, once `enter` has joined the namespaces of s->join; ends in a report. */
_Noreturn void setup_visit(struct setup *s, int (*enter)(struct setup *));

/* Notes what failed and returns -1; the reason (errno) is put behind the text. */
int failed(struct setup *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with a sentence that is complete. */
int refused(struct setup *s, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

void report_send(struct setup *s, enum report_kind kind, uint32_t value, const int *fds, unsigned count);
/* Goes on in a new process (inside the pid namespace that was joined): the old one ends here. */
int move_on(struct setup *s);

/* inside.c: names inside the root. Descriptors returned are O_PATH. */
int open_inside(struct setup *s, const char *path, uint64_t flags);
int make_directories(struct setup *s, const char *path, mode_t mode);
int make_target(struct setup *s, const char *path, bool directory);

/* The ops, by the file they are in; each returns 0, or -1 after failed(). */
int op_cgroup(struct setup *s, const struct arg *a, unsigned n); /* kernel.c */
int op_unshare(struct setup *s, const struct arg *a, unsigned n);
int op_setns(struct setup *s, const struct arg *a, unsigned n);
int op_join(struct setup *s, const struct arg *a, unsigned n);
int op_hostname(struct setup *s, const struct arg *a, unsigned n);
int op_domainname(struct setup *s, const struct arg *a, unsigned n);
int op_sysctl(struct setup *s, const struct arg *a, unsigned n);
int op_rlimit(struct setup *s, const struct arg *a, unsigned n);
int op_oom_score(struct setup *s, const struct arg *a, unsigned n);
int op_devices(struct setup *s, const struct arg *a, unsigned n);
int op_loopback_up(struct setup *s, const struct arg *a, unsigned n); /* loopback.c */
int op_dns(struct setup *s, const struct arg *a, unsigned n);
int op_netlink(struct setup *s, const struct arg *a, unsigned n); /* netlink.c */
int op_netfilter(struct setup *s, const struct arg *a, unsigned n);
int op_propagation(struct setup *s, const struct arg *a, unsigned n); /* mounts.c */
int op_source(struct setup *s, const struct arg *a, unsigned n);
int op_root_bind(struct setup *s, const struct arg *a, unsigned n);
int op_root(struct setup *s, const struct arg *a, unsigned n);
int op_root_readonly(struct setup *s, const struct arg *a, unsigned n);
int op_mount(struct setup *s, const struct arg *a, unsigned n);
int op_bind(struct setup *s, const struct arg *a, unsigned n);
int op_mask(struct setup *s, const struct arg *a, unsigned n);
int op_readonly(struct setup *s, const struct arg *a, unsigned n);
int op_touch(struct setup *s, const struct arg *a, unsigned n);
int op_mkdir(struct setup *s, const struct arg *a, unsigned n);
int op_owner(struct setup *s, const struct arg *a, unsigned n); /* userns.c */
int op_userns(struct setup *s, const struct arg *a, unsigned n);
int op_userns_of(struct setup *s, const struct arg *a, unsigned n);
int op_enter(struct setup *s, const struct arg *a, unsigned n);
int op_new(struct setup *s, const struct arg *a, unsigned n);
int op_raise(struct setup *s, const struct arg *a, unsigned n);
int op_root_overlay(struct setup *s, const struct arg *a, unsigned n); /* overlay.c */
int op_dev(struct setup *s, const struct arg *a, unsigned n); /* dev.c */
int op_dev_node(struct setup *s, const struct arg *a, unsigned n);
int op_dev_link(struct setup *s, const struct arg *a, unsigned n);
int op_dev_dir(struct setup *s, const struct arg *a, unsigned n);
int op_dev_done(struct setup *s, const struct arg *a, unsigned n);
int op_console(struct setup *s, const struct arg *a, unsigned n);
int op_user_lookup(struct setup *s, const struct arg *a, unsigned n); /* identity.c */
int op_caps(struct setup *s, const struct arg *a, unsigned n);
int op_no_new_privileges(struct setup *s, const struct arg *a, unsigned n);
int op_seccomp(struct setup *s, const struct arg *a, unsigned n);
int op_identity(struct setup *s, const struct arg *a, unsigned n);
int op_apparmor(struct setup *s, const struct arg *a, unsigned n); /* apparmor.c */
int op_cwd(struct setup *s, const struct arg *a, unsigned n); /* command.c */
int op_env(struct setup *s, const struct arg *a, unsigned n);
int op_umask(struct setup *s, const struct arg *a, unsigned n);
int op_exec(struct setup *s, const struct arg *a, unsigned n);

/* Sets "key=value" or a bare key of what fsopen has opened. */
int context_option(int context, const char *option);
/* As failed(), with the file system's own words; closes the context. */
int context_failed(struct setup *s, int context, const char *what);
/* A detached mount of a new file system; options are key=value or a bare key. */
int new_filesystem(struct setup *s, const char *type, unsigned attributes, const struct arg *options, unsigned n);
/* The private procfs, made at first use. */
int private_proc(struct setup *s);
/* userns.c: maps all files of a detached mount, as the container's users see them; -1 and errno. */
int idmap(const struct setup *s, int mount, unsigned flags);
/* Whom files made from now on belong to, with all capabilities either way. */
int act_as_root(const struct setup *s, bool container);
/* command.c: the file that a command is, looked for as Docker does; runs it, or says why not and returns -1. */
int command_run(struct setup *s, char **argv);
/* After the user namespace was joined. */
int become_root(struct setup *s);
/* apparmor.c: this process, which executes nothing, goes on in the profile that OP_APPARMOR named. */
int apparmor_change(struct setup *s);
/* exec: joins the namespaces of init. */
int join_container(struct setup *s);
/* Handlers and the signal mask as a program expects them. */
void reset_signals(void);

#endif
