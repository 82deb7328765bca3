/* Tests with real containers, as root. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

int failures;

/* ---- tests ---- */

static void output_and_status_arrive_and_are_kept(void) {
  struct container c;
  char log[4096];
  create(&c, 0, "", "/", "echo out; echo err >&2; exit 7");
  int both = attach(&c, STREAM_STDOUT | STREAM_STDERR), errors = attach(&c, STREAM_STDERR);
  started(&c);
  exited(&c, 7);
  CHECK_TEXT(drain(both, false), "out\n");
  CHECK_TEXT((const char *)carried[2].data, "err\n");
  CHECK_TEXT(drain(errors, false), "");
  CHECK_TEXT((const char *)carried[2].data, "err\n");
  CHECK(read_file(AT_FDCWD, in_dir(&c, "log"), log, sizeof log) > 0);
  CHECK(strstr(log, "{\"log\":\"out\\n\",\"stream\":\"stdout\",") != NULL);
  CHECK(strstr(log, "{\"log\":\"err\\n\",\"stream\":\"stderr\",") != NULL);
  gone(&c);
}

static void a_container_sees_three_descriptors_and_nothing_of_the_host(void) {
  CHECK_TEXT(output_of("", "/", "for f in /proc/self/fd/*; do echo ${f##*/}; done | head -n 4", 0), "0\n1\n2\n3\n");
  CHECK_TEXT(output_of("", "/", "readlink /proc/1/fd/0; cat /proc/1/comm; cat /proc/1/oom_score_adj; umask", 0), "/dev/null\nsh\n0\n0022\n");
  CHECK_TEXT(output_of("", "/", "exec grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status", 0),
             "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n");
  CHECK_TEXT(output_of("", "/", "ls / | tr '\\n' ' '", 0), "bin dev etc proc sys tmp ");
}

static const char *network_of(struct container *c, uint64_t clone, uint64_t expectation) {
  struct writer w;
  new_container(c);
  rooted(&w, c);
  foretold = expectation;
  create_waiting(c, 0, clone, &w);
  foretold = 1;
  becoming(&c->rest, "", "/");
  running(&c->rest, "readlink /proc/self/ns/net; cat /proc/net/dev | wc -l; cat /sys/class/net/lo/operstate; ls /proc/self/fd | wc -l");
  int stream = attach(c, STREAM_STDOUT);
  started(c);
  exited(c, 0);
  const char *text = drain(stream, false);
  gone(c);
  return text;
}

/* One that is made while CREATE is on its way is as good, goes to nobody else, and to nobody who does not want one. */
static void a_network_may_be_made_ahead(void) {
  struct container c;
  char ours[64] = "", line[64], first[512];
  CHECK(readlink("/proc/self/ns/net", ours, sizeof ours - 1) > 0);
  snprintf(line, sizeof line, "%s\n", ours);
  const char *text = network_of(&c, NAMESPACES, CLONE_NEWNET);
  CHECK(strncmp(text, line, strlen(line)) != 0);
  CHECK(strstr(text, "\n3\ndown\n4\n") != NULL);
  snprintf(first, sizeof first, "%s", text);
  text = network_of(&c, NAMESPACES, 0);
  CHECK(strncmp(text, line, strlen(line)) != 0);
  CHECK(strstr(text, "\n3\ndown\n4\n") != NULL);
  text = network_of(&c, NAMESPACES & ~CLONE_NEWNET, CLONE_NEWNET);
  CHECK(strncmp(text, line, strlen(line)) == 0);
}

/* The process at the other end. */
static pid_t peer_of(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  CHECK_NUMBER(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
  return peer.pid;
}

static unsigned children_of(pid_t pid) {
  char path[64], text[4096], *rest = NULL;
  unsigned count = 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
  CHECK(read_file(AT_FDCWD, path, text, sizeof text) >= 0);
  for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) count++;
  return count;
}

static void who_expects_and_leaves_leaves_nothing(void) {
  int fd = dial(in_scratch("spawn/spawn.sock"));
  pid_t zygote = peer_of(fd); /* who listens */
  close(fd);
  AWAIT(children_of(zygote) == 0);
  fd = dial(in_scratch("spawn/spawn.sock"));
  send_number(fd, MSG_EXPECT, TAG_CLONE, CLONE_NEWNET);
  AWAIT(children_of(zygote) == 1);
  close(fd);
  AWAIT(children_of(zygote) == 0);
  fd = dial(in_scratch("spawn/spawn.sock"));
  send_number(fd, MSG_EXPECT, TAG_CLONE, 0);
  request(fd, MSG_QUIT); /* nothing but CREATE may follow */
  expect_end(fd);
  close(fd);
  fd = dial(in_scratch("spawn/spawn.sock"));
  request(fd, MSG_QUERY);
  CHECK_NUMBER(message_u64(expect(fd, MSG_HELLO), TAG_MONITOR_PID, 0), zygote);
  expect_end(fd);
  close(fd);
}

static void masks_and_read_only_paths_hold(void) {
  CHECK_TEXT(output_of("", "/", "ls /sys/firmware /proc/acpi; wc -c < /proc/interrupts", 0), "/proc/acpi:\n\n/sys/firmware:\n0\n");
  CHECK_TEXT(output_of("", "/", "echo 1 > /proc/sys/vm/swappiness || echo refused", 0), "refused\n");
}

static void users_get_their_groups_and_lose_their_capabilities(void) {
  CHECK_TEXT(output_of("bob", "/", "id; echo $HOME; grep -E 'Cap(Inh|Prm|Eff|Amb)' /proc/self/status | cut -f2 | sort -u", 0),
             "uid=1000(bob) gid=1000(bob) groups=10(wheel),1000(bob)\n/home/bob\n0000000000000000\n");
  CHECK_TEXT(output_of("", "/tmp", "pwd; grep CapBnd /proc/self/status", 0), "/tmp\nCapBnd:\t00000000a80425fb\n");
  CHECK_TEXT(output_of("bob", "/", "echo again > /dev/fd/1", 0), "again\n"); /* the pipe was given to the user */
}

struct refusal {
  const char *command, *user, *cwd, *text;
  int error;
};

static void refused_for(const struct refusal *r) {
  struct container c;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  furnished(&w, false);
  becoming(&w, r->user, r->cwd);
  op_start(&w, OP_EXEC);
  op_text(&w, r->command);
  create_with(&c, 0, NAMESPACES, &w);
  const struct message *m = expect(c.fd, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), r->text);
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), r->error);
  CHECK_NUMBER(message_u64(m, TAG_STAGE, 0), STAGE_INIT);
  expect_end(c.fd);
  CHECK(!exists(in_dir(&c, "exit")));
  gone(&c);
}

static void what_cannot_run_is_refused_in_dockers_words(void) {
  static const struct refusal refusals[] = {
      {"nosuch", "", "/", "exec: \"nosuch\": executable file not found in $PATH", ENOENT},
      {"/no/such", "", "/", "exec: \"/no/such\": stat /no/such: no such file or directory", ENOENT},
      {"/etc/passwd", "", "/", "exec: \"/etc/passwd\": permission denied", EACCES},
      {"/etc", "", "/", "exec: \"/etc\": is a directory", EISDIR},
      {"/etc/text", "", "/", "exec /etc/text: exec format error", ENOEXEC},
      {"true", "zork", "/", "unable to find user zork: no matching entries in passwd file", ENOENT},
      {"true", "bob:zork", "/", "unable to find group zork: no matching entries in group file", ENOENT},
      {"true", "99999999999", "/", "uids and gids must be in range 0-2147483647", ERANGE},
      {"true", "", "/proc/self/fd/3", "chdir to cwd (\"/proc/self/fd/3\") set in config.json failed: too many levels of symbolic links", ELOOP},
      {"true", "", "/nowhere", "chdir to cwd (\"/nowhere\") set in config.json failed: no such file or directory", ENOENT},
  };
  for (unsigned i = 0; i < COUNT(refusals); i++) refused_for(refusals + i);
}

