package io.gantry.monitor;

/** Message types of protocol 1, as {@code PROTOCOL.md} numbers them. */
final class MessageType {
  static final int HELLO = 1;
  static final int ERROR = 2;
  static final int CREATED = 3;
  static final int STARTED = 4;
  static final int EXIT = 5;
  static final int EXEC_STARTED = 6;
  static final int EXEC_EXIT = 7;
  static final int OK = 8;
  static final int OOM = 9;
  static final int CHECKING = 11;
  static final int CHECKED = 12;
  static final int EXPECT = 31;
  static final int CREATE = 32;
  static final int PROGRAM = 33;
  static final int COMMIT = 34;
  static final int SIGNAL = 35;
  static final int RESIZE = 36;
  static final int CONTROL = 37;
  static final int ATTACH = 38;
  static final int EXEC = 39;
  static final int STDIN = 40;
  static final int CLOSE_STDIN = 41;
  static final int QUIT = 42;
  static final int QUERY = 43;
  static final int OUTPUT = 44;
  static final int COMPRESSED = 45;
  static final int INSIDE = 46;
  static final int LISTEN = 47;
  static final int UNLISTEN = 48;
  static final int SERVE = 49;
  static final int TABLE = 52;
  static final int RESYNC = 53;
  static final int DRAIN = 54;
  static final int START_NET = 55;
  static final int CHECK = 56;

  private MessageType() {}
}
