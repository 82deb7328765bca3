/* Containers made for tests, as root: a zygote of our own, roots made of busybox, the protocol spoken over its sockets. */
#ifndef GANTRY_HARNESS_H
#define GANTRY_HARNESS_H

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "setup.h"
#include "sys.h"
#include "wire.h"
#include "writer.h"

enum { PATIENCE_S = 20, NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS };
static const uint64_t default_caps = 0xa80425fb;

static char scratch[] = "/tmp/gantry-containers-XXXXXX";
static const char *helper;

static inline const char *in_scratch(const char *format, ...) {
  static char texts[8][300];
  static unsigned next;
  char *text = texts[next++ % 8];
  int n = snprintf(text, sizeof texts[0], "%s/", scratch);
  va_list args;
  va_start(args, format);
  vsnprintf(text + n, sizeof texts[0] - (size_t)n, format, args);
  va_end(args);
  return text;
}

static inline void shell(const char *format, ...) {
  char command[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(command, sizeof command, format, args);
  va_end(args);
  CHECK_NUMBER(system(command), 0);
}

/* Waits for a condition, with a deadline; what it waits for has no descriptor to wait on. */
#define AWAIT(condition) \
  do { \
    uint64_t until_ = monotonic_ms() + PATIENCE_S * 1000; \
    bool so_; \
    while (!(so_ = (condition)) && monotonic_ms() < until_) poll(NULL, 0, 5); \
    CHECK(so_ && #condition); \
  } while (0)

/* ---- the client ---- */

static inline int dial(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct timeval patience = {.tv_sec = PATIENCE_S};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  size_t length = strlen(path);
  memcpy(address.sun_path, path, length < sizeof address.sun_path ? length : sizeof address.sun_path - 1);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

static inline void send_and_clear(int fd, struct buffer *b, size_t begin) {
  message_end(b, begin);
  CHECK_NUMBER(write_all(fd, b->data + b->start, buffer_length(b)), 0);
  buffer_clear(b);
}

static inline void request(int fd, enum message_type type) {
  struct buffer b = {0};
  send_and_clear(fd, &b, message_begin(&b, type));
}

static struct reader answer;

/* The next message, which is to be of this type; its payload stays until the next call. */
static inline const struct message *expect(int fd, enum message_type type) {
  static const struct message none;
  enum read_result got;
  reader_reset(&answer);
  do {
    errno = 0;
    got = reader_step(&answer, fd);
  } while (got == READ_MORE && errno != EAGAIN);
  if (got != READ_MESSAGE) {
    failures++;
    fprintf(stderr, "no message came where type %d should have\n", type);
    return &none;
  }
  if (answer.message.type != type) {
    char *text = message_text(&answer.message, TAG_TEXT);
    failures++;
    fprintf(stderr, "message %d came, not %d: %s\n", answer.message.type, type, text ? text : "");
    free(text);
  }
  return &answer.message;
}

static inline void expect_end(int fd) {
  char byte;
  CHECK_NUMBER(read(fd, &byte, 1), 0);
}

static inline const char *text_of(const struct message *m, enum tag tag) {
  static char *last;
  free(last);
  last = message_text(m, tag);
  return last ? last : "";
}

static inline void send_text(int fd, enum message_type type, const char *text) {
  uint32_t head[2] = {(uint32_t)type, (uint32_t)strlen(text)};
  CHECK_NUMBER(write_all(fd, head, sizeof head), 0);
  CHECK_NUMBER(write_all(fd, text, strlen(text)), 0);
}

static inline void send_number(int fd, enum message_type type, enum tag tag, uint64_t value) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, type);
  message_put_u64(&b, tag, value);
  send_and_clear(fd, &b, begin);
}

/* What a stream carries until it ends, as text: [1] output, [2] errors, [0] raw for a terminal. */
static struct buffer carried[3];

static inline const char *drain(int fd, bool tty) {
  uint8_t head[8];
  for (int i = 0; i < 3; i++) buffer_clear(&carried[i]);
  if (tty) {
    ssize_t n;
    while ((n = read(fd, buffer_room(&carried[0], 65536), 65536)) > 0) carried[0].end += (size_t)n;
  }
  while (!tty && read_all(fd, head, sizeof head) == sizeof head) {
    uint32_t length;
    memcpy(&length, head + 4, sizeof length);
    length = ntohl(length);
    CHECK(head[0] == 1 || head[0] == 2);
    struct buffer *b = &carried[head[0] & 3];
    CHECK_NUMBER(read_all(fd, buffer_room(b, length), length), length);
    b->end += length;
  }
  for (int i = 0; i < 3; i++) buffer_append(&carried[i], "", 1);
  close(fd);
  return (const char *)carried[tty ? 0 : 1].data;
}

static inline size_t carried_length(int i) { return buffer_length(&carried[i]) - 1; }

/* ---- containers ---- */

struct container {
  char dir[300];
  char root[300];
  int fd;
  uint64_t pid, log_buffer, runtime;
  struct writer rest; /* of its program, which started() sends: so that clients can attach before the first byte */
};

static unsigned container_count;

static inline const char *in_dir(const struct container *c, const char *name) {
  static char text[700];
  snprintf(text, sizeof text, "%s/%s", c->dir, name);
  return text;
}

static inline int control(const struct container *c, enum message_type type) {
  int fd = dial(in_dir(c, "ctl.sock"));
  CHECK(fd >= 0);
  if (type) request(fd, type);
  return fd;
}

static inline void new_container(struct container *c) {
  unsigned number = ++container_count;
  *c = (struct container){.fd = -1};
  snprintf(c->dir, sizeof c->dir, "%s", in_scratch("c%u", number));
  snprintf(c->root, sizeof c->root, "%s", in_scratch("r%u", number));
  CHECK_NUMBER(mkdir(c->dir, 0700), 0);
  shell("cp -a %s %s", in_scratch("root"), c->root);
}

static inline void owned_node(struct writer *w, const char *name, unsigned major, unsigned minor, uint32_t owner) {
  op_start(w, OP_DEV_NODE);
  op_text(w, name);
  op_number(w, S_IFCHR | 0666);
  op_number(w, major);
  op_number(w, minor);
  op_number(w, owner);
  op_number(w, owner);
}

static inline void node(struct writer *w, const char *name, unsigned major, unsigned minor) { owned_node(w, name, major, minor, 0); }

static inline void mount_op(struct writer *w, const char *type, const char *target, uint64_t attributes, const char *option) {
  op_start(w, OP_MOUNT);
  op_text(w, type);
  op_text(w, target);
  op_number(w, attributes);
  if (option) op_text(w, option);
}

static inline void texts_op(struct writer *w, enum op_code code, const char *const *texts) {
  op_start(w, code);
  for (; *texts; texts++) op_text(w, *texts);
}

static inline void rooted(struct writer *w, const struct container *c) {
  program_start(w);
  op_start(w, OP_PROPAGATION);
  op_number(w, MS_REC | MS_SLAVE);
  op_start(w, OP_ROOT_BIND);
  op_text(w, c->root);
}

static inline void furnished(struct writer *w, bool tty) {
  static const char *const masked[] = {"/proc/interrupts", "/proc/acpi", "/proc/not-there", "/sys/firmware", NULL};
  static const char *const readonly[] = {"/proc/sys", "/proc/not-there", NULL};
  op_start(w, OP_ROOT);
  mount_op(w, "proc", "/proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
  op_start(w, OP_DEV);
  op_text(w, "65536k");
  node(w, "null", 1, 3);
  node(w, "zero", 1, 5);
  node(w, "tty", 5, 0);
  op_start(w, OP_DEV_LINK);
  op_text(w, "fd");
  op_text(w, "/proc/self/fd");
  op_start(w, OP_DEV_DIR);
  op_text(w, "pts");
  op_number(w, 0755);
  op_start(w, OP_DEV_DONE);
  mount_op(w, "devpts", "/dev/pts", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "ptmxmode=0666");
  mount_op(w, "sysfs", "/sys", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, NULL);
  texts_op(w, OP_MASK, masked);
  texts_op(w, OP_READONLY, readonly);
  if (!tty) return;
  op_start(w, OP_TOUCH);
  op_text(w, "/dev/console");
  op_number(w, 0600);
  op_start(w, OP_CONSOLE);
}

static inline void becoming(struct writer *w, const char *user, const char *cwd) {
  op_start(w, OP_USER_LOOKUP);
  op_text(w, user);
  op_start(w, OP_CAPS);
  op_number(w, default_caps);
  op_number(w, default_caps);
  op_number(w, 0);
  op_number(w, 0);
  op_start(w, OP_IDENTITY);
  op_start(w, OP_CWD);
  op_text(w, cwd);
  op_start(w, OP_ENV);
  op_text(w, "PATH=/bin");
}

static inline void running(struct writer *w, const char *script) {
  op_start(w, OP_EXEC);
  op_text(w, "sh");
  op_text(w, "-c");
  op_text(w, script);
}

static uint64_t foretold = 1; /* what a first message says of CLONE; 1: there is none */

/* Sends CREATE with a program, which is cleared, and reads HELLO. */
static inline void create_with(struct container *c, uint64_t flags, uint64_t clone, struct writer *w) {
  struct buffer b = {0};
  char name[80];
  c->fd = dial(in_scratch("spawn/spawn.sock"));
  CHECK(c->fd >= 0);
  if (foretold != 1) send_number(c->fd, MSG_EXPECT, TAG_CLONE, foretold);
  snprintf(name, sizeof name, "%064x", container_count);
  size_t begin = message_begin(&b, MSG_CREATE);
  message_put_text(&b, TAG_INSTANCE, "0123abcd");
  message_put_text(&b, TAG_CONTAINER, name);
  message_put_text(&b, TAG_DIR, c->dir);
  message_put_u64(&b, TAG_FLAGS, flags);
  message_put_u64(&b, TAG_CLONE, clone);
  message_put(&b, TAG_PROGRAM, w->b.data, w->b.end);
  message_put_u64(&b, TAG_ROWS, 40);
  message_put_u64(&b, TAG_COLUMNS, 100);
  message_put_text(&b, TAG_LOG_PATH, in_dir(c, "log"));
  if (c->log_buffer) message_put_u64(&b, TAG_LOG_BUFFER_BYTES, c->log_buffer);
  if (c->runtime) message_put_u64(&b, TAG_RUNTIME, c->runtime);
  send_and_clear(c->fd, &b, begin);
  buffer_clear(&w->b);
  const struct message *hello = expect(c->fd, MSG_HELLO);
  CHECK_NUMBER(message_u64(hello, TAG_PHASE, 9), PHASE_CREATED);
  CHECK_TEXT(text_of(hello, TAG_CONTAINER), name);
}

/* The same up to the mounted root; the rest is begun and waits. */
static inline void create_waiting(struct container *c, uint64_t flags, uint64_t clone, struct writer *w) {
  create_with(c, flags | FLAG_WAIT, clone, w);
  c->pid = message_u64(expect(c->fd, MSG_CREATED), TAG_INIT_PID, 0);
  program_start(&c->rest);
  furnished(&c->rest, (flags & FLAG_TTY) != 0);
}

static inline void create(struct container *c, uint64_t flags, const char *user, const char *cwd, const char *script) {
  struct writer w;
  new_container(c);
  rooted(&w, c);
  create_waiting(c, flags, NAMESPACES, &w);
  becoming(&c->rest, user, cwd);
  running(&c->rest, script);
}

static inline int attach(const struct container *c, uint64_t streams) {
  int fd = control(c, 0);
  send_number(fd, MSG_ATTACH, TAG_STREAMS, streams);
  expect(fd, MSG_OK);
  return fd;
}

static inline void commit(struct container *c) {
  request(c->fd, MSG_COMMIT);
  expect(c->fd, MSG_OK);
}

static inline void send_rest(struct container *c) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_PROGRAM);
  message_put(&b, TAG_PROGRAM, c->rest.b.data, c->rest.b.end);
  send_and_clear(c->fd, &b, begin);
  buffer_clear(&c->rest.b);
}

