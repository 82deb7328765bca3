#include "tables.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dnswire.h"
#include "sockets.h"
#include "sys.h"

enum { CONTAINER_BUCKETS = 1024, FIRST_BUCKETS = 1024, KIND_NAME = 'n', KIND_ADDRESS = 'a' };

static APART struct container *containers[CONTAINER_BUCKETS];
static unsigned containers_in_all;
static struct network *networks;
static struct entry **buckets;
static size_t bucket_count, entry_count;

/* ---- hashing ---- */

/* FNV, begun with what nobody outside can know. */
static uint32_t hash_of(uint32_t hash, const void *data, size_t length) {
  const uint8_t *at = data;
  for (size_t i = 0; i < length; i++) hash = (hash ^ at[i]) * 16777619u;
  return hash;
}

static uint32_t seed(void) {
  static uint32_t value;
  while (!value) {
    if (getrandom(&value, sizeof value, 0) != sizeof value) value = 2166136261u;
  }
  return value;
}

static uint32_t key_hash(const struct network *n, char kind, const void *key, size_t length) {
  uintptr_t number = (uintptr_t)n;
  uint32_t hash = hash_of(hash_of(seed(), &number, sizeof number), &kind, 1);
  hash = hash_of(hash, key, length);
  return hash ^ hash >> 15;
}

/* ---- containers ---- */

static struct container **place_of(const char *id) {
  struct container **at = &containers[hash_of(seed(), id, strlen(id)) % CONTAINER_BUCKETS];
  while (*at && strcmp((*at)->id, id) != 0) at = &(*at)->next;
  return at;
}

struct container *container_find(const char *id) { return *place_of(id); }

struct container *container_need(const char *id) {
  struct container **at = place_of(id);
  if (*at) return *at;
  *at = must_alloc(sizeof **at);
  strncpy((*at)->id, id, CONTAINER_ID_MOST);
  containers_in_all++;
  return *at;
}

void container_settle(struct container *c) {
  if (c->has_table || c->link || c->ports || c->resolver || c->streams) return;
  *place_of(c->id) = c->next;
  containers_in_all--;
  free(c);
}

unsigned container_count(void) { return containers_in_all; }

void container_each(void (*visit)(struct container *c)) {
  for (unsigned i = 0; i < CONTAINER_BUCKETS; i++) {
    for (struct container *c = containers[i], *next; c; c = next) {
      next = c->next;
      visit(c);
    }
  }
}

/* ---- networks ---- */

static struct network *network_use(const char *id) {
  struct network *n = networks;
  while (n && strcmp(n->id, id) != 0) n = n->next;
  if (!n) {
    size_t size = strlen(id) + 1;
    n = must_alloc(sizeof *n + size);
    memcpy(n->id, id, size);
    n->next = networks;
    networks = n;
  }
  n->users++;
  return n;
}

static void network_leave(struct network *gone) {
  if (--gone->users > 0) return;
  struct network **at = &networks;
  while (*at != gone) at = &(*at)->next;
  *at = gone->next;
  free(gone);
}

/* ---- entries ---- */

static void grow(void) {
  size_t larger = bucket_count ? 2 * bucket_count : FIRST_BUCKETS;
  struct entry **more = must_alloc(larger * sizeof *more);
  for (size_t i = 0; i < bucket_count; i++) {
    for (struct entry *e = buckets[i], *next; e; e = next) {
      next = e->next;
      e->next = more[e->hash % larger];
      more[e->hash % larger] = e;
    }
  }
  free(buckets);
  buckets = more;
  bucket_count = larger;
}

static void entry_add(struct container *c, struct endpoint *endpoint, char kind, const void *key, size_t length) {
  struct entry *e = must_alloc(sizeof *e + length + 1);
  e->endpoint = endpoint;
  e->hash = key_hash(endpoint->network, kind, key, length);
  e->length = (uint16_t)(length + 1);
  e->key[0] = kind;
  memcpy(e->key + 1, key, length);
  e->of_container = c->entries;
  c->entries = e;
  c->entry_count++;
}

static void entry_list(struct entry *e) {
  if (entry_count >= bucket_count) grow();
  struct entry **at = &buckets[e->hash % bucket_count];
  e->next = *at;
  *at = e;
  entry_count++;
}

static void entry_unlist(struct entry *e) {
  struct entry **at = &buckets[e->hash % bucket_count];
  while (*at != e) at = &(*at)->next;
  *at = e->next;
  entry_count--;
}

