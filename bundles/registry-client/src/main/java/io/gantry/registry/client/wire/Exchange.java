package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.HostTls;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.client.InputStreamResponseListener;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.Response;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpStatus;

/** Sends requests: client certificates in turn, redirects without anything that is secret. */
final class Exchange {

  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  /** What a request that changes something goes along with: as it is, with its body. */
  private static final Set<Integer> STRICT_REDIRECTS = Set.of(307, 308);

  private static final int MOST_REDIRECTS = 10;

  /** What goes along to another host. */
  private static final Set<String> HARMLESS =
      Set.of("accept", "range", "user-agent", "content-type", "content-range");

  private final Connections connections;
  private final Patience patience;

  /** By host: the certificate that was accepted last. */
  private final Map<Host, Integer> accepted = new ConcurrentHashMap<>();

  /**
   * Who is at the other end.
   *
   * @param tls what it is trusted by, and the certificates to show it
   * @param insecure whatever certificate it shows is good
   * @param onlyPublic whether it is not to be reached in a private network
   */
  record Peer(HostTls tls, boolean insecure, boolean onlyPublic) {}

  Exchange(Connections connections, Patience patience) {
    this.connections = connections;
    this.patience = patience;
  }

  /**
   * Sends a request, and follows redirects.
   *
   * @param peers of the hosts that it leads to
   */
  Reply send(Sent first, Peer peer, Settings settings, Traffic.Counts counts, Peers peers) {
    Sent sent = first;
    Peer at = peer;
    for (int hops = 0; ; hops++) {
      Reply reply = inTurn(sent, at, settings, counts);
      String location = reply.header("location").orElse("");
      Set<Integer> redirects = sent.reads() ? REDIRECTS : STRICT_REDIRECTS;
      if (location.isEmpty() || !redirects.contains(reply.status())) {
        return reply;
      }
      reply.close();
      if (hops == MOST_REDIRECTS) {
        throw new GantryException(Kind.UNAVAILABLE, first.shown() + ": stopped after 10 redirects");
      }
      URI next = Locations.check(sent, location);
      if (isOther(sent.uri(), next)) {
        at = peers.of(next);
        sent = sent.to(next, harmless(sent.headers()));
      } else {
        sent = sent.to(next, sent.headers());
      }
    }
  }

  /** Sends a request, and hands out redirects as they are. */
  Reply sendAsIs(Sent sent, Peer peer, Settings settings, Traffic.Counts counts) {
    return inTurn(sent, peer, settings, counts);
  }

  /** What a host is trusted by that a redirect leads to; it is shown no certificate. */
  interface Peers {
    Peer of(URI uri);
  }

  static boolean isOther(URI one, URI other) {
    return !one.getScheme().equals(other.getScheme()) || !Host.of(one).equals(Host.of(other));
  }

  static Map<String, String> harmless(Map<String, String> headers) {
    Map<String, String> left = new HashMap<>(headers);
    left.keySet().removeIf(name -> !HARMLESS.contains(name.toLowerCase(Locale.ROOT)));
    return left;
  }

  /** The next certificate is for those who refuse one: in the handshake, by 403, by a failure. */
  private Reply inTurn(Sent sent, Peer peer, Settings settings, Traffic.Counts counts) {
    Host host = Host.of(sent.uri());
    List<Integer> turns = turns(host, peer.tls().identities().size());
    for (int i = 0; ; i++) {
      boolean isLast = i == turns.size() - 1;
      int identity = turns.get(i);
      try {
        Reply reply = once(sent, peer, identity, settings, counts);
        boolean hasFailed = reply.status() >= 500 && sent.isRepeatable();
        boolean isRefused = reply.status() == 403 || hasFailed;
        if (isLast || !isRefused) {
          if (!isRefused && identity >= 0) {
            accepted.put(host, identity);
          }
          return reply;
        }
        reply.close();
      } catch (GantryException e) {
        if (isLast || !Failures.isTls(e)) {
          throw e;
        }
      }
    }
  }

  private List<Integer> turns(Host host, int identities) {
    List<Integer> turns = new ArrayList<>();
    if (identities == 0) {
      return List.of(-1);
    }
    int first = accepted.getOrDefault(host, 0);
    if (first < identities) {
      turns.add(first);
    }
    for (int i = 0; i < identities; i++) {
      if (!turns.contains(i)) {
        turns.add(i);
      }
    }
    return turns;
  }

