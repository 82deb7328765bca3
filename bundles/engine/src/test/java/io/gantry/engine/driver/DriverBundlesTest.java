package io.gantry.engine.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
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
  private final List<String> did = Collections.synchronizedList(new ArrayList<>());
  private final List<String> locations = new ArrayList<>();
  private final List<Bundle> there = new CopyOnWriteArrayList<>();
  private DriverBundles bundles;
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

  /** Its bundle stays as it is; the new content is a bundle beside it, until it ends after all. */
  @Test
  void oneWhoseStopHearsNothingIsLeftBehind() throws Exception {
    var end = new CountDownLatch(1);
    replace(
        () -> {
          while (end.getCount() > 0) {
            try {
              end.await();
            } catch (InterruptedException e) {
              did.add("ignores");
            }
          }
          return null;
        });
    assertEquals(List.of("stops", "ignores", "hangs 1.0.0", "install", "start"), did);
    assertEquals(List.of("gantry-driver:test.echo#1"), locations);
    assertTrue(bundles.find(NAME).isPresent(), "the new one");
    var again = DriverBundles.jar(NAME, new Version("1.0.0"), folder.resolve("1.1.0.jar"));
    var e = assertThrows(GantryException.class, () -> bundles.run(again));
    assertTrue(e.getMessage().contains("still hangs in its stop"), e.getMessage());
    did.clear();
    end.countDown();
    threads.shutdown();
    assertTrue(threads.awaitTermination(30, TimeUnit.SECONDS));
    assertEquals(List.of("stopped 1.0.0", "uninstall"), did);
  }

  private void replace(Callable<Void> stop) throws Exception {
    Path jar = Files.writeString(folder.resolve("1.1.0.jar"), "content");
    var limits =
        new Limits(SHORT, Duration.ofSeconds(5), Duration.ofSeconds(5), Duration.ofSeconds(5));
    Bundle old = fake(Bundle.class, (proxy, method, given) -> bundle(proxy, method, given, stop));
    there.add(old);
    BundleContext context =
        fake(BundleContext.class, (proxy, method, given) -> context(method.getName(), given));
    bundles =
        new DriverBundles(
            context,
            threads,
            () -> limits,
            (name, version, hangs) -> did.add((hangs ? "hangs " : "stopped ") + version),
            SHORT);
    bundles.run(DriverBundles.jar(NAME, new Version("1.1.0"), jar));
  }

  private Object context(String method, Object[] given) {
    return switch (method) {
      case "getBundles" -> there.toArray(new Bundle[0]);
      case "getBundle" -> there.get(0);
      case "installBundle" -> {
        did.add("install");
        locations.add((String) given[0]);
        Bundle fresh = fake(Bundle.class, (proxy, what, with) -> second(proxy, what, with));
        there.add(fresh);
        yield fresh;
      }
      default -> throw new AssertionError(method);
    };
  }

  private Object second(Object proxy, Method method, Object[] given) {
    return switch (method.getName()) {
      case "getSymbolicName" -> NAME;
      case "getVersion" -> new Version("1.1.0");
      case "hashCode" -> System.identityHashCode(proxy);
      case "equals" -> proxy == given[0];
      default -> did.add(method.getName());
    };
  }

  private Object bundle(Object proxy, Method method, Object[] given, Callable<Void> stop)
      throws Exception {
    switch (method.getName()) {
      case "getSymbolicName":
        return NAME;
      case "getVersion":
        return new Version("1.0.0");
      case "hashCode":
        return System.identityHashCode(proxy);
      case "equals":
        return proxy == given[0];
      default:
    }
    bundleLock.lockInterruptibly();
    try {
      return method.getName().equals("stop") && did.isEmpty()
          ? stops(stop)
          : did.add(method.getName());
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
