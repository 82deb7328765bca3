package io.gantry.spi.testkit;

import static io.gantry.spi.storage.SnapshotOptions.WRITABLE;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.Dir;
import io.gantry.linux.File;
import io.gantry.linux.MountInfo;
import io.gantry.linux.Mounts;
import io.gantry.linux.Names;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.Mount;
import io.gantry.spi.storage.Snapshot;
import io.gantry.spi.storage.StorageDriver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A storage driver on a directory of its own, and the means to look at what it does. */
abstract class StorageHarness {

  /** Where a driver may be interrupted or killed. */
  static final class Steps implements Runnable {
    private static final int EVERY = -1;

    private int done;
    private int at;
    private Runnable action = () -> {};

    @Override
    public void run() {
      if (++done == at || at == EVERY) {
        action.run();
      }
    }

    void onStep(int number, Runnable action) {
      this.done = 0;
      this.at = number;
      this.action = action;
    }

    void onEveryStep(Runnable action) {
      onStep(EVERY, action);
    }

    void none() {
      onStep(0, () -> {});
    }

    boolean reached() {
      return done >= at;
    }
  }

  final Steps steps = new Steps();
  Path temp;
  Path root;
  StorageDriver driver;

  /**
   * Makes a driver as after a start.
   *
   * @param root an existing directory, the only place where the driver keeps anything
   * @param step to be called by {@code prepare}, {@code commit} and {@code remove} after each step
   *     of theirs that a crash may follow
   */
  protected abstract StorageDriver driver(Path root, Runnable step);

  @BeforeEach
  final void start() throws IOException {
    temp = Files.createTempDirectory("storage");
    root = Files.createDirectory(temp.resolve("state"));
    driver = driver(root, steps);
    assertTrue(driver.probe().available(), driver.probe().reason());
    driver.recover(Set.of());
  }

  @AfterEach
  final void leaveNothing() throws IOException {
    Thread.interrupted();
    List<String> mounts =
        MountInfo.ofSelf().stream()
            .map(MountInfo::target)
            .filter(target -> target.startsWith(temp + "/"))
            .toList();
    mounts.forEach(target -> Mounts.unmount(Path.of(Names.toText(target))));
    List<String> open = openFiles();
    try (Dir dir = Dir.open(Objects.requireNonNull(temp.getParent()))) {
      dir.removeTree(temp.getFileName().toString());
    }
    assertEquals(List.of(), mounts, "left mounted");
    assertEquals(List.of(), open, "left open");
  }

  private List<String> openFiles() throws IOException {
    List<String> open = new ArrayList<>();
    try (var fds = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path fd : fds) {
        try {
          open.add(Files.readSymbolicLink(fd).toString());
        } catch (IOException e) {
          // The stream's own descriptor, or one that another thread closed.
        }
      }
    }
    open.removeIf(target -> !target.startsWith(temp.toString()));
    return open;
  }

  /** Makes a layer of one file on top of {@code parent}. */
  final void layer(String id, @Nullable String parent, String name, String content) {
    driver.prepare("making." + id.hashCode(), parent, WRITABLE);
    write("making." + id.hashCode(), name, content);
    driver.commit("making." + id.hashCode(), id);
  }

  final void write(String id, String name, String content) {
    inside(
        id,
        dir -> {
          try (File file = dir.create(name, 0644)) {
            file.write(ByteBuffer.wrap(content.getBytes(ISO_8859_1)));
          }
        });
  }

  final String read(String id, String name) {
    return seen(
        id,
        dir -> {
          ByteBuffer content = ByteBuffer.allocate(100);
          try (File file = dir.open(name)) {
            file.read(content);
          }
          return new String(content.array(), 0, content.position(), ISO_8859_1);
        });
  }

  final void inside(String id, Consumer<Dir> action) {
    seen(
        id,
        dir -> {
          action.accept(dir);
          return id;
        });
  }

  /** A bind of one directory is that directory; anything else must be mounted, which takes root. */
  final <R> R seen(String id, Function<Dir, R> action) {
    List<Mount> mounts = driver.mounts(id);
    if (mounts.size() == 1 && mounts.get(0).type().equals("bind")) {
      try (Dir dir = Dir.open(Path.of(mounts.get(0).source()))) {
        return action.apply(dir);
      }
    }
    return seenMounted(mounts, action);
  }

  final void mounted(List<Mount> mounts, Consumer<Dir> action) {
    seenMounted(
        mounts,
        dir -> {
          action.accept(dir);
          return mounts;
        });
  }

  private <R> R seenMounted(List<Mount> mounts, Function<Dir, R> action) {
    Path target;
    try {
      target = Files.createTempDirectory(temp, "mount");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    List<Path> done = new ArrayList<>();
    try {
      for (Mount mount : mounts) {
        Path on = target.resolve(mount.target().substring(1)).normalize();
        Mounts.mount(mount, on);
        done.add(0, on);
      }
      try (Dir dir = Dir.open(target)) {
        return action.apply(dir);
      }
    } finally {
      done.forEach(Mounts::unmount);
    }
  }

  final List<String> ids() {
    List<String> ids = new ArrayList<>();
    driver.list(snapshot -> ids.add(snapshot.id()));
    Collections.sort(ids);
    return ids;
  }

  final Snapshot snapshot(String id) {
    Map<String, Snapshot> all = new TreeMap<>();
    driver.list(snapshot -> all.put(snapshot.id(), snapshot));
    assertNotNull(all.get(id), "no snapshot " + id + " in " + all.keySet());
    return all.get(id);
  }

  /** Everything the driver keeps, without times. */
  final Map<String, String> state() {
    try (Dir dir = Dir.open(root)) {
      Map<String, String> state = TreePrint.of(dir);
      state.replaceAll((path, line) -> line.replaceAll(" \\S+Z", ""));
      return state;
    }
  }

  static void assertKind(Kind kind, Runnable call) {
    assertEquals(kind, assertThrows(GantryException.class, call::run).kind());
  }

  static @Nullable Kind kindOf(Runnable call) {
    try {
      call.run();
      return null;
    } catch (GantryException e) {
      return e.kind();
    }
  }
}
