package io.gantry.portmap.nat;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.netlink.NftGuard;
import io.gantry.portmap.nat.Port.Target;
import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Leads packets for published ports to containers by the kernel's address translation, so that
 * these see who asks. What the kernel cannot lead, since it comes by the loopback interface or in
 * the other family, the proxy serves; it also serves when the rules are away.
 */
@Component(name = NatConfig.PID, configurationPid = NatConfig.PID, property = Driver.NAME + "=nat")
@Designate(ocd = NatConfig.class)
public final class NatMapper implements PortMapper {
  private static final System.Logger log = System.getLogger(NatMapper.class.getName());

  /** A table without ports stays for so long: another container may come. */
  private static final long EMPTY_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final PortTable table;
  private final NftGuard guard;
  private final boolean repair;
  private final Forgotten forgotten = new Forgotten(work -> later(work, 0), Forgotten::clear);
  private final AtomicBoolean tidying = new AtomicBoolean();
  private final ScheduledExecutorService worker =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            var thread = new Thread(task, "gantry-portmap-nat");
            thread.setDaemon(true);
            return thread;
          });

  @Activate
  public NatMapper(BundleContext context, NatConfig config) {
    this(
        Objects.requireNonNull(context.getProperty("gantry.instance"), "gantry.instance"),
        config.repairRules());
  }

  /**
   * @param repair set ports again that others take away
   */
  NatMapper(String instance, boolean repair) {
    String name = "gantry-" + instance + "-nat";
    this.table = new PortTable(name);
    this.guard = new NftGuard(worker, name, table);
    this.repair = repair;
  }

  private void guard() {
    if (repair) {
      guard.begin();
    }
  }

  private void later(Runnable work, long nanos) {
    try {
      worker.schedule(work, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // the driver goes: the next one sees to it
    }
  }

  private void tidy() {
    tidying.set(false); // first: who takes the last port away meanwhile sees to it
    try {
      tidyAfter(table.tidy(EMPTY_NANOS));
    } catch (GantryException e) {
      log.log(WARNING, "a table without ports stays: {0}", e.getMessage());
    }
  }

  private void tidyAfter(long nanos) {
    if (nanos >= 0 && !tidying.getAndSet(true)) {
      later(this::tidy, nanos);
    }
  }

  /** Rules stay as they are. */
  @Deactivate
  void letGo() {
    guard.close();
    worker.shutdownNow();
    table.close();
  }

  @Override
  public Support probe() {
    try {
      table.require();
      return Support.yes();
    } catch (GantryException e) {
      return Support.no("this kernel has no nf_tables: " + e.getMessage());
    }
  }

  @Override
  public Map<String, String> status() {
    var status = new LinkedHashMap<String, String>();
    status.put("Ports", Integer.toString(table.count()));
    status.put("Rules set again", Integer.toString(guard.repairs()));
    return status;
  }

  @Override
  public Set<String> features() {
    return Set.of("tcp", "udp", "sctp", "ipv6");
  }

  @Override
  public List<Proxied> map(List<PortMapping> mappings) {
    table.add(led(mappings));
    guard();
    forget(mappings);
    return mappings.stream()
        .filter(mapping -> Port.of(mapping).isProxied())
        .map(mapping -> new Proxied(mapping.id(), mapping.address(), mapping.port()))
        .toList();
  }

  @Override
  public void unmap(List<PortMapping> mappings) {
    table.remove(led(mappings));
    if (table.count() == 0) {
      tidyAfter(EMPTY_NANOS);
    }
    forget(mappings);
  }

  /** Whoever sends to UDP ports is led anew. */
  private void forget(List<PortMapping> mappings) {
    forgotten.add(
        mappings.stream()
            .filter(mapping -> mapping.protocol().equals("udp"))
            .map(PortMapping::hostPort)
            .collect(Collectors.toSet()));
  }

  @Override
  public Recovery recover(List<PortMapping> expected) {
    table.set(led(expected));
    if (!expected.isEmpty()) {
      guard();
    }
    return new Recovery(
        expected.stream().map(PortMapping::id).collect(Collectors.toSet()), Set.of());
  }

  /** Those that the kernel leads. */
  private static Map<Port, Target> led(List<PortMapping> mappings) {
    var led = new LinkedHashMap<Port, Target>();
    for (PortMapping mapping : mappings) {
      var port = Port.of(mapping);
      var target = Port.target(mapping);
      if (port.leadsTo(target)) {
        led.put(port, target);
      }
    }
    return led;
  }
}
