/* Tests of what the helper does for a container's network, as root: everything happens in network namespaces made for it. */
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "harness.h"

int failures;

/* ---- programs that are carried out inside ---- */

static struct buffer blob;

static size_t netlink_start(uint16_t type, uint16_t flags, const void *head, size_t length) {
  size_t at = blob.end;
  struct nlmsghdr message = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags), .nlmsg_seq = (uint32_t)at + 1};
  buffer_append(&blob, &message, sizeof message);
  buffer_append(&blob, head, length);
  return at;
}

static void netlink_attribute(size_t at, uint16_t type, const void *value, size_t length) {
  static const uint8_t zeros[4];
  struct nlattr attribute = {.nla_len = (uint16_t)(sizeof attribute + length), .nla_type = type};
  buffer_append(&blob, &attribute, sizeof attribute);
  buffer_append(&blob, value, length);
  buffer_append(&blob, zeros, NLA_ALIGN(length) - length);
  uint32_t size = (uint32_t)(blob.end - at);
  memcpy(blob.data + at, &size, sizeof size);
}

static void rename_and_raise(int index, const char *name) {
  struct ifinfomsg head = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  netlink_attribute(netlink_start(RTM_NEWLINK, 0, &head, sizeof head), IFLA_IFNAME, name, strlen(name) + 1);
}

static void add_address(int index, const char *address, uint8_t prefix) {
  struct ifaddrmsg head = {.ifa_family = AF_INET, .ifa_prefixlen = prefix, .ifa_index = (unsigned)index};
  struct in_addr number;
  inet_pton(AF_INET, address, &number);
  netlink_attribute(netlink_start(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head), IFA_LOCAL, &number, sizeof number);
}

static void add_default_route(const char *gateway) {
  struct rtmsg head = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST};
  struct in_addr number;
  inet_pton(AF_INET, gateway, &number);
  netlink_attribute(netlink_start(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &head, sizeof head), RTA_GATEWAY, &number, sizeof number);
}

static void put_blob(struct writer *w, enum op_code code) {
  op_start(w, code);
  op_bytes(w, blob.data, (uint32_t)blob.end);
  buffer_clear(&blob);
}

static void put_sysctl(struct writer *w, const char *key, const char *value) {
  op_start(w, OP_SYSCTL);
  op_text(w, key);
  op_text(w, value);
}

/* Sends the program; the answer is to be of this type, and the connection closes after it. */
static const struct message *inside(const struct container *c, struct writer *w, enum message_type type) {
  static struct message last;
  struct buffer b = {0};
  int fd = control(c, 0);
  size_t begin = message_begin(&b, MSG_INSIDE);
  message_put(&b, TAG_PROGRAM, w->b.data, w->b.end);
  send_and_clear(fd, &b, begin);
  buffer_clear(&w->b);
  last = *expect(fd, type);
  char byte;
  CHECK_NUMBER(read(fd, &byte, 1), 0);
  close(fd);
  return &last;
}

static void run_in_network(struct container *c, uint64_t flags, const char *script) {
  create(c, flags, "", "/", script);
  started(c);
}

/* A veth whose other end is in the container, with this index. */
static void plug(const struct container *c, const char *name, const char *address, int index) {
  shell("ip link add %s-in index %d type veth peer name %s && ip link set %s-in netns %d", name, index, name, name, (int)c->pid);
  shell("ip addr add %s dev %s && ip link set %s up", address, name, name);
}

static void a_running_container_is_connected(void) {
  struct container c;
  struct writer w;
  run_in_network(&c, FLAG_STDIN | FLAG_STDIN_ONCE, "read x; cat /proc/sys/net/ipv4/conf/eth7/proxy_arp; cat /sys/class/net/eth7/operstate; cat /sys/class/net/lo/flags");
  int stream = attach(&c, STREAM_STDIN | STREAM_STDOUT);
  plug(&c, "gyt1", "10.111.1.1/24", 23);
  program_start(&w);
  op_start(&w, OP_LOOPBACK_UP);
  rename_and_raise(23, "eth7");
  add_address(23, "10.111.1.2", 24);
  add_default_route("10.111.1.1");
  put_blob(&w, OP_NETLINK);
  put_sysctl(&w, "net/ipv4/conf/eth7/proxy_arp", "1");
  inside(&c, &w, MSG_OK);
  shell("busybox ping -c 1 -W 5 10.111.1.2 > /dev/null");
  shell("nsenter -n -t %d ip route get 192.0.2.1 | grep -q 'via 10.111.1.1 dev eth7'", (int)c.pid);
  request(stream, MSG_CLOSE_STDIN);
  exited(&c, 0);
  CHECK_TEXT(drain(stream, false), "1\nup\n0x9\n");
  gone(&c);
}