/* Also by a kernel without AppArmor: what asks for confinement does not run without. */
static void a_profile_that_is_not_there_is_refused(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  furnished(&w, false);
  op_start(&w, OP_APPARMOR);
  op_text(&w, "gantry-no-such-profile");
  becoming(&w, "", "/");
  op_start(&w, OP_EXEC);
  op_text(&w, "true");
  create_with(&c, 0, NAMESPACES, &w);
  const struct message *m = expect(c.fd, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT),
             "unable to apply apparmor profile: apparmor failed to apply profile: write /proc/thread-self/attr/apparmor/exec: no such file or directory");
  CHECK_NUMBER(message_u64(m, TAG_OP_CODE, 0), OP_APPARMOR);
  expect_end(c.fd);
  gone(&c);
}

static void a_malformed_program_is_refused_before_it_runs(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  program_start(&w);
  op_start(&w, OP_UNSHARE);
  op_text(&w, "all");
  create_with(&c, 0, NAMESPACES, &w);
  const struct message *m = expect(c.fd, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), "malformed argument");
  CHECK_NUMBER(message_u64(m, TAG_OP_CODE, 0), OP_UNSHARE);
  gone(&c);
}

static size_t log_size(const struct container *c) {
  struct stat st;
  return stat(in_dir(c, "log"), &st) == 0 ? (size_t)st.st_size : 0;
}

/* Whether a size stays as it is for a while: the other side waits. */
static bool stands_still(const struct container *c) {
  size_t before = log_size(c);
  poll(NULL, 0, 300);
  return before > 0 && log_size(c) == before;
}

static void a_slow_client_holds_the_container_back_and_loses_nothing(void) {
  struct container c;
  create(&c, 0, "", "/", "yes 0123456789abcdef | head -c 20000000");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  AWAIT(stands_still(&c));
  CHECK(log_size(&c) < 20000000);
  drain(stream, false);
  CHECK_NUMBER(carried_length(1), 20000000);
  exited(&c, 0);
  gone(&c);
}

static void a_client_that_leaves_lets_the_container_go_on(void) {
  struct container c;
  create(&c, 0, "", "/", "yes 0123456789abcdef | head -c 20000000");
  int stream = attach(&c, STREAM_STDOUT), other = attach(&c, STREAM_STDOUT);
  started(&c);
  AWAIT(stands_still(&c));
  close(stream);
  drain(other, false);
  CHECK_NUMBER(carried_length(1), 20000000);
  exited(&c, 0);
  gone(&c);
}

static void a_terminal_has_size_echo_and_control(void) {
  struct container c;
  struct buffer b = {0};
  create(&c, FLAG_TTY | FLAG_STDIN, "", "/", "stty size; tty; read x; stty size; echo got $x; test -c /dev/console && exit 3");
  int stream = attach(&c, STREAM_STDIN | STREAM_STDOUT);
  started(&c);
  size_t begin = message_begin(&b, MSG_RESIZE);
  message_put_u64(&b, TAG_ROWS, 50);
  message_put_u64(&b, TAG_COLUMNS, 90);
  char first[32] = "";
  CHECK_NUMBER(read_all(stream, first, 20), 20);
  CHECK(strncmp(first, "40 100\r\n/dev/pts/0\r\n", 20) == 0);
  send_and_clear(c.fd, &b, begin);
  expect(c.fd, MSG_OK);
  send_text(stream, MSG_STDIN, "word\n");
  exited(&c, 3);
  CHECK_TEXT(drain(stream, true), "word\r\n50 90\r\ngot word\r\n");
  gone(&c);
}

static void a_terminal_may_be_closed_and_opened_again(void) {
  struct container c;
  create(&c, FLAG_TTY, "", "/", "echo one; exec </dev/null >/dev/null 2>&1; sleep 0.1; echo two >/dev/console; exit 3");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  exited(&c, 3);
  CHECK_TEXT(drain(stream, true), "one\r\ntwo\r\n");
  gone(&c);
}

static void input_ends_by_message_and_only_once(void) {
  struct container c;
  create(&c, FLAG_STDIN | FLAG_STDIN_ONCE, "", "/", "cat; echo end");
  int lost = attach(&c, STREAM_STDIN), stream = attach(&c, STREAM_STDIN | STREAM_STDOUT);
  started(&c);
  send_text(lost, MSG_STDIN, "one\n");
  char head[12];
  CHECK_NUMBER(read_all(stream, head, sizeof head), (long long)sizeof head);
  close(lost);
  send_text(stream, MSG_STDIN, "two\n");
  request(stream, MSG_CLOSE_STDIN);
  CHECK_TEXT(drain(stream, false), "two\nend\n");
  exited(&c, 0);
  gone(&c);
}

static char exec_id[65];
static const char *exec_score; /* NULL: none is asked for */

static int exec_with(struct container *c, uint64_t streams, uint64_t flags, const char *script) {
  static unsigned number;
  struct writer w;
  struct buffer b = {0};
  int fd = control(c, 0);
  program_start(&w);
  if (exec_score) {
    op_start(&w, OP_OOM_SCORE);
    op_text(&w, exec_score);
  }
  if (flags & FLAG_TTY) op_start(&w, OP_CONSOLE);
  becoming(&w, "", "/");
  running(&w, script);
  snprintf(exec_id, sizeof exec_id, "%064x", ++number);
  size_t begin = message_begin(&b, MSG_EXEC);
  message_put_text(&b, TAG_EXEC_ID, exec_id);
  message_put_u64(&b, TAG_STREAMS, streams);
  message_put_u64(&b, TAG_FLAGS, flags);
  message_put(&b, TAG_PROGRAM, w.b.data, w.b.end);
  send_and_clear(fd, &b, begin);
  buffer_clear(&w.b);
  return fd;
}

static void exec_ended(struct container *c, uint64_t status) {
  const struct message *m = expect(c->fd, MSG_EXEC_EXIT);
  CHECK_TEXT(text_of(m, TAG_EXEC_ID), exec_id);
  CHECK_NUMBER(message_u64(m, TAG_STATUS, 999), status);
  CHECK(!exists(in_dir(c, "exec"))); /* nobody reads of it there */
}

static void execs_join_the_container_and_report(void) {
  struct container c;
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  int stream = exec_with(&c, STREAM_STDOUT, 0,
                         "until grep -q ^sleep /proc/1/cmdline; do :; done; tr '\\0' ' ' < /proc/1/cmdline;"
                         "readlink /proc/self/fd/0; exit 9");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "sleep 1000 /dev/null\n");
  exec_ended(&c, 9);
  stream = exec_with(&c, STREAM_STDIN | STREAM_STDOUT, 0, "cat");
  expect(stream, MSG_EXEC_STARTED);
  send_text(stream, MSG_STDIN, "through\n");
  request(stream, MSG_CLOSE_STDIN);
  CHECK_TEXT(drain(stream, false), "through\n");
  exec_ended(&c, 0);
  stream = exec_with(&c, STREAM_STDOUT, FLAG_TTY, "tty");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, true), "/dev/pts/0\r\n");
  exec_ended(&c, 0);
  stream = exec_with(&c, 0, 0, "exit 4");
  expect(stream, MSG_EXEC_STARTED);
  expect_end(stream);
  close(stream);
  exec_ended(&c, 4);
  gone(&c);
}

