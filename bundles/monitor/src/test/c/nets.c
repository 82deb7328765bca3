/* Tests of the net helper, as root: proxies and name look-ups between network namespaces made for it. */

#include <sys/prctl.h>

#include "dnswire.h"
#include "harness.h"
#include "sockets.h"

int failures;

/* ---- the helper ---- */

static pid_t net_pid;

static const char *net_path(void) {
  static char path[128];
  snprintf(path, sizeof path, "%s", in_scratch("net.sock"));
  return path;
}

/* A control connection, as the engine has one. */
static int engine(void) {
  int fd = dial(net_path());
  CHECK(fd >= 0);
  request(fd, MSG_CONTROL);
  const struct message *m = expect(fd, MSG_HELLO);
  net_pid = (pid_t)message_u64(m, TAG_MONITOR_PID, 0);
  return fd;
}

static int start_net_by(const char *zygote) {
  struct buffer b = {0};
  int fd = dial(zygote);
  size_t begin = message_begin(&b, MSG_START_NET);
  message_put_text(&b, TAG_NET, net_path());
  send_and_clear(fd, &b, begin);
  expect(fd, MSG_OK);
  close(fd);
  return engine();
}

static int start_net(void) { return start_net_by(in_scratch("spawn/spawn.sock")); }

static void quit_net(int fd) {
  request(fd, MSG_QUIT);
  expect(fd, MSG_OK);
  expect_end(fd);
  close(fd);
}

struct table {
  struct buffer b;
  size_t begin;
};

static void table_start(struct table *t, const char *container) {
  *t = (struct table){0};
  t->begin = message_begin(&t->b, MSG_TABLE);
  message_put_text(&t->b, TAG_CONTAINER, container);
}

static void table_put(struct table *t, enum tag tag, const char *format, ...) {
  char text[4096];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  message_put_text(&t->b, tag, text);
}

static void table_send(int fd, struct table *t) {
  send_and_clear(fd, &t->b, t->begin);
  expect(fd, MSG_OK);
}

/* ---- containers with sockets ---- */

static void serve_by_net(struct container *c, enum message_type expected) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_SERVE);
  message_put_text(&b, TAG_NET, net_path());
  send_and_clear(c->fd, &b, begin);
  expect(c->fd, expected);
}

static char ids[64][80]; /* by number of the container */

static const char *id_of(const struct container *c) { return ids[atoi(strrchr(c->dir, 'c') + 1)]; }

static void begin_container(struct container *c) {
  struct writer w;
  new_container(c);
  snprintf(ids[container_count], sizeof ids[0], "%064x", container_count);
  rooted(&w, c);
  create_waiting(c, 0, NAMESPACES, &w);
  op_start(&c->rest, OP_LOOPBACK_UP);
  op_start(&c->rest, OP_DNS);
  op_text(&c->rest, "127.0.0.11");
  op_number(&c->rest, 53);
  becoming(&c->rest, "", "/");
  running(&c->rest, "exec sleep 1000");
  started(c);
  serve_by_net(c, MSG_OK);
}

static void listen_on(struct container *c, enum message_type type, const char *listener) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, type);
  message_put_text(&b, TAG_LISTENER, listener);
  send_and_clear(c->fd, &b, begin);
  expect(c->fd, MSG_OK);
}

static void end_container(struct container *c) {
  send_number(c->fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c->fd, MSG_OK);
  exited(c, 137);
  gone(c);
}

/* ---- sockets of the test ---- */

