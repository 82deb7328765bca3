package io.gantry.log.journald;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNSUPPORTED;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;

/** Ships lines to this host's systemd-journald, with dockerd's fields. */
@Component(
    name = JournaldConfig.PID,
    configurationPid = JournaldConfig.PID,
    property = Driver.NAME + "=journald")
@Designate(ocd = JournaldConfig.class)
public final class JournaldDriver implements LogDriver {
  private final Map<String, Journal> journals = new ConcurrentHashMap<>();
  private final Path socket;
  private final Duration patience;

  @Activate
  public JournaldDriver(JournaldConfig config) {
    this(Path.of(config.socket()), Duration.ofSeconds(config.timeoutSeconds()));
  }

  JournaldDriver(Path socket, Duration patience) {
    this.socket = socket;
    this.patience = patience;
  }

  @Deactivate
  void letGo() {
    journals.values().forEach(Journal::close);
    journals.clear();
  }

  @Override
  public Support probe() {
    return Files.exists(socket)
        ? Support.yes()
        : Support.no("journald is not enabled on this host");
  }

  @Override
  public Map<String, String> status() {
    var status = new LinkedHashMap<String, String>();
    status.put("Containers", Integer.toString(journals.size()));
    journals.values().stream()
        .map(Journal::failure)
        .filter(failure -> !failure.isEmpty())
        .forEach(failure -> status.put("Degraded", failure));
    return status;
  }

  @Override
  public void check(Map<String, String> options) {
    Journal.check(options);
  }

  @Override
  public void open(LogTarget target, Map<String, String> options) {
    Journal.check(options);
    var former = journals.put(target.container(), new Journal(socket, patience, target, options));
    if (former != null) {
      former.close();
    }
  }

  @Override
  public void append(String container, LogBatch batch) {
    var journal = journals.get(container);
    if (journal == null) {
      throw new GantryException(NOT_FOUND, "the log of " + container + " is not open");
    }
    journal.append(batch);
  }

  @Override
  public void close(String container) {
    var journal = journals.remove(container);
    if (journal != null) {
      journal.close();
    }
  }

  @Override
  public LogBatch read(String container, String after, int maxLines) {
    throw new GantryException(
        UNSUPPORTED, "the journal is read with journalctl; the engine keeps lines of its own");
  }

  /** Nothing outlives this process: the engine opens anew what it ships. */
  @Override
  public Recovery recover(Set<String> expected) {
    return new Recovery(expected, Set.of());
  }
}
