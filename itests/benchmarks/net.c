/* Both ends of what benchmarks send through networks: static, so that it runs in an image of its own.
 *   net serve PORT                      TCP: takes what a client sends, or sends it back; UDP: sends it back
 *   net stream HOST PORT SECONDS        TCP in one direction: megabytes a second
 *   net ping HOST PORT COUNT            one small message after the other: microseconds, median
 *   net connect HOST PORT COUNT         a connection each time, with one message there and back: microseconds, median
 *   net packets HOST PORT SECONDS       UDP there and back, 32 under way: packets a second that came back
 *   net names SERVER COUNT NAME...      questions for addresses one after the other, names in turn: microseconds, median
 *   net rate SERVER SECONDS NAME...     the same with 32 under way: answers a second */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 1 << 17, SMALL = 64, WINDOW = 32, PATIENCE_MS = 5000, TRIES = 200, DNS = 53 };

static char block[BLOCK];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in at(const char *host, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, host, &to.sin_addr) != 1) die(host);
  return to;
}

static void whole(int fd, char *data, size_t length, int writing) {
  for (size_t done = 0; done < length;) {
    ssize_t n = writing ? write(fd, data + done, length - done) : read(fd, data + done, length - done);
    if (n <= 0) die(writing ? "write" : "read");
    done += (size_t)n;
  }
}

/* The first byte says which: s takes all and answers with one byte at the end, e sends back. */
static void client(int fd) {
  char kind;
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (read(fd, &kind, 1) != 1) return;
  for (ssize_t n; (n = read(fd, block, sizeof block)) > 0;)
    if (kind == 'e') whole(fd, block, (size_t)n, 1);
  if (kind == 's') whole(fd, block, 1, 1);
}

static void serve(int port) {
  struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int tcp = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0), one = 1;
  setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(tcp, (void *)&self, sizeof self) || listen(tcp, 1024)) die("listen");
  if (bind(udp, (void *)&self, sizeof self)) die("bind");
  signal(SIGCHLD, SIG_IGN);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
      struct sockaddr_in from;
      socklen_t length = sizeof from;
      ssize_t n = recvfrom(udp, block, sizeof block, 0, (void *)&from, &length);
      if (n >= 0) sendto(udp, block, (size_t)n, 0, (void *)&from, length);
    }
  }
  for (;;) {
    int fd = accept(tcp, NULL, NULL);
    if (fd < 0) die("accept");
    if (fork() == 0) {
      close(tcp);
      client(fd);
      _exit(0);
    }
    close(fd);
  }
}

static int try_connect(const char *host, int port) {
  struct sockaddr_in to = at(host, port);
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (connect(fd, (void *)&to, sizeof to)) {
    close(fd);
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* The server may have only just been started. */
static int reach(const char *host, int port) {
  for (int i = 0; i < TRIES; i++) {
    int fd = try_connect(host, port);
    if (fd >= 0) return fd;
    usleep(20000);
  }
  die("connect");
  return -1;
}

static void stream(const char *host, int port, double seconds) {
  int fd = reach(host, port);
  double megabytes = 0, begin = now();
  whole(fd, "s", 1, 1);
  while (now() - begin < seconds) {
    whole(fd, block, sizeof block, 1);
    megabytes += sizeof block / 1e6;
  }
  shutdown(fd, SHUT_WR);
  whole(fd, block, 1, 0); /* all has come */
  printf("%.1f\n", megabytes / (now() - begin));
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void median(double *seconds, int count) {
  qsort(seconds, (size_t)count, sizeof *seconds, by_size);
  printf("%.2f\n", seconds[count / 2] * 1e6);
}

static void ping(const char *host, int port, int count, int anew) {
  double *took = calloc((size_t)count, sizeof *took);
  int fd = reach(host, port);
  whole(fd, "e", 1, 1);
  for (int i = 0; i < count; i++) {
    double begin = now();
    if (anew) {
      close(fd);
      if ((fd = try_connect(host, port)) < 0) die("connect");
      whole(fd, "e", 1, 1);
    }
    whole(fd, block, SMALL, 1);
    whole(fd, block, SMALL, 0);
    took[i] = now() - begin;
  }
  median(took, count);
}

/* A question for an A record. */
static size_t question(char *out, uint16_t id, const char *name) {
  uint16_t head[6] = {htons(id), htons(0x0100), htons(1), 0, 0, 0};
  memcpy(out, head, sizeof head);
  char *end = out + sizeof head;
  while (*name) {
    size_t label = strcspn(name, ".");
    *end++ = (char)label;
    memcpy(end, name, label);
    end += label;
    name += label + (name[label] == '.');
  }
  memcpy(end, "\0\0\1\0\1", 5);
  return (size_t)(end + 5 - out);
}

static int udp(const char *host, int port) {
  struct sockaddr_in to = at(host, port);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(fd, (void *)&to, sizeof to)) die("connect");
  return fd;
}

/* Whether something came in time. */
static int heard(int fd, char *in, size_t size) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  return poll(&wait, 1, PATIENCE_MS) > 0 && recv(fd, in, size, 0) > 0;
}

static void require_answer(const char *in, const char *name) {
  if ((in[3] & 0xf) || !(in[6] | in[7])) {
    fprintf(stderr, "no address of %s\n", name);
    exit(1);
  }
}

static void names(const char *server, int count, char **all, int known) {
  double *took = calloc((size_t)count, sizeof *took);
  int fd = udp(server, DNS);
  char out[512], in[1500];
  for (int i = 0; i < count; i++) {
    const char *name = all[i % known];
    size_t length = question(out, (uint16_t)i, name);
    double begin = now();
    if (send(fd, out, length, 0) < 0) die("send");
    if (!heard(fd, in, sizeof in)) die("no answer");
    took[i] = now() - begin;
    require_answer(in, name);
  }
  median(took, count);
}

/* Small ones there and back, with many under way; names: questions instead. */
static void many(int fd, double seconds, char **all, int known) {
  char out[512] = "", in[1500];
  long sent = 0, came = 0;
  double begin = now();
  while (now() - begin < seconds) {
    for (; sent - came < WINDOW; sent++) {
      size_t length = known ? question(out, (uint16_t)sent, all[sent % known]) : SMALL;
      if (send(fd, out, length, 0) < 0) die("send");
    }
    if (!heard(fd, in, sizeof in)) {
      sent = came; /* they are lost */
      continue;
    }
    if (known) require_answer(in, "one of them");
    came++;
  }
  printf("%.0f\n", (double)came / (now() - begin));
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && !strcmp(argv[1], "serve")) serve(atoi(argv[2]));
  if (argc < 5) {
    fprintf(stderr, "usage: net serve|stream|ping|connect|packets|names|rate ...\n");
    return 2;
  }
  const char *what = argv[1], *host = argv[2];
  int third = atoi(argv[3]);
  if (!strcmp(what, "stream")) stream(host, third, atof(argv[4]));
  if (!strcmp(what, "ping")) ping(host, third, atoi(argv[4]), 0);
  if (!strcmp(what, "connect")) ping(host, third, atoi(argv[4]), 1);
  if (!strcmp(what, "packets")) many(udp(host, third), atof(argv[4]), NULL, 0);
  if (!strcmp(what, "names")) names(host, third, argv + 4, argc - 4);
  if (!strcmp(what, "rate")) many(udp(host, DNS), third, argv + 4, argc - 4);
  return 0;
}
