package io.gantry.rest;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.NOT_MODIFIED;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.AttachOptions;
import io.gantry.api.ByteStream;
import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerUpdate;
import io.gantry.api.ContainerView;
import io.gantry.api.ContainerView.EndpointView;
import io.gantry.api.ContainerView.State;
import io.gantry.api.ContainerView.Status;
import io.gantry.api.Containers;
import io.gantry.api.ExecSpec;
import io.gantry.api.ExecView;
import io.gantry.api.LogQuery;
import io.gantry.api.Networks;
import io.gantry.api.StatsFeed;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Containers as small state machines in memory, with Docker's sentences where REST only passes them
 * on.
 */
final class FakeContainers implements Containers {

  static final Instant PATH_TIME = Instant.parse("2026-11-21T23:36:53Z");
  static final Instant START = Instant.parse("2026-11-23T06:50:04.637479403Z");

  final Map<String, Box> boxes = new LinkedHashMap<>();

  /** What whoever lists or starts has to wait for. */
  volatile Runnable slowly = () -> {};

  /** Names of containers that go while somebody lists them. */
  final Set<String> sizeless = new HashSet<>();

  final Map<String, ExecView> execs = new LinkedHashMap<>();
  final List<String> called = new CopyOnWriteArrayList<>();
  volatile @Nullable LoopStream lastStream;
  String tar = "tar";
  boolean terminal;
  boolean plays;
  String played = "";
  @Nullable AttachOptions lastAttach;
  @Nullable Runnable attachFails;
  @Nullable LogQuery lastLogs;
  @Nullable Commit lastCommit;
  List<Change> differences = List.of();
  @Nullable ContainerUpdate lastUpdate;

  /** A container: what was asked and where it is. */
  static final class Box {
    final String id;
    String name;
    ContainerSpec spec;
    Status status = Status.CREATED;
    int exitCode;
    final List<CompletableFuture<Exit>> waiters = new CopyOnWriteArrayList<>();

    Box(String id, String name, ContainerSpec spec) {
      this.id = id;
      this.name = name;
      this.spec = spec;
    }

    void end(int code) {
      status = Status.EXITED;
      exitCode = code;
      waiters.forEach(waiter -> waiter.complete(new Exit(code, "")));
    }
  }

  /** Samples that {@link #followStats} gives, in order; then the feed ends. */
  final List<ContainerStats> samples = new CopyOnWriteArrayList<>();

  int openFeeds;

  @Override
  public ContainerStats stats(String ref) {
    return samples.isEmpty()
        ? new ContainerStats(box(ref).id, box(ref).name, null, null)
        : samples.get(0);
  }

  @Override
  public StatsFeed followStats(String ref) {
    openFeeds++;
    var next = new ArrayDeque<>(samples);
    return new StatsFeed() {
      @Override
      public CompletionStage<Optional<ContainerStats>> next() {
        return CompletableFuture.completedFuture(Optional.ofNullable(next.poll()));
      }

      @Override
      public void close() {
        openFeeds--;
      }
    };
  }

  Box box(String ref) {
    String name = ref.startsWith("/") ? ref.substring(1) : ref;
    return boxes.values().stream()
        .filter(box -> box.id.equals(ref) || box.name.equals(name) || box.id.startsWith(ref))
        .findFirst()
        .orElseThrow(() -> new GantryException(NOT_FOUND, "No such container: " + ref));
  }

  @Override
  public Created create(ContainerSpec spec) {
    called.add("create " + spec.name());
    if (!spec.image().startsWith("busybox")) {
      throw new GantryException(NOT_FOUND, "No such image: " + spec.image());
    }
    for (Box box : boxes.values()) {
      if (box.name.equals(spec.name())) {
        throw new GantryException(
            CONFLICT,
            "Conflict. The container name \"/"
                + spec.name()
                + "\" is already in use by container \""
                + box.id
                + "\". You have to remove (or rename) that container to be able to reuse"
                + " that name.");
      }
    }
    String id = String.format("%064x", 0x8d69565cf88318L + boxes.size());
    boxes.put(
        id, new Box(id, spec.name().isEmpty() ? "made_up" + boxes.size() : spec.name(), spec));
    return new Created(id, List.of());
  }

  @Override
  public void start(String ref) {
    slowly.run();
    Box box = box(ref);
    if (box.status == Status.RUNNING) {
      throw new GantryException(NOT_MODIFIED, "already started");
    }
    box.status = Status.RUNNING;
    if (plays && lastStream != null) {
      lastStream.put(frame("hello\n"));
      lastStream.put("");
      box.end(3);
    }
  }

