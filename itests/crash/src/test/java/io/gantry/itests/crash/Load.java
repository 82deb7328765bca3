package io.gantry.itests.crash;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** All clients together, working between two deaths. */
final class Load implements AutoCloseable {
  private static final int CLIENTS = 3;

  final List<Client> clients;
  final SyslogServer syslog;
  private final Findings findings;
  private List<Thread> threads = List.of();

  Load(Instance engine, long seed, Findings findings) {
    this.findings = findings;
    syslog = new SyslogServer(engine.scratch().resolve("syslog"));
    engine.importBusybox();
    String busybox = engine.scratch().resolve("busybox").toString();
    String tar = engine.scratch().resolve("base.tar").toString();
    Command.run(Map.of(), Duration.ofSeconds(20), List.of("tar", "-C", busybox, "-cf", tar, "."))
        .ok();
    try {
      ImageClient.base(Files.readAllBytes(Path.of(tar)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    clients =
        IntStream.range(0, CLIENTS)
            .mapToObj(i -> new Client(engine, i, seed, syslog, findings))
            .toList();
  }

  void begin() {
    List<Thread> started = new ArrayList<>();
    for (Client client : clients) {
      Thread thread = new Thread(client::work, client.name());
      thread.setUncaughtExceptionHandler(
          (t, e) -> findings.add(Findings.Kind.REFUSED, t.getName() + " gives up: " + e));
      thread.start();
      started.add(thread);
    }
    threads = started;
  }

  /** Returns when this many steps more were made, or when time is up. */
  void await(int more, Duration limit) {
    int goal = steps() + more;
    long deadline = System.nanoTime() + limit.toNanos();
    while (steps() < goal && System.nanoTime() < deadline) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Every client ends with the step it is at, if it still can. */
  void end() {
    clients.forEach(Client::stop);
    Eventually.within(
        Duration.ofSeconds(90),
        "all clients stop",
        () -> threads.stream().noneMatch(Thread::isAlive));
  }

  /**
   * From now on a step may fail: what it needs goes away.
   *
   * @param lowest status that says so
   */
  void expectFailures(int lowest) {
    clients.forEach(client -> client.expectFailures(lowest));
  }

  /** From now on the engine that made an exec may not be the one that is asked to start it. */
  void expectForgottenExecs() {
    clients.forEach(Client::expectForgottenExecs);
  }

  /** The power was cut: what is not durable by contract may be lost. */
  void rememberWhatIsDurable() {
    for (Client client : clients) {
      client.containers.forEach(Tracked::powerWasCut);
      client.volumes.powerWasCut();
    }
  }

  /** The one with this id, or this beginning of it. */
  Tracked find(String half) {
    return clients.stream()
        .flatMap(client -> client.containers.stream())
        .filter(one -> !one.id.isEmpty() && one.id.startsWith(half))
        .findFirst()
        .orElse(null);
  }

  /** Another engine serves from now on. */
  void engineHasDied() {
    clients.forEach(client -> client.containers.forEach(one -> one.engineDied = true));
  }

  int steps() {
    return clients.stream().mapToInt(Client::steps).sum();
  }

  @Override
  public void close() {
    syslog.close();
  }
}
