package io.gantry.engine.config;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.lang.System.Logger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.MetaTypeService;
import org.osgi.service.metatype.ObjectClassDefinition;
import org.osgi.util.tracker.BundleTracker;
import org.osgi.util.tracker.BundleTrackerCustomizer;

/**
 * Brings {@code etc/<pid>.json} and flags into Config Admin, and follows changes of the files.
 *
 * <p>A PID is configured as soon as a bundle that describes it is resolved, which is before it
 * starts; a file nobody describes stays unused and is said so once. A file with a mistake changes
 * nothing: the values before it stay.
 */
@Component(
    immediate = true,
    service = {})
public final class ConfigFiles implements BundleTrackerCustomizer<Collection<String>> {

  private static final Logger log = System.getLogger(ConfigFiles.class.getName());
  private static final String JSON = ".json";
  private static final int RESOLVED = Bundle.RESOLVED | Bundle.STARTING | Bundle.ACTIVE;

  private final ConfigurationAdmin admin;
  private final MetaTypeService metatype;
  private final Path etc;
  private final Flags flags;
  private final BundleTracker<Collection<String>> bundles;
  private final @Nullable FolderWatch watch;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, ObjectClassDefinition> definitions = new TreeMap<>(); // guarded by lock
  private final Map<String, Map<String, Object>> good = new HashMap<>(); // guarded by lock

  @Activate
  public ConfigFiles(
      BundleContext context,
      @Reference ConfigurationAdmin admin,
      @Reference MetaTypeService metatype) {
    this.admin = admin;
    this.metatype = metatype;
    this.flags = new Flags(context);
    String folder = context.getProperty("gantry.etc");
    this.etc = Path.of(folder == null ? "etc" : folder).toAbsolutePath();
    this.bundles = new BundleTracker<>(context, RESOLVED, this);
    bundles.open();
    this.watch = FolderWatch.start(etc, this::changed);
  }

  @Deactivate
  void close() {
    if (watch != null) {
      watch.close();
    }
    bundles.close();
  }

  @Override
  public Collection<String> addingBundle(Bundle bundle, @Nullable BundleEvent event) {
    var information = metatype.getMetaTypeInformation(bundle);
    List<String> pids = information == null ? List.of() : List.of(information.getPids());
    for (String pid : pids) {
      lock.lock();
      try {
        definitions.put(pid, information.getObjectClassDefinition(pid, null));
      } finally {
        lock.unlock();
      }
      load(pid);
    }
    return pids;
  }

  @Override
  public void modifiedBundle(Bundle bundle, @Nullable BundleEvent event, Collection<String> pids) {}

  /** An update may come: the values stay, the description goes. */
  @Override
  public void removedBundle(Bundle bundle, @Nullable BundleEvent event, Collection<String> pids) {
    lock.lock();
    try {
      definitions.keySet().removeAll(pids);
    } finally {
      lock.unlock();
    }
  }

  private void changed(Collection<Path> files) {
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (name.endsWith(JSON)) {
        String pid = name.substring(0, name.length() - JSON.length());
        if (isDescribed(pid)) {
          load(pid);
        } else {
          log.log(WARNING, "{0} is not used: no bundle is configured by {1}", file, pid);
        }
      }
    }
  }

  private boolean isDescribed(String pid) {
    lock.lock();
    try {
      return definitions.containsKey(pid);
    } finally {
      lock.unlock();
    }
  }

  private void load(String pid) {
    lock.lock(); // one after the other, so that Config Admin ends with what was read last
    try {
      ObjectClassDefinition definition = definitions.get(pid);
      if (definition != null) {
        apply(pid, new ConfigForm(definition));
      }
    } finally {
      lock.unlock();
    }
  }

  private void apply(String pid, ConfigForm form) {
    Map<String, Object> values = new HashMap<>(good.getOrDefault(pid, Map.of()));
    Path file = etc.resolve(pid + JSON);
    try {
      values = Files.exists(file) ? form.read(file) : new HashMap<>();
      good.put(pid, Map.copyOf(values));
    } catch (GantryException e) {
      log.log(ERROR, "{0}; the values before it stay", e.getMessage());
    }
    values.putAll(flags.of(pid, form));
    try {
      write(pid, values);
    } catch (IOException e) {
      log.log(ERROR, "configuration of {0} cannot be stored: {1}", pid, e.getMessage());
    }
  }

  /**
   * One that there is nothing to say of is not made: taking it back would restart its component.
   */
  private void write(String pid, Map<String, Object> values) throws IOException {
    if (values.isEmpty() && !isConfigured(pid)) {
      return;
    }
    var configuration = admin.getConfiguration(pid, "?");
    if (configuration.updateIfDifferent(FrameworkUtil.asDictionary(values))) {
      log.log(INFO, "configured {0}", pid);
    }
  }

  private boolean isConfigured(String pid) throws IOException {
    try {
      return admin.listConfigurations("(" + Constants.SERVICE_PID + "=" + pid + ")") != null;
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e); // a PID is a symbolic name
    }
  }
}
