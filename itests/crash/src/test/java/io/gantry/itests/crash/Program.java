package io.gantry.itests.crash;

import java.util.ArrayList;
import java.util.List;

/**
 * What a container does: it prints {@code begin}, then numbers from 1 on, and ends in a known way,
 * so that a line that is missing or a wrong exit code shows.
 *
 * @param lines numbers to print; 0: for ever
 * @param exit code after the last number
 * @param hungry after the last number it takes memory until the kernel kills it
 */
record Program(int lines, int exit, boolean hungry) {
  static final int TERMINATED = 42;
  static final int KILLED = 137;
  private static final String BEGIN = "begin";
  private static final String END = "end";
  private static final int MICROS_BETWEEN_LINES = 20_000;

  static Program endless() {
    return new Program(0, 0, false);
  }

  static Program hungry(int lines) {
    return new Program(lines, KILLED, true);
  }

  boolean isEndless() {
    return lines == 0;
  }

  String script() {
    String last = hungry ? "x=hungry; while :; do x=$x$x; done" : "exit " + exit;
    return "trap 'echo end; exit %d' TERM; echo begin; i=0; while [ %d = 0 ] || [ $i -lt %d ]; do i=$((i+1)); echo $i; usleep %d; done; %s"
        .formatted(TERMINATED, lines, lines, MICROS_BETWEEN_LINES, last);
  }

  /** Whether the last line is that of a run that was asked to end. */
  static boolean isOver(List<String> log) {
    return !log.isEmpty() && log.get(log.size() - 1).equals(END);
  }

  /**
   * What is wrong with the lines of all runs so far.
   *
   * @param runs whether the last of them is under way
   * @param exitCode of the last run; null when it is unknown what it ought to be
   * @param cut what was printed first may have been rotated away
   */
  List<String> complaints(List<String> log, boolean runs, Integer exitCode, boolean cut) {
    List<String> complaints = new ArrayList<>();
    String before = "";
    int run = -1;
    for (String line : log) {
      boolean first = cut && before.isEmpty();
      if (line.equals(BEGIN)) {
        run = 0;
      } else if (line.equals(END)) {
        if (!first && (run < 0 || before.equals(END))) {
          complaints.add("\"end\" after \"" + before + "\"");
        }
      } else if (first) {
        run = Integer.parseInt(line);
      } else if (run < 0 || !line.equals(Integer.toString(run + 1)) || before.equals(END)) {
        complaints.add("\"" + line + "\" after \"" + before + "\"");
        return complaints;
      } else {
        run++;
      }
      before = line;
    }
    if (runs && before.equals(END)) {
      complaints.add("it runs and has said its last word");
    } else if (exitCode != null && exitCode == TERMINATED && !before.equals(END)) {
      complaints.add("the last line before the exit is lost, there is \"" + before + "\"");
    } else if (exitCode != null && exitCode == exit && !isEndless() && run != lines) {
      complaints.add(lines + " lines were printed, " + Math.max(run, 0) + " are there");
    }
    return complaints;
  }
}