  private void play() {
    if (!played.isEmpty() && lastStream != null) {
      lastStream.put(frame(played));
      lastStream.put("");
    }
  }

  /** Docker's framing of standard output. */
  static byte[] frame(String text) {
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    return java.nio.ByteBuffer.allocate(8 + bytes.length)
        .put((byte) 1)
        .position(4)
        .putInt(bytes.length)
        .put(bytes)
        .array();
  }

  @Override
  public void stop(String ref, @Nullable String signal, @Nullable Duration timeout) {
    called.add("stop " + signal + " " + timeout);
    Box box = box(ref);
    if (box.status != Status.RUNNING) {
      throw new GantryException(NOT_MODIFIED, "already stopped");
    }
    box.end(137);
  }

  @Override
  public void restart(String ref, @Nullable String signal, @Nullable Duration timeout) {
    called.add("restart " + signal + " " + timeout);
    box(ref).status = Status.RUNNING;
  }

  @Override
  public void kill(String ref, String signal) {
    called.add("kill " + signal);
    Box box = box(ref);
    if (signal.equals("FOO")) {
      throw new GantryException(INVALID, "cannot kill container: " + ref + ": invalid signal: FOO");
    }
    if (box.status != Status.RUNNING) {
      throw new GantryException(
          CONFLICT, "cannot kill container: " + ref + ": container " + box.id + " is not running");
    }
    box.end(137);
  }

  @Override
  public void pause(String ref) {
    Box box = box(ref);
    if (box.status != Status.RUNNING) {
      throw new GantryException(CONFLICT, "container " + box.id + " is not running");
    }
    box.status = Status.PAUSED;
  }

  @Override
  public void unpause(String ref) {
    Box box = box(ref);
    if (box.status != Status.PAUSED) {
      throw new GantryException(CONFLICT, "Container " + box.id + " is not paused");
    }
    box.status = Status.RUNNING;
  }

  @Override
  public void rename(String ref, String name) {
    box(ref).name = name;
  }

  @Override
  public List<String> update(String ref, ContainerUpdate update) {
    Box box = box(ref);
    lastUpdate = update;
    var host = box.spec.host();
    var life = host.life().with(update.restartPolicy(), update.restartMaximum());
    box.spec = box.spec.with(host.with(update.limits(), life));
    return List.of();
  }

  @Override
  public void remove(String ref, boolean force, boolean volumes) {
    called.add("remove " + force + " " + volumes);
    Box box = box(ref);
    if (box.status == Status.RUNNING && !force) {
      throw new GantryException(
          CONFLICT,
          "cannot remove container \""
              + box.name
              + "\": container is running: stop the container"
              + " before removing or force remove");
    }
    boxes.remove(box.id);
    box.waiters.forEach(waiter -> waiter.complete(new Exit(box.exitCode, "")));
  }

  @Override
  public void unlink(String name) {
    throw new UnsupportedOperationException("unlink");
  }

  @Override
  public List<ContainerView> list() {
    slowly.run();
    var views = new ArrayList<ContainerView>();
    boxes.values().forEach(box -> views.add(0, view(box)));
    return views;
  }

  @Override
  public ContainerView inspect(String ref) {
    return view(box(ref));
  }

  private static EndpointView endpoint(Box box, String network) {
    var asked =
        box.spec.networks().stream()
            .filter(request -> request.network().equals(network))
            .findFirst()
            .orElse(NetworkRequest.of(network));
    var names = new ArrayList<String>();
    if (!Networks.PREDEFINED.contains(network)) {
      names.add(box.name);
      names.addAll(asked.aliases());
      names.add(box.id.substring(0, 12));
    }
    return new EndpointView("net1", "end1", "", 0, "", "", 0, "", "", names, asked);
  }

  private ContainerView view(Box box) {
    String mode = box.spec.host().namespaces().network();
    String network = mode.equals("default") ? "bridge" : mode;
    boolean ran = box.status != Status.CREATED;
    List<String> command =
        box.spec.process().cmd() == null ? List.of("sh") : box.spec.process().cmd();
    return new ContainerView(
        box.id,
        box.name,
        START,
        FakeImages.ID,
        box.spec,
        command.get(0),
        command.subList(1, command.size()),
        new State(
            box.status,
            box.status == Status.RUNNING ? 25752 : 0,
            box.exitCode,
            false,
            "",
            ran ? START : null,
            box.status == Status.EXITED ? START.plusSeconds(5) : null,
            null),
        0,
        "overlay",
        "namespaces",
        Map.of("UpperDir", "/u"),
        List.of(),
        Map.of("log", "/l", "hosts", "/h", "hostname", "/n", "resolv", "/r"),
        List.of(),
        Map.of(network, endpoint(box, network)),
        List.of(),
        List.of(),
        List.of(),
        "");
  }