static struct sockaddr_in loopback(unsigned port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int patient(int fd) {
  struct timeval patience = {.tv_sec = PATIENCE_S};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}

static int bound(int type, unsigned port) {
  struct sockaddr_in address = loopback(port);
  int one = 1, fd = patient(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  CHECK_NUMBER(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  if (type == SOCK_STREAM) CHECK_NUMBER(listen(fd, 1000), 0);
  return fd;
}

static int connected(int type, unsigned port) {
  struct sockaddr_in address = loopback(port);
  int fd = patient(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  CHECK_NUMBER(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static const char *read_text(int fd, size_t length) {
  static char text[64];
  ssize_t n = read_all(fd, text, length);
  text[n > 0 ? n : 0] = 0;
  return text;
}

static void write_text(int fd, const char *text) { CHECK_NUMBER(write_all(fd, text, strlen(text)), 0); }

static void at_end(int fd) {
  char byte;
  CHECK_NUMBER(read(fd, &byte, 1), 0);
}

/* Into the container's network namespace; what leads back. */
static int go_inside(const struct container *c) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)c->pid);
  int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(path, O_RDONLY | O_CLOEXEC);
  CHECK(syscall(SYS_setns, there, CLONE_NEWNET) == 0);
  close(there);
  return own;
}

static void go_back(int own) {
  CHECK(syscall(SYS_setns, own, CLONE_NEWNET) == 0);
  close(own);
}

/* A socket there that asks the resolver. */
static int socket_inside(const struct container *c, int type) {
  int own = go_inside(c);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(0x7f00000b)};
  int fd = patient(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  CHECK_NUMBER(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  go_back(own);
  return fd;
}

/* ---- proxies ---- */

static void it_has_no_rights(void) {
  char path[64], text[4096];
  int fd = start_net();
  snprintf(path, sizeof path, "/proc/%d/status", (int)net_pid);
  CHECK(read_file(AT_FDCWD, path, text, sizeof text) > 0);
  static const char *const wanted[] = {"Name:\tgantry-net\n", "CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
                                       "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Uid:\t4294901760\t4294901760\t"};
  for (unsigned i = 0; i < COUNT(wanted); i++) CHECK(strstr(text, wanted[i]) != NULL);
  /* Sanitizers need more calls than the filter allows. */
  CHECK(strstr(text, "Seccomp:\t2\n") != NULL || strstr(helper, "sanitized"));
  snprintf(path, sizeof path, "/proc/%d/environ", (int)net_pid);
  struct stat st;
  CHECK_NUMBER(stat(path, &st), 0);
  CHECK_NUMBER(st.st_uid, 0); /* not dumpable: nobody of its user may look into it */
  quit_net(fd);
  AWAIT(!exists(path));
}

static void connections_are_proxied_each_way_to_its_end(void) {
  struct container c;
  struct table t;
  int fd = start_net(), server = bound(SOCK_STREAM, 9000);
  begin_container(&c);
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8000");
  int early = connected(SOCK_STREAM, 8000); /* before anybody knows where to */
  write_text(early, "early");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_send(fd, &t);
  int end = patient(accept(server, NULL, NULL));
  CHECK_TEXT(read_text(end, 5), "early");
  shutdown(early, SHUT_WR);
  at_end(end);
  write_text(end, "answer");
  CHECK_TEXT(read_text(early, 6), "answer");
  write_text(end, "!");
  close(end);
  CHECK_TEXT(read_text(early, 1), "!");
  at_end(early);
  close(early);
  int other = connected(SOCK_STREAM, 8000);
  end = patient(accept(server, NULL, NULL));
  shutdown(end, SHUT_WR); /* the container's side first */
  at_end(other);
  write_text(other, "late");
  close(other);
  CHECK_TEXT(read_text(end, 4), "late");
  at_end(end);
  close(end);
  close(server);
  other = connected(SOCK_STREAM, 8000); /* nobody listens in the container */
  char byte;
  CHECK(read(other, &byte, 1) <= 0);
  close(other);
  end_container(&c);
  quit_net(fd);
}

static void fill_pattern(uint8_t *block, size_t length, uint64_t at) {
  for (size_t i = 0; i < length; i++) block[i] = (uint8_t)((at + i) * 2654435761u >> 13);
}

enum { LARGE = 24 << 20, BLOCK = 100000 };

static void send_pattern(int fd) {
  static uint8_t block[BLOCK];
  for (uint64_t at = 0; at < LARGE; at += BLOCK) {
    fill_pattern(block, BLOCK, at);
    if (write_all(fd, block, BLOCK) < 0) _exit(1);
  }
  shutdown(fd, SHUT_WR);
}

static bool receives_pattern(int fd) {
  static uint8_t got[BLOCK], block[BLOCK];
  uint64_t at = 0;
  ssize_t n;
  while ((n = read_all(fd, got, BLOCK)) > 0) {
    fill_pattern(block, (size_t)n, at);
    if (memcmp(got, block, (size_t)n) != 0) return false;
    at += (uint64_t)n;
  }
  return at >= LARGE;
}

/* Sends and receives at once; both ends are in other processes. */
static pid_t exchange(int fd, int unused) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  close(unused);
  pid_t sender = fork();
  if (sender == 0) {
    send_pattern(fd);
    _exit(0);
  }
  bool right = receives_pattern(fd);
  waitpid(sender, NULL, 0);
  _exit(right ? 0 : 1);
}

static void ended_well(pid_t pid) {
  int status = -1;
  waitpid(pid, &status, 0);
  CHECK_NUMBER(status, 0);
}

static void much_goes_both_ways_at_once(void) {
  struct container c;
  struct table t;
  int fd = start_net(), server = bound(SOCK_STREAM, 9000);
  begin_container(&c);
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8000");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_send(fd, &t);
  int client = connected(SOCK_STREAM, 8000), end = patient(accept(server, NULL, NULL));
  pid_t one = exchange(client, end), other = exchange(end, client);
  close(client);
  close(end);
  ended_well(one);
  ended_well(other);
  close(server);
  end_container(&c);
  quit_net(fd);
}

static void datagrams_find_their_way_back(void) {
  struct container c;
  struct table t;
  struct sockaddr_in first, second;
  socklen_t size = sizeof first;
  char text[16] = "";
  int fd = start_net(), server = bound(SOCK_DGRAM, 9000);
  begin_container(&c);
  listen_on(&c, MSG_LISTEN, "a udp 0.0.0.0 8000");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_send(fd, &t);
  int one = connected(SOCK_DGRAM, 8000), other = patient(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  /* To another of the host's addresses: a connected socket hears from that one only. */
  struct sockaddr_in address = loopback(8000);
  address.sin_addr.s_addr = htonl(0x7f000042);
  CHECK_NUMBER(connect(other, (struct sockaddr *)&address, sizeof address), 0);
  CHECK_NUMBER(send(one, "one", 3, 0), 3);
  CHECK_NUMBER(recvfrom(server, text, sizeof text, 0, (struct sockaddr *)&first, &size), 3);
  CHECK_NUMBER(send(other, "other", 5, 0), 5);
  CHECK_NUMBER(recvfrom(server, text, sizeof text, 0, (struct sockaddr *)&second, &size), 5);
  CHECK(first.sin_port != second.sin_port);
  CHECK_NUMBER(sendto(server, "to other", 8, 0, (struct sockaddr *)&second, size), 8);
  CHECK_NUMBER(sendto(server, "to one", 6, 0, (struct sockaddr *)&first, size), 6);
  CHECK_NUMBER(recv(one, text, sizeof text, 0), 6);
  CHECK(memcmp(text, "to one", 6) == 0);
  CHECK_NUMBER(recv(other, text, sizeof text, 0), 8);
  CHECK(memcmp(text, "to other", 8) == 0);
  CHECK_NUMBER(send(one, "", 0, 0), 0); /* empty ones, too; by the same way */
  struct sockaddr_in third;
  CHECK_NUMBER(recvfrom(server, text, sizeof text, 0, (struct sockaddr *)&third, &size), 0);
  CHECK_NUMBER(third.sin_port, first.sin_port);
  close(server);
  CHECK_NUMBER(send(one, "lost", 4, 0), 4);
  server = bound(SOCK_DGRAM, 9000);
  AWAIT(send(one, "again", 5, 0) == 5 && recv(server, text, sizeof text, MSG_DONTWAIT) == 5);
  close(one);
  close(other);
  close(server);
  end_container(&c);
  quit_net(fd);
}

static void ports_outlive_the_helper(void) {
  struct container c;
  struct table t;
  int fd = start_net(), server = bound(SOCK_STREAM, 9000);
  begin_container(&c);
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8000");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_send(fd, &t);
  int client = connected(SOCK_STREAM, 8000), end = patient(accept(server, NULL, NULL));
  if (net_pid > 1) kill(net_pid, SIGKILL);
  char byte;
  CHECK(read(client, &byte, 1) <= 0);
  close(client);
  close(end);
  client = connected(SOCK_STREAM, 8000); /* nobody is refused */
  write_text(client, "waits");
  AWAIT(kill(net_pid, 0) < 0);
  serve_by_net(&c, MSG_ERROR);
  close(fd);
  fd = start_net();
  serve_by_net(&c, MSG_OK);
  serve_by_net(&c, MSG_OK); /* once more does no harm */
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_send(fd, &t);
  end = patient(accept(server, NULL, NULL));
  CHECK_TEXT(read_text(end, 5), "waits");
  /* A successor takes over; what is under way ends as it wants to. */
  int former = fd;
  pid_t former_pid = net_pid;
  fd = start_net();
  CHECK(net_pid != former_pid);
  serve_by_net(&c, MSG_OK);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_send(fd, &t);
  request(former, MSG_DRAIN);
  expect(former, MSG_OK);
  write_text(end, "still");
  CHECK_TEXT(read_text(client, 5), "still");
  int late = connected(SOCK_STREAM, 8000), late_end = patient(accept(server, NULL, NULL));
  write_text(late, "new");
  CHECK_TEXT(read_text(late_end, 3), "new");
  close(client);
  close(end);
  expect_end(former); /* with its last connection */
  close(former);
  close(late);
  close(late_end);
  /* The port is free when the end is told, with connections and all. */
  client = connected(SOCK_STREAM, 8000);
  end = patient(accept(server, NULL, NULL));
  end_container(&c);
  int again = bound(SOCK_STREAM, 8000);
  close(again);
  CHECK(read(client, &byte, 1) <= 0);
  CHECK(read(end, &byte, 1) <= 0);
  close(client);
  close(end);
  close(server);
  quit_net(fd);
}

/* ---- names ---- */

static uint8_t packet[65536];
static size_t packet_length;

static void put_name(const char *name) {
  while (*name) {
    size_t label = strcspn(name, ".");
    packet[packet_length++] = (uint8_t)label;
    memcpy(packet + packet_length, name, label);
    packet_length += label;
    name += label + (name[label] == '.');
  }
  packet[packet_length++] = 0;
}

static void put_query(const char *name, unsigned type, bool edns) {
  static const uint8_t head[12] = {0x12, 0x34, 1, 0, 0, 1}, opt[11] = {0, 0, 41, 0x10, 0};
  memcpy(packet, head, sizeof head);
  packet_length = sizeof head;
  put_name(name);
  packet[packet_length++] = (uint8_t)(type >> 8);
  packet[packet_length++] = (uint8_t)type;
  packet[packet_length++] = 0;
  packet[packet_length++] = 1;
  if (!edns) return;
  packet[11] = 1;
  memcpy(packet + packet_length, opt, sizeof opt);
  packet_length += sizeof opt;
}

/* What a resolver made of a question: "CODE address …", names for PTR; "TC" before truncated ones. */
static const char *told(void) {
  static char text[8192];
  size_t used = 0, at = 12;
  unsigned answers = (unsigned)(packet[6] << 8 | packet[7]);
  if (packet[2] & 2) used += (size_t)snprintf(text, sizeof text, "TC ");
  used += (size_t)snprintf(text + used, sizeof text - used, "%d", packet[3] & 15);
  while (packet[at]) at += 1u + packet[at];
  for (at += 5; answers > 0 && used < 8000; answers--) {
    unsigned type = packet[at + 3], length = (unsigned)(packet[at + 10] << 8 | packet[at + 11]);
    char one[300] = "?";
    if (type == DNS_A) inet_ntop(AF_INET, packet + at + 12, one, sizeof one);
    if (type == DNS_AAAA) inet_ntop(AF_INET6, packet + at + 12, one, sizeof one);
    if (type == DNS_PTR) {
      size_t n = 0;
      for (const uint8_t *label = packet + at + 12; *label; label += 1 + *label) n += (size_t)snprintf(one + n, sizeof one - n, "%.*s.", *label, (const char *)label + 1);
    }
    used += (size_t)snprintf(text + used, sizeof text - used, " %s", one);
    at += 12 + length;
  }
  return text;
}

static const char *ask_with(int fd, const char *name, unsigned type, bool edns) {
  put_query(name, type, edns);
  CHECK_NUMBER(send(fd, packet, packet_length, 0), packet_length);
  memset(packet, 0, sizeof packet);
  ssize_t n = recv(fd, packet, sizeof packet, 0);
  CHECK(n >= 12 && packet[0] == 0x12 && packet[1] == 0x34 && packet[2] & 0x80);
  packet_length = n > 0 ? (size_t)n : 0;
  return told();
}

static const char *ask(int fd, const char *name, unsigned type) { return ask_with(fd, name, type, false); }

static const char *ask_tcp(int fd, const char *name, unsigned type) {
  put_query(name, type, false);
  uint8_t head[2] = {(uint8_t)(packet_length >> 8), (uint8_t)packet_length};
  CHECK_NUMBER(write_all(fd, head, 2), 0);
  CHECK_NUMBER(write_all(fd, packet, packet_length), 0);
  CHECK_NUMBER(read_all(fd, head, 2), 2);
  packet_length = (size_t)(head[0] << 8 | head[1]);
  memset(packet, 0, sizeof packet);
  CHECK_NUMBER(read_all(fd, packet, packet_length), packet_length);
  return told();
}

static void names_are_answered_from_the_tables(void) {
  struct container c;
  struct table t;
  int fd = start_net();
  begin_container(&c);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 Front");
  table_put(&t, TAG_NETWORK, "n2 back");
  table_put(&t, TAG_NAME, "n1 10.1.0.2,fd00::2 web.front web Shop 0123456789ab");
  table_put(&t, TAG_NAME, "n2 10.2.0.2 web.back web");
  table_send(fd, &t);
  table_start(&t, "other");
  table_put(&t, TAG_NAME, "n1 10.1.0.3 db.front db shop");
  table_put(&t, TAG_NAME, "n3 10.3.0.3 db.third hidden");
  table_send(fd, &t);
  int udp = socket_inside(&c, SOCK_DGRAM);
  CHECK_TEXT(ask(udp, "web", DNS_A), "0 10.1.0.2");
  CHECK_TEXT(ask(udp, "WeB.", DNS_A), "0 10.1.0.2");
  CHECK_TEXT(ask(udp, "web", DNS_AAAA), "0 fd00::2");
  CHECK_TEXT(ask(udp, "db", DNS_AAAA), "0"); /* there, but not that */
  CHECK_TEXT(ask(udp, "db", 15), "0");
  CHECK_TEXT(ask(udp, "web.back", DNS_A), "0 10.2.0.2");
  CHECK_TEXT(ask(udp, "web.front", DNS_AAAA), "0 fd00::2");
  CHECK_TEXT(ask(udp, "0123456789ab", DNS_A), "0 10.1.0.2");
  CHECK_TEXT(ask(udp, "2.0.1.10.in-addr.arpa", DNS_PTR), "0 web.front.");
  CHECK_TEXT(ask(udp, "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", DNS_PTR), "0 web.front.");
  CHECK_TEXT(ask(udp, "3.0.3.10.in-addr.arpa", DNS_PTR), "2"); /* not in its networks, and no server to ask */
  CHECK_TEXT(ask(udp, "hidden", DNS_A), "3");
  CHECK_TEXT(ask(udp, "example.org", DNS_A), "2");
  CHECK_TEXT(ask_with(udp, "web", DNS_A, true), "0 10.1.0.2");
  CHECK_NUMBER(packet[11], 1); /* EDNS is answered with EDNS */
  char first[64];
  snprintf(first, sizeof first, "%s", ask(udp, "shop", DNS_A));
  CHECK(strcmp(first, ask(udp, "shop", DNS_A)) != 0); /* in turn */
  CHECK_TEXT(first, ask(udp, "shop", DNS_A));
  int tcp = socket_inside(&c, SOCK_STREAM);
  CHECK_TEXT(ask_tcp(tcp, "web", DNS_A), "0 10.1.0.2");
  CHECK_TEXT(ask_tcp(tcp, "no-such", DNS_A), "3");
  /* The other container's part goes; this one's is replaced as a whole. */
  table_start(&t, "other");
  table_send(fd, &t);
  CHECK_TEXT(ask(udp, "db", DNS_A), "3");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_put(&t, TAG_NAME, "n1 10.1.0.9 web.front web");
  table_send(fd, &t);
  CHECK_TEXT(ask(udp, "web", DNS_A), "0 10.1.0.9");
  CHECK_TEXT(ask(udp, "web.back", DNS_A), "2");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NAME, "n1 nonsense web.front web");
  send_and_clear(fd, &t.b, t.begin);
  CHECK_TEXT(text_of(expect(fd, MSG_ERROR), TAG_TEXT), "malformed address");
  CHECK_TEXT(ask(udp, "web", DNS_A), "0 10.1.0.9");
  close(udp);
  close(tcp);
  end_container(&c);
  quit_net(fd);
}

static void questions_wait_for_the_next_helper(void) {
  struct container c;
  struct table t;
  int fd = start_net();
  begin_container(&c);
  int udp = socket_inside(&c, SOCK_DGRAM);
  if (net_pid > 1) kill(net_pid, SIGKILL);
  expect_end(fd);
  close(fd);
  put_query("web", DNS_A, false);
  CHECK_NUMBER(send(udp, packet, packet_length, 0), packet_length);
  fd = start_net();
  serve_by_net(&c, MSG_OK);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_put(&t, TAG_NAME, "n1 10.1.0.2 web.front web");
  table_send(fd, &t);
  CHECK(recv(udp, packet, sizeof packet, 0) > 12);
  CHECK_TEXT(told(), "0 10.1.0.2");
  close(udp);
  end_container(&c);
  quit_net(fd);
}

static void what_does_not_fit_is_asked_for_again_over_tcp(void) {
  struct container c;
  struct table t;
  int fd = start_net();
  begin_container(&c);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_send(fd, &t);
  for (int i = 1; i <= 100; i++) {
    char name[16];
    snprintf(name, sizeof name, "m%d", i);
    table_start(&t, name);
    table_put(&t, TAG_NAME, "n1 10.1.0.%d %s.front %s all", i, name, name);
    table_send(fd, &t);
  }
  int udp = socket_inside(&c, SOCK_DGRAM), tcp = socket_inside(&c, SOCK_STREAM);
  CHECK(strncmp(ask(udp, "all", DNS_A), "TC 0 10.1.", 10) == 0);
  CHECK(packet_length <= 512);
  CHECK(strncmp(ask_with(udp, "all", DNS_A, true), "0 10.1.", 7) == 0);
  CHECK_NUMBER(packet[7], 100);
  CHECK(strncmp(ask_tcp(tcp, "all", DNS_A), "0 10.1.", 7) == 0);
  CHECK_NUMBER(packet[7], 100);
  /* A new view of everything: what is not said again goes at its end. */
  send_number(fd, MSG_RESYNC, TAG_FLAGS, 1);
  expect(fd, MSG_OK);
  CHECK_TEXT(ask(udp, "m7", DNS_A), "0 10.1.0.7");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_send(fd, &t);
  table_start(&t, "m7");
  table_put(&t, TAG_NAME, "n1 10.1.0.77 m7.front m7");
  table_send(fd, &t);
  send_number(fd, MSG_RESYNC, TAG_FLAGS, 0);
  expect(fd, MSG_OK);
  CHECK_TEXT(ask(udp, "m7", DNS_A), "0 10.1.0.77");
  CHECK_TEXT(ask(udp, "m8", DNS_A), "3");
  close(udp);
  close(tcp);
  end_container(&c);
  quit_net(fd);
}

/* Plays a name server for one question over UDP; what it answers goes back with `code`. */
static void answer_as_server(int server, unsigned code, bool forged) {
  uint8_t query[512];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n = recvfrom(server, query, sizeof query, 0, (struct sockaddr *)&from, &size);
  CHECK(n > 12);
  query[2] |= 0x80;
  query[3] = (uint8_t)code;
  if (forged) {
    query[0] ^= 0xff;
    CHECK_NUMBER(sendto(server, query, (size_t)n, 0, (struct sockaddr *)&from, size), n);
    query[0] ^= 0xff;
    query[14] ^= 1;
    CHECK_NUMBER(sendto(server, query, (size_t)n, 0, (struct sockaddr *)&from, size), n);
    query[14] ^= 1;
  }
  CHECK_NUMBER(sendto(server, query, (size_t)n, 0, (struct sockaddr *)&from, size), n);
}

static void send_query(int fd, const char *name) {
  put_query(name, DNS_A, false);
  CHECK_NUMBER(send(fd, packet, packet_length, 0), packet_length);
}

static int code_of_answer(int fd) {
  ssize_t n = recv(fd, packet, sizeof packet, 0);
  CHECK(n >= 12 && packet[0] == 0x12 && packet[1] == 0x34);
  return packet[3] & 15;
}

static void other_names_are_for_the_servers(void) {
  struct container c;
  struct table t;
  int fd = start_net(), first = bound(SOCK_DGRAM, 9053), second = bound(SOCK_DGRAM, 9054);
  begin_container(&c);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_put(&t, TAG_UPSTREAM, "127.0.0.1 9053");
  table_put(&t, TAG_UPSTREAM, "127.0.0.1 9054");
  table_send(fd, &t);
  int udp = socket_inside(&c, SOCK_DGRAM);
  send_query(udp, "one.example");
  answer_as_server(first, 3, true);
  CHECK_NUMBER(code_of_answer(udp), 3);
  send_query(udp, "bare");
  answer_as_server(first, 5, false); /* refused: the next one is asked */
  answer_as_server(second, 0, false);
  CHECK_NUMBER(code_of_answer(udp), 0);
  send_query(udp, "silent.example");
  answer_as_server(second, 0, false); /* the first one says nothing */
  CHECK_NUMBER(code_of_answer(udp), 0);
  uint8_t query[512];
  CHECK(recv(first, query, sizeof query, 0) > 0);
  close(first);
  send_query(udp, "gone.example");
  answer_as_server(second, 2, false); /* and the last one's word counts */
  CHECK_NUMBER(code_of_answer(udp), 2);
  close(second);
  CHECK_TEXT(ask(udp, "nobody.example", DNS_A), "2");
  int server = bound(SOCK_STREAM, 9053), tcp = socket_inside(&c, SOCK_STREAM);
  put_query("over.tcp", DNS_A, false);
  uint8_t head[2] = {(uint8_t)(packet_length >> 8), (uint8_t)packet_length};
  CHECK_NUMBER(write_all(tcp, head, 2), 0);
  CHECK_NUMBER(write_all(tcp, packet, packet_length), 0);
  int end = patient(accept(server, NULL, NULL));
  CHECK_NUMBER(read_all(end, query, packet_length + 2), packet_length + 2);
  query[4] |= 0x80;
  CHECK_NUMBER(write_all(end, query, packet_length + 2), 0);
  CHECK_NUMBER(read_all(tcp, query, packet_length + 2), packet_length + 2);
  CHECK(query[2] == 0x12 && query[3] == 0x34 && query[4] & 0x80);
  /* Names without a dot go nowhere when the search domains are to be tried. */
  table_start(&t, id_of(&c));
  message_put_u64(&t.b, TAG_FLAGS, FLAG_BARE_NAMES);
  table_put(&t, TAG_UPSTREAM, "127.0.0.1 9053");
  table_send(fd, &t);
  CHECK_TEXT(ask(udp, "bare", DNS_A), "0");
  close(end);
  close(tcp);
  close(server);
  close(udp);
  end_container(&c);
  quit_net(fd);
}

static void a_server_inside_is_asked_there(void) {
  struct container c;
  struct table t;
  int fd = start_net(), of_host = bound(SOCK_DGRAM, 9053);
  begin_container(&c);
  int own = go_inside(&c), server = bound(SOCK_DGRAM, 9053), other = bound(SOCK_DGRAM, 9055);
  go_back(own);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_put(&t, TAG_UPSTREAM, "127.0.0.1 9053 inside");
  table_put(&t, TAG_UPSTREAM, "127.0.0.1 9054");
  table_send(fd, &t);
  int udp = socket_inside(&c, SOCK_DGRAM), second = bound(SOCK_DGRAM, 9054);
  send_query(udp, "one.example");
  answer_as_server(server, 3, true);
  CHECK_NUMBER(code_of_answer(udp), 3);
  send_query(udp, "two.example"); /* two at once, answered the other way round */
  send_query(udp, "three.example");
  uint8_t query[512];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n = recvfrom(server, query, sizeof query, 0, (struct sockaddr *)&from, &size);
  CHECK(n > 12);
  query[2] |= 0x80;
  CHECK_NUMBER(sendto(other, query, (size_t)n, 0, (struct sockaddr *)&from, size), n); /* nobody asked that one */
  answer_as_server(server, 3, false);
  CHECK_NUMBER(code_of_answer(udp), 3);
  CHECK_NUMBER(sendto(server, query, (size_t)n, 0, (struct sockaddr *)&from, size), n);
  CHECK_NUMBER(sendto(server, query, (size_t)n, 0, (struct sockaddr *)&from, size), n); /* once more is nothing */
  CHECK_NUMBER(code_of_answer(udp), 0);
  send_query(udp, "refused.example");
  answer_as_server(server, 5, false);
  answer_as_server(second, 0, false);
  CHECK_NUMBER(code_of_answer(udp), 0);
  CHECK(recv(of_host, query, sizeof query, MSG_DONTWAIT) < 0);
  int tcp = socket_inside(&c, SOCK_STREAM);
  put_query("over.tcp", DNS_A, false);
  uint8_t head[2] = {(uint8_t)(packet_length >> 8), (uint8_t)packet_length};
  CHECK_NUMBER(write_all(tcp, head, 2), 0);
  CHECK_NUMBER(write_all(tcp, packet, packet_length), 0);
  answer_as_server(server, 0, false);
  CHECK_NUMBER(read_all(tcp, query, packet_length + 2), packet_length + 2);
  CHECK(query[2] == 0x12 && query[3] == 0x34 && query[4] & 0x80);
  send_query(udp, "last.example"); /* under way when the container ends */
  CHECK(recv(server, query, sizeof query, 0) > 12);
  close(tcp);
  close(udp);
  close(server);
  close(other);
  close(second);
  close(of_host);
  end_container(&c);
  quit_net(fd);
}

static void hostile_packets_are_refused_or_dropped(void) {
  static const uint8_t short_one[] = {0x12, 0x34, 1}, response[12] = {0x12, 0x34, 0x80}, status[12] = {0x12, 0x34, 0x10, 0, 0, 1};
  static const uint8_t none[12] = {0x12, 0x34, 1}, endless[14] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c};
  struct container c;
  struct table t;
  int fd = start_net();
  begin_container(&c);
  table_start(&t, id_of(&c));
  table_put(&t, TAG_NETWORK, "n1 front");
  table_put(&t, TAG_NAME, "n1 10.1.0.2 web.front web");
  table_send(fd, &t);
  int udp = socket_inside(&c, SOCK_DGRAM);
  CHECK_NUMBER(send(udp, short_one, sizeof short_one, 0), sizeof short_one);
  CHECK_NUMBER(send(udp, response, sizeof response, 0), sizeof response);
  CHECK_NUMBER(send(udp, status, sizeof status, 0), sizeof status);
  CHECK_NUMBER(code_of_answer(udp), DNS_NOTIMP); /* of what came before nothing */
  CHECK_NUMBER(send(udp, none, sizeof none, 0), sizeof none);
  CHECK_NUMBER(code_of_answer(udp), DNS_FORMERR);
  CHECK_NUMBER(send(udp, endless, sizeof endless, 0), sizeof endless);
  CHECK_NUMBER(code_of_answer(udp), DNS_FORMERR);
  put_query("web", DNS_A, true);
  packet[packet_length - 1] = 200; /* more data than there are */
  CHECK_NUMBER(send(udp, packet, packet_length, 0), packet_length);
  CHECK_NUMBER(code_of_answer(udp), DNS_FORMERR);
  CHECK_TEXT(ask(udp, "web", DNS_A), "0 10.1.0.2");
  close(udp);
  end_container(&c);
  quit_net(fd);
}

static void a_flood_hurts_only_who_sends_it(void) {
  struct container c, d;
  struct table t;
  int fd = start_net();
  begin_container(&c);
  begin_container(&d);
  for (int i = 0; i < 2; i++) {
    table_start(&t, id_of(i ? &d : &c));
    table_put(&t, TAG_NETWORK, "n1 front");
    table_put(&t, TAG_NAME, "n1 10.1.0.%d c%d.front c%d", i, i, i);
    table_send(fd, &t);
  }
  int flood = socket_inside(&c, SOCK_DGRAM), udp = socket_inside(&d, SOCK_DGRAM);
  pid_t sender = fork();
  CHECK(sender >= 0);
  if (sender == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    put_query("c1", DNS_A, false);
    for (;;) (void)!send(flood, packet, packet_length, MSG_DONTWAIT);
  }
  uint64_t begin = monotonic_ms();
  for (int i = 0; i < 200; i++) CHECK_TEXT(ask(udp, "c0", DNS_A), "0 10.1.0.0");
  uint64_t took = monotonic_ms() - begin;
  CHECK(took < 10000); /* a helper that served the flood alone would take for ever */
  if (sender > 1) kill(sender, SIGKILL);
  waitpid(sender, NULL, 0);
  close(flood);
  close(udp);
  end_container(&c);
  end_container(&d);
  quit_net(fd);
}

/* What the helper counts under this name. */
static unsigned counted(const char *name) {
  unsigned count = 0;
  size_t length = strlen(name);
  int fd = dial(net_path());
  request(fd, MSG_QUERY);
  char **counters = message_texts(expect(fd, MSG_HELLO), TAG_COUNTER);
  for (char **one = counters; *one; one++) {
    if (strncmp(*one, name, length) == 0 && (*one)[length] == ' ') count = (unsigned)strtoul(*one + length, NULL, 10);
  }
  free(counters);
  close(fd);
  return count;
}

static void tell_of(int fd, enum message_type type, const char *container) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, type);
  message_put_text(&b, TAG_CONTAINER, container);
  send_and_clear(fd, &b, begin);
}

