package io.gantry.engine.config;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.spi.GantryException;
import java.lang.System.Logger;
import java.util.HashMap;
import java.util.Map;
import org.osgi.framework.BundleContext;

/** Values from the command line: properties {@code gantry.set.<pid>/<key>}, each in JSON. */
final class Flags {

  private static final Logger log = System.getLogger(Flags.class.getName());

  private final BundleContext context;

  Flags(BundleContext context) {
    this.context = context;
  }

  /** Those of one PID; a bad one is reported and left out. */
  Map<String, Object> of(String pid, ConfigForm form) {
    Map<String, Object> values = new HashMap<>();
    for (String key : form.keys()) {
      String name = "gantry.set." + pid + "/" + key;
      String json = context.getProperty(name);
      if (json != null) {
        try {
          values.put(key, form.value(name, key, json));
        } catch (GantryException e) {
          log.log(ERROR, "{0}; it is ignored", e.getMessage());
        }
      }
    }
    return values;
  }
}
