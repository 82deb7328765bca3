package io.gantry.registry.client.v1;

import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.Patience;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;

/** A place with the paths of a registry of version 1. */
interface Endpoint {

  /** An answer; to be closed. */
  interface Answer extends AutoCloseable {

    /** As of HTTP. */
    int status();

    /** The first of a name. */
    Optional<String> header(String name);

    InputStream body();

    /**
     * All of the body.
     *
     * @throws GantryException INVALID when it is larger
     */
    byte[] bytes(int most);

    /** The failure that this answer is. */
    GantryException failure();

    /** What reading the body has thrown, in words. */
    GantryException failure(IOException e);

    @Override
    void close();
  }

  /** As messages name it. */
  String shown();

  /** Who keeps it, as what is known of its images is kept by. */
  String registry();

  /** How long and how often it is tried. */
  Patience patience();

  /** Whether it is files alone, without an index. */
  boolean isTree();

  /**
   * Asks for an object.
   *
   * @param path below {@code /v1/}
   * @param repository for whose sake
   * @param offset of the first byte that is wanted; an answer of 200 brings all of them
   * @param isDocument whether it is a small one
   * @return whatever its status
   * @throws GantryException UNAVAILABLE when there is none, CANCELLED on an interrupt
   */
  Answer get(String path, String repository, long offset, boolean isDocument);

  /**
   * Puts an object there.
   *
   * @param path as {@link #get}
   * @param headers that go along
   * @param isDocument whether the answer soon comes
   * @return whatever its status
   * @throws GantryException as {@link #get}; FORBIDDEN where nothing can be put
   */
  Answer put(
      String path, String repository, Map<String, String> headers, Body body, boolean isDocument);
}
