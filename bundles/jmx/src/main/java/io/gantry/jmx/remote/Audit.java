package io.gantry.jmx.remote;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.lang.System.Logger;

/** Who came over the network and what he did. Arguments may hold secrets and are left out. */
final class Audit {

  private static final Logger log = System.getLogger(Audit.class.getName());

  private Audit() {}

  static void came(String who) {
    log.log(INFO, "JMX: {0} has come", who);
  }

  static void rejected(String name, String from) {
    log.log(WARNING, "JMX: {0} at {1} is not let in", printable(name), from);
  }

  static void did(String who, String what) {
    log.log(INFO, "JMX: {0}: {1}", who, printable(what));
  }

  static void refused(String who, String what) {
    log.log(WARNING, "JMX: {0} may not: {1}", who, printable(what));
  }

  /** A line of the log is a line, and not longer than it has to be. */
  private static String printable(String text) {
    String line = text.replaceAll("\\p{Cntrl}", "?");
    return line.length() > 300 ? line.substring(0, 300) + "…" : line;
  }
}
