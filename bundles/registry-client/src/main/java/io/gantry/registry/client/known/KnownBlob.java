package io.gantry.registry.client.known;

import io.gantry.store.Digest;

/**
 * A blob that is a layer's tar, compressed or not, in a repository of a registry.
 *
 * @param registry as references name it
 * @param path of the repository in it
 * @param size in bytes
 */
public record KnownBlob(String registry, String path, Digest digest, long size, Packing packing) {

  public boolean isIn(String otherRegistry, String otherPath) {
    return registry.equals(otherRegistry) && path.equals(otherPath);
  }
}
