package io.gantry.engine.disk;

import io.gantry.store.Reserve;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Supplier;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * The engine's reserve of disk space: what ends, removes and cleans up may draw on it, all else
 * fails on a full disk.
 */
@Component(name = "io.gantry.engine.disk", service = SpareDisk.class)
public final class SpareDisk {
  private static final long BYTES = 4L << 20;

  private final Reserve reserve;

  @Activate
  public SpareDisk(BundleContext context) {
    this(
        Path.of(
            Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root")));
  }

  public SpareDisk(Path dataRoot) {
    reserve = new Reserve(dataRoot.resolve("reserve"), BYTES);
  }

  /** Reserves what is not reserved yet, as far as the disk has it. */
  public void fill() {
    reserve.fill();
  }

  /** Runs a step that may be run again, with the reserve behind it. */
  public <R> R spend(Supplier<R> step) {
    return reserve.spend(step);
  }

  public void spend(Runnable step) {
    reserve.spend(
        () -> {
          step.run();
          return true;
        });
  }
}
