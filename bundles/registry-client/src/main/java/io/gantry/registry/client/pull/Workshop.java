package io.gantry.registry.client.pull;

import io.gantry.image.Intake;
import io.gantry.image.manifest.Descriptor;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.v2.Repository;
import io.gantry.store.Digest;
import java.util.List;
import java.util.concurrent.Executor;

/** What pulls have in common. */
public final class Workshop {

  private final Intake intake;
  private final KnownBlobs known;
  private final Executor threads;
  private final Fetches fetches;
  private final Makings<Digest> makings = new Makings<>();

  /**
   * @param threads as many as there are fetches
   */
  public Workshop(Intake intake, KnownBlobs known, Executor threads) {
    this.intake = intake;
    this.known = known;
    this.threads = threads;
    this.fetches = new Fetches(intake.blobs(), threads);
  }

  Intake intake() {
    return intake;
  }

  KnownBlobs known() {
    return known;
  }

  Makings<Digest> makings() {
    return makings;
  }

  Downloads downloads(Repository repository, List<Descriptor> blobs, Downloads.Listener listener) {
    return new Downloads(fetches, repository, blobs, listener, threads);
  }
}
