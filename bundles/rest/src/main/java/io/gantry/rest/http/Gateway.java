package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.Engine;
import io.gantry.rest.http.ApiVersion.TooOld;
import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Takes every request: headers that all answers carry, CORS, the route, the version, the wait for
 * recovery, the body, and failures as answers.
 */
final class Gateway extends Handler.Abstract.NonBlocking {

  /** Of the server's threads: what is left answers whoever only looks. */
  private static final Map<Route.Turn, Integer> TURNS =
      Map.of(Route.Turn.CHANGE, 96, Route.Turn.WAIT, 64, Route.Turn.STREAM, 48);

  private static final int IN_LINE = 4096;
  private static final int RECOVERY_SECONDS = 60;

  private static final Logger log = System.getLogger(Gateway.class.getName());
  private static final Pattern VERSIONED = Pattern.compile("/v([0-9.]+)(/.*)", Pattern.DOTALL);

  /**
   * What a request is about.
   *
   * @param path without the version
   * @param version as it stands there, or null
   */
  private record Asked(Router.Match match, String path, @Nullable String version) {}

  private final Router router;
  private final Engine engine;
  private final Executor executor;
  private final String server;
  private final String corsOrigins;
  private final BrowserGuard browsers;
  private final HangUps hangUps;
  private final Map<Route.Turn, Turns> turns = new EnumMap<>(Route.Turn.class);
  private final JsonBodies bodies = new JsonBodies();
  private final Holds holds;

  /**
   * @param executor carries out what is not quick
   * @param mostHeld so many connections may be held for as long as their clients like
   */
  Gateway(
      Router router,
      Engine engine,
      String corsOrigins,
      HangUps hangUps,
      Executor executor,
      int mostHeld) {
    this.router = router;
    this.engine = engine;
    this.executor = executor;
    this.server = "Gantry/" + engine.view().version() + " (linux)";
    this.corsOrigins = corsOrigins;
    this.browsers = new BrowserGuard(corsOrigins);
    this.hangUps = hangUps;
    this.holds = new Holds(mostHeld);
    TURNS.forEach((kind, most) -> turns.put(kind, new Turns(executor, most, IN_LINE)));
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    request.addIdleTimeoutListener(timeout -> false); // a stop may take its time
    decorate(response.getHeaders());
    String path = PathText.decode(request.getHttpURI().getPath());
    if (path == null) {
      refuse(request, response, callback, Answer.error(400, "invalid URL path"));
      return true;
    }
    String refusal = foreignPage(request);
    if (refusal != null) {
      refuse(request, response, callback, Answer.error(403, refusal));
      return true;
    }
    if ("OPTIONS".equals(request.getMethod())) {
      refuse(request, response, callback, Answer.status(200));
      return true;
    }
    String clean = PathText.clean(path);
    if (!clean.equals(path)) {
      String query = request.getHttpURI().getQuery();
      String target = PathText.encode(clean) + (query == null ? "" : "?" + query);
      response.getHeaders().put("Location", target);
      refuse(request, response, callback, Answer.status(301));
      return true;
    }
    Matcher versioned = VERSIONED.matcher(path);
    boolean hasVersion = versioned.matches();
    String route = hasVersion ? versioned.group(2) : path;
    Optional<Router.Match> match = router.find(request.getMethod(), route);
    if (match.isEmpty()) {
      refuse(request, response, callback, Answer.error(404, "page not found"));
      return true;
    }
    var asked = new Asked(match.get(), route, hasVersion ? versioned.group(1) : null);
    if (isFor(request, match.get().route())) {
      serve(asked, request, response, callback);
    } else {
      executor.execute(() -> serve(asked, request, response, callback));
    }
    return true;
  }

  /**
   * Whether this thread may serve it: the one that selects may wait for nobody, or all other
   * clients would wait with it.
   */
  private static boolean isFor(Request request, Route route) {
    return !ChannelConnector.isSelecting(request)
        || (route.isQuick() && isShort(request) && Audit.isQuick(request));
  }

  private static boolean isShort(Request request) {
    return request.getLength() <= JsonBodies.FREE_BYTES
        && !request.getHeaders().contains(HttpHeader.TRANSFER_ENCODING);
  }

  private void serve(Asked asked, Request request, Response response, Callback callback) {
    try {
      Audit.note(request, asked.path);
      String old = asked.version;
      var version = old == null ? ApiVersion.NEWEST : ApiVersion.negotiated(old);
      var query = Query.parse(request.getHttpURI().getQuery());
      var places = asked.match.places();
      var call = new Call(request, response, callback, hangUps, version, places, query);
      admit(asked.match.route(), call, request);
    } catch (TooOld e) {
      refuse(request, response, callback, Answer.text(400, e.sentence()));
    } catch (RuntimeException | Error e) { // on a thread of its own nobody else would tell
      refuse(request, response, callback, failure(e));
    }
  }

  private @Nullable String foreignPage(Request request) {
    if (!(request.getConnectionMetaData().getConnector() instanceof ChannelConnector way)
        || way.isUnix()) {
      return null;
    }
    HttpFields headers = request.getHeaders();
    return browsers.refusal(
        headers.get("Origin"), headers.get("Host"), way.isEncrypted() || !way.isLoopback());
  }

