package io.gantry.linux.libc;

import java.nio.ByteBuffer;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;
import org.jspecify.annotations.Nullable;

/**
 * Functions of the C library, by their own names. Public because jnr-ffi implements it in a class
 * loader of its own. Path names are bytes that end with NUL; an offset pointer that is always NULL
 * is a {@code long}.
 */
public interface Libc {
  /** For calls the C library has no function for: openat2(2). */
  long syscall(long number, long dirfd, @In byte[] path, @In long[] how, long size);

  /** For calls the C library has no function for: getdents64(2). */
  long syscall(long number, long fd, @Out byte[] entries, long size);

  /** For calls the C library has no function for: open_tree(2); the last one is not looked at. */
  long syscall(long number, long dirfd, @In byte[] path, long flags, long unused);

  /** For calls the C library has no function for: fsopen(2). */
  long syscall(long number, @In byte[] name, long flags);

  /** For calls the C library has no function for: fsconfig(2). */
  long syscall(
      long number,
      long fd,
      long command,
      @In byte @Nullable [] key,
      @In byte @Nullable [] value,
      long aux);

  /** For calls the C library has no function for: fsmount(2). */
  long syscall(long number, long fd, long flags, long attributes);

  /** For calls the C library has no function for: move_mount(2). */
  long syscall(long number, long fromfd, @In byte[] from, long tofd, @In byte[] to, long flags);

  /** For calls the C library has no function for: mount_setattr(2). */
  long syscall(long number, long fd, @In byte[] path, long flags, @In long[] attributes, long size);

  int setfsuid(int uid);

  int setfsgid(int gid);

  int capget(@In int[] head, @Out int[] sets);

  int capset(@In int[] head, @In int[] sets);

  int fstatfs(int fd, @Out byte[] statfs);

  int close(int fd);

  int statx(int dirfd, @In byte[] path, int flags, int mask, @Out byte[] statx);

  int mkdirat(int dirfd, @In byte[] path, int mode);

  int mknodat(int dirfd, @In byte[] path, int mode, long device);

  int symlinkat(@In byte[] target, int dirfd, @In byte[] path);

  long readlinkat(int dirfd, @In byte[] path, @Out byte[] target, long size);

  int linkat(int fromfd, @In byte[] from, int tofd, @In byte[] to, int flags);

  int unlinkat(int dirfd, @In byte[] path, int flags);

  int renameat2(int fromfd, @In byte[] from, int tofd, @In byte[] to, int flags);

  int fchownat(int dirfd, @In byte[] path, int uid, int gid, int flags);

  int fchown(int fd, int uid, int gid);

  int chmod(@In byte[] path, int mode);

  int fchmod(int fd, int mode);

  int utimensat(int dirfd, @In byte[] path, @In long[] times, int flags);

  int futimens(int fd, @In long[] times);

  long lgetxattr(@In byte[] path, @In byte[] name, @Out byte[] value, long size);

  long llistxattr(@In byte[] path, @Out byte[] names, long size);

  int lsetxattr(@In byte[] path, @In byte[] name, @In byte[] value, long size, int flags);

  int lremovexattr(@In byte[] path, @In byte[] name);

  long fgetxattr(int fd, @In byte[] name, @Out byte[] value, long size);

  long flistxattr(int fd, @Out byte[] names, long size);

  int fsetxattr(int fd, @In byte[] name, @In byte[] value, long size, int flags);

  int fremovexattr(int fd, @In byte[] name);

  long read(int fd, @Out ByteBuffer into, long size);

  long write(int fd, @In ByteBuffer from, long size);

  long lseek(int fd, long offset, int whence);

  int ftruncate(int fd, long size);

  int fsync(int fd);

  int syncfs(int fd);

  int ioctl(int fd, long request, long argument);

  int ioctl(int fd, long request, @In @Out int[] argument);

  long copy_file_range(int from, long fromAt, int to, long toAt, long size, int flags);

  int mount(
      @In byte[] source,
      @In byte[] target,
      @In byte @Nullable [] type,
      long flags,
      @In byte @Nullable [] data);

  int umount2(@In byte[] target, int flags);

  /** Of the calling thread alone. */
  int unshare(int flags);

  int setns(int fd, int type);

  int chdir(@In byte[] path);

  int socket(int domain, int type, int protocol);

  int bind(int fd, @In byte[] address, int length);

  int connect(int fd, @In byte[] address, int length);

  int setsockopt(int fd, int level, int name, @In byte[] value, int length);

  int getsockopt(int fd, int level, int name, @In @Out byte[] value, @In @Out int[] length);

  long send(int fd, @In ByteBuffer bytes, long length, int flags);

  long recv(int fd, @Out ByteBuffer into, long size, int flags);

  long sendmsg(int fd, @In byte[] message, int flags);

  long recvmsg(int fd, @In @Out byte[] message, int flags);

  /** An array of struct pollfd, 8 bytes each. */
  int poll(@In @Out byte[] descriptors, long count, int millis);

  int eventfd(int count, int flags);

  int pipe2(@Out int[] descriptors, int flags);

  int memfd_create(@In byte[] name, int flags);

  int fcntl(int fd, int command, long argument);
}
