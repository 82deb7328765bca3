package io.gantry.itests.attacks;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All attacks, in the order of the table. */
final class Corpus {

  private Corpus() {}

  /** By what they come in. */
  static Map<String, List<Attack>> groups() {
    var groups = new LinkedHashMap<String, List<Attack>>();
    groups.put("HTTP", HttpAttacks.all());
    groups.put("bodies and filters", BodyAttacks.all());
    groups.put("archives of files", ArchiveAttacks.all());
    groups.put("archives of images", LoadAttacks.all());
    groups.put("layers and configs of images", ImageAttacks.all());
    groups.put("copies in and out", FileAttacks.all());
    groups.put("roots of containers", RootAttacks.all());
    groups.put("users, names, lines", IdentityAttacks.all());
    groups.put("settings", SettingAttacks.all());
    groups.put("clients that vanish or hog", ClientAttacks.all());
    groups.replaceAll((name, attacks) -> sorted(attacks));
    return groups;
  }

  /** Some of them are made from maps without an order. */
  private static List<Attack> sorted(List<Attack> attacks) {
    return attacks.stream().sorted(Comparator.comparing(Attack::id)).toList();
  }

  /** By way of the API: those that {@code -Dattacks.only=REGEX} names, or all. */
  static List<Attack> chosen() {
    String only = System.getProperty("attacks.only", ".*");
    return byApi().stream().filter(attack -> attack.id().matches(only)).toList();
  }

  static List<Attack> byApi() {
    var all = new ArrayList<Attack>();
    groups().values().forEach(all::addAll);
    var ids = new HashSet<String>();
    for (Attack attack : all) {
      if (!ids.add(attack.id())) {
        throw new AssertionError("two attacks with the id " + attack.id());
      }
    }
    return all;
  }
}