  @Override
  public Sizes sizes(String ref) {
    if (sizeless.contains(box(ref).name)) {
      throw new GantryException(NOT_FOUND, "No such container: " + ref);
    }
    return new Sizes(0, 1983418);
  }

  @Override
  public CompletionStage<Exit> await(String ref, WaitCondition condition) {
    Box box = box(ref);
    if (condition == WaitCondition.NOT_RUNNING && box.status != Status.RUNNING) {
      return CompletableFuture.completedFuture(new Exit(box.exitCode, ""));
    }
    var waiter = new CompletableFuture<Exit>();
    box.waiters.add(waiter);
    return waiter;
  }

  @Override
  public ByteStream attach(String ref, AttachOptions options) {
    lastAttach = options;
    box(ref);
    if (attachFails != null) {
      attachFails.run();
    }
    lastStream = new LoopStream(terminal);
    return lastStream;
  }

  @Override
  public ByteStream logs(String ref, LogQuery query) {
    lastLogs = query;
    box(ref);
    lastStream = new LoopStream(terminal);
    play();
    return lastStream;
  }

  @Override
  public void resize(String ref, int rows, int columns) {
    box(ref);
    called.add("resize " + rows + "x" + columns);
  }

  @Override
  public ProcessList top(String ref, String psArguments) {
    box(ref);
    called.add("top " + psArguments);
    return new ProcessList(List.of("UID", "PID"), List.of(List.of("root", "25752")));
  }

  @Override
  public String createExec(String ref, ExecSpec spec) {
    Box box = box(ref);
    if (box.status != Status.RUNNING) {
      throw new GantryException(CONFLICT, "container " + box.id + " is not running");
    }
    String id = "e".repeat(64);
    execs.put(id, new ExecView(id, box.id, spec, false, null, 0));
    return id;
  }

  @Override
  public ByteStream startExec(String execId, boolean detach, int rows, int columns) {
    ExecView exec = inspectExec(execId);
    called.add("startExec " + detach + " " + rows + "x" + columns);
    lastStream = new LoopStream(exec.spec().terminal());
    play();
    execs.put(execId, new ExecView(execId, exec.container(), exec.spec(), false, 0, 0));
    return lastStream;
  }

  @Override
  public ExecView inspectExec(String execId) {
    ExecView exec = execs.get(execId);
    if (exec == null) {
      throw new GantryException(NOT_FOUND, "No such exec instance: " + execId);
    }
    return exec;
  }

  @Override
  public void resizeExec(String execId, int rows, int columns) {
    inspectExec(execId);
  }

  @Override
  public Pruned prune(Predicate<ContainerView> which) {
    var gone = new ArrayList<String>();
    for (ContainerView view : list()) {
      if (!view.state().running() && which.test(view)) {
        boxes.remove(view.id());
        gone.add(view.id());
      }
    }
    return new Pruned(gone, 7);
  }

  @Override
  public PathStat stat(String ref, String path) {
    box(ref);
    if (path.isEmpty()) {
      throw new GantryException(INVALID, "bad parameter: pathcannot be empty");
    }
    if (!path.startsWith("/etc")) {
      throw new GantryException(
          NOT_FOUND, "Could not find the file " + path + " in container " + ref);
    }
    return new PathStat("passwd", 340, FileType.REGULAR, 0644, PATH_TIME, "");
  }

  @Override
  public Archive read(String ref, String path) {
    return new Archive(stat(ref, path), tar());
  }

  @Override
  public void write(String ref, String path, InputStream archive, Set<Unpacking> how) {
    stat(ref, path);
    try {
      called.add("write " + path + " " + how + " " + new String(archive.readAllBytes(), UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<Change> changes(String ref) {
    box(ref);
    return differences;
  }

  @Override
  public ByteStream export(String ref) {
    box(ref);
    return tar();
  }

  private LoopStream tar() {
    var stream = new LoopStream(true);
    stream.put(tar);
    stream.put("");
    lastStream = stream;
    return stream;
  }

  @Override
  public String commit(String ref, Commit commit) {
    box(ref);
    lastCommit = commit;
    return "sha256:" + "c".repeat(64);
  }
}
