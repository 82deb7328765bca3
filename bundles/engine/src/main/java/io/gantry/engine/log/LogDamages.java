package io.gantry.engine.log;

import static java.lang.System.Logger.Level.WARNING;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Component;

/** Which rotated files of logs were found to be damaged: lines of theirs are missing for good. */
@Component(service = LogDamages.class)
public final class LogDamages {
  private static final System.Logger log = System.getLogger(LogDamages.class.getName());
  private static final int MOST = 1000;
  private static final int SHOWN = 100;

  /** A file, whatever number it is rotated to. */
  private record Damaged(Path newest, GzipMark mark) {
    boolean isThere() {
      try (var file = new SpoolNames(newest).find(each -> each.mark().equals(mark))) {
        return file != null;
      } catch (IOException e) {
        return true; // nobody knows
      }
    }
  }

  private final Map<Damaged, String> known = new ConcurrentHashMap<>();

  /** A reader has come to where a file cannot be read on. Said once for each file. */
  void found(Path newest, SpoolFile file) throws IOException {
    var damaged = new Damaged(newest, file.mark());
    if (isFull() || known.containsKey(damaged)) {
      return;
    }
    int age = new SpoolNames(newest).ageOf(file);
    if (age < 0) {
      return; // rotated away meanwhile
    }
    String words =
        "the log %s is damaged after %d bytes: the lines behind them are missing"
            .formatted(new SpoolNames(newest).compressedPath(age), file.position());
    if (known.putIfAbsent(damaged, words) == null) {
      log.log(WARNING, words);
    }
  }

  /** A sentence for each that is still there; the last one counts those that are left out. */
  public List<String> list() {
    known.keySet().removeIf(damaged -> !damaged.isThere());
    var all = known.values().stream().sorted().toList();
    if (all.size() <= SHOWN) {
      return all;
    }
    var shown = new ArrayList<>(all.subList(0, SHOWN));
    int left = all.size() - SHOWN;
    shown.add("%d%s more files of logs are damaged".formatted(left, isFull() ? " or" : ""));
    return shown;
  }

  private boolean isFull() {
    return known.size() >= MOST;
  }
}
