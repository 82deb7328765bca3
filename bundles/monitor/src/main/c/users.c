#include "users.h"

#include <string.h>

/* Ids up to 2^31-1, as Docker: what is above would turn negative in somebody's int. */
enum { ID_MOST = 0x7fffffff };

static struct text text_of(const char *s) { return (struct text){s, strlen(s)}; }

static bool same(struct text a, struct text b) { return a.length == b.length && memcmp(a.at, b.at, a.length) == 0; }

/* Takes what is before the next separator off the front. */
static struct text cut(struct text *rest, char separator) {
  const char *end = rest->length ? memchr(rest->at, separator, rest->length) : NULL;
  struct text head = *rest;
  if (!end) {
    *rest = (struct text){rest->at + rest->length, 0};
    return head;
  }
  head.length = (size_t)(end - rest->at);
  *rest = (struct text){end + 1, rest->length - head.length - 1};
  return head;
}

static bool all_digits(struct text t) {
  for (size_t i = 0; i < t.length; i++) {
    if (t.at[i] < '0' || t.at[i] > '9') return false;
  }
  return t.length > 0;
}

/* What strconv takes for a number: one below zero is out of range, as in Docker, not a name that nobody has. */
static bool is_number(struct text t) {
  if (t.length > 1 && (t.at[0] == '-' || t.at[0] == '+')) return all_digits((struct text){t.at + 1, t.length - 1});
  return all_digits(t);
}

static bool id_of(struct text t, uint32_t *id) {
  uint64_t sum = 0;
  if (!all_digits(t)) return false;
  for (size_t i = 0; i < t.length; i++) {
    sum = sum * 10 + (uint64_t)(t.at[i] - '0');
    if (sum > ID_MOST) return false;
  }
  *id = (uint32_t)sum;
  return true;
}

struct account {
  struct text name, home;
  uint32_t uid, gid;
};

/* The next well-formed line of passwd: name:password:uid:gid:comment:home:shell. */
static bool next_account(struct text *file, struct account *a) {
  while (file->length > 0) {
    struct text line = cut(file, '\n');
    a->name = cut(&line, ':');
    cut(&line, ':');
    struct text uid = cut(&line, ':'), gid = cut(&line, ':');
    cut(&line, ':');
    a->home = cut(&line, ':');
    if (a->name.length > 0 && a->name.at[0] != '#' && id_of(uid, &a->uid) && id_of(gid, &a->gid)) return true;
  }
  return false;
}

struct membership {
  struct text name, members;
  uint32_t gid;
};

/* The next well-formed line of group: name:password:gid:member,member. */
static bool next_membership(struct text *file, struct membership *m) {
  while (file->length > 0) {
    struct text line = cut(file, '\n');
    m->name = cut(&line, ':');
    cut(&line, ':');
    struct text gid = cut(&line, ':');
    m->members = cut(&line, ':');
    if (m->name.length > 0 && m->name.at[0] != '#' && id_of(gid, &m->gid)) return true;
  }
  return false;
}

static bool has_member(struct text members, struct text name) {
  while (members.length > 0) {
    if (same(cut(&members, ','), name)) return true;
  }
  return false;
}

static bool find_account(struct text passwd, struct text user, struct account *a) {
  uint32_t uid = 0;
  /* Digits are always a uid, so that a passwd line named "0" cannot stand in for anybody (CVE-2016-3697). */
  bool by_id = user.length == 0 || id_of(user, &uid);
  while (next_account(&passwd, a)) {
    if (by_id ? a->uid == uid : same(a->name, user)) return true;
  }
  return false;
}

static enum user_error add_gid(struct user *u, uint32_t gid) {
  for (size_t i = 0; i < u->ngroups; i++) {
    if (u->groups[i] == gid) return USER_OK;
  }
  if (u->ngroups == GROUPS_MOST) return USER_GROUPS_MANY;
  u->groups[u->ngroups++] = gid;
  return USER_OK;
}

static enum user_error find_gid(struct text name, struct text group, uint32_t *gid) {
  if (is_number(name)) return id_of(name, gid) ? USER_OK : USER_RANGE;
  struct membership m;
  while (next_membership(&group, &m)) {
    if (same(m.name, name)) {
      *gid = m.gid;
      return USER_OK;
    }
  }
  return GROUP_UNKNOWN;
}

/* The groups that list the user; only when the spec named no group, as Docker does. */
static enum user_error add_memberships(struct user *u, struct text name, struct text group) {
  struct membership m;
  while (next_membership(&group, &m)) {
    if (!has_member(m.members, name)) continue;
    enum user_error e = add_gid(u, m.gid);
    if (e != USER_OK) return e;
  }
  return USER_OK;
}

static void keep_home(struct user *u, struct text home) {
  if (home.length == 0 || home.length >= HOME_MOST || memchr(home.at, 0, home.length)) return;
  memcpy(u->home, home.at, home.length);
  u->home[home.length] = 0;
}

enum user_error user_find(struct user *u, const char *spec, struct text passwd, struct text group, struct text *name) {
  struct text named_group = text_of(spec), user = cut(&named_group, ':');
  *u = (struct user){.home = "/"};
  *name = user;
  if (is_number(user) && !id_of(user, &u->uid)) return USER_RANGE;
  struct account a;
  bool found = find_account(passwd, user, &a);
  if (!found && user.length > 0 && !all_digits(user)) return USER_UNKNOWN;
  if (found) {
    u->uid = a.uid;
    u->gid = a.gid;
    keep_home(u, a.home);
  }
  if (named_group.length > 0) {
    *name = named_group;
    enum user_error e = find_gid(named_group, group, &u->gid);
    if (e != USER_OK) return e;
  }
  /* The primary group is a supplementary one too, else setgroups would let the process shed it (CVE-2022-36109). */
  enum user_error e = add_gid(u, u->gid);
  if (e == USER_OK && found && named_group.length == 0) e = add_memberships(u, a.name, group);
  return e;
}

enum user_error user_add_group(struct user *u, const char *name, struct text group) {
  uint32_t gid = 0;
  enum user_error e = find_gid(text_of(name), group, &gid);
  return e == USER_OK ? add_gid(u, gid) : e;
}
