/* Protocol 1: messages and their attributes (PROTOCOL.md, "Messages"). Decoding never trusts a length. */
#ifndef GANTRY_WIRE_H
#define GANTRY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum { PROTOCOL_VERSION = 1, OP_SET_VERSION = 5, WIRE_HEAD = 8, WIRE_MOST = 4 << 20 };

enum message_type {
  MSG_HELLO = 1,
  MSG_ERROR,
  MSG_CREATED,
  MSG_STARTED,
  MSG_EXIT,
  MSG_EXEC_STARTED,
  MSG_EXEC_EXIT,
  MSG_OK,
  MSG_OOM,
  MSG_SOCKETS,
  MSG_CHECKING,
  MSG_CHECKED,
  MSG_EXPECT = 31,
  MSG_CREATE,
  MSG_PROGRAM,
  MSG_COMMIT,
  MSG_SIGNAL,
  MSG_RESIZE,
  MSG_CONTROL,
  MSG_ATTACH,
  MSG_EXEC,
  MSG_STDIN,
  MSG_CLOSE_STDIN,
  MSG_QUIT,
  MSG_QUERY,
  MSG_OUTPUT,
  MSG_COMPRESSED,
  MSG_INSIDE,
  MSG_LISTEN,
  MSG_UNLISTEN,
  MSG_SERVE,
  MSG_SHARE,
  MSG_LEAVE,
  MSG_TABLE,
  MSG_RESYNC,
  MSG_DRAIN,
  MSG_START_NET,
  MSG_CHECK
};

enum tag {
  TAG_PROTOCOL = 1,
  TAG_OP_SET,
  TAG_HELPER_SHA256,
  TAG_INSTANCE,
  TAG_CONTAINER,
  TAG_BOOT_ID,
  TAG_INIT_PID,
  TAG_INIT_START,
  TAG_PHASE,
  TAG_COMMITTED,
  TAG_LIVE_EXEC,
  TAG_DIR,
  TAG_FLAGS,
  TAG_CLONE,
  TAG_PROGRAM,
  TAG_STATUS,
  TAG_SIGNAL,
  TAG_TIME_NS,
  TAG_OOM_KILLS,
  TAG_CPU_NS,
  TAG_EXEC_ID,
  TAG_STREAMS,
  TAG_ROWS,
  TAG_COLUMNS,
  TAG_LOG_PATH,
  TAG_LOG_MAX_BYTES,
  TAG_LOG_MAX_FILES,
  TAG_LOG_BUFFER_BYTES,
  TAG_OOM_FILE,
  TAG_CPU_FILE,
  TAG_ERRNO,
  TAG_OP_INDEX,
  TAG_OP_CODE,
  TAG_TEXT,
  TAG_STAGE,
  TAG_MONITOR_PID,
  TAG_CGROUP_PROCS,
  TAG_EXITED_EXEC,
  TAG_RUNTIME,
  TAG_LOG_ATTRIBUTES,
  TAG_LOG_STDIN,
  TAG_LOG_INODE,
  TAG_GROUP,
  TAG_OOM_WATCH,
  TAG_LISTENER,
  TAG_DNS,
  TAG_NET,
  TAG_SERVED,
  TAG_NAME,
  TAG_NETWORK,
  TAG_UPSTREAM,
  TAG_TARGET,
  TAG_COUNTER,
  TAG_INTERVAL_MS,
  TAG_TIMEOUT_MS,
  TAG_START_PERIOD_MS,
  TAG_START_INTERVAL_MS,
  TAG_RETRIES,
  TAG_HEALTH,
  TAG_STREAK,
  TAG_RESULT,
  TAG_BEGIN_NS,
  TAG_OUTCOME,
  TAG_BYTES,
  TAG_END
};

enum { FLAG_TTY = 1, FLAG_STDIN = 2, FLAG_STDIN_ONCE = 4, FLAG_WAIT = 8, FLAG_SUBREAPER_INIT = 16 };
enum { FLAG_BARE_NAMES = 1 }; /* of a table */
enum { FLAG_CUT = 1 };        /* of a result */
enum { STREAM_STDIN = 1, STREAM_STDOUT = 2, STREAM_STDERR = 4 };
enum phase { PHASE_SPAWNER, PHASE_CREATED, PHASE_RUNNING, PHASE_EXITED, PHASE_NET };
enum stage { STAGE_MONITOR = 1, STAGE_INIT, STAGE_EXEC, STAGE_INSIDE, STAGE_NET };

struct message {
  uint8_t type;
  uint32_t length;
  uint8_t *payload;
};

struct attribute {
  uint16_t tag;
  uint32_t length;
  const uint8_t *value;
};

/* Takes the attribute at *offset and moves on; false at the end and where the rest is malformed. */
bool attribute_next(const struct message *m, size_t *offset, struct attribute *a);
/* Whether the payload is what the type says: attributes to the last byte, known ones of the right form. */
bool message_valid(const struct message *m);

/* A copy, NUL-terminated. */
char *attribute_text(const struct attribute *a);
uint64_t message_u64(const struct message *m, enum tag tag, uint64_t otherwise);
bool message_has(const struct message *m, enum tag tag, struct attribute *a);
/* A copy of the first such string, NULL when there is none. */
char *message_text(const struct message *m, enum tag tag);
/* Copies of all such strings, in order, ended by NULL. */
char **message_texts(const struct message *m, enum tag tag);

/* Descriptors that came with messages. */
enum { BAG_MOST = 16 };
struct fd_bag {
  int fds[BAG_MOST];
  unsigned count;
};

/* Reads one message from a descriptor that may not block, piece by piece. */
struct reader {
  struct fd_bag *bag; /* NULL: descriptors are not wanted; stays after a reset */
  uint8_t head[WIRE_HEAD];
  size_t have;
  struct message message;
};

enum read_result { READ_CLOSED = -1, READ_MORE = 0, READ_MESSAGE = 1 };

/* A READ_MESSAGE is in reader->message until reader_reset; READ_CLOSED is end of file, an error or malformed input. */
enum read_result reader_step(struct reader *r, int fd);
void reader_reset(struct reader *r);

/* Writing: begin, attributes, end. */
size_t message_begin(struct buffer *b, enum message_type type);
void message_put(struct buffer *b, enum tag tag, const void *value, size_t length);
void message_put_u64(struct buffer *b, enum tag tag, uint64_t value);
void message_put_text(struct buffer *b, enum tag tag, const char *text);
void message_end(struct buffer *b, size_t begin);

#endif
