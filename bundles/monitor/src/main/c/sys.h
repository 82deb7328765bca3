/* System calls that C libraries do not wrap (or musl refuses to), and the few things every role needs. */
#ifndef GANTRY_SYS_H
#define GANTRY_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* For large variables that few processes use: between them the small ones, which all use, would be on pages of their own. */
#ifdef __x86_64__
#define APART __attribute__((section(".lbss")))
#else
#define APART
#endif

int sys_fsopen(const char *type);
int sys_fsconfig(int fd, unsigned command, const char *key, const char *value);
/* The same with a descriptor for its value. */
int sys_fsconfig_fd(int fd, const char *key, int value);
int sys_fsmount(int fd, unsigned attributes);
int sys_open_tree(int dir, const char *path, unsigned flags);
int sys_mount_setattr(int fd, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation);
int sys_openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_pidfd_open(pid_t pid);
int sys_close_range(unsigned first, unsigned last);
/* Like fork, with namespaces; with CLONE_PARENT the child is a sibling. */
pid_t sys_clone(uint64_t flags);

/* The other end of the terminal that this master has, -1 when it cannot be opened. */
int sys_terminal(int master);

/* Attaches the detached mount `mount` on the file that `target` is open on: no path is looked up. */
int move_mount_onto(int mount, int target);

/* These do all of it, or fail; an interrupted call goes on. read_all returns less only at end of file. */
ssize_t read_all(int fd, void *data, size_t length);
int write_all(int fd, const void *data, size_t length);
/* Reads a whole small file; the text is NUL-terminated. */
ssize_t read_file(int dir, const char *path, char *text, size_t capacity);

uint64_t wall_clock_ns(void);
uint64_t monotonic_ms(void);

/* The name and command line that others see; what the process was started with must not show in a container. */
void title_keep(int argc, char **argv);
void title_set(const char *title);

/* Memory, or the end of this process: a helper without memory can do nothing better. */
void *must_alloc(size_t size);
char *must_copy(const char *text);

/* Decimal digits and nothing else. */
bool parse_u64(const char *text, uint64_t *value);

/* The words of an errno as Docker's users know them (Go's), lower case. */
const char *errno_words(int error);

/* One datagram with up to COUNT descriptors; fds < 0 are not allowed. */
int send_with_fds(int socket, const void *data, size_t length, const int *fds, unsigned count);
/* Receives one datagram and up to *count descriptors (close-on-exec); *pid, when wanted, is the sender's. */
ssize_t receive_with_fds(int socket, void *data, size_t length, int *fds, unsigned *count, pid_t *pid);

#endif
