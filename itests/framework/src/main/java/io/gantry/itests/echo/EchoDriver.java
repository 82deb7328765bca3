package io.gantry.itests.echo;

import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Answers with the version of its bundle, and fails when it is used after its end. The bundle's
 * header {@value #BEHAVIOUR} makes it fail or hang where the header says.
 */
@Component(name = "io.gantry.itests.echo", property = Driver.NAME + "=echo")
public final class EchoDriver implements RegistryAuthProvider {

  public static final String BEHAVIOUR = "Echo-Behaviour";

  private final String version;
  private final String behaviour;
  private volatile boolean ended;

  @Activate
  public EchoDriver(BundleContext context) {
    var bundle = context.getBundle();
    version = bundle.getVersion().toString();
    behaviour = String.valueOf(bundle.getHeaders().get(BEHAVIOUR));
    misbehave("constructor");
  }

  @Deactivate
  void end() {
    ended = true;
  }

  @Override
  public Support probe() {
    misbehave("probe");
    return behaviour.equals("probe-no") ? Support.no("this host has no echo") : Support.yes();
  }

  @Override
  public Recovery recover() {
    misbehave("recover");
    return new Recovery(Set.of(), Set.of());
  }

  @Override
  public Map<String, String> status() {
    return Map.of("Echo version", version);
  }

  /** Takes two milliseconds, so that calls are in flight at every swap. */
  @Override
  public Map<String, String> prepare(RegistryRequest request) {
    pause(2, TimeUnit.MILLISECONDS);
    if (ended) {
      throw new IllegalStateException("called after the end of " + version);
    }
    return Map.of("version", version);
  }

  private void misbehave(String where) {
    if (behaviour.equals(where + "-throws")) {
      throw new IllegalStateException("echo fails in " + where);
    }
    if (behaviour.equals(where + "-hangs")) {
      pause(1, TimeUnit.HOURS);
    }
  }

  private static void pause(long time, TimeUnit unit) {
    try {
      new CountDownLatch(1).await(time, unit);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
