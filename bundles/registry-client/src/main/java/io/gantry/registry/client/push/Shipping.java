package io.gantry.registry.client.push;

import io.gantry.image.Intake;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.v2.UnfinishedUploads;
import io.gantry.store.Digest;
import java.util.concurrent.ExecutorService;

/** What pushes have in common. */
public final class Shipping {

  private final Intake intake;
  private final KnownBlobs known;
  private final UnfinishedUploads unfinished;
  private final ExecutorService threads;
  private final Sendings sendings = new Sendings();

  /**
   * @param threads as many as there are layers on their way
   */
  public Shipping(
      Intake intake, KnownBlobs known, UnfinishedUploads unfinished, ExecutorService threads) {
    this.intake = intake;
    this.known = known;
    this.unfinished = unfinished;
    this.threads = threads;
  }

  Intake intake() {
    return intake;
  }

  KnownBlobs known() {
    return known;
  }

  UnfinishedUploads unfinished() {
    return unfinished;
  }

  /** Whether a blob is known to be a layer's, and not just said to be. */
  boolean isProved(Digest chain, Digest blob) {
    return intake.layers().find(chain).filter(layer -> known.isProved(layer, blob)).isPresent();
  }

  ExecutorService threads() {
    return threads;
  }

  Sendings sendings() {
    return sendings;
  }
}
