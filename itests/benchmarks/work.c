/* Work that benchmarks let containers and the bare host do: static, so that it runs in an image of its own.
 *   work lines MB       writes lines of 100 bytes
 *   work cpu|syscalls|memory|file DIR    does a fixed amount of it and says how many nanoseconds of a processor it took,
 *                                        the kernel's part included: so others on the machine do not count */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 100, BLOCK = 64000, MIB = 1 << 20, FILE_MIB = 64, BUFFER_MIB = 64 };

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int lines(long megabytes) {
  static char block[BLOCK];
  for (int i = 0; i < BLOCK; i++) block[i] = (char)(i % LINE == LINE - 1 ? '\n' : 'a' + i % LINE % 26);
  for (long left = megabytes * 1000000; left > 0;) {
    ssize_t n = write(1, block, left < BLOCK ? (size_t)left : BLOCK);
    if (n <= 0) return 1;
    left -= n;
  }
  return 0;
}

static void cpu(void) {
  volatile uint64_t sink;
  uint64_t x = 88172645463325252u;
  for (long i = 0; i < 100000000; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  sink = x;
  (void)sink;
}

static void syscalls(void) {
  for (long i = 0; i < 1000000; i++) syscall(SYS_getppid);
}

static void memory(void) {
  size_t size = (size_t)BUFFER_MIB * MIB;
  char *from = malloc(size), *to = malloc(size);
  if (!from || !to) exit(1);
  memset(from, 1, size);
  memset(to, 2, size);
  for (int i = 0; i < 8; i++) {
    memcpy(to, from, size);
    from[i] = to[size - 1 - (size_t)i];
  }
}

static void file(const char *dir) {
  static char block[MIB];
  char path[4096];
  snprintf(path, sizeof path, "%s/work.%d", dir, (int)getpid());
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (fd < 0) exit(1);
  unlink(path);
  memset(block, 'x', sizeof block);
  for (int i = 0; i < FILE_MIB; i++) {
    if (write(fd, block, sizeof block) != MIB) exit(1);
  }
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < FILE_MIB; i++) {
      if (pread(fd, block, sizeof block, (off_t)i * MIB) != MIB) exit(1);
    }
  }
  close(fd);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "lines") && argc > 2) return lines(atol(argv[2]));
  uint64_t begin = now();
  if (!strcmp(what, "cpu")) cpu();
  else if (!strcmp(what, "syscalls")) syscalls();
  else if (!strcmp(what, "memory")) memory();
  else if (!strcmp(what, "file") && argc > 2) file(argv[2]);
  else return 2;
  printf("%llu\n", (unsigned long long)(now() - begin));
  return 0;
}
