package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A file system that is being configured, fsopen(2). */
final class FileSystemContext implements AutoCloseable {

  private static final int SYS_FSOPEN = 430;
  private static final int SYS_FSCONFIG = 431;
  private static final int SYS_FSMOUNT = 432;
  private static final int FSOPEN_CLOEXEC = 1;
  private static final int FSMOUNT_CLOEXEC = 1;
  private static final int SET_FLAG = 0;
  private static final int SET_STRING = 1;
  private static final int CREATE = 6;
  private static final int LONGEST_WORDS = 512;

  private final int fd;
  private final String type;

  private FileSystemContext(int fd, String type) {
    this.fd = fd;
    this.type = type;
  }

  /** Loads the kernel's module of the file system if need be. */
  static FileSystemContext open(String type) {
    int fd = (int) libc().syscall(SYS_FSOPEN, bytes(type), FSOPEN_CLOEXEC);
    if (fd < 0) {
      throw failed("fsopen", type);
    }
    return new FileSystemContext(fd, type);
  }

  /** {@code key=value} or a bare key. */
  void set(String option) {
    int equals = option.indexOf('=');
    if (equals < 0) {
      configure(SET_FLAG, option, null);
    } else {
      set(option.substring(0, equals), option.substring(equals + 1));
    }
  }

  void set(String key, String value) {
    configure(SET_STRING, key, value);
  }

  private void configure(int command, @Nullable String key, @Nullable String value) {
    byte[] name = key == null ? null : bytes(key);
    byte[] text = value == null ? null : bytes(value);
    if (libc().syscall(SYS_FSCONFIG, fd, command, name, text, 0) < 0) {
      throw refused();
    }
  }

  /** The descriptor of a mount that is attached nowhere. */
  int mount(long attributes) {
    configure(CREATE, null, null);
    int mount = (int) libc().syscall(SYS_FSMOUNT, fd, FSMOUNT_CLOEXEC, attributes);
    if (mount < 0) {
      throw refused();
    }
    return mount;
  }

  /** With the file system's own words, which the kernel keeps in the context. */
  private GantryException refused() {
    GantryException plain = failed("mount", type);
    ByteBuffer words = ByteBuffer.allocate(LONGEST_WORDS);
    StringBuilder all = new StringBuilder();
    for (long n; (n = libc().read(fd, words, LONGEST_WORDS)) > 0; ) {
      String one = new String(words.array(), 0, (int) n, ISO_8859_1).strip();
      if (one.startsWith("e ")) {
        all.append(all.isEmpty() ? "" : "; ").append(one.substring(2));
      }
    }
    return all.isEmpty() ? plain : SyscallError.with(plain, all.toString());
  }

  @Override
  public void close() {
    libc().close(fd);
  }
}
