package io.gantry.linux;

import java.util.Map;
import java.util.TreeMap;

/** What went through a network interface, since it was made. */
public record InterfaceStats(Flow received, Flow sent) {

  public record Flow(long bytes, long packets, long errors, long dropped) {}

  private static final int RECEIVED_REST = 4; // fifo, frame, compressed, multicast

  /**
   * The interfaces that a process sees, but for the loopback; empty when it is gone.
   *
   * @param lines to read with
   */
  public static Map<String, InterfaceStats> of(long pid, StatLines lines) {
    var all = new TreeMap<String, InterfaceStats>();
    if (lines.read("/proc/" + pid + "/net/dev")) {
      lines.nextLine(); // two lines of titles
      while (lines.nextLine()) {
        String name = lines.word();
        var received = flow(lines);
        for (int i = 0; i < RECEIVED_REST; i++) {
          lines.number();
        }
        var sent = flow(lines);
        if (!name.isEmpty() && !name.equals("lo")) {
          all.put(name, new InterfaceStats(received, sent));
        }
      }
    }
    return all;
  }

  private static Flow flow(StatLines lines) {
    return new Flow(lines.number(), lines.number(), lines.number(), lines.number());
  }
}
