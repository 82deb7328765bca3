package io.gantry.registry.client.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryRequest;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One operation's requests to one address of a registry: proves who asks, tries again what may
 * pass. Whoever works with it holds it; providers hear of its end when the last one lets go.
 */
public final class Session {

  private static final int MOST_ROUNDS = 3;
  private static final int LONGEST_RESULT = 1 << 20;

  private final Wire wire;
  private final Settings settings;
  private final Address address;
  private final String operation;
  private final Who who;
  private final Exchange.Peer peer;
  private final Traffic.Counts counts;
  private final AtomicInteger holders;
  private final Consumer<Duration> pauses;
  private final Overload overload = new Overload(InstantSource.system());

  /** By scopes: the headers that were an answer to the last challenge. */
  private final Map<List<String>, Map<String, String>> granted = new ConcurrentHashMap<>();

  private volatile String identityToken = "";
  private volatile boolean isAnswered;

  /**
   * A request.
   *
   * @param path below the address, with its query; or what {@link #place} gives
   * @param scopes as the distribution specification writes them
   * @param isDocument whether the answer is a small one, which soon comes
   * @param body or null
   */
  public record Ask(
      String method,
      String path,
      Map<String, String> headers,
      List<String> scopes,
      boolean isDocument,
      @Nullable Body body) {

    public Ask {
      headers = Map.copyOf(headers);
      scopes = List.copyOf(scopes);
    }

    public Ask(
        String method,
        String path,
        Map<String, String> headers,
        List<String> scopes,
        boolean isDocument) {
      this(method, path, headers, scopes, isDocument, null);
    }
  }

  /**
   * Who asks.
   *
   * @param isLogin whether a token to keep is wanted
   * @param isStored whether an auth provider knows the credentials, and not the client
   */
  record Who(@Nullable Credentials credentials, boolean isLogin, boolean isStored) {}

  /**
   * @param pauses gets how long an overloaded registry is waited for, on any thread
   */
  Session(
      Wire wire,
      Settings settings,
      Address address,
      String operation,
      Who who,
      Consumer<Duration> pauses) {
    this(wire, settings, address, operation, who, pauses, false, new AtomicInteger(1));
  }

  private Session(
      Wire wire,
      Settings settings,
      Address address,
      String operation,
      Who who,
      Consumer<Duration> pauses,
      boolean onlyPublic,
      AtomicInteger holders) {
    this.holders = holders;
    this.pauses = pauses;
    this.wire = wire;
    this.settings = settings;
    this.address = address;
    this.operation = operation;
    this.who = who;
    this.peer =
        new Exchange.Peer(
            wire.providers(settings).tls(address.host()), address.insecure(), onlyPublic);
    this.counts = wire.traffic().of(address.registry());
  }

  public Address address() {
    return address;
  }

  public Patience patience() {
    return settings.patience();
  }

  public Traffic.Counts counts() {
    return counts;
  }

  /** Whether both ask for the same user at the same place. */
  public boolean asksAs(Session other) {
    return address.equals(other.address) && who.equals(other.who);
  }

  /** What a login has brought to log in with from now on, or empty. */
  public String identityToken() {
    return identityToken;
  }

  /** One more holder. */
  public void hold() {
    holders.incrementAndGet();
  }

  /** One holder less; the last one ends it. */
  public void release() {
    if (holders.decrementAndGet() == 0) {
      providers().end(operation);
    }
  }

  /**
   * The way to another host that this one names, for the same operation and held together with it.
   * The user's credentials do not go there.
   *
   * @param authority {@code HOST[:PORT]}; it is spoken to by the same scheme
   * @throws GantryException FORBIDDEN for one that it may not name, as for a realm
   */
  public Session at(String authority) {
    URI base = address.base();
    URI other = Realms.check(settings, base, base.getScheme() + "://" + authority);
    if (!authority.equals(other.getRawAuthority())) {
      throw new GantryException(
          Kind.INVALID, "registry %s names \"%s\", which is no host".formatted(base, authority));
    }
    if (!Exchange.isOther(base, other)) {
      return this;
    }
    boolean insecure = settings.isInsecure(Host.of(other));
    var there = new Address(address.registry(), other, true, insecure);
    boolean onlyPublic = !Host.of(base).isLocal();
    return new Session(
        wire, settings, there, operation, new Who(null, false, false), pauses, onlyPublic, holders);
  }

  private Providers providers() {
    return wire.providers(settings);
  }

  /**
   * Asks the registry; again when it is overloaded or hangs up. A PATCH goes out once: who sends it
   * finds out first what has become of it.
   *
   * @return its answer, whatever its status
   * @throws GantryException UNAVAILABLE when there is none, CANCELLED on an interrupt
   */
  public Reply send(Ask ask) {
    return send(ask, pauses);
  }

