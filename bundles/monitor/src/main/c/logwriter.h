/* Non-blocking logging: a process of its own writes the spool, so that a slow disk costs lines and never time.
 * What it has not taken yet waits in memory, up to a limit; beyond that whole records are dropped. */
#ifndef GANTRY_LOGWRITER_H
#define GANTRY_LOGWRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spool;
struct log_writer;

/* The file stays the writer's from here on. NULL and errno when there can be none. */
struct log_writer *log_writer_start(struct spool *file, uint64_t most_bytes);
void log_writer_put(struct log_writer *w, const void *record, size_t length);
void log_writer_reopen(struct log_writer *w, const char *path, uint64_t most_bytes, uint64_t most_files);
void log_writer_compressed(struct log_writer *w, const char *path, uint64_t inode);
/* Hands over what waits and returns when it is in the file. */
void log_writer_end(struct log_writer *w);
bool log_writer_is(const struct log_writer *w, pid_t pid);

#endif
