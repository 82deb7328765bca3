package io.gantry.engine.log;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.Leased;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.log.LogTarget;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One container's log on its way to a driver: batches in order, each until it has been taken, the
 * place written down after each. So a crash of the engine ships a batch again at worst, and while
 * the driver or its other end is away the lines wait in the log, for as long as its rotation keeps
 * them. When the other end goes, the place moves back to what it had just been sent.
 *
 * <p>Used by one thread at a time.
 */
final class Shipment {
  private static final System.Logger log = System.getLogger(Shipment.class.getName());
  private static final int MOST_LINES = 500;
  private static final int MOST_BYTES = 256 * 1024;

  private final LogTarget target;
  private final String driver;
  private final Map<String, String> options;
  private final Leased<LogDriver> drivers;
  private final SpoolNames names;
  private final Path cursorFile;
  private final LogDamages damages;
  private final LogEntry entry = new LogEntry();
  private @Nullable Spool spool;
  private long lines;
  private @Nullable LogBatch waiting;
  private @Nullable ShipCursor beforeWaiting;
  private @Nullable ShipCursor behindWaiting;
  private final Deque<Taken> taken = new ArrayDeque<>(); // shortly before the last one, in order
  private boolean failing;

  /** The driver that has been told of the container; another instance has to be told again. */
  private volatile boolean opened;

  /**
   * A batch that a driver has taken.
   *
   * @param before the place where it begins; null at the very beginning
   */
  private record Taken(@Nullable ShipCursor before, long at) {}

  Shipment(
      LogTarget target,
      String driver,
      Map<String, String> options,
      Leased<LogDriver> drivers,
      Path log,
      LogDamages damages) {
    this.target = target;
    this.driver = driver;
    this.options = options;
    this.drivers = drivers;
    this.names = new SpoolNames(log);
    this.cursorFile = cursorFile(log);
    this.damages = damages;
  }

  static Path cursorFile(Path log) {
    return log.resolveSibling(log.getFileName() + ".shipped");
  }

  String container() {
    return target.container();
  }

  String driver() {
    return driver;
  }

  /** Another instance of the driver serves. */
  void reopen() {
    opened = false;
  }

  /**
   * Ships what there is, one batch.
   *
   * @return whether there may be more
   * @throws GantryException when the driver does not take it; the batch stays
   */
  boolean step() {
    try {
      if (waiting == null && !collect()) {
        return false;
      }
      handOrGoBack(waiting);
      lines += waiting == null ? 0 : waiting.lines().size();
      waiting = null;
      if (behindWaiting != null) {
        beforeWaiting = behindWaiting;
        behindWaiting.write(cursorFile);
      }
      return true;
    } catch (IOException e) {
      throw new GantryException(
          GantryException.Kind.INTERNAL, "the log cannot be read: " + e.getMessage(), e);
    }
  }

  private void handOrGoBack(@Nullable LogBatch batch) throws IOException {
    long begin = System.nanoTime();
    try {
      hand(batch);
    } catch (GantryException e) {
      if (e.kind() == GantryException.Kind.UNAVAILABLE) {
        goBack(begin);
      }
      throw e;
    }
    long now = System.nanoTime();
    forgetTaken(now);
    taken.add(new Taken(beforeWaiting, now));
  }

  /** What is in doubt is read again, by the next engine if need be. */
  private void goBack(long found) throws IOException {
    forgetTaken(found);
    var first = taken.peek();
    if (first == null) {
      return;
    }
    if (first.before() == null) {
      Files.deleteIfExists(cursorFile);
    } else {
      first.before().write(cursorFile);
    }
    taken.clear();
    waiting = null;
    letGoOfFiles();
  }

  private void forgetTaken(long now) {
    for (var first = taken.peek(); first != null; first = taken.peek()) {
      if (now - first.at() < LogDriver.DOUBTFUL.toNanos()) {
        return;
      }
      taken.remove();
    }
  }

  private void hand(@Nullable LogBatch batch) {
    if (batch == null || batch.lines().isEmpty()) {
      return;
    }
    boolean fresh = !opened;
    opened = true;
    try {
      drivers.call(
          driver,
          shipper -> {
            if (fresh) {
              shipper.open(target, options);
            }
            shipper.append(target.container(), batch);
            return true;
          });
    } catch (GantryException e) {
      if (fresh || e.kind() == GantryException.Kind.NOT_FOUND) {
        opened = false;
      }
      boolean slow = e.kind() == GantryException.Kind.EXHAUSTED; // the driver's status tells
      if (!failing && !slow) {
        failing = true;
        log.log(
            WARNING,
            "the log of {0} is not shipped for now, and waits: {1}",
            target.container(),
            e.getMessage());
      }
      throw e;
    }
    if (failing) {
      failing = false;
      log.log(INFO, "the log of {0} is shipped again", target.container());
    }
  }

  /** False when there is nothing new. */
  private boolean collect() throws IOException {
    try {
      return collect(spool == null ? open() : spool);
    } catch (IOException e) { // lines that were read are not in a batch: from the cursor again
      letGoOfFiles();
      throw e;
    }
  }

  private boolean collect(Spool reader) throws IOException {
    List<LogBatch.Line> batch = new ArrayList<>();
    boolean any = false;
    for (int bytes = 0; batch.size() < MOST_LINES && bytes < MOST_BYTES; ) {
      var line = reader.next();
      if (line.isEmpty()) {
        break;
      }
      any = true;
      var raw = line.get();
      bytes += raw.remaining();
      if (entry.decode(raw.array(), raw.position(), raw.remaining())
          && entry.origin() != LogEntry.Origin.STDIN) {
        batch.add(line());
      }
    }
    var file = reader.file();
    if (!any || file == null) {
      return false;
    }
    waiting = new LogBatch("%016x".formatted(lines), batch);
    behindWaiting = ShipCursor.at(file, reader.position(), lines + batch.size());
    return true;
  }

  private LogBatch.Line line() {
    int length = entry.length();
    boolean whole = length > 0 && entry.text()[length - 1] == '\n';
    return new LogBatch.Line(
        entry.at(),
        entry.origin() == LogEntry.Origin.STDERR ? "stderr" : "stdout",
        Bytes.copyOf(ByteBuffer.wrap(entry.text(), 0, whole ? length - 1 : length)),
        !whole);
  }

  private Spool open() throws IOException {
    var reader = new Spool(names, true, damages);
    spool = reader;
    var cursor = ShipCursor.read(cursorFile);
    beforeWaiting = cursor.orElse(null);
    lines = cursor.map(ShipCursor::lines).orElse(0L);
    if (cursor.isPresent()) {
      var file = names.find(cursor.get()::isIn);
      if (file != null) {
        reader.goOn(file, cursor.get().offset());
      } else {
        log.log(
            WARNING,
            "the log of {0} was rotated away before it was shipped: lines are missing there",
            target.container());
      }
    }
    return reader;
  }

  /** Lets go of the files, and of the driver; a further step goes on from the cursor. */
  void close() {
    letGoOfFiles();
    if (opened) {
      opened = false;
      try {
        drivers.call(
            driver,
            shipper -> {
              shipper.close(target.container());
              return true;
            });
      } catch (GantryException e) { // a driver that is away has nothing open
        log.log(WARNING, "the log of {0} stays open: {1}", target.container(), e.getMessage());
      }
    }
  }

  private void letGoOfFiles() {
    var reader = spool;
    spool = null;
    if (reader != null) {
      try {
        reader.close();
      } catch (IOException e) { // was only read
        log.log(WARNING, "the log of " + target.container() + " does not close", e);
      }
    }
  }
}