  /** What every answer carries, errors too. */
  void decorate(HttpFields.Mutable headers) {
    headers.put("Api-Version", ApiVersion.NEWEST.toString());
    headers.put("Docker-Experimental", "false");
    headers.put("Ostype", "linux");
    headers.put("Server", server);
    if (!corsOrigins.isEmpty()) {
      headers.put("Access-Control-Allow-Origin", corsOrigins);
      headers.put(
          "Access-Control-Allow-Headers",
          "Origin, X-Requested-With, Content-Type, Accept, X-Registry-Auth");
      headers.put("Access-Control-Allow-Methods", "HEAD, GET, POST, DELETE, PUT, OPTIONS");
    }
  }

  private void refuse(Request request, Response response, Callback callback, Answer answer) {
    answer.send(plain(request, response, callback));
  }

  /** A call that no route knows. */
  private Call plain(Request request, Response response, Callback callback) {
    return new Call(
        request, response, callback, hangUps, ApiVersion.NEWEST, Map.of(), Query.parse(null));
  }

  /** Waits, without a thread, until the engine knows its containers. */
  private void admit(Route route, Call call, Request request) {
    var recovered = engine.recovered().toCompletableFuture();
    if (route.isAtOnce() || (recovered.isDone() && !recovered.isCompletedExceptionally())) {
      receive(route, call, request, false);
      return;
    }
    recovered
        .copy()
        .orTimeout(RECOVERY_SECONDS, TimeUnit.SECONDS)
        .whenComplete(
            (done, failure) -> {
              if (failure == null) {
                receive(route, call, request, true);
              } else {
                answer(call, failure(notRecovered(failure)));
              }
            });
  }

  private static GantryException notRecovered(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    String why =
        cause instanceof TimeoutException || cause == null
            ? "is still looking for its containers: try again"
            : "could not find its containers again: " + cause.getMessage();
    return new GantryException(UNAVAILABLE, "the engine " + why, failure);
  }

  /**
   * Reads a JSON body without a thread, then runs the action on one: this, when it was all here.
   */
  private void receive(Route route, Call call, Request request, boolean elsewhere) {
    if (!route.takesJson()) {
      if (elsewhere) {
        executor.execute(() -> runInTurn(route, call, () -> {}));
      } else {
        runInTurn(route, call, () -> {});
      }
      return;
    }
    if (request.getLength() > JsonBodies.MAX_BYTES) {
      answer(call, unread(JsonBodies.tooLarge()));
      return;
    }
    BiConsumer<JsonBodies.@Nullable Body, @Nullable Throwable> whenRead =
        (body, failure) -> {
          if (body == null) {
            answer(call, unread(failure));
          } else {
            call.body(body.text());
            runInTurn(route, call, body::close);
          }
        };
    var read = bodies.read(request);
    if (read.isDone() && !elsewhere) {
      read.whenComplete(whenRead);
    } else {
      read.whenCompleteAsync(whenRead, executor);
    }
  }

  private static Answer unread(@Nullable Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return cause instanceof GantryException e && e.kind() == UNAVAILABLE
        ? failure(e)
        : Answer.error(413, JsonBodies.tooLarge().getMessage());
  }

  /** What only looks is answered at once; what may hang waits for its turn. */
  private void runInTurn(Route route, Call call, Runnable afterwards) {
    Runnable task =
        () -> {
          try {
            run(route, call);
          } finally {
            afterwards.run();
          }
        };
    Turns line = turns.get(route.turn());
    if (line == null) {
      task.run();
      return;
    }
    try {
      line.take(task);
    } catch (GantryException e) {
      afterwards.run();
      answer(call, failure(e));
    }
  }

  private void run(Route route, Call call) {
    Answer answer;
    try {
      if (route.takesJson()) {
        checkContentType(call);
      }
      if (route.isHeld()) {
        call.holds(holds.take());
      }
      answer = route.action().on(call);
    } catch (RuntimeException
        | Error e) { // on a thread of its own nobody else would tell the client
      answer = failure(e);
    }
    answer(call, answer);
  }

  private static void answer(Call call, Answer answer) {
    if (call.claim()) {
      try {
        answer.send(call);
        call.sent();
      } catch (RuntimeException | Error e) { // as above
        call.notSent(e);
      }
    }
  }

  static Answer failure(Throwable e) {
    if (e instanceof GantryException known) {
      return failure(known);
    }
    log.log(Level.ERROR, "request failed unexpectedly", e);
    return Answer.error(500, "internal error: " + e);
  }

  private static Answer failure(GantryException e) {
    int status = ErrorStatus.of(e.kind());
    if (status == 500) {
      log.log(Level.WARNING, "request failed: {0}", e.getMessage());
    }
    return Answer.error(status, e.getMessage());
  }

  private static void checkContentType(Call call) {
    @Nullable String type = call.header("Content-Type");
    if (type == null && !call.hasBodyBeyond(0)) {
      return;
    }
    if (type == null || type.isBlank()) {
      throw new GantryException(INVALID, "malformed Content-Type header (): mime: no media type");
    }
    String media = type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    if (!media.equals(Answer.JSON)) {
      throw new GantryException(
          INVALID, "unsupported Content-Type header (" + type + "): must be 'application/json'");
    }
  }

  /** Jetty's own refusals (a head it cannot read, too long a URL …) in Docker's form. */
  static final class Refusals implements Request.Handler {

    private final Gateway gateway;

    Refusals(Gateway gateway) {
      this.gateway = gateway;
    }

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      gateway.decorate(response.getHeaders());
      var message =
          request.getAttribute(org.eclipse.jetty.server.handler.ErrorHandler.ERROR_MESSAGE);
      String sentence = message == null ? "bad request" : message.toString();
      int status = response.getStatus();
      Call call = gateway.plain(request, response, callback);
      call.closeAfterwards();
      Answer.error(status, sentence).send(call);
      return true;
    }
  }
}
