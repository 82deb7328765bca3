package io.gantry.monitor.program;

/**
 * Ops as {@code PROTOCOL.md} numbers them. One that comes later says with which op set; a helper
 * announces the last set it knows.
 */
public enum Op {
  CGROUP(1),
  UNSHARE(2),
  SETNS(3),
  PROPAGATION(4),
  SOURCE(5),
  ROOT_BIND(6),
  ROOT_OVERLAY(7),
  ROOT(8),
  MOUNT(9),
  BIND(10),
  DEV(11),
  DEV_NODE(12),
  DEV_LINK(13),
  DEV_DIR(14),
  DEV_DONE(15),
  MASK(16),
  READONLY(17),
  ROOT_READONLY(18),
  HOSTNAME(19),
  DOMAINNAME(20),
  SYSCTL(21),
  RLIMIT(22),
  OOM_SCORE(23),
  NETLINK(24),
  LOOPBACK_UP(25),
  TOUCH(26),
  MKDIR(27),
  USER_LOOKUP(28),
  CAPS(29),
  NO_NEW_PRIVILEGES(30),
  SECCOMP(31),
  IDENTITY(32),
  CWD(33),
  ENV(34),
  CONSOLE(35),
  EXEC(36),
  JOIN(38),
  UMASK(39),
  DEVICES(40),
  OWNER(41, 2),
  USERNS(42, 2),
  USERNS_OF(43, 2),
  ENTER(44, 2),
  NEW(45, 2),
  RAISE(46, 2),
  NETFILTER(47, 3),
  DNS(48, 3),
  APPARMOR(49, 5);

  private static final int FIRST_SET = 1;

  private final int code;
  private final int since;

  Op(int code) {
    this(code, FIRST_SET);
  }

  Op(int code, int since) {
    this.code = code;
    this.since = since;
  }

  /** The first op set that has it. */
  int since() {
    return since;
  }

  public int code() {
    return code;
  }
}
