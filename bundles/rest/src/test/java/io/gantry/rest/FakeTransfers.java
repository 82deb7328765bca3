package io.gantry.rest;

import io.gantry.api.Transfers;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Transfers that do what a test says, and remember what they were asked for. */
final class FakeTransfers implements Transfers {

  final List<String> asked = new ArrayList<>();
  final List<@Nullable Login> logins = new ArrayList<>();
  Consumer<Telling> steps = telling -> {};
  List<Found> found = List.of();
  Manifest manifest = new Manifest("", "", 0, List.of());

  @Override
  public void pull(
      String ref, boolean allTags, String platform, @Nullable Login login, Telling telling) {
    asked.add(ref + (allTags ? " all" : "") + (platform.isEmpty() ? "" : " for " + platform));
    logins.add(login);
    steps.accept(telling);
  }

  @Override
  public void push(
      String ref, boolean allTags, String platform, @Nullable Login login, Telling telling) {
    pull("push " + ref, allTags, platform, login, telling);
  }

  @Override
  public String login(Login login) {
    logins.add(login);
    return "token of " + login.registry();
  }

  @Override
  public List<Found> search(String term, int limit, @Nullable Login login) {
    asked.add(term + " " + limit);
    logins.add(login);
    return found;
  }

  @Override
  public Manifest manifest(String ref, @Nullable Login login) {
    asked.add(ref);
    logins.add(login);
    return manifest;
  }

  @Override
  public List<Transfer> list() {
    return List.of();
  }

  @Override
  public void cancel(String id) {}

  @Override
  public List<Registry> registries() {
    return List.of();
  }

  @Override
  public void forget(String registry) {}
}
