package io.gantry.engine.config;

import static java.lang.System.Logger.Level.WARNING;
import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Tells which files of a folder changed, once they have been quiet for a moment. */
final class FolderWatch implements AutoCloseable {

  private static final Logger log = System.getLogger(FolderWatch.class.getName());
  private static final long QUIET_MILLIS = 100;

  private final Path folder;
  private final Consumer<Collection<Path>> changed;
  private final WatchService watcher;

  private FolderWatch(Path folder, Consumer<Collection<Path>> changed, WatchService watcher) {
    this.folder = folder;
    this.changed = changed;
    this.watcher = watcher;
  }

  /** Null when there is no such folder, or no watching it. */
  static @Nullable FolderWatch start(Path folder, Consumer<Collection<Path>> changed) {
    if (!Files.isDirectory(folder)) {
      return null;
    }
    try {
      WatchService watcher = folder.getFileSystem().newWatchService();
      folder.register(watcher, ENTRY_CREATE, ENTRY_MODIFY, ENTRY_DELETE);
      var watch = new FolderWatch(folder, changed, watcher);
      var thread = new Thread(watch::run, "gantry-config");
      thread.setDaemon(true);
      thread.start();
      return watch;
    } catch (IOException e) {
      log.log(WARNING, "changes in {0} need a restart: {1}", folder, e.getMessage());
      return null;
    }
  }

  private void run() {
    Set<Path> files = new LinkedHashSet<>();
    try {
      while (true) {
        WatchKey key =
            files.isEmpty() ? watcher.take() : watcher.poll(QUIET_MILLIS, TimeUnit.MILLISECONDS);
        if (key == null) {
          tell(files);
          files.clear();
        } else {
          key.pollEvents().stream()
              .map(event -> event.context())
              .filter(Path.class::isInstance)
              .forEach(name -> files.add(folder.resolve((Path) name)));
          key.reset();
        }
      }
    } catch (ClosedWatchServiceException | InterruptedException e) {
      // closed: that is how it ends
    }
  }

  private void tell(Set<Path> files) {
    try {
      changed.accept(Set.copyOf(files));
    } catch (RuntimeException e) { // the watch must outlive one bad file
      log.log(WARNING, "changes of " + files + " could not be taken in", e);
    }
  }

  @Override
  public void close() {
    try {
      watcher.close();
    } catch (IOException e) {
      log.log(WARNING, "watching {0} does not end: {1}", folder, e.getMessage());
    }
  }
}
