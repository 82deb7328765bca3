package io.gantry.itests.crash;

/**
 * When a container that has ended is started again.
 *
 * @param most restarts in a row; 0: no limit
 */
record Policy(String name, int most) {
  static final Policy NO = new Policy("no", 0);
  static final Policy ALWAYS = new Policy("always", 0);
  static final Policy UNLESS_STOPPED = new Policy("unless-stopped", 0);

  static Policy onFailure(int most) {
    return new Policy("on-failure", most);
  }

  boolean never() {
    return equals(NO);
  }

  /** Nobody stopped it. */
  boolean restarts(int exit) {
    return equals(ALWAYS) || equals(UNLESS_STOPPED) || !never() && exit != 0;
  }

  /** Made so many restarts in a row, it stays ended. */
  boolean isSpent(int restarts) {
    return most > 0 && restarts >= most;
  }

  /** A new engine starts also those that a user has stopped. */
  boolean ignoresStops() {
    return equals(ALWAYS);
  }
}
