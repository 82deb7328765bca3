package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Patience;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A registry, or a tree of files, that is asked by HTTP. Any answer of a registry may lead to
 * others, which get nothing that is secret but what an index gave for them.
 */
final class HttpEndpoint implements Endpoint {

  private final Session session;
  private final boolean isTree;

  /** Where the next request goes. */
  private volatile Way way;

  /**
   * Registries that an answer named.
   *
   * @param sessions in the order to try
   */
  private record Way(List<String> names, List<Session> sessions) {}

  HttpEndpoint(Session session, boolean isTree) {
    this.session = session;
    this.isTree = isTree;
    this.way = new Way(List.of(), List.of(session));
  }

  @Override
  public String shown() {
    return session.address().base() + "/v1/";
  }

  @Override
  public String registry() {
    return session.address().registry();
  }

  @Override
  public Patience patience() {
    return session.patience();
  }

  @Override
  public boolean isTree() {
    return isTree;
  }

  @Override
  public Answer get(String path, String repository, long offset, boolean isDocument) {
    Map<String, String> headers = offset == 0 ? Map.of() : Map.of("Range", "bytes=" + offset + "-");
    List<String> scopes = List.of("repository:" + repository + ":pull");
    return send(new Ask("GET", "/v1/" + path, headers, scopes, isDocument));
  }

  @Override
  public Answer put(
      String path, String repository, Map<String, String> headers, Body body, boolean isDocument) {
    List<String> scopes = List.of("repository:" + repository + ":pull,push");
    return send(new Ask("PUT", "/v1/" + path, headers, scopes, isDocument, body));
  }

  /** Goes to the first that can be asked; the next request goes where the answer says. */
  private Answer send(Ask ask) {
    List<Session> sessions = way.sessions();
    for (int i = 0; ; i++) {
      try {
        return new Replied(send(sessions.get(i), ask));
      } catch (GantryException e) {
        if (e.kind() != Kind.UNAVAILABLE || i == sessions.size() - 1) {
          throw e;
        }
      }
    }
  }

  private Reply send(Session asked, Ask ask) {
    Reply reply = asked.send(ask);
    try {
      List<String> names = isTree ? List.of() : Endpoints.named(reply);
      if (!names.isEmpty() && !names.equals(way.names())) {
        way = new Way(names, names.stream().map(asked::at).toList());
      }
      return reply;
    } catch (RuntimeException e) {
      reply.close();
      throw e;
    }
  }

  private record Replied(Reply reply) implements Answer {

    @Override
    public int status() {
      return reply.status();
    }

    @Override
    public Optional<String> header(String name) {
      return reply.header(name);
    }

    @Override
    public InputStream body() {
      return reply.body();
    }

    @Override
    public byte[] bytes(int most) {
      return reply.bytes(most);
    }

    @Override
    public GantryException failure() {
      return reply.failure();
    }

    @Override
    public GantryException failure(IOException e) {
      return reply.failure(e);
    }

    @Override
    public void close() {
      reply.close();
    }
  }
}