/* The one that is parked has that of the exec before. */
static void each_exec_gets_the_score_it_asks_for(void) {
  static const char *const scores[] = {"500", "3", NULL, "1000", "+7"}, *const seen[] = {"500", "3", "0", "1000", "7"};
  struct container c;
  char text[64];
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  for (unsigned i = 0; i < COUNT(scores); i++) {
    exec_score = scores[i];
    int stream = exec_with(&c, STREAM_STDOUT, 0, "cat /proc/self/oom_score_adj /proc/1/oom_score_adj; ls /proc/self/fd | wc -l");
    exec_score = NULL;
    expect(stream, MSG_EXEC_STARTED);
    snprintf(text, sizeof text, "%s\n0\n4\n", seen[i]);
    CHECK_TEXT(drain(stream, false), text);
    exec_ended(&c, 0);
  }
  gone(&c);
}

static void an_exec_that_fails_says_why_and_harms_nobody(void) {
  struct container c;
  struct writer w;
  struct buffer b = {0};
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  int fd = control(&c, 0);
  program_start(&w);
  op_start(&w, OP_EXEC);
  op_text(&w, "nosuch");
  size_t begin = message_begin(&b, MSG_EXEC);
  message_put_text(&b, TAG_EXEC_ID, exec_id);
  message_put(&b, TAG_PROGRAM, w.b.data, w.b.end);
  send_and_clear(fd, &b, begin);
  buffer_clear(&w.b);
  const struct message *m = expect(fd, MSG_ERROR);
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), ENOENT);
  CHECK_NUMBER(message_u64(m, TAG_STAGE, 0), STAGE_EXEC);
  expect_end(fd);
  close(fd);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  gone(&c);
}

static void many_execs_run_at_once(void) {
  enum { MANY = 40 };
  struct container c;
  int streams[MANY];
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  for (int i = 0; i < MANY; i++) streams[i] = exec_with(&c, STREAM_STDIN | STREAM_STDOUT, 0, "read x; echo $x");
  for (int i = 0; i < MANY; i++) {
    expect(streams[i], MSG_EXEC_STARTED);
    send_text(streams[i], MSG_STDIN, "here\n");
  }
  for (int i = 0; i < MANY; i++) CHECK_TEXT(drain(streams[i], false), "here\n");
  gone(&c);
}

static void a_committed_container_outlives_its_creator(void) {
  struct container c;
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  commit(&c);
  close(c.fd);
  int query = control(&c, MSG_QUERY);
  const struct message *hello = expect(query, MSG_HELLO);
  CHECK_NUMBER(message_u64(hello, TAG_PHASE, 9), PHASE_RUNNING);
  CHECK_NUMBER(message_u64(hello, TAG_COMMITTED, 0), 1);
  CHECK_NUMBER(message_u64(hello, TAG_INIT_PID, 0), c.pid);
  expect_end(query);
  close(query);
  c.fd = control(&c, MSG_CONTROL);
  expect(c.fd, MSG_HELLO);
  request(c.fd, MSG_QUIT);
  CHECK_NUMBER(message_u64(expect(c.fd, MSG_ERROR), TAG_ERRNO, 0), EBUSY);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  int late = control(&c, MSG_QUERY);
  hello = expect(late, MSG_HELLO);
  CHECK_NUMBER(message_u64(hello, TAG_PHASE, 9), PHASE_EXITED);
  CHECK_NUMBER(message_u64(hello, TAG_STATUS, 0), 137);
  close(late);
  request(c.fd, MSG_QUIT);
  expect(c.fd, MSG_OK);
  CHECK(!exists(in_dir(&c, "ctl.sock"))); /* by now: the next start makes one of this name */
  expect_end(c.fd);
  gone(&c);
}

static uint64_t asked(const struct container *c, enum tag tag) {
  int query = control(c, MSG_QUERY);
  uint64_t value = message_u64(expect(query, MSG_HELLO), tag, 0);
  expect_end(query);
  close(query);
  return value;
}

/* The monitor, stopped: what is sent to it meanwhile it finds all at once. */
static pid_t stopped_monitor(const struct container *c) {
  char state[512], path[64];
  pid_t pid = (pid_t)asked(c, TAG_MONITOR_PID);
  CHECK(pid > 1);
  CHECK_NUMBER(kill(pid, SIGSTOP), 0);
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  AWAIT(read_file(AT_FDCWD, path, state, sizeof state) > 0 && strstr(state, ") T "));
  return pid;
}

/* The one that waits for the next exec, a child of the monitor. */
static pid_t parked_of(pid_t monitor) {
  char path[64], children[512], title[32], *rest = NULL;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)monitor, (int)monitor);
  CHECK(read_file(AT_FDCWD, path, children, sizeof children) > 0);
  for (char *word = strtok_r(children, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    snprintf(path, sizeof path, "/proc/%.20s/comm", word);
    if (read_file(AT_FDCWD, path, title, sizeof title) > 0 && !strcmp(title, "gantry-exec\n")) return (pid_t)strtol(word, NULL, 10);
  }
  return 0;
}

/* Also when it has moved since the exec before; and whoever joined for that one is not seen, nor left. */
static void execs_go_where_init_is_and_nobody_stays_there(void) {
  struct container c;
  struct writer w;
  char path[64];
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES, &w);
  op_start(&c.rest, OP_ENV);
  op_text(&c.rest, "PATH=/bin");
  running(&c.rest, "until [ -e /tmp/go ]; do :; done; exec unshare -u sh -c 'hostname moved; exec sleep 1000'");
  started(&c);
  int stream = exec_with(&c, STREAM_STDOUT, 0,
                         "cat /proc/[0-9]*/comm | grep -c gantry; touch /tmp/go; until grep -q ^sleep /proc/1/cmdline; do :; done");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "0\n");
  exec_ended(&c, 0);
  stream = exec_with(&c, STREAM_STDOUT, 0, "hostname; cat /proc/self/oom_score_adj; ls /proc/self/fd | wc -l");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "moved\n0\n4\n");
  exec_ended(&c, 0);
  pid_t monitor_pid = (pid_t)asked(&c, TAG_MONITOR_PID), parked = parked_of(monitor_pid);
  CHECK(parked > 1);
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)parked);
  CHECK(exists(path));
  CHECK_NUMBER(kill(monitor_pid, SIGKILL), 0);
  AWAIT(!exists(path));
  CHECK_NUMBER(kill((pid_t)c.pid, SIGKILL), 0);
  close(c.fd);
}

/* Whoever traces a process hears of its end first: until then the monitor does not know that the parked one is gone. */
static void an_exec_does_without_a_parked_process_that_was_killed(void) {
  struct container c;
  char path[64], state[512];
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  int stream = exec_with(&c, STREAM_STDOUT, 0, "echo one");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "one\n");
  exec_ended(&c, 0);
  pid_t parked = parked_of((pid_t)asked(&c, TAG_MONITOR_PID));
  CHECK(parked > 1);
  CHECK_NUMBER(ptrace(PTRACE_SEIZE, parked, NULL, NULL), 0);
  CHECK_NUMBER(kill(parked, SIGKILL), 0);
  snprintf(path, sizeof path, "/proc/%d/stat", (int)parked);
  AWAIT(read_file(AT_FDCWD, path, state, sizeof state) > 0 && strstr(state, ") Z "));
  stream = exec_with(&c, STREAM_STDOUT, 0, "echo two");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "two\n");
  exec_ended(&c, 0);
  CHECK_NUMBER(waitpid(parked, NULL, __WALL), parked);
  AWAIT(!exists(path));
  stream = exec_with(&c, STREAM_STDOUT, 0, "echo three");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "three\n");
  exec_ended(&c, 0);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  gone(&c);
}

