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

  static Outcome failed(String attack, Throwable why) {
    String text = String.valueOf(why.getMessage());
    String sentence =
        why instanceof AssertionError ? text : why.getClass().getSimpleName() + ": " + text;
    return new Outcome(attack, false, sentence.lines().findFirst().orElse("").strip());
  }
}
