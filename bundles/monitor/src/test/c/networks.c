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
  return end_with();
}