static void a_commit_counts_whatever_could_not_be_answered(void) {
  struct container c;
  create(&c, 0, "", "/", "sleep 1000");
  pid_t pid = stopped_monitor(&c);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, 0); /* has an answer, which nobody takes */
  send_rest(&c);
  request(c.fd, MSG_COMMIT);
  close(c.fd);
  CHECK_NUMBER(kill(pid, SIGCONT), 0);
  AWAIT(asked(&c, TAG_COMMITTED) == 1 && asked(&c, TAG_PHASE) == PHASE_RUNNING);
  c.fd = control(&c, MSG_CONTROL);
  expect(c.fd, MSG_HELLO);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  gone(&c);
}

static void a_monitor_accepts_again_when_there_are_descriptors(void) {
  struct container c;
  struct rlimit files, few = {0};
  char path[64];
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  pid_t pid = stopped_monitor(&c);
  CHECK_NUMBER(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, NULL, &files), 0);
  few.rlim_max = files.rlim_max;
  do snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, (int)++few.rlim_cur);
  while (exists(path));
  CHECK_NUMBER(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &few, NULL), 0);
  int query = control(&c, MSG_QUERY);
  CHECK_NUMBER(kill(pid, SIGCONT), 0);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, 0); /* those that are open are served */
  expect(c.fd, MSG_ERROR);
  struct pollfd none = {.fd = query, .events = POLLIN};
  CHECK_NUMBER(poll(&none, 1, 0), 0);
  CHECK_NUMBER(syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &files, NULL), 0);
  CHECK_NUMBER(message_u64(expect(query, MSG_HELLO), TAG_PHASE, 9), PHASE_RUNNING);
  close(query);
  gone(&c);
}

static void without_commit_the_end_of_the_connection_destroys(void) {
  struct container c;
  create(&c, 0, "", "/", "trap '' TERM HUP; sleep 1000");
  started(&c);
  char process[32];
  snprintf(process, sizeof process, "/proc/%d", (int)c.pid);
  CHECK(exists(process));
  gone(&c);
  CHECK(!exists(process));
  CHECK(!exists(in_dir(&c, "exit")));
}

static void a_program_comes_only_once_and_only_when_awaited(void) {
  struct container c;
  create(&c, 0, "", "/", "sleep 1000");
  struct writer again;
  program_start(&again);
  started(&c);
  c.rest = again;
  send_rest(&c);
  CHECK_NUMBER(message_u64(expect(c.fd, MSG_ERROR), TAG_ERRNO, 0), EINVAL);
  gone(&c);
}

static void init_reaps_orphans_and_passes_signals_on(void) {
  struct container c;
  create(&c, FLAG_SUBREAPER_INIT, "", "/", "trap 'exit 5' TERM; cat /proc/1/comm; tr '\\0' ' ' < /proc/1/cmdline; (true &); while :; do sleep 0.01; done");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  uint8_t head[8];
  CHECK_NUMBER(read_all(stream, head, 8), 8);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGTERM);
  expect(c.fd, MSG_OK);
  exited(&c, 5);
  close(stream);
  char log[4096];
  CHECK(read_file(AT_FDCWD, in_dir(&c, "log"), log, sizeof log) > 0);
  CHECK(strstr(log, "gantry-init\\n") != NULL);
  CHECK(strstr(log, scratch) == NULL);
  gone(&c);
}

static void orphans_of_a_shared_pid_namespace_are_killed(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES & ~CLONE_NEWPID, &w);
  becoming(&c.rest, "", "/");
  running(&c.rest, "(sleep 1000 & echo $! > /tmp/pid; wait) & until test -s /tmp/pid; do sleep 0.01; done; exit 4");
  started(&c);
  exited(&c, 4);
  char text[32], path[400];
  snprintf(path, sizeof path, "%s/tmp/pid", c.root);
  CHECK(read_file(AT_FDCWD, path, text, sizeof text) > 0);
  text[strcspn(text, "\n")] = 0;
  snprintf(path, sizeof path, "/proc/%s", text);
  AWAIT(!exists(path));
  gone(&c);
}

/* Builds the program of a container with one bind and runs it; returns the output, or the refusal. */
static const char *with_bind(const char *prepare, const char *target, uint64_t attributes, const char *script) {
  static char text[2048];
  struct container c;
  struct writer w;
  new_container(&c);
  shell("cd %s && %s", c.root, prepare);
  rooted(&w, &c);
  op_start(&w, OP_SOURCE);
  op_number(&w, 3);
  op_text(&w, in_scratch("volume"));
  op_number(&w, 1);
  create_waiting(&c, 0, NAMESPACES, &w);
  op_start(&c.rest, OP_BIND);
  op_number(&c.rest, 3);
  op_text(&c.rest, target);
  op_number(&c.rest, attributes);
  op_number(&c.rest, 0);
  op_number(&c.rest, MS_PRIVATE);
  op_number(&c.rest, 0);
  becoming(&c.rest, "", "/");
  running(&c.rest, script);
  int stream = attach(&c, STREAM_STDOUT | STREAM_STDERR);
  send_rest(&c);
  reader_reset(&answer);
  while (reader_step(&answer, c.fd) == READ_MORE) continue;
  if (answer.message.type == MSG_ERROR) snprintf(text, sizeof text, "refused: %s", text_of(&answer.message, TAG_TEXT));
  const char *output = drain(stream, false);
  if (answer.message.type != MSG_ERROR) {
    snprintf(text, sizeof text, "%s", output);
    exited(&c, 0);
  }
  gone(&c);
  return text;
}

static void binds_stay_inside_the_root_whatever_links_it_has(void) {
  CHECK_TEXT(with_bind("true", "/mnt/deep/down", 0, "cat /mnt/deep/down/file"), "from the volume\n");
  CHECK_TEXT(with_bind("ln -s /etc mnt", "/mnt", 0, "cat /etc/file"), "from the volume\n");
  CHECK_TEXT(with_bind("ln -s /../../../../elsewhere mnt", "/mnt/x", 0, "cat /elsewhere/x/file"), "from the volume\n");
  CHECK_TEXT(with_bind("ln -s ../tmp/new etc/link", "/etc/link", 0, "cat /tmp/new/file"), "from the volume\n");
  CHECK(!exists("/elsewhere"));
  CHECK_TEXT(with_bind("ln -s loop loop", "/loop", 0, "true"), "refused: make the mount point /loop: too many levels of symbolic links");
  CHECK_TEXT(with_bind("true", "/proc/self", 0, "true"), "refused: \"/proc/self\" cannot be mounted because it is inside /proc");
  CHECK_TEXT(with_bind("true", "/mnt", MOUNT_ATTR_RDONLY, "echo x > /mnt/file 2>/dev/null || echo refused; cat /mnt/file"),
             "refused\nfrom the volume\n");
}

static void links_in_place_of_dev_and_proc_are_refused(void) {
  CHECK_TEXT(with_bind("rmdir dev && ln -s /etc dev", "/mnt", 0, "true"), "refused: /dev of the image must not be a symbolic link");
  CHECK_TEXT(with_bind("rmdir proc && ln -s /etc proc", "/mnt", 0, "true"), "refused: /proc of the image must not be a symbolic link");
}