static void a_link_that_lost_its_container_makes_none(void) {
  int fd = start_net(), former = dial(net_path()), newer = dial(net_path());
  tell_of(former, MSG_SOCKETS, "c");
  tell_of(former, MSG_UNLISTEN, "c");
  expect(former, MSG_OK);
  CHECK_NUMBER(counted("containers"), 1);
  tell_of(newer, MSG_SOCKETS, "c");
  tell_of(newer, MSG_LEAVE, "c");
  expect(newer, MSG_OK);
  close(newer);
  uint64_t patience = monotonic_ms() + PATIENCE_S * 1000;
  while (counted("containers") > 0 && monotonic_ms() < patience) usleep(1000);
  tell_of(former, MSG_UNLISTEN, "c");
  expect(former, MSG_OK);
  CHECK_NUMBER(counted("containers"), 0);
  close(former);
  quit_net(fd);
}

static void floods_of_many_leave_others_their_share(void) {
  enum { HOSTILE = 24, IN_ALL = 2048 };
  struct container c[HOSTILE + 1];
  struct table t;
  int floods[HOSTILE], fd = start_net(), silent = bound(SOCK_DGRAM, 9053), server = bound(SOCK_DGRAM, 9054);
  for (int i = 0; i <= HOSTILE; i++) {
    begin_container(&c[i]);
    table_start(&t, id_of(&c[i]));
    table_put(&t, TAG_UPSTREAM, "127.0.0.1 %d", i < HOSTILE ? 9053 : 9054);
    table_send(fd, &t);
    if (i < HOSTILE) floods[i] = socket_inside(&c[i], SOCK_DGRAM);
  }
  int udp = socket_inside(&c[HOSTILE], SOCK_DGRAM);
  pid_t sender = fork();
  CHECK(sender >= 0);
  if (sender == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    put_query("silent.example", DNS_A, false);
    for (;;) {
      for (int i = 0; i < HOSTILE; i++) (void)!send(floods[i], packet, packet_length, MSG_DONTWAIT);
    }
  }
  uint64_t patience = monotonic_ms() + PATIENCE_S * 1000;
  while (counted("forwarding") < IN_ALL && monotonic_ms() < patience) usleep(1000);
  CHECK_NUMBER(counted("forwarding"), IN_ALL);
  for (int i = 0; i < 20 && failures == 0; i++) {
    send_query(udp, "honest.example");
    answer_as_server(server, 0, false);
    CHECK_NUMBER(code_of_answer(udp), 0);
  }
  CHECK(counted("forwarding") > IN_ALL * 3 / 4); /* all the while */
  if (sender > 1) kill(sender, SIGKILL);
  waitpid(sender, NULL, 0);
  for (int i = 0; i < HOSTILE; i++) close(floods[i]);
  close(silent);
  close(server);
  close(udp);
  for (int i = 0; i <= HOSTILE; i++) end_container(&c[i]);
  quit_net(fd);
}