  private Reply once(Sent sent, Peer peer, int identity, Settings settings, Traffic.Counts counts) {
    boolean isTls = "https".equals(sent.uri().getScheme());
    var use =
        connections.use(
            Host.of(sent.uri()),
            isTls ? peer.tls() : HostTls.NONE,
            isTls ? identity : -1,
            isTls && peer.insecure(),
            settings.proxies(),
            peer.onlyPublic());
    AtomicBoolean ended = new AtomicBoolean();
    Runnable end =
        () -> {
          if (!ended.getAndSet(true)) {
            use.end().run();
          }
        };
    counts.requested();
    var listener = new InputStreamResponseListener();
    try {
      Request request = use.client().newRequest(sent.uri()).method(sent.method());
      if (!sent.limit().isZero()) {
        request.timeout(sent.limit().toMillis(), TimeUnit.MILLISECONDS);
      }
      request.headers(fields -> sent.headers().forEach(fields::put));
      AtomicBoolean isSent = new AtomicBoolean(sent.body() == null);
      boolean isWritten = true;
      if (sent.body() == null) {
        request.send(listener);
      } else {
        request.onRequestSuccess(complete -> isSent.set(true));
        isWritten = send(sent, sent.body(), request, listener, counts);
      }
      Response response = await(listener, request, sent);
      if (!isWritten && saysThatItHasAll(sent, response.getStatus())) {
        request.abort(new IOException("answered too soon"));
        throw new GantryException(
            Kind.INVALID,
            Failures.asked(sent) + ": the registry says that it has all before that has been sent");
      }
      Reply reply =
          new Reply(
              sent,
              response.getStatus(),
              reason(response),
              headers(response),
              listener.getInputStream(),
              counts,
              isEnded -> {
                close(listener, request, isEnded && isSent.get());
                end.run();
              });
      if (reply.status() >= 400 && reply.status() != 401 && reply.status() != 404) {
        counts.failed();
      }
      return reply;
    } catch (RuntimeException e) {
      counts.failed();
      end.run();
      throw e;
    }
  }

  /** A POST that is accepted need not have been looked into: it may have begun an upload only. */
  private static boolean saysThatItHasAll(Sent sent, int status) {
    boolean isBegun = sent.method().equals("POST") && status == HttpStatus.ACCEPTED_202;
    return HttpStatus.isSuccess(status) && !isBegun;
  }

  /**
   * Sends it with its body, or as much of that as the registry takes before it answers.
   *
   * @return whether it was all of the body
   */
  private boolean send(
      Sent sent,
      Body body,
      Request request,
      InputStreamResponseListener listener,
      Traffic.Counts counts) {
    var out = new Outgoing(body.length(), counts, patience.connect().plus(patience.stall()));
    request.body(out.content());
    request.onResponseHeaders(
        response -> {
          if (response.getStatus() >= 200) {
            out.answered();
          }
        });
    request.send(listener);
    try {
      body.writeTo(out);
      out.close();
      return true;
    } catch (Outgoing.Answered e) {
      return false; // what it says counts, and it has not asked for more
    } catch (Outgoing.Broken e) {
      request.abort(e);
      throw Failures.of(sent, e.reason());
    } catch (IOException e) {
      request.abort(e);
      throw StoreFailure.of("read what is to be sent", e);
    } catch (RuntimeException e) {
      request.abort(e);
      throw e;
    }
  }

  private Response await(InputStreamResponseListener listener, Request request, Sent sent) {
    try {
      long most = patience.connect().plus(patience.answer()).toMillis();
      return listener.get(most, TimeUnit.MILLISECONDS);
    } catch (InterruptedException | TimeoutException e) {
      request.abort(e);
      throw Failures.of(sent, e);
    } catch (ExecutionException e) {
      throw Failures.of(sent, e.getCause() == null ? e : e.getCause());
    }
  }

  /** What has not been sent or read to its end keeps no connection: the rest may never come. */
  private static void close(
      InputStreamResponseListener listener, Request request, boolean isEnded) {
    if (!isEnded) {
      request.abort(new IOException("closed"));
    }
    try {
      listener.close();
    } catch (IOException e) {
      request.abort(e);
    }
  }

  private static String reason(Response response) {
    String reason = response.getReason();
    return Failures.shown(
        reason == null || reason.isEmpty() ? HttpStatus.getMessage(response.getStatus()) : reason);
  }

  private static Map<String, List<String>> headers(Response response) {
    Map<String, List<String>> headers = new HashMap<>();
    for (HttpField field : response.getHeaders()) {
      headers
          .computeIfAbsent(field.getLowerCaseName(), name -> new ArrayList<>())
          .add(field.getValue() == null ? "" : field.getValue());
    }
    return headers;
  }
}
