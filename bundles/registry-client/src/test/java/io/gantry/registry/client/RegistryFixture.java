package io.gantry.registry.client;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.registry.client.TestImage.Layer;
import io.gantry.registry.client.TestImage.Packing;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A registry, and an engine that asks it. */
@Timeout(60)
abstract class RegistryFixture {

  static final Layer BASE = TestImage.layer("base", 200_000, Packing.GZIP);
  static final Layer MIDDLE = TestImage.layer("middle", 300_000, Packing.ZSTD);
  static final Layer TOP = TestImage.layer("top", 1000, Packing.PLAIN);
  static final TestImage IMAGE = TestImage.of("amd64", BASE, MIDDLE, TOP);

  @TempDir Path temp;
  FakeRegistry registry;
  Engine engine;

  @BeforeEach
  final void startBoth() throws IOException {
    registry = new FakeRegistry();
    engine = new Engine(temp);
  }

  @AfterEach
  final void stopBoth() {
    engine.close();
    registry.close();
  }

  /** A name in the repository {@code a/b} of the registry. */
  final String name(String rest) {
    return registry.host() + "/a/b" + rest;
  }

  final GantryException refused(String ref) {
    return assertThrows(GantryException.class, () -> engine.pull(ref));
  }

  static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new IOException("not in time");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }

  static void until(BooleanSupplier fact) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!fact.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, "not in time");
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }
}
