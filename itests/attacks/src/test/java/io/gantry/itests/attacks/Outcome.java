package io.gantry.itests.attacks;

import java.util.regex.Pattern;

/**
 * How an engine fared.
 *
 * @param why empty when it held
 */
record Outcome(String attack, boolean held, String why) {

  private static final Pattern FAILURE =
      Pattern.compile("(not refused|answered( with)?|: )[: ]*50[0-9] ");

  static Outcome held(String attack) {
    return new Outcome(attack, true, "");
  }

  /** Refused, but as if the engine had failed. */
  boolean saidItsOwn() {
    return FAILURE.matcher(why).find();
  }

  static Outcome failed(String attack, Throwable why) {
    String text = String.valueOf(why.getMessage());
    String sentence =
        why instanceof AssertionError ? text : why.getClass().getSimpleName() + ": " + text;
    return new Outcome(attack, false, sentence.lines().findFirst().orElse("").strip());
  }
}