static void an_overlay_is_a_root_too(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  shell("mkdir %s %s %s && mount -t tmpfs none %s && mkdir %s %s", in_scratch("o"), in_scratch("o/m"), in_scratch("o/l"), in_scratch("o/m"),
        in_scratch("o/m/upper"), in_scratch("o/m/work"));
  program_start(&w);
  op_start(&w, OP_PROPAGATION);
  op_number(&w, MS_REC | MS_SLAVE);
  op_start(&w, OP_ROOT_OVERLAY);
  op_text(&w, in_scratch("o/m/upper"));
  op_text(&w, in_scratch("o/m/work"));
  op_number(&w, 1);
  op_text(&w, "--");
  op_text(&w, in_scratch("o/l"));
  op_text(&w, c.root);
  create_waiting(&c, 0, NAMESPACES, &w);
  op_start(&c.rest, OP_ROOT_READONLY);
  becoming(&c.rest, "", "/");
  running(&c.rest, "cat /etc/passwd | head -n 1; echo x > /made || exit 8");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  exited(&c, 8);
  CHECK_TEXT(drain(stream, false), "root:x:0:0:root:/root:/bin/sh\n");
  gone(&c);
  AWAIT(umount(in_scratch("o/m")) == 0);
}

/* ---- user namespaces ---- */

enum { HOST_ROOT = 200000, HOST_SPAN = 65536 };

static void flags_op(struct writer *w, enum op_code code, uint64_t flags) {
  op_start(w, code);
  op_number(w, flags);
}

/* As the host's root: the namespace, /dev, the root (on overlay, of two layers), what is bound, and then the others. */
static void remapped(struct writer *w, const struct container *c, const char *const *binds) {
  program_start(w);
  op_start(w, OP_OWNER);
  op_number(w, HOST_ROOT);
  op_number(w, HOST_ROOT);
  op_start(w, OP_USERNS);
  op_text(w, "0 200000 65536\n");
  op_text(w, "0 200000 65536\n");
  op_start(w, OP_DEV);
  op_text(w, "65536k");
  owned_node(w, "null", 1, 3, HOST_ROOT);
  owned_node(w, "tty", 5, 0, HOST_ROOT);
  for (unsigned slot = 0; binds[slot]; slot++) {
    op_start(w, OP_SOURCE);
    op_number(w, slot);
    op_text(w, binds[slot]);
    op_number(w, slot == 0 ? 4 : 0); /* the first one mapped */
  }
  op_start(w, OP_RAISE);
  op_number(w, RLIMIT_MEMLOCK);
  op_number(w, 1 << 30);
  op_start(w, OP_ROOT_OVERLAY);
  op_text(w, in_scratch("upper%u/fs", container_count));
  op_text(w, in_scratch("upper%u/work", container_count));
  op_number(w, 1);
  op_text(w, "--");
  op_text(w, in_scratch("above%u", container_count));
  op_text(w, c->root);
  flags_op(w, OP_ENTER, NAMESPACES | CLONE_NEWCGROUP);
}

