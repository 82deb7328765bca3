package io.gantry.registry.client.v1;

import io.gantry.image.Intake;
import io.gantry.registry.client.pull.Makings;
import java.nio.file.Path;

/** What pulls of version 1 have in common. */
public final class Pulls {

  private final Intake intake;
  private final KnownLayers known;

  /** By {@code repo:NAME}, {@code img:REGISTRY/ID} and {@code layer:PLACE}. */
  private final Makings<String> makings = new Makings<>();

  /**
   * @param folder for what is known of registries; made when needed
   */
  public Pulls(Intake intake, Path folder) {
    this.intake = intake;
    this.known = new KnownLayers(folder);
  }

  Intake intake() {
    return intake;
  }

  KnownLayers known() {
    return known;
  }

  Makings<String> makings() {
    return makings;
  }
}