static void is_refused(const struct container *c, struct writer *w, int error, uint64_t index, const char *text) {
  const struct message *m = inside(c, w, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), text);
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), error);
  CHECK_NUMBER(message_u64(m, TAG_OP_INDEX, 99), index);
  CHECK_NUMBER(message_u64(m, TAG_STAGE, 0), STAGE_INSIDE);
}

static void what_fails_inside_says_which_op_and_why(void) {
  struct container c;
  struct writer w;
  run_in_network(&c, 0, "sleep 1000");
  program_start(&w);
  op_start(&w, OP_LOOPBACK_UP);
  add_address(1, "10.111.2.2", 24);
  add_default_route("10.111.77.1");
  put_blob(&w, OP_NETLINK);
  is_refused(&c, &w, ENETUNREACH, 1, "add a route (message 2): Nexthop has invalid gateway: network is unreachable");
  program_start(&w);
  add_address(1, "10.111.2.2", 24);
  put_blob(&w, OP_NETLINK);
  is_refused(&c, &w, EEXIST, 0, "add an address (message 1): ipv4: Address already assigned: file exists");
  program_start(&w);
  rename_and_raise(999, "eth0");
  put_blob(&w, OP_NETLINK);
  is_refused(&c, &w, ENODEV, 0, "set up an interface (message 1): no such device");
  program_start(&w);
  put_sysctl(&w, "net/ipv4/no_such_key", "1");
  is_refused(&c, &w, ENOENT, 0, "set sysctl net/ipv4/no_such_key to 1: no such file or directory");
  gone(&c);
}

static void only_the_network_can_be_changed_inside(void) {
  struct container c;
  struct writer w;
  run_in_network(&c, 0, "sleep 1000");
  program_start(&w);
  op_start(&w, OP_LOOPBACK_UP);
  put_sysctl(&w, "kernel/hostname", "changed");
  is_refused(&c, &w, EINVAL, 1, "inside: not a sysctl of the network");
  program_start(&w);
  becoming(&w, "", "/");
  is_refused(&c, &w, EINVAL, 0, "inside: not an op on a network");
  program_start(&w);
  w.b.end -= 4;
  is_refused(&c, &w, EINVAL, 99, "inside: malformed program");
  gone(&c);
}

static void the_hosts_network_is_left_alone(void) {
  struct container c;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES & ~CLONE_NEWNET, &w);
  becoming(&c.rest, "", "/");
  running(&c.rest, "sleep 1000");
  started(&c);
  program_start(&w);
  op_start(&w, OP_LOOPBACK_UP);
  is_refused(&c, &w, EINVAL, 99, "the container has the host's network");
  gone(&c);
}

static void an_ended_container_is_not_visited(void) {
  struct container c;
  struct writer w;
  run_in_network(&c, 0, "true");
  exited(&c, 0);
  program_start(&w);
  op_start(&w, OP_LOOPBACK_UP);
  is_refused(&c, &w, ESRCH, 99, "inside: the container is not running");
  gone(&c);
}

/* ---- sockets that the monitor keeps ---- */

struct shared {
  int fd;
  struct message message;
  int fds[16];
  unsigned count;
};

static void share_with(const struct container *c, struct shared *s) {
  *s = (struct shared){.fd = control(c, MSG_SHARE)};
}

static void forget_shared(struct shared *s) {
  for (unsigned i = 0; i < s->count; i++) close(s->fds[i]);
  free(s->message.payload);
  s->message.payload = NULL;
  s->count = 0;
}

/* The next message, with its descriptors; false at the end of the connection. */
static bool next_shared(struct shared *s) {
  uint8_t head[WIRE_HEAD];
  forget_shared(s);
  s->count = COUNT(s->fds);
  ssize_t n = receive_with_fds(s->fd, head, sizeof head, s->fds, &s->count, NULL);
  if (n != sizeof head) return false;
  s->message.type = head[0];
  memcpy(&s->message.length, head + 4, sizeof s->message.length);
  s->message.payload = must_alloc(s->message.length);
  return read_all(s->fd, s->message.payload, s->message.length) == (ssize_t)s->message.length;
}

