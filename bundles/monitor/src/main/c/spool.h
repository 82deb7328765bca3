/* The log spool: Docker's json-file, byte for byte, with rotation (PROTOCOL.md, "The spool"). */
#ifndef GANTRY_SPOOL_H
#define GANTRY_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "logwriter.h"

enum { SPOOL_PIECE = 16384, SPOOL_STREAMS = 3 };

struct spool_line {
  struct buffer text; /* what has come of a line */
  uint64_t first_ns;  /* when its first piece was written, 0: none was */
};

struct spool {
  char *path;
  char *attributes; /* a JSON object that every record carries; NULL for none */
  int fd;
  uint64_t size, most_bytes, most_files;
  struct buffer batch;
  struct spool_line lines[SPOOL_STREAMS];
  uint64_t lost_lines; /* since the last one that could be written */
  int lost_error;
  struct log_writer *writer; /* in the monitor, when logging is not to block */
};

/* Opens the file, which nobody else writes, for appending after its last whole line; NULL and errno when it cannot. */
struct spool *spool_open(const char *path, uint64_t most_bytes, uint64_t most_files);
/* Goes on in another file, or in the same path anew; -1 and errno leave things as they were. */
int spool_reopen(struct spool *s, const char *path, uint64_t most_bytes, uint64_t most_files);
/* From now on a process writes the file, and up to so many bytes wait for it in memory. */
int spool_unblock(struct spool *s, uint64_t most_bytes);
/* From now on every record carries these; NULL: none. */
void spool_describe(struct spool *s, const char *attributes);
/* Stream 1, 2, or 3 for what the container was given. */
void spool_write(struct spool *s, unsigned stream, const uint8_t *data, size_t length, uint64_t now_ns);
/* The streams have ended: lines without a newline are written as they are. */
void spool_end(struct spool *s, uint64_t now_ns);

/* Writes one record as it is, after a rotation when that is due. */
void spool_record(struct spool *s, const uint8_t *record, size_t length);

/* Somebody has compressed the rotated file with that inode number: from now on it stands for it. -1 and ENOENT when no
 * rotated file is that one any more. Only who rotates may do this, since names move while he does. */
int spool_compressed(struct spool *s, const char *compressed, uint64_t inode);

/* One record, as it stands in the file; for tests too. */
void spool_encode(struct buffer *out, const uint8_t *line, size_t length, bool newline, unsigned stream, uint64_t time_ns,
                  const char *attributes);

#endif
