package io.gantry.engine.container;

import java.util.concurrent.CompletionStage;

/** Tells when every container's state is known again. */
public interface Recovered {
  CompletionStage<Void> recovered();
}