static bool listens(const char *protocol, unsigned port) {
  char path[64], text[65536], wanted[16];
  snprintf(path, sizeof path, "/proc/net/%s", protocol);
  snprintf(wanted, sizeof wanted, ":%04X ", port);
  if (read_file(AT_FDCWD, path, text, sizeof text) < 0) return false;
  for (char *rest = NULL, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    const char *at = strstr(line, wanted);
    bool listening = protocol[0] == 'u' || strstr(line, " 0A ");
    if (at && at - line < 24 && listening) return true;
  }
  return false;
}

static const struct message *listen_on(const struct container *c, enum message_type type, const char *one, const char *other, enum message_type expected) {
  struct buffer b = {0};
  size_t begin = message_begin(&b, type);
  message_put_text(&b, TAG_LISTENER, one);
  if (other) message_put_text(&b, TAG_LISTENER, other);
  send_and_clear(c->fd, &b, begin);
  return expect(c->fd, expected);
}

static void ports_are_reserved_and_free_at_once(void) {
  struct container c, d;
  run_in_network(&c, 0, "sleep 1000");
  run_in_network(&d, 0, "sleep 1000");
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8080", "b udp 0.0.0.0 5353", MSG_OK);
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8080", "v6 tcp ::1 8080", MSG_OK);
  CHECK(listens("tcp", 8080) && listens("udp", 5353));
  const struct message *m = listen_on(&d, MSG_LISTEN, "x tcp 127.0.0.1 8081", "y tcp 0.0.0.0 8080", MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), "listen tcp 0.0.0.0:8080: address already in use");
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), EADDRINUSE);
  CHECK_NUMBER(message_u64(m, TAG_OP_INDEX, 99), 99);
  CHECK(!listens("tcp", 8081)); /* all or none */
  m = listen_on(&d, MSG_LISTEN, "y udp 127.0.0.1 5353", NULL, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), "listen udp 127.0.0.1:5353: address already in use");
  m = listen_on(&d, MSG_LISTEN, "y tcp 192.0.2.7 80", NULL, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), "listen tcp 192.0.2.7:80: cannot assign requested address");
  m = listen_on(&d, MSG_LISTEN, "y tcp localhost 80", NULL, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), "not a listener: y tcp localhost 80: invalid argument");
  m = listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8088", NULL, MSG_ERROR);
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), EEXIST);
  listen_on(&c, MSG_UNLISTEN, "a", "never-made", MSG_OK);
  listen_on(&d, MSG_LISTEN, "y tcp 0.0.0.0 8080", NULL, MSG_OK);
  int query = control(&c, MSG_QUERY);
  CHECK_TEXT(text_of(expect(query, MSG_HELLO), TAG_LISTENER), "v6 tcp ::1 8080");
  close(query);
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  CHECK(!listens("udp", 5353));
  m = listen_on(&c, MSG_LISTEN, "late tcp 127.0.0.1 8082", NULL, MSG_ERROR);
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), ESRCH);
  gone(&c);
  gone(&d);
}