static bool entry_is(const struct entry *e, uint32_t hash, const struct network *n, char kind, const void *key, size_t length) {
  return e->hash == hash && e->endpoint->network == n && e->length == length + 1 && e->key[0] == kind && memcmp(e->key + 1, key, length) == 0;
}

/* ---- what the engine says ---- */

static char *next_word(char **rest) {
  char *word = strtok_r(NULL, " ", rest);
  return word;
}

static bool take_address(struct endpoint *e, const char *text) {
  struct sockaddr_storage parsed;
  if (e->count == ADDRESSES_MOST || !address_parse(&parsed, text, "0")) return false;
  struct address *a = &e->addresses[e->count++];
  a->length = parsed.ss_family == AF_INET6 ? 16 : 4;
  if (a->length == 16) memcpy(a->bytes, &((struct sockaddr_in6 *)(void *)&parsed)->sin6_addr, 16);
  else memcpy(a->bytes, &((struct sockaddr_in *)(void *)&parsed)->sin_addr, 4);
  return true;
}

static void lower(char *text) {
  for (; *text; text++) {
    if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + 'a' - 'A');
  }
}

static void take_name(struct container *c, struct endpoint *e, char *name) {
  size_t length = strlen(name);
  if (length > DNS_NAME_MOST) return; /* nobody can ask for it */
  lower(name);
  for (struct entry *there = c->entries; there; there = there->of_container) {
    if (entry_is(there, key_hash(e->network, KIND_NAME, name, length), e->network, KIND_NAME, name, length)) return;
  }
  entry_add(c, e, KIND_NAME, name, length);
}

/* NETWORK ADDRESS,… FULL-NAME NAME … */
static const char *take_endpoint(struct container *c, char *text) {
  char *rest = NULL, *more = NULL;
  char *network = strtok_r(text, " ", &rest), *addresses = next_word(&rest), *full_name = next_word(&rest);
  if (!full_name) return "malformed name";
  struct endpoint *e = must_alloc(sizeof *e);
  e->network = network_use(network);
  e->next = c->endpoints;
  c->endpoints = e;
  for (char *one = strtok_r(addresses, ",", &more); one; one = strtok_r(NULL, ",", &more)) {
    if (!take_address(e, one)) return "malformed address";
  }
  e->full_name = must_copy(full_name);
  for (unsigned i = 0; i < e->count; i++) entry_add(c, e, KIND_ADDRESS, e->addresses[i].bytes, e->addresses[i].length);
  for (char *name = next_word(&rest); name; name = next_word(&rest)) {
    if (c->entry_count >= NAMES_MOST) return "too many names";
    take_name(c, e, name);
  }
  return NULL;
}

/* NETWORK NAME */
static const char *take_network(struct container *c, char *text) {
  char *rest = NULL, *id = strtok_r(text, " ", &rest), *name = next_word(&rest);
  if (!name) return "malformed network";
  size_t size = strlen(name) + 1;
  struct view *v = must_alloc(sizeof *v + size), **at = &c->views;
  v->network = network_use(id);
  lower(name);
  memcpy(v->name, name, size);
  while (*at) at = &(*at)->next;
  *at = v;
  return NULL;
}

/* ADDRESS PORT [inside] */
static const char *take_upstream(struct container *c, char *text) {
  char *rest = NULL, *host = strtok_r(text, " ", &rest), *port = next_word(&rest), *where = next_word(&rest);
  if (!c->upstreams) c->upstreams = must_alloc(UPSTREAMS_MOST * sizeof *c->upstreams);
  struct upstream *u = &c->upstreams[c->upstream_count];
  if (!port || c->upstream_count == UPSTREAMS_MOST || !address_parse(&u->address, host, port)) return "malformed upstream";
  u->inside = where && strcmp(where, "inside") == 0;
  c->upstream_count++;
  return NULL;
}

/* LISTENER ADDRESS PORT */
static const char *take_target(struct container *c, char *text) {
  char *rest = NULL, *listener = strtok_r(text, " ", &rest), *host = next_word(&rest), *port = next_word(&rest);
  struct sockaddr_storage address;
  if (!port || !address_parse(&address, host, port)) return "malformed target";
  size_t size = strlen(listener) + 1;
  struct target *t = must_alloc(sizeof *t + size);
  t->address = address;
  memcpy(t->listener, listener, size);
  t->next = c->targets;
  c->targets = t;
  return NULL;
}

