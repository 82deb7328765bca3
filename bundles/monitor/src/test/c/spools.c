/* Tests of the log spool: its format, rotation, and what becomes of it on a bad disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "scratch.h"
#include "spool.h"
#include "sys.h"

int failures;

/* In place of libc's, for a disk that takes a new file no name any more. */
static bool names_fail;

int rename(const char *from, const char *to) {
  size_t length = strlen(from);
  if (names_fail && length > 4 && strcmp(from + length - 4, ".new") == 0) {
    errno = EIO;
    return -1;
  }
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/* For one that is full in the middle of a line, and one that does not even give that back. */
static bool is_full, keeps_all;

ssize_t write(int fd, const void *data, size_t length) {
  static bool said;
  if (!is_full) return syscall(SYS_write, fd, data, length);
  said = !said;
  if (said) return syscall(SYS_write, fd, data, length / 2);
  errno = ENOSPC;
  return -1;
}

int ftruncate(int fd, off_t length) {
  if (!keeps_all) return (int)syscall(SYS_ftruncate, fd, length);
  errno = EIO;
  return -1;
}

static const uint64_t noon = 1136214245999999999; /* Go's reference time, in UTC */

static const char *encoded(const char *line, size_t length, bool newline, uint64_t time_ns) {
  static struct buffer b;
  buffer_clear(&b);
  spool_encode(&b, (const uint8_t *)line, length, newline, 1, time_ns, NULL);
  buffer_append(&b, "", 1);
  return (const char *)b.data + b.start;
}

#define LINE(text) "{\"log\":\"" text "\",\"stream\":\"stdout\",\"time\":\"2006-01-02T15:04:05.999999999Z\"}\n"
#define ENCODED(text) encoded(text, sizeof(text) - 1, true, noon)

static void lines_are_escaped_as_docker_does(void) {
  CHECK_TEXT(ENCODED("plain"), LINE("plain\\n"));
  CHECK_TEXT(ENCODED("\"\\/"), LINE("\\\"\\\\/\\n"));
  CHECK_TEXT(ENCODED("<a&b>"), LINE("\\u003ca\\u0026b\\u003e\\n"));
  CHECK_TEXT(ENCODED("\t\r\b\f\x1b\x7f"), LINE("\\u0009\\r\\u0008\\u000c\\u001b\x7f\\n"));
  CHECK_TEXT(ENCODED("a\0b"), LINE("a\\u0000b\\n"));
  CHECK_TEXT(ENCODED("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), LINE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\\n"));
  CHECK_TEXT(ENCODED("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), LINE("\\u2028\\u2029\xe2\x80\xaa\\n"));
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void) {
  CHECK_TEXT(ENCODED("\xff"), LINE("\\ufffd\\n"));
  CHECK_TEXT(ENCODED("\xc3"), LINE("\\ufffd\\n"));
  CHECK_TEXT(ENCODED("\xc0\xaf"), LINE("\\ufffd\\ufffd\\n"));
  CHECK_TEXT(ENCODED("\xed\xa0\x80"), LINE("\\ufffd\\ufffd\\ufffd\\n"));
  CHECK_TEXT(ENCODED("\xe2\x82x"), LINE("\\ufffd\\ufffdx\\n"));
  CHECK_TEXT(ENCODED("\xf4\x90\x80\x80"), LINE("\\ufffd\\ufffd\\ufffd\\ufffd\\n"));
}

#define AT(text) "{\"log\":\"x\",\"stream\":\"stdout\",\"time\":\"" text "\"}\n"

static void times_lose_their_trailing_zeros(void) {
  CHECK_TEXT(encoded("x", 1, false, 0), AT("1970-01-01T00:00:00Z"));
  CHECK_TEXT(encoded("x", 1, false, 951782400100000000), AT("2000-02-29T00:00:00.1Z"));
  CHECK_TEXT(encoded("x", 1, false, 4107542399000000010), AT("2100-02-28T23:59:59.00000001Z"));
}

static const char *content(const char *name) {
  static char text[1 << 20];
  return read_file(AT_FDCWD, path(name), text, sizeof text) < 0 ? "(missing)" : text;
}

static void spool_text(struct spool *s, unsigned stream, const char *text) {
  spool_write(s, stream, (const uint8_t *)text, strlen(text), 1000000000);
}

#define ENTRY(text, stream, second) "{\"log\":\"" text "\",\"stream\":\"" stream "\",\"time\":\"1970-01-01T00:00:0" second "Z\"}\n"

static void streams_keep_their_lines_apart(void) {
  struct spool *s = spool_open(path("a"), 0, 1);
  spool_text(s, 1, "one");
  spool_text(s, 2, "er\n");
  spool_text(s, 1, " two\nrest");
  CHECK_TEXT(content("a"), ENTRY("er\\n", "stderr", "1") ENTRY("one two\\n", "stdout", "1"));
  spool_end(s, 2000000000);
  CHECK_TEXT(content("a"), ENTRY("er\\n", "stderr", "1") ENTRY("one two\\n", "stdout", "1") ENTRY("rest", "stdout", "2"));
}

static void long_lines_come_in_pieces_of_16_kib_with_the_first_ones_time(void) {
  static uint8_t data[2 * SPOOL_PIECE + 2];
  struct spool *s = spool_open(path("b"), 0, 1);
  memset(data, 'x', sizeof data);
  data[2 * SPOOL_PIECE] = '\n';
  spool_write(s, 1, data, 100, 1000000000);
  spool_write(s, 1, data + 100, SPOOL_PIECE, 2000000000);
  spool_write(s, 1, data + 100 + SPOOL_PIECE, SPOOL_PIECE - 100 + 1, 3000000000);
  const char *text = content("b");
  CHECK_NUMBER(strlen(text), 2 * SPOOL_PIECE + 2 * strlen(ENTRY("", "stdout", "2")) + strlen(ENTRY("\\n", "stdout", "2")));
  CHECK(strstr(text, ENTRY("\\n", "stdout", "2")) != NULL);
  CHECK(strstr(text, "05.") == NULL && strstr(text, "00:03Z") == NULL);
}

static void a_full_file_is_rotated_before_the_next_line(void) {
  struct spool *s = spool_open(path("c"), strlen(ENTRY("0\\n", "stdout", "1")) + 1, 3);
  spool_text(s, 1, "0\n1\n2\n3\n4\n5\n6\n");
  CHECK_TEXT(content("c"), ENTRY("6\\n", "stdout", "1"));
  CHECK_TEXT(content("c.1"), ENTRY("4\\n", "stdout", "1") ENTRY("5\\n", "stdout", "1"));
  CHECK_TEXT(content("c.2"), ENTRY("2\\n", "stdout", "1") ENTRY("3\\n", "stdout", "1"));
  CHECK_TEXT(content("c.3"), "(missing)");
}

static void a_rotation_that_fails_in_the_middle_leaves_the_file_where_readers_look(void) {
  struct spool *s = spool_open(path("m"), 1, 3);
  spool_text(s, 1, "0\n1\n");
  names_fail = true;
  spool_text(s, 1, "2\n");
  names_fail = false;
  CHECK_TEXT(content("m"), ENTRY("1\\n", "stdout", "1") ENTRY("2\\n", "stdout", "1"));
  CHECK_TEXT(content("m.new"), "(missing)");
  spool_text(s, 1, "3\n");
  CHECK_TEXT(content("m"), ENTRY("3\\n", "stdout", "1"));
  CHECK_TEXT(content("m.1"), ENTRY("1\\n", "stdout", "1") ENTRY("2\\n", "stdout", "1"));
}

static void a_limit_of_files_that_is_out_of_reach_takes_no_time(void) {
  struct spool *s = spool_open(path("r"), 1, UINT64_MAX);
  spool_text(s, 1, "0\n1\n2\n");
  CHECK_TEXT(content("r"), ENTRY("2\\n", "stdout", "1"));
  CHECK_TEXT(content("r.1"), ENTRY("1\\n", "stdout", "1"));
  CHECK_TEXT(content("r.2"), ENTRY("0\\n", "stdout", "1"));
}

static void a_single_file_is_replaced(void) {
  struct spool *s = spool_open(path("d"), 1, 1);
  spool_text(s, 1, "0\n1\n2\n");
  CHECK_TEXT(content("d"), ENTRY("2\\n", "stdout", "1"));
  CHECK_TEXT(content("d.1"), "(missing)");
}

static void a_spool_goes_on_where_it_was_told_to(void) {
  struct spool *s = spool_open(path("e"), 0, 1);
  spool_text(s, 1, "0\n");
  CHECK_NUMBER(spool_reopen(s, path("none/f"), 0, 1), -1);
  spool_text(s, 1, "1\n");
  CHECK_NUMBER(spool_reopen(s, path("f"), 0, 1), 0);
  spool_text(s, 1, "2\n");
  CHECK_TEXT(content("e"), ENTRY("0\\n", "stdout", "1") ENTRY("1\\n", "stdout", "1"));
  CHECK_TEXT(content("f"), ENTRY("2\\n", "stdout", "1"));
}

static void what_a_power_cut_left_of_a_line_is_cut_off(void) {
  static char torn[10000]; /* more than one block of what never came to the disk */
  int fd = open(path("p"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  CHECK_NUMBER(write(fd, ENTRY("0\\n", "stdout", "1"), strlen(ENTRY("0\\n", "stdout", "1"))), strlen(ENTRY("0\\n", "stdout", "1")));
  CHECK_NUMBER(write(fd, "{\"log\":\"", 8), 8);
  CHECK_NUMBER(write(fd, torn, sizeof torn), sizeof torn);
  close(fd);
  spool_text(spool_open(path("p"), 0, 1), 1, "1\n");
  CHECK_TEXT(content("p"), ENTRY("0\\n", "stdout", "1") ENTRY("1\\n", "stdout", "1"));
  CHECK_NUMBER(truncate(path("p"), 5), 0);
  spool_text(spool_open(path("p"), 0, 1), 1, "2\n");
  CHECK_TEXT(content("p"), ENTRY("2\\n", "stdout", "1"));
}

static void a_full_disk_leaves_no_half_line_and_is_told_of(void) {
  static const char note[] = "{\"log\":\"[gantry: 3 log lines were lost: no space left on device]\\n\",\"stream\":\"stderr\",\"time\":\"";
  static const char first[] = ENTRY("0\\n", "stdout", "1"), last[] = ENTRY("1\\n", "stdout", "1");
  struct spool *s = spool_open(path("g"), 0, 1);
  spool_text(s, 1, "0\n");
  int good = s->fd;
  s->fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
  spool_text(s, 1, "lost\nalso lost\n");
  spool_text(s, 2, "lost too\n");
  close(s->fd);
  s->fd = good;
  s->size = sizeof first - 1;
  spool_text(s, 1, "1\n");
  const char *text = content("g");
  CHECK(strncmp(text, first, sizeof first - 1) == 0);
  CHECK(strncmp(text + sizeof first - 1, note, sizeof note - 1) == 0);
  const char *after = strchr(text + sizeof first - 1, '\n');
  CHECK_TEXT(after ? after + 1 : "", last);
  spool_text(s, 1, "1\n");
  CHECK(strstr(content("g"), "gantry") != NULL && strstr(strstr(content("g"), "gantry") + 1, "gantry") == NULL);
}

static void half_a_line_that_stays_costs_no_line_later(void) {
  static const char last[] = ENTRY("2\\n", "stdout", "1");
  struct spool *s = spool_open(path("t"), 0, 1);
  spool_text(s, 1, "0\n1\n");
  is_full = keeps_all = true;
  spool_text(s, 1, "lost\n");
  is_full = keeps_all = false;
  spool_text(s, 1, "2\n");
  is_full = true;
  spool_text(s, 1, "lost\n");
  is_full = false;
  const char *text = content("t");
  CHECK(strlen(text) > sizeof last && strcmp(text + strlen(text) - (sizeof last - 1), last) == 0);
}

/* The one child there is. */
static pid_t writer_of(void) {
  char name[64], text[64];
  uint64_t pid = 0;
  snprintf(name, sizeof name, "/proc/self/task/%d/children", (int)getpid());
  CHECK(read_file(AT_FDCWD, name, text, sizeof text) > 0);
  text[strcspn(text, " ")] = 0;
  CHECK(parse_u64(text, &pid));
  return (pid_t)pid;
}

static void a_spool_that_must_not_block_drops_whole_lines_only(void) {
  enum { LINES = 5000 };
  static const char line[] = "0123456789012345678901234567890123456789\n";
  size_t kept = 0;
  struct spool *s = spool_open(path("h"), 0, 1);
  CHECK_NUMBER(spool_unblock(s, 4096), 0);
  /* While the disk hangs, as it were. */
  kill(writer_of(), SIGSTOP);
  for (int i = 0; i < LINES; i++) spool_text(s, 1, line);
  kill(writer_of(), SIGCONT);
  spool_end(s, 0);
  char *text = must_copy(content("h"));
  static const char entry[] = ENTRY("0123456789012345678901234567890123456789\\n", "stdout", "1");
  for (char *at = text; strncmp(at, entry, sizeof entry - 1) == 0; at += sizeof entry - 1) kept++;
  CHECK_NUMBER(strlen(text), kept * (sizeof entry - 1));
  CHECK(kept > 100 && kept < LINES);
  free(text);
}

static void a_spool_that_must_not_block_rotates_and_moves(void) {
  struct spool *s = spool_open(path("i"), 1, 2);
  CHECK_NUMBER(spool_unblock(s, 1 << 20), 0);
  spool_text(s, 1, "0\n1\n2\n");
  CHECK_NUMBER(spool_reopen(s, path("j"), 0, 1), 0);
  spool_text(s, 2, "3\n4");
  spool_end(s, 2000000000);
  CHECK_TEXT(content("i.1"), ENTRY("1\\n", "stdout", "1"));
  CHECK_TEXT(content("i"), ENTRY("2\\n", "stdout", "1"));
  CHECK_TEXT(content("j"), ENTRY("3\\n", "stderr", "1") ENTRY("4", "stderr", "2"));
}

static uint64_t inode_of(const char *name) {
  struct stat st;
  return stat(path(name), &st) == 0 ? st.st_ino : 0;
}

static void write_file(const char *name, const char *text) {
  int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK_NUMBER(write_all(fd, text, strlen(text)), 0);
  close(fd);
}

static void every_record_carries_the_attributes(void) {
  struct spool *s = spool_open(path("k"), 0, 1);
  spool_text(s, 1, "0\n");
  spool_describe(s, "{\"tag\":\"web\"}");
  spool_text(s, 1, "1\n2\n");
  CHECK_TEXT(content("k"), ENTRY("0\\n", "stdout", "1")
             "{\"log\":\"1\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"web\"},\"time\":\"1970-01-01T00:00:01Z\"}\n"
             "{\"log\":\"2\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"web\"},\"time\":\"1970-01-01T00:00:01Z\"}\n");
}

static void input_has_lines_of_its_own(void) {
  struct spool *s = spool_open(path("l"), 0, 1);
  spool_text(s, 3, "in");
  spool_text(s, 1, "out\n");
  spool_text(s, 3, "put\n");
  CHECK_TEXT(content("l"), ENTRY("out\\n", "stdout", "1") ENTRY("input\\n", "stdin", "1"));
}

static void compressed_files_move_with_the_others(void) {
  struct spool *s = spool_open(path("m"), 1, 4);
  spool_text(s, 1, "0\n1\n2\n");
  write_file("m.tmp", "gz of 0");
  CHECK_NUMBER(spool_compressed(s, path("m.tmp"), inode_of("m.2")), 0);
  CHECK_TEXT(content("m.2"), "(missing)");
  CHECK_TEXT(content("m.2.gz"), "gz of 0");
  spool_text(s, 1, "3\n");
  CHECK_TEXT(content("m.3.gz"), "gz of 0");
  CHECK_TEXT(content("m.2.gz"), "(missing)");
  CHECK_TEXT(content("m.1"), ENTRY("2\\n", "stdout", "1"));
  spool_text(s, 1, "4\n");
  CHECK_TEXT(content("m.3.gz"), "(missing)");
  CHECK_TEXT(content("m.3"), ENTRY("1\\n", "stdout", "1"));
  write_file("m.tmp", "gz of what went");
  CHECK_NUMBER(spool_compressed(s, path("m.tmp"), inode_of("m")), -1);
  CHECK_NUMBER(errno, ENOENT);
  CHECK_TEXT(content("m.tmp"), "gz of what went");
}

/* As when the order came behind more lines than all files hold. */
static void what_was_written_to_since_is_not_taken_for_its_source(void) {
  static const struct timespec times[] = {{.tv_sec = 1}, {.tv_sec = 1}};
  struct spool *s = spool_open(path("t"), 1, 4);
  spool_text(s, 1, "0\n1\n");
  write_file("t.tmp", "gz of one that has gone");
  CHECK_NUMBER(utimensat(AT_FDCWD, path("t.tmp"), times, 0), 0);
  CHECK_NUMBER(spool_compressed(s, path("t.tmp"), inode_of("t.1")), -1);
  CHECK_NUMBER(errno, ENOENT);
  CHECK_TEXT(content("t.1"), ENTRY("0\\n", "stdout", "1"));
  CHECK_TEXT(content("t.1.gz"), "(missing)");
}

static void a_gap_is_filled_and_nothing_above_it_moves(void) {
  struct spool *s = spool_open(path("n"), 1, 9);
  spool_text(s, 1, "0\n1\n2\n3\n");
  CHECK_NUMBER(unlink(path("n.2")), 0);
  spool_text(s, 1, "4\n");
  CHECK_TEXT(content("n.1"), ENTRY("3\\n", "stdout", "1"));
  CHECK_TEXT(content("n.2"), ENTRY("2\\n", "stdout", "1"));
  CHECK_TEXT(content("n.3"), ENTRY("0\\n", "stdout", "1"));
  CHECK_TEXT(content("n.4"), "(missing)");
}

static void a_lower_limit_takes_the_files_beyond_it(void) {
  struct spool *s = spool_open(path("o"), 1, 5);
  spool_text(s, 1, "0\n1\n2\n3\n");
  CHECK_NUMBER(spool_reopen(s, path("o"), 1, 2), 0);
  spool_text(s, 1, "4\n");
  CHECK_TEXT(content("o"), ENTRY("4\\n", "stdout", "1"));
  CHECK_TEXT(content("o.1"), ENTRY("3\\n", "stdout", "1"));
  CHECK_TEXT(content("o.2"), "(missing)");
  CHECK_TEXT(content("o.3"), "(missing)");
}

static void a_rotation_that_cannot_be_moves_nothing(void) {
  struct spool *s = spool_open(path("q"), 1, 3);
  spool_text(s, 1, "0\n1\n");
  CHECK_NUMBER(mkdir(path("q.new"), 0700), 0);
  spool_text(s, 1, "2\n3\n");
  CHECK_TEXT(content("q"), ENTRY("1\\n", "stdout", "1") ENTRY("2\\n", "stdout", "1") ENTRY("3\\n", "stdout", "1"));
  CHECK_TEXT(content("q.1"), ENTRY("0\\n", "stdout", "1"));
  CHECK_NUMBER(rmdir(path("q.new")), 0);
  spool_text(s, 1, "4\n");
  CHECK_TEXT(content("q"), ENTRY("4\\n", "stdout", "1"));
  CHECK_TEXT(content("q.2"), ENTRY("0\\n", "stdout", "1"));
}

static void who_reads_a_single_file_comes_to_its_end(void) {
  struct spool *s = spool_open(path("s"), 1, 1);
  char text[256] = "";
  spool_text(s, 1, "0\n");
  int fd = open(path("s"), O_RDONLY | O_CLOEXEC);
  spool_text(s, 1, "1\n");
  CHECK(read_all(fd, text, sizeof text - 1) > 0);
  CHECK_TEXT(text, ENTRY("0\\n", "stdout", "1"));
  close(fd);
}

int main(void) {
  if (!mkdtemp(directory)) return 1;
  lines_are_escaped_as_docker_does();
  bytes_that_are_no_utf8_are_replaced_one_by_one();
  times_lose_their_trailing_zeros();
  streams_keep_their_lines_apart();
  long_lines_come_in_pieces_of_16_kib_with_the_first_ones_time();
  a_full_file_is_rotated_before_the_next_line();
  a_rotation_that_fails_in_the_middle_leaves_the_file_where_readers_look();
  a_limit_of_files_that_is_out_of_reach_takes_no_time();
  a_single_file_is_replaced();
  a_spool_goes_on_where_it_was_told_to();
  what_a_power_cut_left_of_a_line_is_cut_off();
  a_full_disk_leaves_no_half_line_and_is_told_of();
  half_a_line_that_stays_costs_no_line_later();
  a_spool_that_must_not_block_drops_whole_lines_only();
  a_spool_that_must_not_block_rotates_and_moves();
  every_record_carries_the_attributes();
  input_has_lines_of_its_own();
  compressed_files_move_with_the_others();
  what_was_written_to_since_is_not_taken_for_its_source();
  a_gap_is_filled_and_nothing_above_it_moves();
  a_lower_limit_takes_the_files_beyond_it();
  a_rotation_that_cannot_be_moves_nothing();
  who_reads_a_single_file_comes_to_its_end();
  sweep();
  if (failures) fprintf(stderr, "%d failed\n", failures);
  return failures != 0;
}
