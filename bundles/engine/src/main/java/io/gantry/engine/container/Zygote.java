package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.engine.disk.SpareDisk;
import io.gantry.linux.CgroupTree;
import io.gantry.monitor.Helper;
import io.gantry.monitor.HelperError;
import io.gantry.monitor.Monitor;
import io.gantry.monitor.MonitorLoop;
import io.gantry.monitor.NetHelper;
import io.gantry.monitor.Spawner;
import io.gantry.spi.GantryException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Where monitors come from: the helper's zygote, started when it is needed and not there. */
public final class Zygote {
  private static final System.Logger log = System.getLogger("io.gantry.engine.container");

  /** The group of the zygote and of the monitors that it makes. */
  private static final String HELPERS = "helpers";

  private static final Duration END = Duration.ofSeconds(2);

  private final Path shipped;
  private final Place place;
  private final MonitorLoop loop;
  private final SpareDisk spare;
  private final CgroupTree cgroups;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Spawner spawner; // guarded by lock
  private String helperSha256 = ""; // guarded by lock

  /**
   * @param shipped the helper binary of this installation
   */
  public Zygote(Path shipped, Place place, MonitorLoop loop, SpareDisk spare, CgroupTree cgroups) {
    this.shipped = shipped;
    this.place = place;
    this.loop = loop;
    this.spare = spare;
    this.cgroups = cgroups;
  }

  /** Starts it, if it is not there, so that the first container need not wait for it. */
  public void warm() {
    spawner();
  }

  /**
   * A monitor that is told by {@link Monitor#create} of what.
   *
   * @param dir the container's run directory
   * @param network whether it has a network of its own
   */
  Monitor expect(Path dir, boolean network, Monitor.Listener listener) {
    var first = spawner();
    try {
      return first.expect(dir, network, listener);
    } catch (GantryException e) {
      if (e.kind() != NOT_FOUND || HelperError.in(e).isPresent()) {
        throw e;
      }
      forget(first); // somebody killed it
      return spawner().expect(dir, network, listener);
    }
  }

  /**
   * The helper that serves names and ports of containers, which is started if it is not there.
   *
   * @param lost told why when it is gone, on the loop's thread
   */
  NetHelper net(Consumer<String> lost) {
    var first = spawner();
    try {
      return NetHelper.ensure(first, sha256(), place.execRoot(), loop, lost);
    } catch (GantryException e) {
      if (e.kind() != NOT_FOUND || HelperError.in(e).isPresent()) {
        throw e;
      }
      forget(first);
      return NetHelper.ensure(spawner(), sha256(), place.execRoot(), loop, lost);
    }
  }

  private String sha256() {
    lock.lock();
    try {
      return helperSha256;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends it: it goes with the engine that is stopped in order; the monitors it made go on.
   *
   * @param alone there are none, so that all helpers are about to end
   */
  public void quit(boolean alone) {
    lock.lock();
    try {
      if (spawner != null) {
        spawner.quit();
        spawner = null;
        if (alone) {
          cgroups.removeEmpty(place.cgroupParent(), HELPERS, END);
        } else {
          cgroups.removeEmpty(place.cgroupParent(), HELPERS);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private Spawner spawner() {
    lock.lock();
    try {
      var there = spawner;
      if (there == null) {
        // A new version must be able to serve on a full disk: without its helper nothing starts.
        var helper = spare.spend(() -> Helper.install(shipped, place.dataRoot()));
        helperSha256 = helper.sha256();
        there = Spawner.ensure(helper, place.execRoot(), loop);
        leaveUnit(there);
        spawner = there;
      }
      return there;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whoever has started the engine, a systemd unit or a session, has it in a group of his, and what
   * he does with that is not meant for containers.
   */
  private void leaveUnit(Spawner made) {
    try {
      cgroups.takeOver(made.pid(), place.cgroupParent(), HELPERS);
    } catch (GantryException e) { // it works there, too
      log.log(WARNING, "the helpers stay in the engine''s control group: {0}", e.getMessage());
    }
  }

  private void forget(Spawner gone) {
    lock.lock();
    try {
      if (spawner == gone) {
        spawner = null;
      }
    } finally {
      lock.unlock();
    }
  }
}
