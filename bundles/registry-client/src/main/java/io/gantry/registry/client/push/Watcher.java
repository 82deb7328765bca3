package io.gantry.registry.client.push;

/** Hears what becomes of a layer. */
interface Watcher {

  void says(String status);

  /** So many bytes of its source have been sent. */
  void at(long done, long total);
}
