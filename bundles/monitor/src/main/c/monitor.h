/* The monitor of one container: parent and subreaper of its processes, holder of their stdio.
 *
 * Phases: created (init exists, its set-up runs or waits for PROGRAM), running (exec has happened), exited (the exit
 * record is on disk). Until COMMIT the container belongs to the connection that created it and dies with it; after
 * that the monitor answers to anybody on DIR/ctl.sock. Nothing here waits: every descriptor is in the event loop, and
 * what could block (mounts, cgroups, look-ups in an image) happens in forked processes that report back. */
#ifndef GANTRY_MONITOR_H
#define GANTRY_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buffer.h"
#include "loop.h"
#include "setup.h"
#include "spool.h"
#include "wire.h"

enum { CONNECTIONS_MOST = 1024, EXECS_MOST = 1024, LAG_MOST = 1 << 20, ID_LENGTH = 64 };

struct process;
struct visit;

/* An end of a pipe or terminal that output comes from. */
struct source {
  struct watch watch;
  struct process *process;
  unsigned stream; /* 1 stdout and terminals, 2 stderr */
  bool grown;
};

struct connection {
  struct connection *next;
  struct watch watch;
  enum { FRESH, CONTROL, STREAM } kind;
  bool creator;
  bool ended;   /* the peer sends no more */
  bool broken;  /* the peer takes no more */
  bool closing; /* to be closed when what is queued has gone */
  struct reader reader;
  struct buffer queue;
  struct process *process; /* of a stream */
  uint64_t streams;
  struct visit *visit; /* whose end is its answer */
  /* What a head that was sent or queued has promised and still lies in this source's pipe: it goes by splice(2), and
   * nothing of the process is read or queued before it has gone. */
  struct source *from;
  size_t left;
};

struct process {
  struct process *next;
  char id[ID_LENGTH + 1]; /* of an exec; empty for init */
  bool tty, keeps_stdin, closes_stdin;
  bool execing, started, reaped, finished;
  bool checks; /* a health check: no client asked for it */
  pid_t pid;
  uint64_t start; /* field 22 of /proc/PID/stat */
  struct watch report;
  struct source out, err;
  struct watch in;
  int terminal; /* the end the process has: while it is open here too, a program may close and open it again */
  struct buffer input;
  bool close_input;
  uint64_t rows, columns;
  int wait_status;
  uint64_t end_ns, drain_until_ms;
  struct report *failure; /* NULL: there was none */
};

struct ending {
  uint64_t status, signal, time_ns, oom_kills, cpu_ns;
};

struct monitor {
  char *instance, *container, *dir, *cpu_file;
  char **oom_files, **cgroups;
  int dir_fd;
  uint64_t flags, clone, phase;
  bool committed, runtime, remapped, own_pids, quit, failed, logs_input, watch_oom;
  struct process *init, *processes; /* init is among the processes until it has finished */
  struct connection *connections;
  unsigned connection_count, exec_count;
  struct spool *spool;
  struct watch listener, signals;
  struct ending ending;
  uint64_t init_pid, init_start;
  uint64_t started_ms; /* monotonic */
};

extern struct monitor monitor;

/* A CREATE is about to come: makes what takes long and depends on nothing else. */
void monitor_expect(const struct message *expect);
_Noreturn void monitor_main(int connection, const struct message *create);
void monitor_hello(struct buffer *b);
/* What became of a process; init's end is the container's. */
void monitor_started(struct process *p);
void monitor_start_failed(struct process *p);
void monitor_finished(struct process *p);
/* The creator has gone before COMMIT: the container goes too. */
_Noreturn void monitor_destroy(void);
struct process *monitor_find_exec(const char *id);
/* One more process that was exec'ed, and the same taken back. */
void monitor_add(struct process *p);
void monitor_forget(struct process *p);
/* What the monitor has to know of a program that was checked: whether the container has users of its own, and pids. */
void monitor_look_through(const uint8_t *program, size_t length);
/* Gives init the rest of its program; an errno when that cannot be. */
int monitor_continue(const uint8_t *program, size_t length);
int monitor_reopen_log(const struct message *m);
int monitor_log_compressed(const struct message *m);
/* Nobody connects any more; the path may be another monitor's soon. */
void monitor_leave_socket(void);