static void furnished_inside(struct writer *w, bool tty, const char *const *targets) {
  static const char *const masked[] = {"/proc/interrupts", "/proc/acpi", NULL};
  static const char *const readonly[] = {"/proc/sys", NULL};
  static const char *const types[] = {"proc", "sysfs"};
  for (unsigned i = 0; i < 2; i++) {
    op_start(w, OP_NEW);
    op_number(w, 100 + i);
    op_text(w, types[i]);
    op_number(w, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  }
  flags_op(w, OP_PROPAGATION, MS_REC | MS_PRIVATE);
  op_start(w, OP_ROOT);
  for (unsigned slot = 0; targets[slot]; slot++) {
    op_start(w, OP_BIND);
    op_number(w, slot);
    op_text(w, targets[slot]);
    for (int i = 0; i < 4; i++) op_number(w, 0);
  }
  for (unsigned i = 0; i < 2; i++) {
    op_start(w, OP_BIND);
    op_number(w, 100 + i);
    op_text(w, i ? "/sys" : "/proc");
    for (int j = 0; j < 4; j++) op_number(w, 0);
  }
  op_start(w, OP_DEV_LINK);
  op_text(w, "fd");
  op_text(w, "/proc/self/fd");
  op_start(w, OP_DEV_DONE);
  mount_op(w, "devpts", "/dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "ptmxmode=0666");
  mount_op(w, "mqueue", "/dev/mqueue", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, NULL);
  op_start(w, OP_HOSTNAME);
  op_text(w, "mapped");
  op_start(w, OP_LOOPBACK_UP);
  op_start(w, OP_SYSCTL);
  op_text(w, "net/ipv4/ip_unprivileged_port_start");
  op_text(w, "81");
  texts_op(w, OP_MASK, masked);
  texts_op(w, OP_READONLY, readonly);
  op_start(w, OP_RLIMIT);
  op_number(w, RLIMIT_MEMLOCK);
  op_number(w, 1 << 30);
  op_number(w, 1 << 30);
  if (!tty) return;
  op_start(w, OP_TOUCH);
  op_text(w, "/dev/console");
  op_number(w, 0600);
  op_start(w, OP_CONSOLE);
}

static void create_remapped(struct container *c, uint64_t flags, const char *user, const char *script) {
  static const char *const targets[] = {"/mapped", "/raw", NULL};
  struct writer w;
  new_container(c);
  shell("cd %s && mkdir -p upper%u/fs upper%u/work above%u/etc mapped raw && echo secret > raw/secret && chmod 600 raw/secret && chown 1000:1000 %s/tmp",
        scratch, container_count, container_count, container_count, c->root);
  const char *const binds[] = {in_scratch("mapped"), in_scratch("raw"), NULL};
  remapped(&w, c, binds);
  create_with(c, flags | FLAG_WAIT, 0, &w);
  c->pid = message_u64(expect(c->fd, MSG_CREATED), TAG_INIT_PID, 0);
  program_start(&c->rest);
  furnished_inside(&c->rest, (flags & FLAG_TTY) != 0, targets);
  becoming(&c->rest, user, "/");
  running(&c->rest, script);
}

static const char *output_remapped(const char *user, const char *script, uint64_t status) {
  struct container c;
  create_remapped(&c, 0, user, script);
  int stream = attach(&c, STREAM_STDOUT | STREAM_STDERR);
  started(&c);
  exited(&c, status);
  const char *text = drain(stream, false);
  gone(&c);
  return text;
}

static void owner_is(const char *path, uid_t uid, gid_t gid) {
  struct stat st = {0};
  CHECK_NUMBER(lstat(path, &st), 0);
  CHECK_NUMBER(st.st_uid, uid);
  CHECK_NUMBER(st.st_gid, gid);
}

static void the_root_of_a_user_namespace_is_nobody_outside(void) {
  CHECK_TEXT(output_remapped("", "tr -s ' ' < /proc/self/uid_map; id -u; hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start", 0),
             " 0 200000 65536\n0\nmapped\n81\n");
  CHECK_TEXT(output_remapped("", "cat /raw/secret 2>/dev/null || echo refused; stat -c %u:%g /raw /raw/secret /proc/sys/vm/swappiness", 0),
             "refused\n65534:65534\n65534:65534\n65534:65534\n");
  CHECK_TEXT(output_remapped("", "stat -c %u /bin /tmp /mapped /dev /dev/null /dev/pts /dev/mqueue /proc/1 | tr '\\n' ' '; echo x > /dev/null && echo again > /dev/fd/1", 0),
             "0 1000 0 0 0 0 0 0 again\n");
  CHECK_TEXT(output_remapped("", "mknod /n c 1 3 2>/dev/null || echo refused; grep CapEff /proc/self/status", 0), "refused\nCapEff:\t00000000a80425fb\n");
  CHECK_TEXT(output_remapped("bob", "id; echo again > /dev/fd/1; ls /proc/self/fd | wc -l", 0),
             "uid=1000(bob) gid=1000(bob) groups=10(wheel),1000(bob)\nagain\n4\n");
}

static void files_keep_the_containers_numbers(void) {
  CHECK_TEXT(output_remapped("", "echo x > /made && chown 33:44 /made && rm /etc/group && mkdir /d && echo y >> /etc/passwd && echo z > /mapped/z && stat -c %u:%g /made /d /etc/passwd", 0),
             "33:44\n0:0\n0:0\n");
  owner_is(in_scratch("upper%u/fs/made", container_count), 33, 44);
  owner_is(in_scratch("upper%u/fs/d", container_count), 0, 0);
  owner_is(in_scratch("upper%u/fs/etc/passwd", container_count), 0, 0);
  owner_is(in_scratch("mapped/z"), 0, 0);
}

static void execs_enter_the_user_namespace(void) {
  struct container c;
  create_remapped(&c, 0, "", "sleep 1000");
  started(&c);
  char path[64], link[64] = "", user[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", (int)c.pid);
  CHECK(readlink(path, link, sizeof link - 1) > 0);
  snprintf(path, sizeof path, "/proc/%d", (int)c.pid);
  AWAIT(exists(path));
  /* Also of an engine that knows of no ENTER: nobody comes in as the host's root. */
  int stream = exec_with(&c, STREAM_STDOUT, 0, "readlink /proc/self/ns/user; id -u; cat /raw/secret 2>/dev/null || echo refused");
  expect(stream, MSG_EXEC_STARTED);
  snprintf(user, sizeof user, "%s\n0\nrefused\n", link);
  const char *text = drain(stream, false);
  exec_ended(&c, 0);
  CHECK_TEXT(text, user);
  int terminal = exec_with(&c, STREAM_STDIN | STREAM_STDOUT, FLAG_TTY, "stat -c %u $(tty); echo > $(tty) && echo ok");
  expect(terminal, MSG_EXEC_STARTED);
  CHECK(strstr(drain(terminal, true), "0\r\n\r\nok\r\n") != NULL);
  exec_ended(&c, 0);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  gone(&c);
}

static void a_terminal_belongs_to_the_containers_root(void) {
  struct container c;
  create_remapped(&c, FLAG_TTY, "", "tty; stat -c %u $(tty); echo > /dev/console && echo ok");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  exited(&c, 0);
  CHECK_TEXT(drain(stream, true), "/dev/pts/0\r\n0\r\n\r\nok\r\n");
  gone(&c);
}

/* Layers 0 up in a directory of that name, of which the last holds the root; returns the arguments of ROOT_OVERLAY. */
static struct arg *many_layers(const char *root, const char *in, unsigned count, unsigned *n) {
  static char texts[512][700];
  static struct arg args[520];
  char deep[256];
  memset(deep, 'x', 240);
  deep[240] = 0;
  shell("mkdir -p %s/%s/%s && cd %s/%s/%s && l='%s' && mkdir -p \"$l\" u w && cp -a %s \"$l/0\" && "
        "for i in $(seq %u); do mkdir \"$l/$i\"; touch \"$l/$i/from$i\"; done",
        in_scratch("m"), deep, deep, in_scratch("m"), deep, deep, in, root, count - 1);
  *n = 0;
  for (unsigned i = 0; i < count + 4; i++) {
    char *text = texts[i];
    if (i == 2) *text = 0;
    else if (i == 3) strcpy(text, "--");
    else snprintf(text, sizeof texts[0], "%s/%s/%s/%s", in_scratch("m"), deep, deep, i == 0 ? "u" : i == 1 ? "w" : in);
    if (i > 3) snprintf(text + strlen(text), 8, "/%u", count + 3 - i);
    args[(*n)++] = (struct arg){.bytes = (uint8_t *)text, .length = i == 2 ? 8 : (uint32_t)strlen(text)};
  }
  return args;
}

static void fsconfig_fails(int error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsconfig, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {COUNT(code), code};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0) _exit(70);
}

/* In a process and mount namespace of its own; 0 when the root has a file of every layer and nothing else is mounted. */
static int overlay_of(const struct arg *args, unsigned n, unsigned layers, bool old_kernel) {
  struct setup s = {.root = -1, .new_root = -1, .userns = -1};
  struct stat st;
  char name[16];
  if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) return 1;
  if (old_kernel) fsconfig_fails(EINVAL);
  if (op_root_overlay(&s, args, n) < 0) {
    fprintf(stderr, "%s\n", s.text);
    return 2;
  }
  for (unsigned i = 1; i < layers; i++) {
    snprintf(name, sizeof name, "from%u", i);
    if (fstatat(s.new_root, name, &st, 0) < 0) return 3;
  }
  if (fstatat(s.new_root, "bin/sh", &st, AT_SYMLINK_NOFOLLOW) < 0) return 4;
  int made = openat(s.new_root, "made", O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (made < 0) return 5;
  unlinkat(s.new_root, "made", 0);
  return stat("/proc/self/cwd/etc", &st) < 0 || system("grep -q ' overlay overlay ' /proc/self/mounts") == 0 ? 6 : 0;
}

static void overlay_in_both_ways(const char *in, unsigned layers) {
  struct container c;
  unsigned n;
  int status;
  new_container(&c);
  struct arg *args = many_layers(c.root, in, layers, &n);
  for (int old_kernel = 0; old_kernel < 2; old_kernel++) {
    pid_t pid = fork();
    if (pid == 0) _exit(overlay_of(args, n, layers, old_kernel));
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK_NUMBER(status, 0);
  }
  shell("rm -rf %s", in_scratch("m"));
}

static void an_overlay_may_have_hundreds_of_layers(void) { overlay_in_both_ways("l", 400); }

static void names_of_layers_may_hold_what_separates_them(void) { overlay_in_both_ways("a:b,c\\d,lowerdir=e", 3); }

static void text_op(struct writer *w, enum op_code code, const char *text) {
  op_start(w, code);
  op_text(w, text);
}

static void kernel_settings_arrive(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES, &w);
  text_op(&c.rest, OP_HOSTNAME, "box");
  text_op(&c.rest, OP_DOMAINNAME, "home");
  op_start(&c.rest, OP_SYSCTL);
  op_text(&c.rest, "net/ipv4/ip_unprivileged_port_start");
  op_text(&c.rest, "81");
  op_start(&c.rest, OP_RLIMIT);
  op_number(&c.rest, 7);
  op_number(&c.rest, 100);
  op_number(&c.rest, 200);
  text_op(&c.rest, OP_OOM_SCORE, "500");
  op_start(&c.rest, OP_LOOPBACK_UP);
  op_start(&c.rest, OP_UMASK);
  op_number(&c.rest, 077);
  op_start(&c.rest, OP_MKDIR);
  op_text(&c.rest, "/made/for/it");
  op_number(&c.rest, 0710);
  becoming(&c.rest, "", "/made/for/it");
  running(&c.rest, "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_unprivileged_port_start; ulimit -n; ulimit -Hn;"
                   "cat /proc/self/oom_score_adj; cat /sys/class/net/lo/operstate; cut -d' ' -f2 /proc/net/if_inet6 | head -n 1; umask; pwd; stat -c %a .");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  exited(&c, 0);
  CHECK_TEXT(drain(stream, false), "box\nhome\n81\n100\n200\n500\nunknown\n01\n0077\n/made/for/it\n710\n");
  gone(&c);
}

/* A filter under which uname fails; busybox then prints an empty line. */
static void no_uname(struct writer *w) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_uname, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  op_start(w, OP_SECCOMP);
  op_bytes(w, filter, sizeof filter);
  op_number(w, 0);
}

static void filtered(const char *user, bool no_new_privileges) {
  struct container c;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES, &w);
  if (no_new_privileges) op_start(&c.rest, OP_NO_NEW_PRIVILEGES);
  else no_uname(&c.rest);
  becoming(&c.rest, user, "/");
  if (no_new_privileges) no_uname(&c.rest);
  running(&c.rest, "uname; grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | cut -f2");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  exited(&c, 0);
  CHECK_TEXT(drain(stream, false), no_new_privileges ? "\n1\n2\n" : "\n0\n2\n");
  gone(&c);
}

