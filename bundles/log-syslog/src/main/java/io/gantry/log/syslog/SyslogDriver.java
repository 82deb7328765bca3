package io.gantry.log.syslog;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTag;
import io.gantry.spi.log.LogTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.regex.Pattern;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Ships lines as syslog messages: RFC 3164 and 5424 over UDP, TCP, TLS and the sockets of this
 * host, with dockerd's options. A connection per container, so that one server that is away holds
 * up nobody else; it is made when there are lines.
 */
@Component(
    name = SyslogConfig.PID,
    configurationPid = SyslogConfig.PID,
    property = Driver.NAME + "=syslog")
@Designate(ocd = SyslogConfig.class)
public final class SyslogDriver implements LogDriver {
  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  private final Map<String, SyslogTarget> targets = new ConcurrentHashMap<>();
  private final ScheduledExecutorService watchdog =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            var thread = new Thread(task, "gantry-syslog-watchdog");
            thread.setDaemon(true);
            return thread;
          });
  private final Duration patience;
  private final String host = hostname();

  @Activate
  public SyslogDriver(SyslogConfig config) {
    this(Duration.ofSeconds(config.timeoutSeconds()));
  }

  SyslogDriver(Duration patience) {
    this.patience = patience;
  }

  @Deactivate
  void letGo() {
    targets.values().forEach(SyslogTarget::close);
    targets.clear();
    watchdog.shutdownNow();
  }

  @Override
  public Support probe() {
    return Support.yes();
  }

  @Override
  public Map<String, String> status() {
    var status = new LinkedHashMap<String, String>();
    status.put("Containers", Integer.toString(targets.size()));
    var away = new LinkedHashMap<String, Integer>();
    for (var target : targets.values()) {
      if (!target.failure().isEmpty()) {
        away.merge(target.failure(), 1, Integer::sum);
      }
    }
    away.forEach((failure, count) -> status.put("Degraded: " + failure, count + " waiting"));
    return status;
  }

  @Override
  public void check(Map<String, String> options) {
    SyslogOptions.parse(options);
  }

  @Override
  public void open(LogTarget target, Map<String, String> options) {
    var parsed = SyslogOptions.parse(options);
    if (!parsed.address().isLocal()) {
      parsed.address().port();
    }
    boolean secure = parsed.address().scheme().equals(SyslogAddress.TLS);
    var fresh =
        new SyslogTarget(
            parsed,
            secure ? TlsFiles.read(options) : null,
            host,
            tag(LogTag.expand(options.getOrDefault("tag", LogTag.DEFAULT), target)),
            watchdog,
            patience);
    var former = targets.put(target.container(), fresh);
    if (former != null) {
      former.close();
    }
  }

  /** An image's label may be in it: it must not begin a message of its own. */
  private static String tag(String expanded) {
    return CONTROL.matcher(expanded).replaceAll("_");
  }

  @Override
  public void append(String container, LogBatch batch) {
    var target = targets.get(container);
    if (target == null) {
      throw new GantryException(NOT_FOUND, "the log of " + container + " is not open");
    }
    target.append(batch);
  }

  @Override
  public void close(String container) {
    var target = targets.remove(container);
    if (target != null) {
      target.close();
    }
  }

  @Override
  public LogBatch read(String container, String after, int maxLines) {
    throw new GantryException(UNSUPPORTED, "syslog cannot be read back");
  }

  /** Nothing outlives this process: the engine opens anew what it ships. */
  @Override
  public Recovery recover(Set<String> expected) {
    return new Recovery(expected, Set.of());
  }

  private static String hostname() {
    try {
      return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    } catch (IOException e) {
      return "localhost";
    }
  }
}
