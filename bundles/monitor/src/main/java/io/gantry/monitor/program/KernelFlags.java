package io.gantry.monitor.program;

/** Numbers of the kernel's interface that op programs carry; the same on every architecture. */
public final class KernelFlags {

  public static final long CLONE_NEWNS = 0x0002_0000;
  public static final long CLONE_NEWCGROUP = 0x0200_0000;
  public static final long CLONE_NEWUTS = 0x0400_0000;
  public static final long CLONE_NEWIPC = 0x0800_0000;
  public static final long CLONE_NEWUSER = 0x1000_0000;
  public static final long CLONE_NEWPID = 0x2000_0000;
  public static final long CLONE_NEWNET = 0x4000_0000;

  public static final long MS_REC = 0x4000;
  public static final long MS_UNBINDABLE = 1 << 17;
  public static final long MS_PRIVATE = 1 << 18;
  public static final long MS_SLAVE = 1 << 19;
  public static final long MS_SHARED = 1 << 20;

  public static final long MOUNT_ATTR_RDONLY = 0x1;
  public static final long MOUNT_ATTR_NOSUID = 0x2;
  public static final long MOUNT_ATTR_NODEV = 0x4;
  public static final long MOUNT_ATTR_NOEXEC = 0x8;

  /** The three ways of keeping access times share one field: to set one, the field is cleared. */
  public static final long MOUNT_ATTR_ATIME = 0x70;

  public static final long MOUNT_ATTR_RELATIME = 0x0;
  public static final long MOUNT_ATTR_NOATIME = 0x10;
  public static final long MOUNT_ATTR_STRICTATIME = 0x20;
  public static final long MOUNT_ATTR_NODIRATIME = 0x80;

  public static final int S_IFCHR = 0020000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFIFO = 0010000;

  private KernelFlags() {}
}