static int connect_to(unsigned port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_NUMBER(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static void whoever_asks_serves_duplicates(void) {
  struct container c;
  struct shared s;
  run_in_network(&c, 0, "sleep 1000");
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8080", NULL, MSG_OK);
  int early = connect_to(8080); /* it waits for whoever comes to serve it */
  share_with(&c, &s);
  CHECK(next_shared(&s));
  CHECK_NUMBER(s.message.type, MSG_SOCKETS);
  CHECK_TEXT(text_of(&s.message, TAG_LISTENER), "a tcp 127.0.0.1 8080");
  CHECK_NUMBER(s.count, 1);
  int accepted = accept(s.fds[0], NULL, NULL);
  CHECK(accepted >= 0 && write_all(accepted, "hello", 5) == 0);
  close(accepted); /* first, so that this end is in TIME_WAIT */
  char text[8] = "";
  CHECK_NUMBER(read_all(early, text, sizeof text), 5);
  close(early);
  listen_on(&c, MSG_LISTEN, "b tcp 127.0.0.1 8081", NULL, MSG_OK);
  CHECK(next_shared(&s));
  CHECK_TEXT(text_of(&s.message, TAG_LISTENER), "b tcp 127.0.0.1 8081");
  /* That it is taken away is answered for only when it is gone here, too. */
  struct buffer b = {0};
  size_t begin = message_begin(&b, MSG_UNLISTEN);
  message_put_text(&b, TAG_LISTENER, "b");
  send_and_clear(c.fd, &b, begin);
  int mine = s.fds[0];
  s.count = 0;
  CHECK(next_shared(&s));
  CHECK_NUMBER(s.message.type, MSG_UNLISTEN);
  CHECK_TEXT(text_of(&s.message, TAG_LISTENER), "b");
  close(mine);
  request(s.fd, MSG_OK);
  expect(c.fd, MSG_OK);
  CHECK(!listens("tcp", 8081));
  /* So is the end. */
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  CHECK(next_shared(&s));
  CHECK_NUMBER(s.message.type, MSG_LEAVE);
  CHECK(!exists(in_dir(&c, "exit")));
  request(s.fd, MSG_OK);
  exited(&c, 137);
  gone(&c);
  forget_shared(&s);
  close(s.fd);
  run_in_network(&c, 0, "sleep 1000");
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8080", NULL, MSG_OK);
  gone(&c);
}

static void who_hangs_keeps_no_port(void) {
  struct container c;
  struct shared s;
  run_in_network(&c, 0, "sleep 1000");
  listen_on(&c, MSG_LISTEN, "a tcp 127.0.0.1 8080", NULL, MSG_OK);
  share_with(&c, &s);
  CHECK(next_shared(&s));
  send_number(c.fd, MSG_SIGNAL, TAG_SIGNAL, SIGKILL);
  expect(c.fd, MSG_OK);
  exited(&c, 137);
  forget_shared(&s);
  CHECK(next_shared(&s)); /* LEAVE */
  CHECK(!next_shared(&s));
  close(s.fd);
  gone(&c);
}

static void add_dns(struct writer *w, const char *address, uint64_t port) {
  op_start(w, OP_DNS);
  op_text(w, address);
  op_number(w, port);
}

static void is_address(int fd, int type, unsigned port) {
  struct sockaddr_in address = {0};
  socklen_t length = sizeof address, size = sizeof(int);
  int kind = 0;
  CHECK_NUMBER(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  CHECK_NUMBER(getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size), 0);
  CHECK_NUMBER(kind, type);
  CHECK_NUMBER(ntohl(address.sin_addr.s_addr), 0x7f00000b);
  if (port) CHECK_NUMBER(ntohs(address.sin_port), port);
  else CHECK(address.sin_port != 0);
}

static void name_look_ups_come_to_sockets_inside(void) {
  struct container c;
  struct shared s;
  struct writer w;
  new_container(&c);
  rooted(&w, &c);
  create_waiting(&c, 0, NAMESPACES, &w);
  op_start(&c.rest, OP_LOOPBACK_UP);
  add_dns(&c.rest, "127.0.0.11", 53);
  becoming(&c.rest, "", "/");
  running(&c.rest, "cat /proc/net/udp /proc/net/tcp | grep -c 0B00007F:0035; ls /proc/self/fd | wc -l; exec sleep 1000");
  int stream = attach(&c, STREAM_STDOUT);
  started(&c);
  uint8_t frame[8];
  char text[8] = "";
  CHECK_NUMBER(read_all(stream, frame, sizeof frame), sizeof frame);
  CHECK_NUMBER(read_all(stream, text, 2), 2);
  CHECK_TEXT(text, "2\n");
  CHECK(!listens("udp", 53)); /* not on the host */
  share_with(&c, &s);
  CHECK(next_shared(&s));
  CHECK_TEXT(text_of(&s.message, TAG_DNS), "127.0.0.11 53");
  CHECK_NUMBER(s.count, 2);
  is_address(s.fds[0], SOCK_DGRAM, 53);
  is_address(s.fds[1], SOCK_STREAM, 53);
  program_start(&w);
  add_dns(&w, "127.0.0.11", 53); /* there already */
  inside(&c, &w, MSG_OK);
  program_start(&w);
  add_dns(&w, "127.0.0.11", 0);
  inside(&c, &w, MSG_OK);
  CHECK(next_shared(&s));
  CHECK_NUMBER(s.count, 2);
  is_address(s.fds[0], SOCK_DGRAM, 0);
  program_start(&w);
  add_dns(&w, "nowhere", 53);
  is_refused(&c, &w, EINVAL, 0, "not an address for name look-ups: nowhere port 53");
  forget_shared(&s);
  close(s.fd);
  close(stream);
  gone(&c);
}

/* The network namespace belongs to the container's user namespace, and so does the right to its low ports. */
static void users_of_its_own_make_no_difference(void) {
  struct container c;
  struct shared s;
  struct writer w;
  new_container(&c);
  program_start(&w);
  op_start(&w, OP_OWNER);
  op_number(&w, 200000);
  op_number(&w, 200000);
  op_start(&w, OP_USERNS);
  op_text(&w, "0 200000 65536\n");
  op_text(&w, "0 200000 65536\n");
  op_start(&w, OP_ROOT_BIND);
  op_text(&w, c.root);
  op_start(&w, OP_ENTER);
  op_number(&w, NAMESPACES | CLONE_NEWCGROUP);
  create_with(&c, FLAG_WAIT, 0, &w);
  c.pid = message_u64(expect(c.fd, MSG_CREATED), TAG_INIT_PID, 0);
  program_start(&c.rest);
  op_start(&c.rest, OP_ROOT);
  op_start(&c.rest, OP_LOOPBACK_UP);
  add_dns(&c.rest, "127.0.0.11", 53);
  becoming(&c.rest, "", "/");
  running(&c.rest, "exec sleep 1000");
  started(&c);
  plug(&c, "gyt2", "10.111.3.1/24", 24);
  program_start(&w);
  rename_and_raise(24, "eth0");
  add_address(24, "10.111.3.2", 24);
  put_blob(&w, OP_NETLINK);
  put_sysctl(&w, "net/ipv4/ip_forward", "1");
  add_dns(&w, "127.0.0.11", 0);
  inside(&c, &w, MSG_OK);
  shell("busybox ping -c 1 -W 5 10.111.3.2 > /dev/null");
  share_with(&c, &s);
  CHECK(next_shared(&s));
  CHECK_NUMBER(s.count, 2);
  forget_shared(&s);
  close(s.fd);
  gone(&c);
}

static void a_port_in_use_ends_a_creation(void) {
  struct container c, d;
  struct buffer b = {0};
  run_in_network(&c, 0, "sleep 1000");
  listen_on(&c, MSG_LISTEN, "a tcp 0.0.0.0 8080", NULL, MSG_OK);
  new_container(&d);
  d.fd = dial(in_scratch("spawn/spawn.sock"));
  size_t begin = message_begin(&b, MSG_CREATE);
  message_put_text(&b, TAG_INSTANCE, "0123abcd");
  message_put_text(&b, TAG_CONTAINER, "d");
  message_put_text(&b, TAG_DIR, d.dir);
  message_put_u64(&b, TAG_FLAGS, FLAG_WAIT);
  message_put_u64(&b, TAG_CLONE, NAMESPACES);
  message_put_text(&b, TAG_LISTENER, "b tcp 127.0.0.1 8080");
  send_and_clear(d.fd, &b, begin);
  expect(d.fd, MSG_HELLO);
  const struct message *m = expect(d.fd, MSG_ERROR);
  CHECK_TEXT(text_of(m, TAG_TEXT), "listen tcp 127.0.0.1:8080: address already in use");
  CHECK_NUMBER(message_u64(m, TAG_ERRNO, 0), EADDRINUSE);
  expect_end(d.fd);
  gone(&d);
  gone(&c);
}

int main(int argc, char **argv) {
  if (argc != 2 || unshare(CLONE_NEWNET) < 0 || !begin_with(argv[1])) {
    fprintf(stderr, "usage, as root: networks HELPER\n");
    return 64;
  }
  shell("ip link set lo up");
  a_running_container_is_connected();
  what_fails_inside_says_which_op_and_why();
  only_the_network_can_be_changed_inside();
  the_hosts_network_is_left_alone();
  an_ended_container_is_not_visited();
  ports_are_reserved_and_free_at_once();
  whoever_asks_serves_duplicates();
  who_hangs_keeps_no_port();
  name_look_ups_come_to_sockets_inside();
  users_of_its_own_make_no_difference();
  a_port_in_use_ends_a_creation();
  return end_with();
}
