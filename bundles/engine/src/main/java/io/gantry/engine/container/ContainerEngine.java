package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.NOT_MODIFIED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.AttachOptions;
import io.gantry.api.ByteStream;
import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerUpdate;
import io.gantry.api.ContainerView;
import io.gantry.api.Containers;
import io.gantry.api.ExecSpec;
import io.gantry.api.ExecView;
import io.gantry.api.LogQuery;
import io.gantry.api.Networks;
import io.gantry.api.Ports;
import io.gantry.api.StatsFeed;
import io.gantry.engine.stats.Sampling;
import io.gantry.spi.GantryException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Containers: finds whom a call is about and hands it to whoever does the step. */
public final class ContainerEngine implements Containers {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  private static final long COPY_MILLIS = 1000;

  private final Workshop shop;
  private final ContainerRecords records;
  private final ContainerTable table = new ContainerTable();
  private final Networking networking;
  private final Serving serving;
  private final Creation creation;
  private final Ending ending;
  private final Starting starting;
  private final Stopping stopping;
  private final Removal removal;
  private final Renaming renaming;
  private final Updating updating;
  private final Logging logging;
  private final Attaching attaching;
  private final Execs execs;
  private final Recovering recovering;
  private final Views views;
  private final Sizing sizing;
  private final Pruning pruning;
  private final Teller teller;
  private final Copying copying;
  private final Differing differing;
  private final Committing committing;
  private final Sampling sampling;
  private final HealthWatches watches;
  private final Belongings belongings;
  private final LinkedPorts linkedPorts;
  private final NetworkService networks;
  private final PortService ports;

  /**
   * @param nodeName of the host, for containers that have its name
   */
  public ContainerEngine(Workshop shop, String nodeName) {
    this.shop = shop;
    records = new ContainerRecords(shop.place(), this::later, shop.spare());
    var files = new OwnFiles(shop.place());
    var grouping = new Grouping(shop.cgroups(), shop.place().cgroupParent());
    var mounting = new Mounting(shop, table, files);
    networking = new Networking(shop.networks(), table);
    serving = new Serving(shop, table, files);
    var publishing = new Publishing(shop.networks(), shop.mappers());
    linkedPorts = new LinkedPorts(shop.networks(), table);
    var linkedHosts = new LinkedHosts(shop.workers(), linkedPorts, networking, files);
    var wiring =
        new Wiring(
            shop.networks(), table, networking, publishing, serving, linkedPorts, linkedHosts);
    teller = new Teller(shop.events(), shop.clock());
    logging = new Logging(shop);
    removal = new Removal(shop, table, records, files, mounting, logging, teller);
    ending =
        new Ending(
            shop,
            records,
            files,
            mounting,
            wiring,
            grouping,
            removal,
            teller,
            this::restartByPolicy);
    var donors = new Donors(table);
    var plans = new Plans(shop, table, files, mounting, donors);
    starting =
        new Starting(
            shop,
            table,
            records,
            files,
            mounting,
            networking,
            donors,
            plans,
            wiring,
            grouping,
            ending,
            logging,
            teller,
            (container, running) -> watches().prepare(container, running));
    creation =
        new Creation(
            shop, table, records, files, mounting, networking, grouping, logging, teller, nodeName);
    stopping = new Stopping(shop.place(), records, teller);
    renaming = new Renaming(table, records, teller);
    updating = new Updating(records, grouping, shop.facts(), teller);
    attaching = new Attaching(shop, logging, teller);
    execs = new Execs(shop, table, plans, teller);
    var health = new HealthRecords(shop.place());
    watches = new HealthWatches(shop, execs, health, teller, this::restartUnhealthy);
    var unfinished = new Unfinished(shop, records, wiring, mounting);
    var republishing = new Republishing(records, publishing, serving, teller);
    recovering =
        new Recovering(
            shop,
            table,
            records,
            files,
            mounting,
            wiring,
            serving,
            grouping,
            unfinished,
            republishing,
            starting,
            ending,
            watches,
            health,
            logging);
    views = new Views(shop.place(), mounting, networking, table);
    sizing = new Sizing(shop);
    pruning = new Pruning(table, views, sizing, removal, teller);
    copying = new Copying(shop, new Roots(shop, starting, plans, mounting), teller);
    differing = new Differing(shop);
    committing = new Committing(shop, differing, stopping, teller);
    shop.logs().listen(() -> shop.workers().execute(() -> logging.configured(table.all())));
    belongings = new Belongings(table, networking, logging);
    networks =
        new NetworkService(
            shop.networks(),
            table,
            networking,
            new Connecting(
                shop, records, networking, republishing, starting, serving, linkedPorts));
    ports = new PortService(table, republishing);
    sampling = new Sampling(shop.workers(), shop.timer(), shop.clock());
  }

