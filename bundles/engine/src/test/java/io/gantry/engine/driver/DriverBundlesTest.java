package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Version;

/** What a bundle's own stop can do to its replacement. */
@Tag("root") // jars have to be root's
class DriverBundlesTest {

  private static final String NAME = "test.echo";
  private static final Duration SHORT = Duration.ofMillis(200);

  @TempDir Path folder;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<String> did = new ArrayList<>();
  private final ReentrantLock bundleLock = new ReentrantLock(); // as the framework has one

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  @Test
  void oneWhoseStopHangsIsInterruptedAndReplaced() throws Exception {
    replace(
        () -> {
          new CountDownLatch(1).await();
          return null;
        });
    assertEquals(List.of("stops", "stop", "update", "start"), did);
  }

  @Test
  void oneWhoseStopFailsIsReplaced() throws Exception {
    replace(
        () -> {
          throw new BundleException("not me");
        });
    assertEquals(List.of("stops", "stop", "update", "start"), did);
  }

  private void replace(Callable<Void> stop) throws Exception {
    Path jar = Files.writeString(folder.resolve("1.1.0.jar"), "content");
    var limits =
        new Limits(SHORT, Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(5));
    Bundle old = fake(Bundle.class, (proxy, method, given) -> bundle(method.getName(), stop));
    BundleContext context = fake(BundleContext.class, (proxy, method, given) -> new Bundle[] {old});
    new DriverBundles(context, threads, () -> limits, SHORT)
        .run(DriverBundles.jar(NAME, new Version("1.1.0"), jar));
  }

  private Object bundle(String method, Callable<Void> stop) throws Exception {
    bundleLock.lockInterruptibly();
    try {
      return switch (method) {
        case "getSymbolicName" -> NAME;
        case "getVersion" -> new Version("1.0.0");
        case "stop" -> did.isEmpty() ? stops(stop) : did.add(method);
        default -> did.add(method);
      };
    } finally {
      bundleLock.unlock();
    }
  }

  /** The activator's stop; whatever comes of it, the bundle has stopped. */
  private Object stops(Callable<Void> stop) throws Exception {
    did.add("stops");
    return stop.call();
  }

  private static <T> T fake(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