static inline void started(struct container *c) {
  send_rest(c);
  const struct message *m = expect(c->fd, MSG_STARTED);
  CHECK_NUMBER(message_u64(m, TAG_INIT_PID, 0), c->pid);
  CHECK(message_u64(m, TAG_INIT_START, 0) > 0);
}

static inline void exited(struct container *c, uint64_t status) {
  const struct message *m = expect(c->fd, MSG_EXIT);
  char record[1024], line[64];
  CHECK_NUMBER(message_u64(m, TAG_STATUS, 999), status);
  CHECK(read_file(AT_FDCWD, in_dir(c, "exit"), record, sizeof record) > 0);
  snprintf(line, sizeof line, "status=%d\n", (int)status);
  CHECK(strncmp(record, line, strlen(line)) == 0);
}

static inline bool exists(const char *path) { return access(path, F_OK) == 0; }

static inline void gone(struct container *c) {
  close(c->fd);
  AWAIT(!exists(in_dir(c, "ctl.sock")));
}

/* Runs a script to its end and returns its standard output. */
static inline const char *output_of(const char *user, const char *cwd, const char *script, uint64_t status) {
  struct container c;
  create(&c, 0, user, cwd, script);
  int stream = attach(&c, STREAM_STDOUT | STREAM_STDERR);
  started(&c);
  exited(&c, status);
  const char *text = drain(stream, false);
  gone(&c);
  return text;
}