  private void later(Runnable work) {
    shop.timer().schedule(() -> shop.workers().execute(work), COPY_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void restartByPolicy(Container container) {
    try {
      starting.restart(container);
    } catch (GantryException e) { // the state says so, and who inspects it sees why
      log.log(WARNING, "container " + container.id + " cannot be restarted: " + e.getMessage());
      if (e.kind() == UNAVAILABLE) { // a driver, or helpers of ours: soon there will be another one
        ending.restartAgain(container);
      }
    }
  }

  private HealthWatches watches() {
    return watches;
  }

  private void restartUnhealthy(Container container, Running running) {
    var label = container.record().spec().labels().get(Stopping.RESTART_UNHEALTHY);
    boolean wanted =
        label == null ? shop.restartUnhealthy().getAsBoolean() : Boolean.parseBoolean(label);
    if (wanted && !container.record().ephemeral()) {
      try {
        stopping.endUnhealthy(container, running);
      } catch (GantryException e) { // the user may have been faster
        log.log(WARNING, "unhealthy " + container.id + " is not restarted: " + e.getMessage());
      }
    }
  }

  /** Reads the records: from now on every container is known, if not yet its state. */
  public Set<String> readRecords() {
    var broken = recovering.read();
    shop.networks().settle();
    return broken;
  }

  /**
   * Adopts what runs and sweeps what nobody knows.
   *
   * @param broken what {@link #readRecords} returned
   */
  public void recover(Set<String> broken) {
    recovering.find(broken);
    serving.recover();
  }

  /** Lets go of everything that runs, which goes on. Whether nothing does. */
  public boolean letGo() {
    serving.letGo();
    boolean alone = true;
    for (var container : table.all()) {
      var running = container.running();
      if (running != null) {
        var watch = running.watch();
        if (watch != null) {
          watch.letGo();
        }
        running.letGo();
        alone = false;
      }
    }
    return alone;
  }

  /** The last step of an end in order: what was put off is written. */
  public void writeOut() {
    records.flush();
  }

  /** The networks that they are in. */
  Networks networks() {
    return networks;
  }

  /** Of the host, that lead to them. */
  Ports ports() {
    return ports;
  }

  /** What there is of containers in each driver's keeping. */
  Belongings belongings() {
    return belongings;
  }

  @Override
  public Created create(ContainerSpec spec) {
    return creation.create(spec);
  }

  @Override
  public void start(String ref) {
    starting.start(table.find(ref));
  }

  @Override
  public void stop(String ref, @Nullable String signal, @Nullable Duration timeout) {
    stopping.stop(table.find(ref), ref, signal, timeout);
  }

  @Override
  public void restart(String ref, @Nullable String signal, @Nullable Duration timeout) {
    var container = table.find(ref);
    if (container.running() != null) {
      starting.requireDrivers(container); // without them it is better left running
    }
    container.kept(true);
    try {
      if (stopping.endIfRunning(container, ref, signal, timeout)) {
        teller.tell(container.record(), "stop");
      }
      startAnew(container, ref);
    } finally {
      container.kept(false);
      ending.removeIfOver(container);
    }
    teller.tell(container.record(), "restart");
  }

  private void startAnew(Container container, String ref) {
    try {
      starting.start(container);
    } catch (GantryException e) {
      if (e.kind() != NOT_MODIFIED) {
        throw new GantryException(
            e.kind(), "Cannot restart container " + ref + ": " + e.getMessage(), e);
      } // somebody else has started it: it runs anew, as asked
    }
  }

  @Override
  public void kill(String ref, String signal) {
    stopping.kill(() -> table.find(ref), ref, signal);
  }

  @Override
  public void pause(String ref) {
    stopping.pause(table.find(ref));
  }

  @Override
  public void unpause(String ref) {
    stopping.unpause(table.find(ref));
  }

  @Override
  public void rename(String ref, String name) {
    Renaming.check(name);
    var container = table.find(ref);
    renaming.rename(container, name);
    serving.changed(container);
  }

  @Override
  public List<String> update(String ref, ContainerUpdate update) {
    Updating.check(update);
    return updating.update(table.find(ref), update);
  }

  @Override
  public void remove(String ref, boolean force, boolean volumes) {
    var container = table.find(ref);
    if (force) {
      stopping.endAll(container, ref);
      if (container.record().ephemeral() && !table.all().contains(container)) {
        return; // its end was its removal
      }
    }
    try {
      removal.remove(container, force, volumes);
    } catch (GantryException e) {
      if (!(force && e.kind() == NOT_FOUND)) {
        throw e;
      }
    }
  }

  @Override
  public void unlink(String name) {
    Links.remove(name, table, records);
    linkedPorts.changed();
  }

  @Override
  public List<ContainerView> list() {
    return views.all();
  }

  @Override
  public ContainerView inspect(String ref) {
    return views.of(table.find(ref));
  }

  @Override
  public Sizes sizes(String ref) {
    return sizing.of(table.find(ref).record());
  }

  @Override
  public CompletionStage<Exit> await(String ref, WaitCondition condition) {
    return table.find(ref).waiters.await(condition);
  }

  @Override
  public ByteStream attach(String ref, AttachOptions options) {
    return attaching.attach(table.find(ref), options);
  }

  @Override
  public ByteStream logs(String ref, LogQuery query) {
    return attaching.logs(table.find(ref), query);
  }

  @Override
  public void resize(String ref, int rows, int columns) {
    var container = table.find(ref);
    var running = container.requireRunning();
    if (container.record().spec().process().terminal()) {
      running.monitor().resize(rows, columns);
    }
    teller.tell(container.record(), "resize", Map.of("height", "" + rows, "width", "" + columns));
  }

  @Override
  public ProcessList top(String ref, String psArguments) {
    var container = table.find(ref);
    var cgroup = container.requireRunning().cgroup;
    var pids = ProcessTable.inside(cgroup.pids(), container.run().pid());
    var list = ProcessTable.of(pids, psArguments);
    teller.tell(container.record(), "top");
    return list;
  }

  @Override
  public ContainerStats stats(String ref) {
    return sampling.once(new Account(table.find(ref)));
  }

  @Override
  public StatsFeed followStats(String ref) {
    return sampling.follow(new Account(table.find(ref)));
  }

  @Override
  public String createExec(String ref, ExecSpec spec) {
    return execs.create(table.find(ref), spec);
  }

  @Override
  public ByteStream startExec(String execId, boolean detach, int rows, int columns) {
    return execs.start(execId, detach, rows, columns);
  }

  @Override
  public ExecView inspectExec(String execId) {
    return execs.inspect(execId);
  }

  @Override
  public void resizeExec(String execId, int rows, int columns) {
    execs.resize(execId, rows, columns);
  }

  @Override
  public Pruned prune(Predicate<ContainerView> which) {
    return pruning.prune(which);
  }

  @Override
  public PathStat stat(String ref, String path) {
    return copying.stat(table.find(ref), ref, path);
  }

  @Override
  public Archive read(String ref, String path) {
    return copying.read(table.find(ref), ref, path);
  }

  @Override
  public void write(String ref, String path, InputStream archive, Set<Unpacking> how) {
    copying.write(table.find(ref), ref, path, archive, how);
  }

  @Override
  public List<Change> changes(String ref) {
    return differing.changes(table.find(ref));
  }

  @Override
  public ByteStream export(String ref) {
    return copying.export(table.find(ref));
  }

  @Override
  public String commit(String ref, Commit commit) {
    return committing.commit(table.find(ref), commit);
  }
}
