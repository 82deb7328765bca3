package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.ByteStream;
import io.gantry.api.ExecSpec;
import io.gantry.api.ExecView;
import io.gantry.monitor.ExecRequest;
import io.gantry.monitor.HelperError;
import io.gantry.monitor.MonitorStream;
import io.gantry.monitor.Streams;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.TaskSpec;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Further processes in running containers. */
final class Execs {
  /**
   * Of those that have ended, at least so many are remembered; dockerd forgets them after minutes.
   */
  static final int REMEMBERED = 512;

  /** So many of one container may run or wait for their start. */
  static final int MOST = 4096;

  /**
   * So much may the arguments and environments take of all that are remembered, run or wait; what
   * is smaller than {@link #SMALL} counts for nothing.
   */
  static final int MOST_BYTES = 64 * 1024 * 1024;

  static final int SMALL = 16 * 1024;

  private final Workshop shop;
  private final ContainerTable table;
  private final Plans plans;
  private final Teller teller;

  Execs(Workshop shop, ContainerTable table, Plans plans, Teller teller) {
    this.shop = shop;
    this.table = table;
    this.plans = plans;
    this.teller = teller;
  }

  String create(Container container, ExecSpec spec) {
    if (spec.args().isEmpty()) {
      throw new GantryException(INVALID, "No exec command specified");
    }
    requireReady(container);
    try {
      DetachKeys.parse(spec.detachKeys());
    } catch (GantryException e) {
      throw new GantryException(
          INVALID, "Invalid escape keys (" + spec.detachKeys() + ") provided", e);
    }
    makeRoom(container.execs);
    var exec = new ExecProcess(Ids.random(), container.id, spec);
    if (exec.size() >= SMALL) {
      makeRoom(table.all().stream().map(each -> each.execs).toList(), exec.size());
    }
    container.execs.put(exec.id(), exec);
    tell(container, "exec_create: ", exec);
    return exec.id();
  }

  /** Those that ended first are forgotten first: of the others somebody may still ask how. */
  static void makeRoom(Map<String, ExecProcess> execs) {
    if (execs.size() < 2 * REMEMBERED) {
      return;
    }
    var ended =
        execs.values().stream()
            .filter(exec -> !exec.isListed())
            .sorted(Comparator.comparingLong(ExecProcess::endedAt))
            .toList();
    ended.stream().limit(Math.max(0, ended.size() - REMEMBERED)).forEach(e -> execs.remove(e.id()));
    if (execs.size() >= MOST + REMEMBERED) {
      throw new GantryException(
          CONFLICT,
          "the container has more than "
              + MOST
              + " execs that run or were never started: end some");
    }
  }

  /** The same for what large ones take, of all containers: ended ones are forgotten first. */
  static void makeRoom(List<Map<String, ExecProcess>> all, int size) {
    var large =
        all.stream()
            .flatMap(execs -> execs.values().stream())
            .filter(exec -> exec.size() >= SMALL)
            .sorted(Comparator.comparing(ExecProcess::isListed).thenComparing(ExecProcess::endedAt))
            .toList();
    long taken = size + large.stream().mapToLong(ExecProcess::size).sum();
    for (ExecProcess exec : large) {
      if (taken > MOST_BYTES && !exec.isListed()) {
        all.forEach(execs -> execs.remove(exec.id()));
        taken -= exec.size();
      }
    }
    if (taken > MOST_BYTES) {
      throw new GantryException(
          CONFLICT,
          "arguments and environments of execs that run or were never started take more than "
              + MOST_BYTES / (1024 * 1024)
              + " MiB: end some");
    }
  }

  ByteStream start(String execId, boolean detach, int rows, int columns) {
    var container = container(execId);
    var exec = exec(container, execId);
    var running = requireReady(container);
    if (!exec.start()) {
      throw new GantryException(
          CONFLICT,
          exec.isRunning()
              ? "exec command " + execId + " is already running"
              : "exec command " + execId + " has already run");
    }
    tell(container, "exec_start: ", exec);
    try {
      boolean sized = rows > 0 || columns > 0;
      return sized
          ? started(container, running, exec, detach, rows, columns)
          : started(container, running, exec, detach, exec.spec().rows(), exec.spec().columns());
    } catch (GantryException e) {
      return notStarted(container, exec, detach, endedMeanwhile(container, running, e));
    }
  }