/* ---- beginning and end ---- */

static inline void make_root(void) {
  shell("mkdir -p %s && cd %s && mkdir bin dev etc proc sys tmp && cp /bin/busybox bin && "
        "for a in sh ls cat head sleep id yes stty tty test tr wc cut sort grep readlink stat true uname; do ln -s busybox bin/$a; done && "
        "printf 'root:x:0:0:root:/root:/bin/sh\\nbob:x:1000:1000::/home/bob:/bin/sh\\n' > etc/passwd && "
        "printf 'root:x:0:\\nbob:x:1000:\\nwheel:x:10:bob\\n' > etc/group && echo text > etc/text && chmod 755 etc/text",
        in_scratch("root"), in_scratch("root"));
  shell("mkdir -m 700 %s && mkdir %s && echo from the volume > %s", in_scratch("spawn"), in_scratch("volume"), in_scratch("volume/file"));
}

/* Makes the scratch folder and starts a zygote; false when that cannot be. */
static inline bool begin_with(const char *binary) {
  if (geteuid() != 0 || !mkdtemp(scratch)) return false;
  helper = binary;
  chmod(scratch, 0755);
  make_root();
  shell("%s spawn %s", helper, in_scratch("spawn"));
  return true;
}

static inline void quit_zygote(void) {
  int quit = dial(in_scratch("spawn/spawn.sock"));
  if (quit < 0) return;
  request(quit, MSG_QUIT);
  expect(quit, MSG_OK);
  close(quit);
}

/* Takes everything away; the exit code. */
static inline int end_with(void) {
  quit_zygote();
  reader_reset(&answer);
  shell("rm -rf --one-file-system %s", scratch);
  if (failures) fprintf(stderr, "%d failed\n", failures);
  return failures != 0;
}

#endif
