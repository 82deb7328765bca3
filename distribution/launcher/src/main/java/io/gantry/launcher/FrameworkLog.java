package io.gantry.launcher;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

/** What the framework itself has to say, in the engine's log instead of on standard output. */
final class FrameworkLog extends org.apache.felix.framework.Logger {

  private static final Logger log = System.getLogger("io.gantry.launcher.framework");

  @Override
  protected void doLog(
      @Nullable Bundle bundle,
      @Nullable ServiceReference sr,
      int level,
      String message,
      @Nullable Throwable thrown) {
    Level to =
        switch (level) {
          case LOG_ERROR -> Level.ERROR;
          case LOG_WARNING -> Level.WARNING;
          case LOG_INFO -> Level.INFO;
          default -> Level.DEBUG;
        };
    log.log(to, bundle == null ? message : bundle.getSymbolicName() + ": " + message, thrown);
  }
}
