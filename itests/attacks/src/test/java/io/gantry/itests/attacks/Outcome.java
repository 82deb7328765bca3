package io.gantry.itests.attacks;

/**
 * How an engine fared.
 *
 * @param why empty when it held
 */
record Outcome(String attack, boolean held, String why) {

  static Outcome held(String attack) {
    return new Outcome(attack, true, "");
  }

  /** Refused, but as if the engine had failed. */
  boolean saidItsOwn() {
    return why.matches(".*(not refused|answered( with)?|: )[: ]*50[0-9] .*");
  }

  static Outcome failed(String attack, Throwable why) {
    String text = String.valueOf(why.getMessage());
    String sentence =
        why instanceof AssertionError ? text : why.getClass().getSimpleName() + ": " + text;
    return new Outcome(attack, false, sentence.lines().findFirst().orElse("").strip());
  }
}
