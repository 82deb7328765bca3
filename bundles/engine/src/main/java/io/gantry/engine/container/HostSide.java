package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.HostSpec;
import io.gantry.engine.spec.ContainerMount;
import io.gantry.engine.spec.Devices;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What a start has to look at on the host: sources of binds, which it makes if need be, and
 * devices. They may be on a server that does not answer, which no interrupt ends: a worker looks
 * before the start takes the container's lock, and is waited for with an end. As long as one hangs
 * no other one is sent after it.
 */
final class HostSide {
  private final Executor workers;
  private final Duration patience;

  HostSide(Executor workers, Duration patience) {
    this.workers = workers;
    this.patience = patience;
  }

  /** What there was to see, or why a start fails. */
  interface Seen {
    Devices devices();
  }

  /** Throws nothing but for a wait that is cut short: what is wrong is said by the start. */
  Seen look(Container container, List<ContainerMount> mounts) {
    var host = container.record().spec().host();
    boolean binds = mounts.stream().anyMatch(mount -> mount.type().equals(ContainerMount.BIND));
    if (!binds && !Devices.isFoundOnDisk(host)) {
      return () -> Devices.of(host);
    }
    var look = container.look();
    if (look.isDone()) {
      look = begin(host, mounts);
      container.look(look);
    }
    await(container, look);
    return seen(container, look);
  }

  private CompletableFuture<Devices> begin(HostSpec host, List<ContainerMount> mounts) {
    try {
      return CompletableFuture.supplyAsync(
          () -> {
            mounts.forEach(HostSide::makeSource);
            mounts.stream()
                .filter(mount -> mount.type().equals(ContainerMount.BIND))
                .forEach(Propagations::check);
            return Devices.of(host);
          },
          workers);
    } catch (RejectedExecutionException e) {
      throw new GantryException(UNAVAILABLE, "the engine stops", e);
    }
  }

  private void await(Container container, CompletableFuture<Devices> look) {
    try {
      look.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException e) {
      // said when it is asked for the devices
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "start of " + container.id + " cancelled", e);
    }
  }

  private static Seen seen(Container container, CompletableFuture<Devices> look) {
    boolean answered = look.isDone();
    return () -> {
      if (!answered) {
        throw new GantryException(
            UNAVAILABLE,
            "what container "
                + container.id
                + " has of the host, a bind or a device, cannot be looked at: its disk does not"
                + " answer");
      }
      try {
        return look.join();
      } catch (CompletionException e) {
        throw e.getCause() instanceof GantryException cause
            ? new GantryException(cause.kind(), cause.getMessage(), cause)
            : e;
      }
    };
  }

  /** As {@code docker run -v /new:/x} does: a source that is not there becomes a directory. */
  static void makeSource(ContainerMount mount) {
    Path source = Path.of(mount.source());
    if (mount.makesSource() && !Files.exists(source)) {
      try {
        Files.createDirectories(source);
      } catch (IOException e) {
        throw new GantryException(
            INVALID,
            "error while creating mount source path '" + source + "': " + reason(source, e),
            e);
      }
    }
  }

  /** In the words of Docker's mkdir: Java's name the file alone where a link leads nowhere. */
  private static String reason(Path source, IOException failure) {
    String file = source.toString();
    String words = failure.toString();
    if (failure instanceof FileSystemException of) {
      file = of.getFile() == null ? file : of.getFile();
      words = of.getReason() == null ? words : of.getReason().toLowerCase(Locale.ROOT);
    }
    if (failure instanceof FileAlreadyExistsException) {
      words = "file exists";
    } else if (failure instanceof AccessDeniedException) {
      words = "permission denied";
    }
    return "mkdir " + file + ": " + words;
  }
}
