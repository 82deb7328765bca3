package io.gantry.registry.client.pull;

/** Gets how much a transfer has to move, and how much it has moved; on many threads. */
public interface Meter {

  /** Bytes of blobs that are not here. */
  void wants(long bytes);

  /** Bytes that have come since the last call. */
  void moved(long bytes);
}