static const char *take(struct container *c, const struct attribute *a) {
  const char *wrong = NULL;
  char *text = attribute_text(a);
  switch (a->tag) {
    case TAG_NAME: wrong = take_endpoint(c, text); break;
    case TAG_NETWORK: wrong = take_network(c, text); break;
    case TAG_UPSTREAM: wrong = take_upstream(c, text); break;
    case TAG_TARGET: wrong = take_target(c, text); break;
    default: break;
  }
  free(text);
  return wrong;
}

/* ---- replacing ---- */

static void free_table(struct container *c) {
  for (struct entry *e = c->entries, *next; e; e = next) {
    next = e->of_container;
    free(e);
  }
  for (struct endpoint *e = c->endpoints, *next; e; e = next) {
    next = e->next;
    network_leave(e->network);
    free((void *)(uintptr_t)e->full_name);
    free(e);
  }
  for (struct target *t = c->targets, *next; t; t = next) {
    next = t->next;
    free(t);
  }
  for (struct view *v = c->views, *next; v; v = next) {
    next = v->next;
    network_leave(v->network);
    free(v);
  }
  free(c->upstreams);
}

static void give_up(struct container *c) {
  for (struct entry *e = c->entries; e; e = e->of_container) entry_unlist(e);
  free_table(c);
  c->entries = NULL;
  c->endpoints = NULL;
  c->targets = NULL;
  c->views = NULL;
  c->upstreams = NULL;
  c->entry_count = c->upstream_count = 0;
}

/* A copy of what the engine says about a container; the rest of it stays. */
static void adopt(struct container *c, const struct container *table) {
  c->targets = table->targets;
  c->endpoints = table->endpoints;
  c->entries = table->entries;
  c->entry_count = table->entry_count;
  c->views = table->views;
  c->upstreams = table->upstreams;
  c->upstream_count = table->upstream_count;
  c->keeps_bare_names = table->keeps_bare_names;
  for (struct entry *e = c->entries; e; e = e->of_container) entry_list(e);
}

const char *table_replace(struct container *c, const struct message *m) {
  static struct container table;
  struct attribute a;
  size_t offset = 0;
  const char *wrong = NULL;
  memset(&table, 0, sizeof table);
  table.keeps_bare_names = (message_u64(m, TAG_FLAGS, 0) & FLAG_BARE_NAMES) != 0;
  while (!wrong && attribute_next(m, &offset, &a)) wrong = take(&table, &a);
  if (wrong) {
    free_table(&table);
    return wrong;
  }
  give_up(c);
  adopt(c, &table);
  c->has_table = true;
  c->stale = false;
  return NULL;
}

void table_remove(struct container *c) {
  give_up(c);
  c->has_table = c->stale = false;
}

/* ---- looking up ---- */

const struct target *table_target(const struct container *c, const char *listener) {
  const struct target *t = c->targets;
  while (t && strcmp(t->listener, listener) != 0) t = t->next;
  return t;
}

static unsigned find_in(const struct network *n, char kind, const void *key, size_t length, const struct endpoint *found[FOUND_MOST]) {
  unsigned count = 0;
  if (!bucket_count) return 0;
  uint32_t hash = key_hash(n, kind, key, length);
  for (const struct entry *e = buckets[hash % bucket_count]; e && count < FOUND_MOST; e = e->next) {
    if (entry_is(e, hash, n, kind, key, length)) found[count++] = e->endpoint;
  }
  return count;
}

unsigned table_find_name(const struct container *c, const char *name, const struct endpoint *found[FOUND_MOST]) {
  size_t length = strlen(name);
  for (const struct view *v = c->views; v; v = v->next) {
    unsigned count = find_in(v->network, KIND_NAME, name, length, found);
    if (count) return count;
  }
  for (const struct view *v = c->views; v; v = v->next) {
    size_t tail = strlen(v->name);
    if (length <= tail + 1 || name[length - tail - 1] != '.' || strcmp(name + length - tail, v->name) != 0) continue;
    unsigned count = find_in(v->network, KIND_NAME, name, length - tail - 1, found);
    if (count) return count;
  }
  return 0;
}

const struct endpoint *table_find_address(const struct container *c, const uint8_t *address, size_t length) {
  const struct endpoint *found[FOUND_MOST];
  for (const struct view *v = c->views; v; v = v->next) {
    if (find_in(v->network, KIND_ADDRESS, address, length, found)) return found[0];
  }
  return NULL;
}
