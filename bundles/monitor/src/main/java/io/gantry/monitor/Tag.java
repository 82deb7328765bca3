package io.gantry.monitor;

/** Attribute tags of protocol 1, as {@code PROTOCOL.md} numbers them. */
enum Tag {
  PROTOCOL(1),
  OP_SET(2),
  HELPER_SHA256(3),
  INSTANCE(4),
  CONTAINER(5),
  BOOT_ID(6),
  INIT_PID(7),
  INIT_START(8),
  PHASE(9),
  COMMITTED(10),
  LIVE_EXEC(11),
  DIR(12),
  FLAGS(13),
  CLONE(14),
  PROGRAM(15),
  STATUS(16),
  SIGNAL(17),
  TIME_NS(18),
  OOM_KILLS(19),
  CPU_NS(20),
  EXEC_ID(21),
  STREAMS(22),
  ROWS(23),
  COLUMNS(24),
  LOG_PATH(25),
  LOG_MAX_BYTES(26),
  LOG_MAX_FILES(27),
  LOG_BUFFER_BYTES(28),
  OOM_FILE(29),
  CPU_FILE(30),
  ERRNO(31),
  OP_INDEX(32),
  OP_CODE(33),
  TEXT(34),
  STAGE(35),
  MONITOR_PID(36),
  CGROUP_PROCS(37),
  EXITED_EXEC(38),
  RUNTIME(39),
  LOG_ATTRIBUTES(40),
  LOG_STDIN(41),
  LOG_INODE(42),
  GROUP(43),
  OOM_WATCH(44),
  LISTENER(45),
  DNS(46),
  NET(47),
  SERVED(48),
  NAME(49),
  NETWORK(50),
  UPSTREAM(51),
  TARGET(52),
  COUNTER(53);

  final int number;

  Tag(int number) {
    this.number = number;
  }
}
