package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;
import static io.gantry.linux.Names.bytes;

import io.gantry.spi.Mount;
import io.gantry.spi.Undo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Mounts in this process's mount namespace, on trusted paths; containers are mounted by init. */
public final class Mounts {

  private static final long MS_REMOUNT = 32;
  private static final long MS_BIND = 4096;
  private static final long MS_REC = 16384;
  private static final int MNT_DETACH = 2;

  private static final Map<String, Long> FLAGS =
      Map.of(
          "ro",
          1L,
          "nosuid",
          2L,
          "nodev",
          4L,
          "noexec",
          8L,
          "sync",
          16L,
          "noatime",
          1024L,
          "nodiratime",
          2048L,
          "relatime",
          1L << 21,
          "strictatime",
          1L << 24);
  private static final Map<String, Long> PROPAGATION =
      Map.of(
          "private",
          1L << 18,
          "rprivate",
          1L << 18 | MS_REC,
          "slave",
          1L << 19,
          "rslave",
          1L << 19 | MS_REC,
          "shared",
          1L << 20,
          "rshared",
          1L << 20 | MS_REC);

  private Mounts() {}

  /**
   * Mounts what {@code mount} says on {@code target}; its own target is not looked at. A failure
   * leaves nothing mounted.
   */
  public static void mount(Mount mount, Path target) {
    long flags = 0;
    long propagation = 0;
    List<String> data = new ArrayList<>();
    for (String option : mount.options()) {
      if (FLAGS.containsKey(option)) {
        flags |= FLAGS.get(option);
      } else if (PROPAGATION.containsKey(option)) {
        propagation |= PROPAGATION.get(option);
      } else if (!option.equals("rw")) {
        data.add(option);
      }
    }
    try (Undo undo = new Undo()) {
      if (mount.type().equals("overlay")) {
        try (DetachedMount overlay = DetachedMount.make(mount)) {
          overlay.attach(target);
        }
        undo.add(() -> unmount(target));
      } else if (mount.type().equals("bind") || mount.type().equals("rbind")) {
        long rec = mount.type().equals("rbind") ? MS_REC : 0;
        call(mount.source(), target, "none", MS_BIND | rec, data);
        undo.add(() -> unmount(target));
        if (flags != 0) {
          // The first call ignores them, mount(2).
          call("none", target, "none", MS_REMOUNT | MS_BIND | flags, List.of());
        }
      } else {
        call(mount.source(), target, mount.type(), flags, data);
        undo.add(() -> unmount(target));
      }
      if (propagation != 0) {
        call("none", target, "none", propagation, List.of());
      }
      undo.keep();
    }
  }

  static boolean isPropagation(String option) {
    return PROPAGATION.containsKey(option);
  }

  /** Gives a file system one more option; those it has, and the mount's own, stay. */
  static void remount(MountInfo mount, String option) {
    long flags = MS_REMOUNT;
    for (String own : mount.options()) {
      flags |= FLAGS.getOrDefault(own, 0L);
    }
    List<String> data = new ArrayList<>(mount.superOptions());
    data.removeIf(known -> FLAGS.containsKey(known) || known.equals("rw"));
    data.add(option);
    call("none", Path.of(Names.toText(mount.target())), mount.type(), flags, data);
  }

  private static void call(
      String source, Path target, String type, long flags, List<String> options) {
    byte[] data = bytes(String.join(",", options));
    if (libc().mount(text(source), text(target.toString()), text(type), flags, data) < 0) {
      throw failed("mount", type + " " + source + " on " + target);
    }
  }

  /**
   * Takes the topmost mount off {@code target}, also while it is in use: then it lives on unseen.
   */
  public static void unmount(Path target) {
    if (libc().umount2(text(target.toString()), MNT_DETACH) < 0) {
      throw failed("umount2", target.toString());
    }
  }

  private static byte[] text(String argument) {
    return bytes(Names.ofText(argument));
  }
}