/* ---- many, and none ---- */

static long kilobytes(pid_t pid, const char *key) {
  char path[64], text[8192];
  snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
  if (read_file(AT_FDCWD, path, text, sizeof text) < 0) return -1;
  const char *at = strstr(text, key);
  return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void a_thousand_ports_are_cheap(void) {
  struct container c;
  struct table t;
  int fd = start_net(), server = bound(SOCK_STREAM, 9000);
  long before = kilobytes(net_pid, "Private_Dirty:");
  begin_container(&c);
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_LISTEN);
  table_start(&t, id_of(&c));
  for (int i = 0; i < 1000; i++) {
    char text[64];
    snprintf(text, sizeof text, "p%d tcp 127.0.0.1 %d", i, 10000 + i);
    message_put_text(&b, TAG_LISTENER, text);
    table_put(&t, TAG_TARGET, "p%d 127.0.0.1 9000", i);
  }
  send_and_clear(c.fd, &b, begin);
  expect(c.fd, MSG_OK);
  table_send(fd, &t);
  int client = connected(SOCK_STREAM, 10999), end = patient(accept(server, NULL, NULL));
  write_text(client, "last");
  CHECK_TEXT(read_text(end, 4), "last");
  long after = kilobytes(net_pid, "Private_Dirty:");
  fprintf(stderr, "1000 published ports take %ld kB in the net helper, which has %ld without\n", after - before, before);
  CHECK(after - before < 2000);
  close(client);
  close(end);
  close(server);
  end_container(&c);
  quit_net(fd);
}

