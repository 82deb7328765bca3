package io.gantry.image;

import io.gantry.store.Digest;
import java.util.List;

/** Tells which containers use an image; the engine knows. */
@FunctionalInterface
public interface ImageUsers {

  List<User> of(Digest image);

  /**
   * @param container its id
   */
  record User(String container, boolean running) {}
}
