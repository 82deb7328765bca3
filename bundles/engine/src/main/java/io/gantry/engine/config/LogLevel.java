package io.gantry.engine.config;

import static io.gantry.spi.GantryException.Kind.INVALID;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import io.gantry.spi.GantryException;
import java.util.Map;
import java.util.logging.Logger;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.slf4j.LoggerFactory;

/**
 * The level of Gantry's own loggers. Logback is behind {@code System.Logger} where the distribution
 * has put it there; without it the JDK's own logging is.
 */
@Component(immediate = true, service = LogLevel.class, configurationPid = EngineConfig.PID)
public final class LogLevel {

  private static final String GANTRY = "io.gantry";

  /** The JDK's names by ours. */
  private static final Map<String, java.util.logging.Level> JDK =
      Map.of(
          "error", java.util.logging.Level.SEVERE,
          "warn", java.util.logging.Level.WARNING,
          "info", java.util.logging.Level.INFO,
          "debug", java.util.logging.Level.FINE);

  /** Held, since the JDK forgets loggers that nobody holds, and their levels with them. */
  private static final Logger JDK_LOGGER = Logger.getLogger(GANTRY);

  private volatile String level = "info";

  @Activate
  public LogLevel(EngineConfig config) {
    set(config.logLevel());
  }

  @Modified
  void modified(EngineConfig config) {
    set(config.logLevel());
  }

  /** Level that is in force: {@code error}, {@code warn}, {@code info} or {@code debug}. */
  public String get() {
    return level;
  }

  /**
   * Sets the level until the configuration changes.
   *
   * @throws GantryException INVALID for one that is none
   */
  public void set(String name) {
    var jdk = JDK.get(name);
    if (jdk == null) {
      throw new GantryException(
          INVALID, "no such log level: " + name + "; there are error, warn, info, debug");
    }
    JDK_LOGGER.setLevel(jdk);
    try {
      Logback.set(name);
    } catch (NoClassDefFoundError e) {
      // no Logback here: the JDK's logger is the one
    }
    level = name;
  }

  /** Apart, so that its classes are only looked for when it is used. */
  private static final class Logback {
    static void set(String name) {
      if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
        context.getLogger(GANTRY).setLevel(Level.valueOf(name));
      }
    }
  }
}
