package io.gantry.engine.config;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.CgroupTree;
import io.gantry.spi.GantryException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;

/**
 * Switches on favordynmods where the operator asks for it, never by itself: it is a property of the
 * host. On a thread of its own, since the library that makes the call takes its time to load.
 */
@Component(immediate = true, service = FavorChanges.class, configurationPid = EngineConfig.PID)
public final class FavorChanges {

  private static final System.Logger log = System.getLogger(FavorChanges.class.getName());

  private final Runnable switchOn;

  @Activate
  public FavorChanges(EngineConfig config) {
    this(() -> CgroupTree.favorChanges()); // not a reference, which would load the class now
    modified(config);
  }

  FavorChanges(Runnable switchOn) {
    this.switchOn = switchOn;
  }

  @Modified
  void modified(EngineConfig config) {
    if (config.favordynmods()) {
      var thread = new Thread(this::apply, "gantry-favordynmods");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void apply() {
    try {
      switchOn.run();
      log.log(INFO, "favordynmods is on, for all of this host");
    } catch (GantryException e) { // containers start all the same
      log.log(WARNING, "favordynmods stays off: {0}", e.getMessage());
    }
  }
}
