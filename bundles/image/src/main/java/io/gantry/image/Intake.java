package io.gantry.image;

import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;

/** What whoever brings images to this host works with; a service. */
public interface Intake {

  ImageStore images();

  Layers layers();

  HeldBlobs blobs();

  /** How much a layer may ask for now. */
  Limits limits();

  /** Whether compressed layers are kept as they came, now. */
  boolean keeps();
}
