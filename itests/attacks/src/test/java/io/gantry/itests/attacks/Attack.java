package io.gantry.itests.attacks;

/**
 * One thing that somebody may try.
 *
 * @param id short and stable; a row of the table
 * @param standsFor a CVE or a rule of those that engines were seen to break
 * @param holds what must be true, in words
 * @param body tries it, and fails with an {@link AssertionError} when the engine gives way
 */
record Attack(String id, String standsFor, String holds, Body body) {

  interface Body {
    void on(Api api) throws Exception;
  }
}