  /**
   * As {@link #send(Ask)}.
   *
   * @param told gets how long an overloaded registry is waited for, each time
   */
  public Reply send(Ask ask, Consumer<Duration> told) {
    boolean isOnce = ask.method().equals("PATCH");
    for (int attempt = 1; ; attempt++) {
      try {
        Reply reply = authorised(ask);
        isAnswered = true;
        if (isOnce || !hasPaused(reply, attempt, overload, told)) {
          return reply;
        }
        continue;
      } catch (GantryException e) {
        if (isOnce || attempt >= settings.patience().attempts() || !mayPass(e)) {
          throw e;
        }
      }
      pause(settings.patience().before(attempt + 1));
      counts.retried();
    }
  }

  /**
   * Waits when somebody has too much to do.
   *
   * @return false when the answer counts as it is; else it has been closed
   */
  private boolean hasPaused(Reply reply, int attempt, Overload busy, Consumer<Duration> told) {
    Duration usual = settings.patience().before(attempt + 1);
    Optional<Duration> pause =
        busy.pause(reply.status(), reply.header("retry-after").orElse(""), usual);
    if (pause.isEmpty() || attempt >= settings.patience().attempts()) {
      return false;
    }
    reply.close();
    told.accept(pause.get());
    pause(pause.get());
    counts.retried();
    return true;
  }

  /** dockerd's sentence for it. */
  public static String retrying(Duration pause) {
    long seconds = Math.max(1, pause.plusMillis(999).toSeconds());
    return "Retrying in %d second%s".formatted(seconds, seconds == 1 ? "" : "s");
  }

  /** Waits; an interrupt cancels. */
  public static void pause(Duration pause) {
    try {
      TimeUnit.NANOSECONDS.sleep(pause.toNanos());
    } catch (InterruptedException e) {
      throw new GantryException(Kind.CANCELLED, "cancelled", e);
    }
  }