static void a_seccomp_filter_holds_for_root_and_users(void) {
  filtered("", false);
  filtered("bob", false);
  filtered("bob", true);
}

static void account_files_of_an_image_cannot_stop_or_mislead_us(void) {
  CHECK_TEXT(with_bind("rm etc/passwd && mkfifo etc/passwd", "/mnt", 0, "true"), "refused: /etc/passwd is not a regular file");
  CHECK_TEXT(with_bind("rm etc/group && mknod etc/group c 1 5", "/mnt", 0, "true"), "refused: /etc/group is not a regular file");
  CHECK_TEXT(with_bind("head -c 1048577 /dev/zero > etc/passwd", "/mnt", 0, "true"), "refused: /etc/passwd is larger than 1 MiB");
  CHECK_TEXT(with_bind("rm etc/passwd && ln -s /../../etc/own etc/passwd && echo root:x:0:0::/own: > etc/own", "/mnt", 0, "echo $HOME"), "/own\n");
  CHECK_TEXT(with_bind("rm etc/passwd etc/group", "/mnt", 0, "echo $HOME"), "/\n");
}

static void a_failed_start_leaves_a_record_once_committed(void) {
  struct container c;
  struct writer w;
  char record[1024];
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES, &w);
  commit(&c);
  text_op(&c.rest, OP_EXEC, "/no/such");
  send_rest(&c);
  expect(c.fd, MSG_ERROR);
  expect_end(c.fd);
  gone(&c);
  CHECK(read_file(AT_FDCWD, in_dir(&c, "exit"), record, sizeof record) > 0);
  CHECK(strncmp(record, "status=127\n", 11) == 0);
  CHECK(strstr(record, "\nerror=exec: \"/no/such\": stat /no/such: no such file or directory\n") != NULL);
}

static void a_log_goes_on_where_it_is_told_to(void) {
  struct container c;
  struct buffer b = {0};
  char log[1024];
  create(&c, FLAG_STDIN | FLAG_STDIN_ONCE, "", "/", "echo before; read x; echo after");
  int stream = attach(&c, STREAM_STDIN | STREAM_STDOUT);
  started(&c);
  char head[15];
  CHECK_NUMBER(read_all(stream, head, sizeof head), (long long)sizeof head);
  size_t begin = message_begin(&b, MSG_OUTPUT);
  message_put_text(&b, TAG_LOG_PATH, in_dir(&c, "other"));
  send_and_clear(c.fd, &b, begin);
  expect(c.fd, MSG_OK);
  send_text(stream, MSG_STDIN, "\n");
  exited(&c, 0);
  close(stream);
  CHECK(read_file(AT_FDCWD, in_dir(&c, "other"), log, sizeof log) > 0);
  CHECK(strncmp(log, "{\"log\":\"after\\n\"", 16) == 0);
  gone(&c);
}

static unsigned descriptors(uint64_t pid) {
  char path[64];
  unsigned count = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  DIR *dir = opendir(path);
  while (dir && readdir(dir)) count++;
  if (dir) closedir(dir);
  return count;
}

static void a_monitor_keeps_nothing_of_execs_and_clients_that_left(void) {
  struct container c;
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  int query = control(&c, MSG_QUERY);
  uint64_t pid = message_u64(expect(query, MSG_HELLO), TAG_MONITOR_PID, 0);
  close(query);
  int first = exec_with(&c, STREAM_STDOUT, 0, "true");
  expect(first, MSG_EXEC_STARTED);
  drain(first, false);
  exec_ended(&c, 0);
  unsigned before = descriptors(pid);
  for (int i = 0; i < 20; i++) {
    int fd = exec_with(&c, STREAM_STDIN | STREAM_STDOUT, i % 2 ? FLAG_TTY : 0, "true");
    expect(fd, MSG_EXEC_STARTED);
    drain(fd, i % 2);
    exec_ended(&c, 0);
    close(attach(&c, STREAM_STDOUT));
    close(control(&c, 0));
  }
  AWAIT(descriptors(pid) == before);
  gone(&c);
}

static void only_the_last_execs_are_remembered(void) {
  enum { KEPT = 128, MORE = 5 };
  struct container c;
  char oldest[65] = "", last[65] = "";
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  for (int i = 0; i < KEPT + MORE; i++) {
    int fd = exec_with(&c, 0, 0, "true");
    expect(fd, MSG_EXEC_STARTED);
    close(fd);
    char *id = message_text(expect(c.fd, MSG_EXEC_EXIT), TAG_EXEC_ID);
    snprintf(i == MORE ? oldest : last, sizeof last, "%s", id ? id : "");
    free(id);
  }
  int query = control(&c, MSG_QUERY);
  char **ended = message_texts(expect(query, MSG_HELLO), TAG_EXITED_EXEC);
  unsigned count = 0;
  for (; ended[count]; count++) {
    if (count == 0) CHECK(strncmp(ended[count], oldest, 64) == 0);
    if (count == KEPT - 1) CHECK(strncmp(ended[count], last, 64) == 0);
    free(ended[count]);
  }
  free(ended);
  CHECK_NUMBER(count, KEPT);
  close(query);
  gone(&c);
}

static void a_malformed_message_ends_only_its_connection(void) {
  static const uint8_t bad[] = {37, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
  struct container c;
  create(&c, 0, "", "/", "sleep 1000");
  started(&c);
  int fd = control(&c, 0);
  CHECK_NUMBER(write_all(fd, bad, sizeof bad), 0);
  expect_end(fd);
  close(fd);
  fd = control(&c, MSG_STARTED);
  CHECK_NUMBER(message_u64(expect(fd, MSG_ERROR), TAG_ERRNO, 0), EOPNOTSUPP);
  close(fd);
  commit(&c);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  gone(&c);
}

static void a_pid_namespace_can_be_another_containers(void) {
  struct container first, second;
  struct writer w;
  create(&first, 0, "", "/", "exec sleep 4711");
  started(&first);
  new_container(&second);
  rooted(&w, &second);
  op_start(&w, OP_SETNS);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)first.pid);
  op_text(&w, path);
  op_number(&w, CLONE_NEWPID);
  create_waiting(&second, 0, NAMESPACES & ~CLONE_NEWPID, &w);
  becoming(&second.rest, "", "/");
  running(&second.rest, "tr '\\0' ' ' < /proc/1/cmdline; sleep 1000");
  int stream = attach(&second, STREAM_STDOUT);
  started(&second);
  char text[24] = "";
  CHECK_NUMBER(read_all(stream, text, 19), 19);
  CHECK_TEXT(text + 8, "sleep 4711 ");
  close(stream);
  stream = exec_with(&second, STREAM_STDOUT, 0, "tr '\\0' ' ' < /proc/1/cmdline");
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "sleep 4711 ");
  exec_ended(&second, 0);
  send_number(second.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(second.fd, MSG_OK);
  exited(&second, 137);
  gone(&second);
  gone(&first);
}

static void init_shares_its_terminal_with_the_program(void) {
  struct container c;
  create(&c, FLAG_TTY | FLAG_STDIN | FLAG_SUBREAPER_INIT, "", "/", "trap 'echo int; exit 3' INT; tty; while :; do sleep 0.01; done");
  int stream = attach(&c, STREAM_STDIN | STREAM_STDOUT);
  started(&c);
  char text[16] = "";
  CHECK_NUMBER(read_all(stream, text, 12), 12);
  CHECK_TEXT(text, "/dev/pts/0\r\n");
  send_text(stream, MSG_STDIN, "\003");
  exited(&c, 3);
  CHECK_TEXT(drain(stream, true), "^Cint\r\n");
  gone(&c);
}

