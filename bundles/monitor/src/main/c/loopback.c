/* Ops on what a container reaches through loopback. */
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "setup.h"
#include "sockets.h"
#include "sys.h"

int op_loopback_up(struct setup *s, const struct arg *a, unsigned n) {
  (void)a;
  (void)n;
  struct ifreq request = {.ifr_name = "lo"};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(s, "set the loopback interface up");
  if (ioctl(fd, SIOCGIFFLAGS, &request) < 0) return failed(s, "set the loopback interface up");
  request.ifr_flags |= IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &request) < 0) return failed(s, "set the loopback interface up");
  close(fd);
  return 0;
}

enum { DNS_BACKLOG = 128, TRIES = 16 };

/* Bound whether or not loopback is up by now. */
static int bound(const struct sockaddr_storage *address, int type) {
  bool v6 = address->ss_family == AF_INET6;
  int one = 1, fd = socket(address->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  (void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, &one, sizeof one);
  bool done = bind(fd, (const struct sockaddr *)address, address_length(address)) == 0;
  if (done && type == SOCK_STREAM) done = listen(fd, DNS_BACKLOG) == 0;
  if (done) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static in_port_t *port_of(struct sockaddr_storage *address) {
  if (address->ss_family == AF_INET6) return &((struct sockaddr_in6 *)(void *)address)->sin6_port;
  return &((struct sockaddr_in *)(void *)address)->sin_port;
}

/* UDP and TCP on one port; where that is the kernel's choice, TCP may have it taken. */
static int bind_pair(const struct sockaddr_storage *wanted, int fds[2], struct sockaddr_storage *got) {
  for (unsigned i = 0; i < TRIES; i++) {
    socklen_t length = sizeof *got;
    *got = *wanted;
    fds[0] = bound(wanted, SOCK_DGRAM);
    if (fds[0] < 0 || getsockname(fds[0], (struct sockaddr *)got, &length) < 0) return -1;
    fds[1] = bound(got, SOCK_STREAM);
    if (fds[1] >= 0) return 0;
    int error = errno;
    close(fds[0]);
    errno = error;
    if (*port_of((struct sockaddr_storage *)(uintptr_t)wanted) || errno != EADDRINUSE) return -1;
  }
  return -1;
}

int op_dns(struct setup *s, const struct arg *a, unsigned n) {
  (void)n;
  char port[24];
  int fds[2];
  struct sockaddr_storage wanted, got;
  snprintf(port, sizeof port, "%llu", (unsigned long long)arg_number(a + 1));
  char same[96];
  snprintf(same, sizeof same, "%.60s %s", arg_text(a), port);
  const struct dns_sockets *there = sockets_dns(); /* a visit is a fork of the monitor, which may hold them already */
  if (there && strcmp(there->text, same) == 0) return 0;
  if (!address_parse(&wanted, arg_text(a), port)) return refused(s, EINVAL, "not an address for name look-ups: %s port %s", arg_text(a), port);
  if (bind_pair(&wanted, fds, &got) < 0) return failed(s, "listen for name look-ups on %s port %s", arg_text(a), port);
  snprintf(s->text, sizeof s->text, "%.60s %u", arg_text(a), ntohs(*port_of(&got)));
  report_send(s, REPORT_SOCKETS, 0, fds, 2);
  close(fds[0]);
  close(fds[1]);
  return 0;
}
