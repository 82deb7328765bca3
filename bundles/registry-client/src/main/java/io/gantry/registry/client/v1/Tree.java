package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Session;
import java.net.URI;
import java.nio.file.Path;

/** A registry of version 1 that is files alone: nobody answers for them. */
public final class Tree {

  private final Endpoint endpoint;

  private Tree(Endpoint endpoint) {
    this.endpoint = endpoint;
  }

  /** Files of a web server. */
  public static Tree of(Session session) {
    return new Tree(new HttpEndpoint(session, true));
  }

  /**
   * Files of this host.
   *
   * @param base {@code file:///FOLDER}, which holds {@code v1}
   */
  public static Tree of(String registry, URI base) {
    return new Tree(new FileEndpoint(registry, Path.of(base.getPath())));
  }

  Endpoint endpoint() {
    return endpoint;
  }
}