/* oom.c */
/* Begins to watch, where the engine asked for it; the group is there by now. */
void oom_watch(void);
/* When the next look is due; 0 for never. */
uint64_t oom_look_at_ms(void);
void oom_check(uint64_t now_ms);

/* process.c */
struct process *process_new(const char *id, uint64_t flags, uint64_t rows, uint64_t columns);
/* Makes the pipes (none for a terminal) and the report socket; child[0..2] and *report are the other ends. */
int process_open(struct process *p, int child[3], int *report);
void process_close_child_ends(int child[3], int report);
void process_free(struct process *p);
void process_failed(struct process *p, const struct report *r);
void process_input(struct process *p, const uint8_t *data, size_t length);
void process_end_input(struct process *p);
/* To its process group as well, if it is one's leader. */
int process_signal(const struct process *p, int number, bool group);
/* For one that has no pipes of ours. */
void process_take_output(struct process *p, int fd);
int process_resize(struct process *p, uint64_t rows, uint64_t columns);
void process_read_report(struct process *p);
void process_reaped(struct process *p, int wait_status);
/* After the drain limit: output that somebody still holds open is given up. */
void process_check_drain(struct process *p, uint64_t now_ms);
/* Looks again at which sources may be read and which streams may send. */
void process_flow(struct process *p);

/* connection.c */
void connection_new(int fd, bool creator);
void connection_stream(struct connection *c, struct process *p, uint64_t streams);
void connection_frame(struct connection *c, unsigned stream, const uint8_t *data, size_t length);
/* The only connection that looks at a process, NULL when there are more or none, or it is behind. */
struct connection *connection_only(const struct process *p, unsigned stream);
/* Lets what lies in a source's pipe go to a connection without coming here; false when that cannot be. */
bool connection_splice(struct connection *c, struct source *s, size_t length);
/* The processes' pipes are about to be read to the end, or closed. */
void connections_unsplice(const struct process *p);
void connection_send(struct connection *c);
void connection_flow(struct connection *c);
void connection_error(struct connection *c, int error, const char *text);
/* To every control connection. */
void connections_tell(const struct buffer *message);
/* The process has ended: its streams close when they are empty. */
void connections_end_streams(struct process *p);
/* There is no container to tell of any more. */
void connections_close_control(void);
/* Drops connections that are done, and control clients that do not read what they are told. */
void connections_sweep(void);
bool connections_have_control(void);
bool connections_have_streams(void);

/* exec.c */
void exec_start(struct connection *c, const struct message *m);
/* Starts a process that was made for it, which is the monitor's then; -1 and errno: it is gone. */
int exec_process(struct process *p, const struct attribute *program);
/* Forks, in the container's cgroups, who serves checks over this socket; -1 and errno. */
int exec_checker(int socket, const struct attribute *program);
/* Opens a file of the control group that this one is of; -1 and errno. */
int exec_open_beside(const char *file, const char *name);
/* Kills a child of ours in the container's cgroups and waits for that, but not for ever. */
void exec_kill(pid_t pid);
bool park_is(pid_t pid);
void park_end(void);

/* health.c */
/* A CHECK; 0 or an errno. */
int health_ask(const struct message *m);
void health_put(struct buffer *b);
void health_output(const struct process *p, const uint8_t *data, size_t length);
/* What became of the check: it runs, it could not be begun this way, it is over. */
void health_begun(struct process *p);
void health_served(pid_t pid, int output);
void health_not_served(void);
void health_refused(const struct report *r);
void health_finished(struct process *p);
/* The container has ended. */
void health_end(void);
/* When something is to be done; 0 for never. */
uint64_t health_look_at_ms(void);
void health_look(uint64_t now_ms);

/* visit.c */
void visit_start(struct connection *c, const struct message *m);
bool visit_is(pid_t pid);
/* When the next one has to be over; 0 for never. */
uint64_t visits_look_at_ms(void);
void visits_check(uint64_t now_ms);

/* record.c */
uint64_t record_start_time(pid_t pid);
/* Processes of the container that were killed for want of memory. */
uint64_t record_oom_kills(void);
void record_ending(struct ending *e, const struct process *p);
void record_exit(const struct process *p, const struct ending *e);
void record_remember(const char *id, const struct ending *e);
void record_put_remembered(struct buffer *b);
void put_ending(struct buffer *b, const struct ending *e);

#endif