  private ByteStream started(
      Container container,
      Running running,
      ExecProcess exec,
      boolean detach,
      int rows,
      int columns) {
    var spec = exec.spec();
    var program = plan(container, running, spec, rows, columns);
    var streams = detach ? Streams.NONE : new Streams(spec.stdin(), spec.stdout(), spec.stderr());
    var stream =
        exec(running, new ExecRequest(exec.id(), streams, spec.terminal(), rows, columns, program));
    exec.runs(stream.pid());
    if (detach) {
      stream.close();
      return new FixedStream(spec.terminal(), List.of());
    }
    var bytes = new ExecBytes(stream, exec);
    if (!spec.terminal() || !spec.stdin()) {
      return bytes;
    }
    return new DetachableStream(
        bytes,
        DetachKeys.parse(spec.detachKeys()),
        () -> teller.tell(container.record(), "exec_detach", Map.of("execID", exec.id())));
  }

  /**
   * Tried once more when what was to become the process was killed before it was one: where memory
   * is short the kernel takes that, too.
   */
  private static MonitorStream exec(Running running, ExecRequest request) {
    try {
      return running.monitor().exec(request);
    } catch (GantryException e) {
      if (HelperError.in(e).filter(HelperError::wasKilled).isEmpty()) {
        throw e;
      }
      return running.monitor().exec(request);
    }
  }

  /** What the container's exec driver has the monitor do for one more process. */
  Bytes plan(Container container, Running running, ExecSpec spec, int rows, int columns) {
    var started = running.task();
    TaskSpec of = started != null ? started : taskOfFound(container, running);
    var process = plans.ofProcess(container).process(spec, rows, columns);
    return shop.execs()
        .call(container.record().execDriver(), driver -> driver.exec(of, process))
        .program();
  }

  /** Of one that this engine has not started itself. */
  private TaskSpec taskOfFound(Container container, Running running) {
    var plan = plans.ofRunning(container);
    var task = plan.task(Grouping.toDriver(running.cgroup, plan.deviceRules()));
    running.task(task);
    return task;
  }

  private static GantryException endedMeanwhile(
      Container container, Running running, GantryException e) {
    boolean ended = container.running() != running || running.end.isDone();
    return e.kind() == UNAVAILABLE && ended
        ? new GantryException(CONFLICT, "container " + container.id + " is not running", e)
        : e;
  }

  /**
   * Somebody who looks is told on the stream, as dockerd does: what clients make of another answer
   * than a stream names no reason. Not of what was not even tried: a stream looks like output.
   */
  private ByteStream notStarted(
      Container container, ExecProcess exec, boolean detach, GantryException e) {
    var failure = ExecFailure.of(e);
    if (exec.ended(failure.exitCode())) {
      teller.tell(
          container.record(),
          "exec_die",
          Map.of("execID", exec.id(), "exitCode", Integer.toString(failure.exitCode())));
    }
    if (detach || e.kind() == UNAVAILABLE) {
      throw failure.exception();
    }
    return FixedStream.saying(exec.spec().terminal(), failure.sentence() + "\r\n");
  }

  ExecView inspect(String execId) {
    return exec(container(execId), execId).view();
  }

  void resize(String execId, int rows, int columns) {
    var container = container(execId);
    var exec = exec(container, execId);
    if (exec.spec().terminal() && exec.isRunning()) {
      container.requireRunning().monitor().resize(rows, columns, execId);
    }
  }

  private static Running requireReady(Container container) {
    var running = container.requireRunning();
    if (container.run().paused()) {
      throw new GantryException(
          CONFLICT,
          "Container "
              + container.record().name()
              + " is paused, unpause the container before exec");
    }
    return running;
  }

  private Container container(String execId) {
    return table.all().stream()
        .filter(container -> container.execs.containsKey(execId))
        .findAny()
        .orElseThrow(() -> unknown(execId));
  }

  private static ExecProcess exec(Container container, String execId) {
    var exec = container.execs.get(execId);
    if (exec == null) {
      throw unknown(execId);
    }
    return exec;
  }

  private static GantryException unknown(String execId) {
    return new GantryException(NOT_FOUND, "No such exec instance: " + execId);
  }

  private void tell(Container container, String action, ExecProcess exec) {
    teller.tell(
        container.record(),
        action + String.join(" ", exec.spec().args()),
        Map.of("execID", exec.id()));
  }
}
