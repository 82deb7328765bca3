/* Ops that are messages for the kernel's netlink: sent as they are, in the network namespace of who carries them out. */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "setup.h"
#include "sys.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* The system's default holds the acknowledgements of about so many messages. */
enum { ACKS_BY_DEFAULT = 128, RECEIVE_BYTES = 4 << 20, SAID_MOST = 256 };

/* What became of the messages. */
struct outcome {
  unsigned acks;
  int error;
  struct nlmsghdr message; /* the one that failed */
  char said[SAID_MOST];    /* the kernel's own words, if it has any */
};

/* Takes the message at *at and moves on; false at the end and where the rest is malformed. */
static bool message_take(const uint8_t **at, size_t *left, struct nlmsghdr *head, const uint8_t **body) {
  if (*left < sizeof *head) return false;
  memcpy(head, *at, sizeof *head);
  if (head->nlmsg_len < sizeof *head || head->nlmsg_len > *left) return false;
  *body = *at + sizeof *head;
  size_t size = NLMSG_ALIGN((size_t)head->nlmsg_len);
  if (size > *left) size = *left;
  *at += size;
  *left -= size;
  return true;
}

static unsigned wanted_acks(const uint8_t *blob, size_t length) {
  unsigned acks = 0;
  struct nlmsghdr head;
  const uint8_t *body;
  while (message_take(&blob, &length, &head, &body)) acks += (head.nlmsg_flags & NLM_F_ACK) != 0;
  return acks;
}

/* Which message of the blob, from 1 on; 0 when none is like it. */
static unsigned message_number(const uint8_t *blob, size_t length, const struct nlmsghdr *failed_one) {
  unsigned number = 0;
  struct nlmsghdr head;
  const uint8_t *body;
  while (message_take(&blob, &length, &head, &body)) {
    number++;
    if (head.nlmsg_type == failed_one->nlmsg_type && head.nlmsg_seq == failed_one->nlmsg_seq && head.nlmsg_len == failed_one->nlmsg_len) return number;
  }
  return 0;
}

/* The attributes behind the head that is being answered: with CAP_ACK its payload is not among them. */
static void read_words(const uint8_t *at, size_t left, char said[SAID_MOST]) {
  struct nlattr attribute;
  while (left >= sizeof attribute) {
    memcpy(&attribute, at, sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > left) return;
    if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
      snprintf(said, SAID_MOST, "%.*s", (int)(attribute.nla_len - sizeof attribute), (const char *)at + sizeof attribute);
      return;
    }
    size_t size = NLA_ALIGN((size_t)attribute.nla_len);
    if (size > left) return;
    at += size;
    left -= size;
  }
}

static void read_ack(const struct nlmsghdr *head, const uint8_t *body, struct outcome *o) {
  struct nlmsgerr ack;
  size_t length = head->nlmsg_len - sizeof *head;
  if (head->nlmsg_type != NLMSG_ERROR || length < sizeof ack) return;
  memcpy(&ack, body, sizeof ack);
  o->acks++;
  if (!ack.error || o->error) return;
  o->error = -ack.error;
  o->message = ack.msg;
  if (head->nlmsg_flags & NLM_F_ACK_TLVS) read_words(body + sizeof ack, length - sizeof ack, o->said);
}

/* Until all acknowledgements that were asked for, or an error, are there. */
static int await_acks(int fd, unsigned wanted, struct outcome *o) {
  uint8_t answer[8192];
  while (o->acks < wanted && !o->error) {
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    const uint8_t *at = answer, *body;
    size_t left = (size_t)got;
    struct nlmsghdr head;
    while (message_take(&at, &left, &head, &body)) read_ack(&head, body, o);
  }
  return 0;
}

static const char *deed(int protocol, unsigned type) {
  if (protocol == NETLINK_NETFILTER) return "set up rules";
  switch (type) {
    case RTM_NEWLINK:
    case RTM_SETLINK: return "set up an interface";
    case RTM_DELLINK: return "remove an interface";
    case RTM_NEWADDR: return "add an address";
    case RTM_DELADDR: return "remove an address";
    case RTM_NEWROUTE: return "add a route";
    case RTM_DELROUTE: return "remove a route";
    case RTM_NEWRULE: return "add a routing rule";
    default: return "configure the network";
  }
}

static int say(struct setup *s, const struct arg *a, int protocol, const struct outcome *o) {
  unsigned number = message_number(a->bytes, a->length, &o->message);
  const char *what = deed(protocol, o->message.nlmsg_type);
  errno = o->error;
  if (o->said[0]) return failed(s, "%s (message %u): %s", what, number, o->said);
  return failed(s, "%s (message %u)", what, number);
}

static int converse(struct setup *s, int fd, const struct arg *a, int protocol) {
  struct outcome o = {0};
  int one = 1, bytes = RECEIVE_BYTES;
  unsigned wanted = wanted_acks(a->bytes, a->length);
  (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof one);
  (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof one);
  if (wanted > ACKS_BY_DEFAULT) {
    /* Both need a capability in the host's namespaces, which the root of a user namespace lacks. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  }
  if (send(fd, a->bytes, a->length, 0) < 0) return failed(s, "configure the network");
  if (await_acks(fd, wanted, &o) < 0) return failed(s, "configure the network");
  return o.error ? say(s, a, protocol, &o) : 0;
}

static int exchange(struct setup *s, const struct arg *a, int protocol) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0) return failed(s, "open netlink");
  int result = converse(s, fd, a, protocol);
  close(fd);
  return result;
}

int op_netlink(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  return exchange(s, a, NETLINK_ROUTE);
}

int op_netfilter(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  return exchange(s, a, NETLINK_NETFILTER);
}
