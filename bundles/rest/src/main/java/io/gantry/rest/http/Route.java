package io.gantry.rest.http;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A method and a path and what answers it. {@code {id}} stands for one segment of the path, {@code
 * {name...}} for one or more, slashes included.
 */
public final class Route {

  /** Answers a request; a {@link io.gantry.spi.GantryException} becomes an error answer. */
  @FunctionalInterface
  public interface Action {
    Answer on(Call call);
  }

  /** Why a request may hold its thread for long; those of one kind wait for each other only. */
  enum Turn {
    /** It only looks: it need not wait for anybody. */
    NONE,
    /** It changes something. */
    CHANGE,
    /** It waits for as long as its client says. */
    WAIT,
    /** It lasts as long as its client sends or takes. */
    STREAM
  }

  private static final Pattern PLACE = Pattern.compile("\\{([a-z]+)(\\.\\.\\.)?}");

  private final String method;
  private final Pattern path;
  private final List<String> places = new ArrayList<>();
  private final Action action;
  private final Set<Trait> traits;
  private final Turn turn;

  private enum Trait {
    JSON,
    AT_ONCE,
    HELD,
    QUICK
  }

  private Route(String method, Pattern path, Action action, Set<Trait> traits, Turn turn) {
    this.method = method;
    this.path = path;
    this.action = action;
    this.traits = traits;
    this.turn = turn;
  }

  public static Route of(String method, String template, Action action) {
    var regex = new StringBuilder();
    var names = new ArrayList<String>();
    Matcher place = PLACE.matcher(template);
    int end = 0;
    while (place.find()) {
      regex.append(Pattern.quote(template.substring(end, place.start())));
      regex.append(place.group(2) == null ? "([^/]+)" : "(.+)");
      names.add(place.group(1));
      end = place.end();
    }
    regex.append(Pattern.quote(template.substring(end)));
    Turn turn = method.equals("GET") || method.equals("HEAD") ? Turn.NONE : Turn.CHANGE;
    var pattern = Pattern.compile(regex.toString(), Pattern.DOTALL);
    var route = new Route(method, pattern, action, Set.of(), turn);
    route.places.addAll(names);
    return route;
  }

  public static Route get(String template, Action action) {
    return of("GET", template, action);
  }

  public static Route head(String template, Action action) {
    return of("HEAD", template, action);
  }

  public static Route post(String template, Action action) {
    return of("POST", template, action);
  }

  public static Route put(String template, Action action) {
    return of("PUT", template, action);
  }

  public static Route delete(String template, Action action) {
    return of("DELETE", template, action);
  }

  /** Its body is JSON: read before the action is called, and limited. */
  public Route json() {
    return with(Trait.JSON, turn);
  }

  /** Does not wait until the engine has recovered. */
  public Route atOnce() {
    return with(Trait.AT_ONCE, Turn.NONE);
  }

  /** Holds its thread for as long as a client sends or takes: a few of these at once must do. */
  public Route streams() {
    return with(traits, Turn.STREAM);
  }

  /** Holds its thread for as long as a client says. */
  public Route waits() {
    return with(traits, Turn.WAIT);
  }

  /** Its client holds the connection for as long as it likes, without a thread. */
  public Route held() {
    return with(Trait.HELD, turn);
  }

  /**
   * Looks at or changes a little in memory and waits for nobody: no disk, no driver, no lock that
   * is held across either. The thread that all clients are waited for on carries it out, which
   * spares the way to another thread.
   */
  public Route quick() {
    return with(Trait.QUICK, Turn.NONE);
  }

  private Route with(Trait one, Turn kind) {
    Set<Trait> all = EnumSet.of(one);
    all.addAll(traits);
    return with(all, kind);
  }

  private Route with(Set<Trait> all, Turn kind) {
    var route = new Route(method, path, action, all, kind);
    route.places.addAll(places);
    return route;
  }

  /** What the places of the path hold, when method and path fit. */
  Optional<Map<String, String>> match(String askedMethod, String askedPath) {
    if (!method.equals(askedMethod)) {
      return Optional.empty();
    }
    Matcher matcher = path.matcher(askedPath);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    var values = new HashMap<String, String>();
    for (int i = 0; i < places.size(); i++) {
      values.put(places.get(i), matcher.group(i + 1));
    }
    return Optional.of(values);
  }

  Action action() {
    return action;
  }

  boolean takesJson() {
    return traits.contains(Trait.JSON);
  }

  boolean isAtOnce() {
    return traits.contains(Trait.AT_ONCE);
  }

  boolean isHeld() {
    return traits.contains(Trait.HELD);
  }

  boolean isQuick() {
    return traits.contains(Trait.QUICK);
  }

  Turn turn() {
    return turn;
  }
}
