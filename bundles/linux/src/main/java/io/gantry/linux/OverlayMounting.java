package io.gantry.linux;

import static io.gantry.linux.Kernel.AT_FDCWD;
import static io.gantry.linux.Kernel.O_DIRECTORY;
import static io.gantry.linux.Kernel.O_PATH;
import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Makes detached overlay mounts of any number of layers.
 *
 * <p>Layers are added one by one where the kernel can ({@code lowerdir+}, Linux 6.7), by way of the
 * descriptor of the directory they are in. Otherwise all go into mount(2)'s one page of options, by
 * names relative to that directory; since neither the working directory nor a mount point of this
 * process may serve for that, a thread does it in a mount namespace that ends with it.
 */
final class OverlayMounting {

  private static final int CLONE_NEWNS = 0x20000;
  private static final long MS_REC = 16384;
  private static final long MS_SLAVE = 1L << 19;
  private static final int MNT_DETACH = 2;
  private static final int PAGE = 4096;

  private OverlayMounting() {}

  /** Returns the mount's descriptor. */
  static int mount(List<String> options, long attributes) {
    OverlayDirs dirs = OverlayDirs.of(options);
    List<String> others = options.stream().filter(option -> !OverlayDirs.names(option)).toList();
    try {
      return oneByOne(dirs, others, attributes);
    } catch (GantryException e) {
      if (SyscallError.errno(e) != Errno.EINVAL) {
        throw e;
      }
      // Kernels that do not know lowerdir+ say so here or when the file system is made.
      try {
        return inOnePage(dirs, others, attributes);
      } catch (GantryException again) {
        e.addSuppressed(again);
        throw e;
      }
    }
  }

  static int oneByOne(OverlayDirs dirs, List<String> others, long attributes) {
    String base = dirs.common();
    int at = Kernel.openat2(AT_FDCWD, bytes(Names.ofText(base)), O_PATH | O_DIRECTORY, 0, 0);
    if (at < 0) {
      throw failed("open", base);
    }
    try (FileSystemContext context = FileSystemContext.open("overlay")) {
      OverlayDirs named = dirs.below(base, "/proc/self/fd/" + at + "/");
      context.set("source", "overlay");
      others.forEach(option -> context.set(Names.ofText(option)));
      named.lower().forEach(lower -> context.set("lowerdir+", Names.ofText(lower)));
      if (!named.upper().isEmpty()) {
        context.set("upperdir", Names.ofText(named.upper()));
        context.set("workdir", Names.ofText(named.work()));
      }
      return context.mount(attributes);
    } finally {
      libc().close(at);
    }
  }

  static int inOnePage(OverlayDirs dirs, List<String> others, long attributes) {
    String base = dirs.common();
    List<String> all = new ArrayList<>(others);
    dirs.below(base, "").options().forEach(option -> all.add(option.replace(",", "\\,")));
    byte[] page = bytes(Names.ofText(String.join(",", all)));
    if (page.length > PAGE) {
      throw new GantryException(
          Kind.UNSUPPORTED,
          "too many layers for this kernel: their names take " + page.length + " bytes of 4096");
    }
    CompletableFuture<Integer> made = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                made.complete(apart(Names.ofText(base), page, attributes));
              } catch (Throwable e) { // whatever it is, the other thread must not wait for ever
                made.completeExceptionally(e);
              }
            },
            "overlay-mount");
    thread.setDaemon(true);
    thread.start();
    try {
      return made.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof GantryException failure ? failure : e;
    }
  }

  /** On a thread that does nothing else and ends: its mount namespace is its own. */
  private static int apart(String base, byte[] page, long attributes) {
    if (libc().unshare(CLONE_NEWNS) < 0) {
      throw failed("unshare", "mount namespace");
    }
    byte[] none = bytes("none");
    if (libc().mount(none, bytes("/"), null, MS_REC | MS_SLAVE, null) < 0) {
      throw failed("mount", "propagation of /");
    }
    if (libc().chdir(bytes(base)) < 0) {
      throw failed("chdir", base);
    }
    byte[] type = bytes("overlay");
    if (libc().mount(type, bytes("."), type, flags(attributes), page) < 0) {
      throw failed("mount", "overlay");
    }
    try {
      return DetachedMount.openTree(base, 0);
    } finally {
      libc().umount2(bytes(base), MNT_DETACH); // a thread takes a while to end, and would keep it
    }
  }

  /** The flags of mount(2) are those of mount_setattr(2) but for times. */
  private static long flags(long attributes) {
    long flags = attributes & 0x0f;
    flags |= (attributes & 0x10) != 0 ? 1024 : 0;
    flags |= (attributes & 0x80) != 0 ? 2048 : 0;
    flags |= (attributes & 0x20) != 0 ? 1L << 24 : 0;
    return flags;
  }
}
