/* Messages of the domain name system (RFC 1035, EDNS of RFC 6891): questions are taken apart, answers put together. What is
 * read comes from anybody in any container. */
#ifndef GANTRY_DNSWIRE_H
#define GANTRY_DNSWIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum {
  DNS_HEAD = 12,
  DNS_NAME_MOST = 255,
  DNS_PLAIN_MOST = 512,   /* over UDP, without EDNS */
  DNS_UDP_MOST = 4096,    /* over UDP, whatever EDNS says */
  DNS_MESSAGE_MOST = 65535
};
enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_OPT = 41, DNS_ANY = 255 };
enum dns_rcode { DNS_NOERROR, DNS_FORMERR, DNS_SERVFAIL, DNS_NXDOMAIN, DNS_NOTIMP, DNS_REFUSED };
enum dns_read { DNS_IGNORE = -1, DNS_QUESTION = 0 }; /* or the code to refuse it with */

struct dns_question {
  uint16_t id, flags, type, class;
  size_t end;       /* of the question, which begins behind the head */
  bool edns, plain; /* plain: the name has no label that looks different as text */
  uint16_t room;    /* of a UDP answer */
  char name[DNS_NAME_MOST + 1]; /* lower case, without the last dot; empty for the root */
};

/* Reads a query: DNS_QUESTION, DNS_IGNORE (there is nothing to be answered), or a code. With a code other than FORMERR the
 * question is filled in. */
int dns_read_query(struct dns_question *q, const uint8_t *data, size_t length);
/* Whether this is the answer to what was sent as `query`, with that id in it. */
bool dns_is_answer(const uint8_t *query, size_t length, size_t question_end, const uint8_t *data, size_t size);
/* Over TCP each message comes behind its length: whether the first one is there. */
bool dns_framed(const struct buffer *b, size_t *length);
enum dns_rcode dns_rcode_of(const uint8_t *data);
bool dns_truncated(const uint8_t *data);
/* The address that a name below in-addr.arpa or ip6.arpa stands for: 4 or 16 bytes; 0 when it is none. */
size_t dns_reverse(const char *name, uint8_t address[16]);

/* An answer on its way: the question is repeated, records come behind it. */
struct dns_answer {
  uint8_t data[DNS_MESSAGE_MOST];
  size_t length, room;
  unsigned count;
  bool edns, truncated;
};

void dns_answer_begin(struct dns_answer *a, const uint8_t *query, const struct dns_question *q, size_t room);
/* A record for the name that was asked for; one that does not fit truncates the answer. */
void dns_answer_add(struct dns_answer *a, enum dns_type type, uint32_t ttl, const uint8_t *data, size_t length);
/* The same with a name in it; false when that is no name. */
bool dns_answer_add_name(struct dns_answer *a, enum dns_type type, uint32_t ttl, const char *name);
void dns_answer_end(struct dns_answer *a, enum dns_rcode code);

#endif
