package io.gantry.itests.attacks;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/** All attacks by way of the API, in the order of the table. */
final class Corpus {

  private Corpus() {}

  /** Those that {@code -Dattacks.only=REGEX} names, or all. */
  static List<Attack> chosen() {
    String only = System.getProperty("attacks.only", ".*");
    return all().stream().filter(attack -> attack.id().matches(only)).toList();
  }

  static List<Attack> all() {
    var all = new ArrayList<Attack>();
    all.addAll(HttpAttacks.all());
    all.addAll(BodyAttacks.all());
    all.addAll(ArchiveAttacks.all());
    all.addAll(LoadAttacks.all());
    all.addAll(ImageAttacks.all());
    all.addAll(FileAttacks.all());
    all.addAll(RootAttacks.all());
    all.addAll(IdentityAttacks.all());
    all.addAll(SettingAttacks.all());
    all.addAll(ClientAttacks.all());
    var ids = new HashSet<String>();
    for (Attack attack : all) {
      if (!ids.add(attack.id())) {
        throw new AssertionError("two attacks with the id " + attack.id());
      }
    }
    return all;
  }
}