static int pending(int fd) {
  struct pollfd one = {.fd = fd, .events = POLLIN};
  return poll(&one, 1, 0);
}

static void one_port_cannot_use_up_all(void) {
  enum { CLIENTS = 40, DESCRIPTORS = 256, OF_A_PORT = DESCRIPTORS / 16 + 1 };
  struct container c;
  struct table t;
  int clients[CLIENTS], ends[CLIENTS], accepted = 0;
  shell("mkdir -m 700 %s && ulimit -n %d && %s spawn %s", in_scratch("few"), DESCRIPTORS, helper, in_scratch("few"));
  int fd = start_net_by(in_scratch("few/spawn.sock")), server = bound(SOCK_STREAM, 9000);
  begin_container(&c);
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8000");
  listen_on(&c, MSG_LISTEN, "b tcp 127.0.0.1 8001");
  table_start(&t, id_of(&c));
  table_put(&t, TAG_TARGET, "a 127.0.0.1 9000");
  table_put(&t, TAG_TARGET, "b 127.0.0.1 9000");
  table_send(fd, &t);
  for (int i = 0; i < CLIENTS; i++) clients[i] = connected(SOCK_STREAM, 8000);
  for (; accepted < OF_A_PORT; accepted++) ends[accepted] = patient(accept(server, NULL, NULL));
  int other = connected(SOCK_STREAM, 8001), end = patient(accept(server, NULL, NULL));
  write_text(other, "other");
  CHECK_TEXT(read_text(end, 5), "other");
  CHECK_NUMBER(pending(server), 0);
  for (int i = 0; i < CLIENTS; i++) { /* as one goes the next one comes */
    close(clients[i]);
    at_end(ends[i]);
    close(ends[i]);
    if (accepted < CLIENTS) ends[accepted++] = patient(accept(server, NULL, NULL));
  }
  close(other);
  close(end);
  close(server);
  end_container(&c);
  quit_net(fd);
  shell("rm -r %s", in_scratch("few"));
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc != 2 || unshare(CLONE_NEWNET) < 0 || !begin_with(argv[1])) {
    fprintf(stderr, "usage, as root: nets HELPER\n");
    return 64;
  }
  shell("ip link set lo up");
  it_has_no_rights();
  connections_are_proxied_each_way_to_its_end();
  much_goes_both_ways_at_once();
  datagrams_find_their_way_back();
  ports_outlive_the_helper();
  names_are_answered_from_the_tables();
  questions_wait_for_the_next_helper();
  what_does_not_fit_is_asked_for_again_over_tcp();
  other_names_are_for_the_servers();
  a_server_inside_is_asked_there();
  hostile_packets_are_refused_or_dropped();
  a_flood_hurts_only_who_sends_it();
  floods_of_many_leave_others_their_share();
  a_link_that_lost_its_container_makes_none();
  a_thousand_ports_are_cheap();
  one_port_cannot_use_up_all();
  return end_with();
}
