#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys.h"

enum { BATCH_MOST = 128 * 1024 };

/* The length of the UTF-8 sequence at p, 0 when it is none; surrogates and overlong forms are none. */
static unsigned utf8_length(const uint8_t *p, size_t left) {
  static const struct {
    uint8_t first, last, second_first, second_last, length;
  } forms[] = {
      {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
      {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  for (unsigned i = 0; i < COUNT(forms); i++) {
    if (p[0] < forms[i].first || p[0] > forms[i].last) continue;
    if (left < forms[i].length || p[1] < forms[i].second_first || p[1] > forms[i].second_last) return 0;
    for (unsigned k = 2; k < forms[i].length; k++) {
      if ((p[k] & 0xc0) != 0x80) return 0;
    }
    return forms[i].length;
  }
  return 0;
}

static bool plain(uint8_t c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'; }

#define EACH(byte) (0x0101010101010101u * (byte))

/* High bits where a byte of w is zero; none is missed, a wrong one may follow a right one. */
static uint64_t zero_bytes(uint64_t w) { return (w - EACH(1)) & ~w & EACH(0x80); }

/* How many bytes from here on are plain: eight at a time, since nearly all are. */
static size_t plain_run(const uint8_t *p, size_t length) {
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t w;
    memcpy(&w, p + i, sizeof w);
    uint64_t special = (w & EACH(0x80)) | ((w - EACH(0x20)) & ~w & EACH(0x80)) | zero_bytes(w ^ EACH('"')) | zero_bytes(w ^ EACH('\\')) |
                       zero_bytes(w ^ EACH('<')) | zero_bytes(w ^ EACH('>')) | zero_bytes(w ^ EACH('&'));
    if (special) break;
  }
  while (i < length && plain(p[i])) i++;
  return i;
}

static void encode_ascii(struct buffer *out, uint8_t c) {
  char text[8];
  switch (c) {
    case '"': buffer_append(out, "\\\"", 2); return;
    case '\\': buffer_append(out, "\\\\", 2); return;
    case '\n': buffer_append(out, "\\n", 2); return;
    case '\r': buffer_append(out, "\\r", 2); return;
    default: break;
  }
  snprintf(text, sizeof text, "\\u%04x", c);
  buffer_append(out, text, 6);
}

/* Encodes one character that is not plain and returns the bytes it took. */
static unsigned encode_character(struct buffer *out, const uint8_t *p, size_t left) {
  if (p[0] < 0x80) {
    encode_ascii(out, p[0]);
    return 1;
  }
  unsigned length = utf8_length(p, left);
  if (length == 0) {
    buffer_append(out, "\\ufffd", 6);
    return 1;
  }
  bool separator = length == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
  if (separator) buffer_append(out, p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
  else buffer_append(out, p, length);
  return length;
}

static void encode_text(struct buffer *out, const uint8_t *text, size_t length) {
  size_t i = 0;
  while (i < length) {
    size_t run = plain_run(text + i, length - i);
    buffer_append(out, text + i, run);
    i += run;
    if (i < length) i += encode_character(out, text + i, length - i);
  }
}

/* RFC 3339 in UTC with the fraction's trailing zeros cut, by the civil-from-days algorithm. */
static void encode_time(struct buffer *out, uint64_t time_ns) {
  uint64_t seconds = time_ns / 1000000000u, of_day = seconds % 86400;
  unsigned fraction = (unsigned)(time_ns % 1000000000u);
  uint64_t days = seconds / 86400 + 719468, era = days / 146097, day_of_era = days % 146097;
  uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  uint64_t shifted = (5 * day_of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
  uint64_t day = day_of_year - (153 * shifted + 2) / 5 + 1, year = year_of_era + era * 400 + (month <= 2);
  char text[64];
  int n = snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%09u", (unsigned)year, (unsigned)month, (unsigned)day,
                   (unsigned)(of_day / 3600), (unsigned)(of_day / 60 % 60), (unsigned)(of_day % 60), fraction);
  while (text[n - 1] == '0' && fraction) n--;
  if (!fraction) n -= 10;
  text[n] = 'Z';
  buffer_append(out, text, (size_t)n + 1);
}

static void append_text(struct buffer *out, const char *text) { buffer_append(out, text, strlen(text)); }

/* What follows the text, kept from line to line: all that came in one read share it. */
static void encode_tail(struct buffer *out, unsigned stream, uint64_t time_ns, const char *attributes) {
  static const char *const names[SPOOL_STREAMS] = {"stdout", "stderr", "stdin"};
  static struct buffer tail;
  static unsigned tail_stream;
  static uint64_t tail_ns;
  static const char *tail_attributes;
  if (buffer_length(&tail) == 0 || tail_stream != stream || tail_ns != time_ns || tail_attributes != attributes) {
    tail.start = tail.end = 0;
    append_text(&tail, "\",\"stream\":\"");
    append_text(&tail, names[stream - 1]);
    append_text(&tail, "\",");
    if (attributes) {
      append_text(&tail, "\"attrs\":");
      append_text(&tail, attributes);
      append_text(&tail, ",");
    }
    append_text(&tail, "\"time\":\"");
    encode_time(&tail, time_ns);
    buffer_append(&tail, "\"}\n", 3);
    tail_stream = stream;
    tail_ns = time_ns;
    tail_attributes = attributes;
  }
  buffer_append(out, tail.data, tail.end);
}

void spool_encode(struct buffer *out, const uint8_t *line, size_t length, bool newline, unsigned stream, uint64_t time_ns,
                  const char *attributes) {
  buffer_append(out, "{\"log\":\"", 8);
  encode_text(out, line, length);
  if (newline) buffer_append(out, "\\n", 2);
  encode_tail(out, stream, time_ns, attributes);
}

static int open_log(const char *path, uint64_t *size) {
  struct stat st;
  int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return -1;
  *size = fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
  return fd;
}

/* Where the last whole line ends. */
static uint64_t end_of_lines(int fd, uint64_t size) {
  uint8_t block[4096];
  while (size > 0) {
    size_t length = size < sizeof block ? (size_t)size : sizeof block;
    ssize_t got = pread(fd, block, length, (off_t)(size - length));
    if (got != (ssize_t)length) return size;
    const uint8_t *newline = memrchr(block, '\n', length);
    if (newline) return size - length + (size_t)(newline - block) + 1;
    size -= length;
  }
  return 0;
}

/* What a power cut has left of a line would swallow the next one. */
static void cut_torn_line(int fd, uint64_t *size) {
  uint64_t end = end_of_lines(fd, *size);
  if (end < *size && ftruncate(fd, (off_t)end) == 0) *size = end;
}

struct spool *spool_open(const char *path, uint64_t most_bytes, uint64_t most_files) {
  uint64_t size = 0;
  int fd = open_log(path, &size);
  if (fd < 0) return NULL;
  cut_torn_line(fd, &size);
  struct spool *s = must_alloc(sizeof *s);
  *s = (struct spool){.path = must_copy(path), .fd = fd, .size = size, .most_bytes = most_bytes, .most_files = most_files};
  return s;
}

void spool_describe(struct spool *s, const char *attributes) { s->attributes = attributes ? must_copy(attributes) : NULL; }

int spool_unblock(struct spool *s, uint64_t most_bytes) {
  s->writer = log_writer_start(s, most_bytes);
  return s->writer ? 0 : -1;
}

int spool_reopen(struct spool *s, const char *path, uint64_t most_bytes, uint64_t most_files) {
  uint64_t size = 0;
  int fd = open_log(path, &size);
  if (fd < 0) return -1;
  char *copy = must_copy(path); /* first: it may be the present path */
  close(s->fd);
  free(s->path);
  s->path = copy;
  s->fd = fd;
  s->size = size;
  s->most_bytes = most_bytes;
  s->most_files = most_files;
  if (!s->writer) return 0;
  /* The file was opened here to know that it can be; the writer opens its own. */
  close(s->fd);
  s->fd = -1;
  log_writer_reopen(s->writer, path, most_bytes, most_files);
  return 0;
}

/* Whole or not at all: readers would stumble over half a line for ever. */
static int append(struct spool *s, const struct buffer *b) {
  size_t length = buffer_length(b);
  if (write_all(s->fd, b->data + b->start, length) == 0) {
    s->size += length;
    return 0;
  }
  int error = errno;
  struct stat st;
  /* What cannot be cut off stays: cutting further back the next time would take whole lines. */
  if (ftruncate(s->fd, (off_t)s->size) < 0 && fstat(s->fd, &st) == 0) s->size = (uint64_t)st.st_size;
  errno = error;
  return -1;
}

static void lose(struct spool *s) {
  s->lost_error = errno;
  for (size_t i = s->batch.start; i < s->batch.end; i++) s->lost_lines += s->batch.data[i] == '\n';
}

/* Where lines are missing the log says so, as soon as it can. */
static int say_loss(struct spool *s) {
  char text[128];
  struct buffer note = {0};
  if (s->lost_lines == 0) return 0;
  int n = snprintf(text, sizeof text, "[gantry: %llu log %s lost: %s]", (unsigned long long)s->lost_lines,
                   s->lost_lines == 1 ? "line was" : "lines were", errno_words(s->lost_error));
  spool_encode(&note, (const uint8_t *)text, (size_t)n, true, 2, wall_clock_ns(), s->attributes);
  int said = append(s, &note);
  buffer_clear(&note);
  if (said == 0) s->lost_lines = 0;
  return said;
}

static void flush(struct spool *s) {
  if (buffer_length(&s->batch) == 0) return;
  if (say_loss(s) < 0 || append(s, &s->batch) < 0) lose(s);
  s->batch.start = s->batch.end = 0;
}

/* ---- rotation: L, L.1, L.2 …, any but the first perhaps compressed ---- */

static const char *const forms[] = {"", ".gz"};

/* The file itself is the 0th. */
static char *numbered(const struct spool *s, uint64_t i, const char *form) {
  size_t room = strlen(s->path) + 32;
  char *name = must_alloc(room);
  if (i) snprintf(name, room, "%s.%llu%s", s->path, (unsigned long long)i, form);
  else snprintf(name, room, "%s%s", s->path, form);
  return name;
}

static bool exists(const struct spool *s, uint64_t i) {
  bool there = false;
  for (unsigned f = 0; f < COUNT(forms); f++) {
    char *name = numbered(s, i, forms[f]);
    there |= access(name, F_OK) == 0;
    free(name);
  }
  return there;
}

static void drop(const struct spool *s, uint64_t i) {
  for (unsigned f = 0; f < COUNT(forms); f++) {
    char *name = numbered(s, i, forms[f]);
    (void)unlink(name);
    free(name);
  }
}

static void shift(const struct spool *s, uint64_t i) {
  for (unsigned f = 0; f < (i ? COUNT(forms) : 1u); f++) {
    char *from = numbered(s, i, forms[f]), *to = numbered(s, i + 1, forms[f]);
    (void)rename(from, to);
    free(from);
    free(to);
  }
}

/* The first number that has no file, or the last that may: the limit says little of how many there are. */
static uint64_t first_free(const struct spool *s) {
  uint64_t i = 1;
  while (i + 1 < s->most_files && exists(s, i)) i++;
  return i;
}

static int open_fresh(const char *name) {
  return open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
}

/* The oldest first: whatever this is cut short by, no file is written over that was to stay, and a gap is filled by the
 * next time. */
static void make_way(struct spool *s) {
  uint64_t last = first_free(s);
  drop(s, last);
  for (uint64_t i = last; i > 0; i--) shift(s, i - 1);
  for (uint64_t i = s->most_files; exists(s, i); i++) drop(s, i); /* the limit was higher */
}

/* The file that is written has made way for none: readers look for it where it was. */
static void take_back(const struct spool *s) {
  char *moved = numbered(s, 1, "");
  struct stat ours, there;
  if (fstat(s->fd, &ours) == 0 && lstat(moved, &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
    (void)rename(moved, s->path);
  free(moved);
}

/* The new file is there before anything moves: on a full disk the old one goes on. Where one file is kept, its place is
 * taken instead of cutting it back, so that who reads it comes to its end. */
static void rotate(struct spool *s) {
  char *fresh = numbered(s, 0, ".new");
  int fd = open_fresh(fresh);
  if (fd >= 0) {
    if (s->most_files > 1) make_way(s);
    if (rename(fresh, s->path) == 0) {
      close(s->fd);
      s->fd = fd;
      s->size = 0;
    } else {
      if (s->most_files > 1) take_back(s);
      (void)unlink(fresh);
      close(fd);
    }
  }
  free(fresh);
}

/* Both are there for a moment, never neither. */
static int put_compressed(const struct spool *s, const char *compressed, uint64_t i) {
  char *plain = numbered(s, i, ""), *name = numbered(s, i, ".gz");
  int done = rename(compressed, name);
  if (done == 0) (void)unlink(plain);
  free(plain);
  free(name);
  return done;
}

static bool is_later(const struct timespec *a, const struct timespec *b) {
  return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* What was written to after it was compressed is another file, which got the inode of one that has gone: the order to put
 * it in its place may have waited behind many lines. */
static bool is_source(const char *name, uint64_t inode, const struct stat *made) {
  struct stat st;
  return stat(name, &st) == 0 && st.st_ino == inode && !is_later(&st.st_mtim, &made->st_mtim);
}

int spool_compressed(struct spool *s, const char *compressed, uint64_t inode) {
  struct stat made;
  if (s->writer) {
    log_writer_compressed(s->writer, compressed, inode);
    return 0;
  }
  if (stat(compressed, &made) < 0) return -1;
  for (uint64_t i = 1; exists(s, i); i++) {
    char *name = numbered(s, i, "");
    bool found = is_source(name, inode, &made);
    free(name);
    if (found) return put_compressed(s, compressed, i);
  }
  errno = ENOENT;
  return -1;
}

static bool rotation_due(const struct spool *s) { return s->most_bytes && s->size + buffer_length(&s->batch) >= s->most_bytes; }

void spool_record(struct spool *s, const uint8_t *record, size_t length) {
  if (rotation_due(s)) rotate(s);
  buffer_append(&s->batch, record, length);
  flush(s);
}

static void hand_to_writer(struct spool *s) {
  log_writer_put(s->writer, s->batch.data + s->batch.start, buffer_length(&s->batch));
  s->batch.start = s->batch.end = 0;
}

static void emit(struct spool *s, unsigned stream, const uint8_t *text, size_t length, bool newline, uint64_t now_ns) {
  struct spool_line *line = &s->lines[stream - 1];
  if (!s->writer && rotation_due(s)) {
    flush(s);
    rotate(s);
  }
  spool_encode(&s->batch, text, length, newline, stream, line->first_ns ? line->first_ns : now_ns, s->attributes);
  if (newline) line->first_ns = 0;
  else if (!line->first_ns) line->first_ns = now_ns;
  if (s->writer) hand_to_writer(s);
  else if (buffer_length(&s->batch) >= BATCH_MOST) flush(s);
}

/* Emits what a line has so far, with `more` bytes of data behind it. */
static void emit_joined(struct spool *s, unsigned stream, const uint8_t *data, size_t more, bool newline, uint64_t now_ns) {
  struct buffer *kept = &s->lines[stream - 1].text;
  if (buffer_length(kept) == 0) {
    emit(s, stream, data, more, newline, now_ns);
    return;
  }
  buffer_append(kept, data, more);
  emit(s, stream, kept->data + kept->start, buffer_length(kept), newline, now_ns);
  buffer_clear(kept);
}

void spool_write(struct spool *s, unsigned stream, const uint8_t *data, size_t length, uint64_t now_ns) {
  struct buffer *kept = &s->lines[stream - 1].text;
  bool busy = length >= SPOOL_PIECE;
  if (busy) buffer_room(&s->batch, BATCH_MOST + 2 * SPOOL_PIECE);
  while (length > 0) {
    size_t room = SPOOL_PIECE - buffer_length(kept);
    size_t look = length < room ? length : room;
    const uint8_t *newline = memchr(data, '\n', look);
    size_t taken = newline ? (size_t)(newline - data) : look;
    if (newline || taken == room) emit_joined(s, stream, data, taken, newline != NULL, now_ns);
    else buffer_append(kept, data, taken);
    taken += newline != NULL;
    data += taken;
    length -= taken;
  }
  flush(s);
  /* A container that writes much keeps its buffer, one that writes now and then holds none. */
  if (!busy) buffer_clear(&s->batch);
}

void spool_end(struct spool *s, uint64_t now_ns) {
  for (unsigned stream = 1; stream <= SPOOL_STREAMS; stream++) {
    if (buffer_length(&s->lines[stream - 1].text) > 0) emit_joined(s, stream, NULL, 0, false, now_ns);
  }
  flush(s);
  buffer_clear(&s->batch);
  if (s->writer) log_writer_end(s->writer);
}