  /**
   * Asks once more at the end, soon: also on a thread that has been interrupted.
   *
   * @throws GantryException UNAVAILABLE
   */
  public void sendLast(Ask ask) {
    boolean interrupted = Thread.interrupted();
    try {
      authorised(ask, settings.patience().ping()).close();
    } catch (GantryException e) {
      interrupted |= e.kind() == Kind.CANCELLED; // it came meanwhile
      throw e;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Where an answer leads to ({@code Location}), to be asked next.
   *
   * @return a path for {@link Ask}; empty when it leads nowhere
   * @throws GantryException FORBIDDEN for a place that a registry may not name
   */
  public Optional<String> place(Reply reply) {
    return reply
        .header("location")
        .filter(location -> !location.isEmpty())
        .map(location -> Locations.check(reply.sent(), location).toString());
  }

  /** Whether a place that {@link #place} gave to another operation may be asked by this one. */
  public boolean mayAsk(String place) {
    try {
      var sent = new Sent("PATCH", address.base(), Map.of(), null, Duration.ZERO);
      Locations.check(sent, place);
      return true;
    } catch (GantryException e) {
      return false;
    }
  }

  /** Whether the failure is none of the registry's saying, and may not come again. */
  public boolean mayPass(GantryException e) {
    return Failures.mayPass(e) || isAnswered && Failures.isRefusal(e);
  }

  private URI uri(Ask ask) {
    return URI.create(ask.path().startsWith("/") ? address.base() + ask.path() : ask.path());
  }

  /** Asks once, as nobody, and takes any answer. */
  public Reply sendUnproved(Ask ask) {
    URI uri = URI.create(address.base() + ask.path());
    var sent =
        new Sent(
            ask.method(),
            uri,
            Map.of("User-Agent", wire.userAgent()),
            null,
            settings.patience().ping());
    return wire.exchange().sendAsIs(sent, peer, settings, counts);
  }

  /** Whether a password is all that a refusal wants, and there is none. */
  public boolean lacksPassword(Reply refusal) {
    return who.credentials() == null
        && Challenges.parse(refusal.headers("www-authenticate")).stream()
            .anyMatch(offer -> offer.scheme().equals("basic"));
  }

  private Reply authorised(Ask ask) {
    return authorised(ask, ask.isDocument() ? settings.patience().document() : Duration.ZERO);
  }

  private Reply authorised(Ask ask, Duration limit) {
    URI uri = uri(ask);
    if (Exchange.isOther(address.base(), uri)) {
      return elsewhere(ask, uri, limit);
    }
    RegistryRequest request =
        new RegistryRequest(
            operation,
            address.registry(),
            who.isLogin(),
            ask.method(),
            uri.toString(),
            ask.scopes(),
            who.credentials());
    Map<String, String> prepared = providers().prepare(request);
    for (int round = 0; ; round++) {
      Map<String, String> headers = new LinkedHashMap<>();
      headers.put("User-Agent", wire.userAgent());
      headers.putAll(ask.headers());
      headers.putAll(prepared);
      Map<String, String> proof = granted.getOrDefault(ask.scopes(), Map.of());
      headers.putAll(proof);
      Sent sent = new Sent(ask.method(), uri, headers, ask.body(), limit);
      Reply reply =
          wire.exchange().send(sent, peer, settings, counts, next -> redirected(sent, next));
      try {
        if (reply.status() != 401 || round == MOST_ROUNDS || Exchange.isOther(uri, reply.uri())) {
          boolean isRefused = reply.status() == 401 || reply.status() == 403;
          if (!isRefused && !Exchange.isOther(uri, reply.uri())) {
            providers().learn(request, reply.headers());
          }
          return reply;
        }
        Map<String, String> answer = answer(request, reply, proof);
        if (answer.isEmpty() || answer.equals(proof)) {
          return reply;
        }
        reply.drain();
        granted.put(ask.scopes(), answer);
      } catch (RuntimeException e) {
        reply.close();
        throw e;
      }
      reply.close();
    }
  }

  /** Asks another host than the registry's, as nobody. */
  private Reply elsewhere(Ask ask, URI uri, Duration limit) {
    Map<String, String> headers = new LinkedHashMap<>(Exchange.harmless(ask.headers()));
    headers.put("User-Agent", wire.userAgent());
    Sent sent = new Sent(ask.method(), uri, headers, ask.body(), limit);
    boolean onlyPublic = !Host.of(address.base()).isLocal();
    return wire.exchange()
        .send(sent, other(uri, onlyPublic), settings, counts, next -> other(next, onlyPublic));
  }

  private Map<String, String> answer(
      RegistryRequest request, Reply reply, Map<String, String> refused) {
    List<Challenge> challenges =
        Challenges.parse(reply.headers("www-authenticate")).stream()
            .map(offer -> new Challenge(request, offer.scheme(), offer.parameters(), refused))
            .toList();
    AuthAnswer answer = providers().answer(challenges, this::call);
    if (!answer.identityToken().isEmpty()) {
      identityToken = answer.identityToken();
    }
    return answer.headers();
  }

  private AuthResult call(AuthCall call) {
    URI uri = Realms.check(settings, address.base(), call.uri());
    if (who.isStored()) {
      wire.knownRealms().check(address.isMirror() ? address.host() : address.registry(), uri);
    }
    boolean isPost = call.method().equals("POST");
    if (!isPost && !call.method().equals("GET")) {
      throw new GantryException(
          Kind.INTERNAL,
          "an auth provider asks for a " + call.method() + ": only GET and POST are made");
    }
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("User-Agent", wire.userAgent());
    Body form = isPost && !call.body().isEmpty() ? Body.of(call.body().getBytes(UTF_8)) : null;
    if (form != null) {
      headers.put("Content-Type", "application/x-www-form-urlencoded");
    }
    headers.putAll(call.headers());
    var sent = new Sent(call.method(), uri, headers, form, settings.patience().document());
    boolean onlyPublic = !Host.of(address.base()).isLocal();
    Exchange.Peer at = Exchange.isOther(address.base(), uri) ? other(uri, onlyPublic) : peer;
    Overload busy = new Overload(InstantSource.system());
    for (int attempt = 1; ; attempt++) {
      try (Reply reply = wire.exchange().sendAsIs(sent, at, settings, counts)) {
        if (!hasPaused(reply, attempt, busy, pauses)) {
          String body = new String(reply.bytes(LONGEST_RESULT), UTF_8);
          return new AuthResult(call, reply.status(), reply.headers(), body);
        }
      }
    }
  }

  /** Only reading goes from a public registry to a private network. */
  Exchange.Peer redirected(Sent sent, URI next) {
    return other(next, !sent.reads() && !Host.of(address.base()).isLocal());
  }

  /** Another host is shown no certificate. */
  private Exchange.Peer other(URI uri, boolean onlyPublic) {
    HostTls tls = providers().tls(uri.getRawAuthority());
    boolean insecure = settings.isInsecure(Host.of(uri));
    boolean isUsual = tls.roots().isEmpty();
    return new Exchange.Peer(
        isUsual ? HostTls.NONE : new HostTls(tls.roots(), tls.withSystemRoots(), List.of()),
        insecure,
        onlyPublic);
  }
}
