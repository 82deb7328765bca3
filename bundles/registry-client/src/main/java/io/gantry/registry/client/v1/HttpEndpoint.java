package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Patience;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A registry, or a tree of files, that is asked by HTTP. */
final class HttpEndpoint implements Endpoint {

  private final Session session;
  private final boolean isTree;

  HttpEndpoint(Session session, boolean isTree) {
    this.session = session;
    this.isTree = isTree;
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
    return new Replied(session.send(new Ask("GET", "/v1/" + path, headers, scopes, isDocument)));
  }

  @Override
  public Answer put(
      String path, String repository, Map<String, String> headers, Body body, boolean isDocument) {
    List<String> scopes = List.of("repository:" + repository + ":pull,push");
    return new Replied(
        session.send(new Ask("PUT", "/v1/" + path, headers, scopes, isDocument, body)));
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