static void a_log_that_does_not_block_is_complete_when_the_disk_keeps_up(void) {
  struct container c;
  struct writer w;
  char log[1024];
  new_container(&c);
  c.log_buffer = 1 << 20;
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES & ~CLONE_NEWPID, &w);
  becoming(&c.rest, "", "/");
  running(&c.rest, "echo one; echo two >&2; printf three");
  started(&c);
  exited(&c, 0);
  CHECK(read_file(AT_FDCWD, in_dir(&c, "log"), log, sizeof log) > 0);
  CHECK(strstr(log, "\"one\\n\"") && strstr(log, "\"two\\n\"") && strstr(log, "\"three\""));
  gone(&c);
}

static void a_foreign_runtime_runs_in_the_monitors_namespaces(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  c.runtime = 1;
  program_start(&w);
  text_op(&w, OP_ENV, "PATH=/usr/bin:/bin");
  running(&w, "sleep 1000");
  create_with(&c, 0, 0, &w);
  c.pid = message_u64(expect(c.fd, MSG_STARTED), TAG_INIT_PID, 0);
  char ours[64] = "", theirs[64] = "", path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)c.pid);
  CHECK(readlink("/proc/self/ns/mnt", ours, sizeof ours - 1) > 0 && readlink(path, theirs, sizeof theirs - 1) > 0);
  CHECK_TEXT(theirs, ours);
  struct buffer b = {0};
  int stream = control(&c, 0);
  program_start(&w);
  running(&w, "echo attached");
  size_t begin = message_begin(&b, MSG_EXEC);
  message_put_text(&b, TAG_EXEC_ID, exec_id);
  message_put_u64(&b, TAG_STREAMS, STREAM_STDOUT);
  message_put(&b, TAG_PROGRAM, w.b.data, w.b.end);
  send_and_clear(stream, &b, begin);
  buffer_clear(&w.b);
  expect(stream, MSG_EXEC_STARTED);
  CHECK_TEXT(drain(stream, false), "attached\n");
  gone(&c);
  AWAIT(!exists(path));
}

static void the_helper_runs_from_a_sealed_copy(void) {
  struct container c;
  char path[64], link[128] = "";
  create(&c, 0, "", "/", "sleep 1000");
  int query = control(&c, MSG_QUERY);
  snprintf(path, sizeof path, "/proc/%d/exe", (int)message_u64(expect(query, MSG_HELLO), TAG_MONITOR_PID, 0));
  close(query);
  CHECK(readlink(path, link, sizeof link - 1) > 0);
  CHECK_TEXT(link, "/memfd:gantry-helper (deleted)");
  CHECK_NUMBER(open(path, O_WRONLY | O_CLOEXEC), -1);
  int exe = open(path, O_RDONLY | O_CLOEXEC);
  CHECK_NUMBER(fcntl(exe, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  close(exe);
  gone(&c);
}

static void a_second_zygote_is_refused(void) {
  char command[400];
  snprintf(command, sizeof command, "%s spawn %s 2>&1 | grep -q 'spawn.sock: in use$'", helper, in_scratch("spawn"));
  CHECK_NUMBER(system(command), 0);
}

static void monitors_outlive_the_zygote(void) {
  struct container c;
  create(&c, FLAG_STDIN | FLAG_STDIN_ONCE, "", "/", "read x; exit 6");
  started(&c);
  commit(&c);
  int quit = dial(in_scratch("spawn/spawn.sock"));
  request(quit, MSG_QUIT);
  expect(quit, MSG_OK);
  close(quit);
  CHECK_NUMBER(dial(in_scratch("spawn/spawn.sock")), -1);
  int stream = attach(&c, STREAM_STDIN);
  close(c.fd);
  request(stream, MSG_CLOSE_STDIN);
  expect_end(stream);
  close(stream);
  c.fd = -1;
  gone(&c);
  char record[256];
  CHECK(read_file(AT_FDCWD, in_dir(&c, "exit"), record, sizeof record) > 0 && strncmp(record, "status=6\n", 9) == 0);
}

static void a_zygote_without_a_socket_ends(void) {
  const char *dir = in_scratch("lost");
  char path[64];
  shell("mkdir -m 700 %s && %s spawn %s", dir, helper, dir);
  int query = dial(in_scratch("lost/spawn.sock"));
  request(query, MSG_QUERY);
  uint64_t pid = message_u64(expect(query, MSG_HELLO), TAG_MONITOR_PID, 0);
  expect_end(query);
  close(query);
  snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
  char link[64];
  CHECK(pid > 1 && readlink(path, link, sizeof link) > 0);
  shell("rm -r %s", in_scratch("lost"));
  AWAIT(readlink(path, link, sizeof link) < 0); /* whoever adopted it may be slow to reap it */
}

int main(int argc, char **argv) {
  if (argc != 2 || !begin_with(argv[1])) {
    fprintf(stderr, "usage, as root: containers HELPER\n");
    return 64;
  }
  output_and_status_arrive_and_are_kept();
  a_container_sees_three_descriptors_and_nothing_of_the_host();
  a_network_may_be_made_ahead();
  who_expects_and_leaves_leaves_nothing();
  masks_and_read_only_paths_hold();
  users_get_their_groups_and_lose_their_capabilities();
  what_cannot_run_is_refused_in_dockers_words();
  a_profile_that_is_not_there_is_refused();
  a_malformed_program_is_refused_before_it_runs();
  a_slow_client_holds_the_container_back_and_loses_nothing();
  a_client_that_leaves_lets_the_container_go_on();
  a_terminal_has_size_echo_and_control();
  a_terminal_may_be_closed_and_opened_again();
  input_ends_by_message_and_only_once();
  execs_join_the_container_and_report();
  each_exec_gets_the_score_it_asks_for();
  an_exec_that_fails_says_why_and_harms_nobody();
  execs_go_where_init_is_and_nobody_stays_there();
  an_exec_does_without_a_parked_process_that_was_killed();
  many_execs_run_at_once();
  a_committed_container_outlives_its_creator();
  a_commit_counts_whatever_could_not_be_answered();
  a_monitor_accepts_again_when_there_are_descriptors();
  without_commit_the_end_of_the_connection_destroys();
  a_program_comes_only_once_and_only_when_awaited();
  init_reaps_orphans_and_passes_signals_on();
  orphans_of_a_shared_pid_namespace_are_killed();
  binds_stay_inside_the_root_whatever_links_it_has();
  links_in_place_of_dev_and_proc_are_refused();
  an_overlay_is_a_root_too();
  the_root_of_a_user_namespace_is_nobody_outside();
  files_keep_the_containers_numbers();
  execs_enter_the_user_namespace();
  a_terminal_belongs_to_the_containers_root();
  an_overlay_may_have_hundreds_of_layers();
  names_of_layers_may_hold_what_separates_them();
  kernel_settings_arrive();
  a_seccomp_filter_holds_for_root_and_users();
  account_files_of_an_image_cannot_stop_or_mislead_us();
  a_failed_start_leaves_a_record_once_committed();
  a_log_goes_on_where_it_is_told_to();
  a_monitor_keeps_nothing_of_execs_and_clients_that_left();
  only_the_last_execs_are_remembered();
  a_malformed_message_ends_only_its_connection();
  a_pid_namespace_can_be_another_containers();
  init_shares_its_terminal_with_the_program();
  a_log_that_does_not_block_is_complete_when_the_disk_keeps_up();
  a_foreign_runtime_runs_in_the_monitors_namespaces();
  the_helper_runs_from_a_sealed_copy();
  a_second_zygote_is_refused();
  monitors_outlive_the_zygote();
  a_zygote_without_a_socket_ends();
  return end_with();
}
