package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.util.List;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** Container names: what is allowed, and what a container gets when nobody named it. */
final class Names {
  private static final Pattern FORM = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]+");
  private static final int LONGEST = 4096;
  private static final List<String> QUALITIES =
      List.of(
          "agile",
          "amber",
          "bold",
          "brave",
          "breezy",
          "bright",
          "brisk",
          "calm",
          "candid",
          "clever",
          "copper",
          "cosy",
          "crisp",
          "daring",
          "deft",
          "eager",
          "earnest",
          "fair",
          "fearless",
          "fleet",
          "gentle",
          "gleaming",
          "golden",
          "hardy",
          "hearty",
          "honest",
          "humble",
          "jolly",
          "keen",
          "kind",
          "lively",
          "loyal",
          "lucid",
          "mellow",
          "merry",
          "mighty",
          "modest",
          "nimble",
          "noble",
          "patient",
          "plucky",
          "polite",
          "proud",
          "quick",
          "quiet",
          "ready",
          "robust",
          "serene",
          "sharp",
          "silver",
          "sleek",
          "smart",
          "solid",
          "steady",
          "sturdy",
          "sunny",
          "swift",
          "tidy",
          "upbeat",
          "vivid",
          "warm",
          "wise",
          "witty",
          "zesty");
  private static final List<String> THINGS =
      List.of(
          "anchor",
          "anvil",
          "barge",
          "beam",
          "boiler",
          "bollard",
          "bolt",
          "boom",
          "bridge",
          "bucket",
          "buoy",
          "cabin",
          "cable",
          "capstan",
          "cargo",
          "chain",
          "cleat",
          "cog",
          "crane",
          "crate",
          "davit",
          "deck",
          "derrick",
          "dock",
          "ferry",
          "flywheel",
          "funnel",
          "galley",
          "girder",
          "halyard",
          "harbour",
          "hatch",
          "hawser",
          "hoist",
          "hook",
          "hull",
          "jetty",
          "jib",
          "keel",
          "ladder",
          "lantern",
          "lever",
          "mast",
          "mooring",
          "outrigger",
          "pallet",
          "pier",
          "piston",
          "pulley",
          "quay",
          "ratchet",
          "rudder",
          "shackle",
          "sling",
          "spar",
          "spindle",
          "tackle",
          "tiller",
          "trolley",
          "tug",
          "turret",
          "wharf",
          "winch",
          "windlass");

  private Names() {}

  /** The name without its leading slash, checked. */
  static String check(String name) {
    String bare = name.startsWith("/") ? name.substring(1) : name;
    if (bare.length() > LONGEST || !FORM.matcher(bare).matches()) {
      throw new GantryException(
          INVALID,
          "Invalid container name ("
              + (bare.length() > LONGEST ? bare.substring(0, 64) + "…" : name)
              + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
    }
    return bare;
  }

  /** A name that nobody has. */
  static String random(RandomGenerator random, Predicate<String> taken) {
    for (int attempt = 0; ; attempt++) {
      String name =
          QUALITIES.get(random.nextInt(QUALITIES.size()))
              + "_"
              + THINGS.get(random.nextInt(THINGS.size()))
              + (attempt < 3 ? "" : Integer.toString(random.nextInt(10 << Math.min(attempt, 20))));
      if (!taken.test(name)) {
        return name;
      }
    }
  }

  static String conflict(String name, String holder) {
    return "Conflict. The container name \"/"
        + name
        + "\" is already in use by container \""
        + holder
        + "\". You have to remove (or rename) that container to be able to reuse that name.";
  }
}
