package io.gantry.itests.crash;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * One client with containers and images of its own, who does one thing after the other and keeps
 * what was acknowledged. When its connection breaks it stops, with one step unsure.
 */
final class Client {
  static final String IMAGE = "busybox";
  private static final int CONTAINERS = 4;

  /** Lowest status of a failure when the disk goes away: programs in containers fail as well. */
  static final int ANY_FAILURE = 400;

  final List<Tracked> containers = new CopyOnWriteArrayList<>();
  final Session session;
  final ImageClient images;
  final VolumeClient volumes;
  final NetworkClient networks;
  private final Creation creation;
  private final Life life;
  private final Inside inside;
  private final Random random;
  private volatile int steps; // written by one thread
  private volatile boolean over;

  /** A prune of containers leaves their anonymous volumes to nobody. */
  volatile boolean leavesVolumes;

  Client(Instance engine, int number, long seed, SyslogServer syslog, Findings findings) {
    session = new Session(engine, number, seed, findings);
    random = session.random;
    images = new ImageClient(number, random, findings);
    volumes = new VolumeClient(number, random, findings);
    networks = new NetworkClient(number, random, findings);
    creation = new Creation(session, images, volumes, networks, syslog);
    life = new Life(session);
    inside = new Inside(session, volumes);
  }

  String name() {
    return session.name();
  }

  int steps() {
    return steps;
  }

  void stop() {
    over = true;
  }

  /** Until the next round, {@link Session#expectForgottenExecs}. */
  void expectForgottenExecs() {
    session.expectForgottenExecs(true);
  }

  /** Something that steps depend on goes away: until the next round they may fail. */
  void expectFailures(int lowest) {
    session.expectFailures(lowest);
    images.expectFailures(lowest);
    volumes.expectFailures(lowest);
    networks.expectFailures(lowest);
  }

  /** Works until {@link #stop} or until the engine is gone. */
  void work() {
    over = false;
    expectFailures(Integer.MAX_VALUE);
    session.expectForgottenExecs(false);
    try (Api connection = new Api(session.engine)) {
      session.api = connection;
      while (!over) {
        step();
        steps++;
      }
    } catch (IOException e) { // the last step is unsure
      if (!session.mayBreak() || e instanceof SocketTimeoutException) {
        session.findings.add(Findings.Kind.REFUSED, name() + " has lost the engine: " + e);
      }
    } finally {
      session.streams.closeAll();
    }
  }

  private void step() throws IOException {
    containers.removeIf(each -> !each.unsure() && each.phase == Phase.ABSENT);
    int dice = random.nextInt(100);
    if (dice < 12) {
      images.step(session.api);
    } else if (dice < 14) {
      prune();
    } else if (dice < 20) {
      volumes.step(session.api, this::mayUse);
    } else if (dice < 24 && session.engine.space().isOwn()) {
      networks.step(session.api, this::wants);
    } else if (dice < 40 && containers.size() < CONTAINERS || containers.isEmpty()) {
      creation.create(containers);
    } else {
      Tracked one = containers.get(random.nextInt(containers.size()));
      if (!one.unsure() && session.oneIn(5) && (one.program.isEndless() || !one.autoRemove)) {
        stepAnywhere(one);
      } else if (!one.unsure()) {
        step(one);
      } else if (containers.size() < CONTAINERS) {
        creation.create(containers);
      }
    }
  }

  /** One that ended by itself may not have been removed yet. */
  private boolean mayUse(String volume) {
    return containers.stream().anyMatch(one -> one.volume.equals(volume));
  }

  private boolean wants(String network) {
    return containers.stream().anyMatch(one -> Wire.networkOf(one).equals(network));
  }

  /** Whether it runs or not. */
  private void stepAnywhere(Tracked one) throws IOException {
    switch (random.nextInt(4)) {
      case 0 -> inside.update(one);
      case 1 -> images.commit(session.api, one);
      default -> inside.copy(one);
    }
  }

  private void step(Tracked one) throws IOException {
    switch (one.phase) {
      case CREATED -> {
        switch (random.nextInt(6)) {
          case 0 -> life.remove(one, false);
          case 1 -> life.rename(one);
          default -> life.start(one);
        }
      }
      case RUNNING -> {
        if (one.program.isEndless()) {
          stepRunning(one);
        } else if (one.isRestless()) {
          stepRestless(one);
        } else if (random.nextInt(3) == 0) {
          inside.log(one);
        } else {
          life.await(one);
        }
      }
      case PAUSED -> {
        switch (random.nextInt(6)) {
          case 0 -> life.remove(one, true);
          case 1 -> life.rename(one);
          case 2 -> inside.stats(one);
          default -> life.unpause(one);
        }
      }
      case EXITED -> {
        switch (random.nextInt(6)) {
          case 0, 1 -> life.start(one);
          case 2 -> inside.log(one);
          case 3 -> life.rename(one);
          default -> life.remove(one, false);
        }
      }
      default -> throw new AssertionError(one.name + " is " + one.phase);
    }
  }

  private void stepRunning(Tracked one) throws IOException {
    switch (random.nextInt(20)) {
      case 0, 1 -> life.stop(one);
      case 2 -> life.awaited(one, "next-exit", life::stop);
      case 3 -> life.awaited(one, "not-running", life::kill);
      case 4, 5 -> life.pause(one);
      case 6, 7, 8 -> inside.exec(one);
      case 9 -> inside.log(one);
      case 10 -> life.rename(one);
      case 11 -> life.restart(one);
      case 12 -> life.remove(one, true);
      case 13 -> inside.stats(one);
      case 14, 15 -> session.streams.step(one);
      case 16 -> {
        if (one.policy.restarts(Program.KILLED)) {
          life.crash(one);
        } else {
          life.kill(one);
        }
      }
      default -> {
        for (Trait each : one.traits) {
          each.step(session, one);
        }
      }
    }
  }

  /** One that ends again and again. */
  private void stepRestless(Tracked one) throws IOException {
    switch (random.nextInt(5)) {
      case 0 -> life.stop(one);
      case 1 -> life.rename(one);
      case 2 -> life.remove(one, true);
      case 3 -> inside.log(one);
      default -> life.countRestarts(one);
    }
  }

  private void prune() throws IOException {
    containers.forEach(
        one -> {
          boolean over = one.phase == Phase.CREATED || one.phase == Phase.EXITED;
          if (one.unsure()) {
            one.pruned = true;
          } else if (over || !one.program.isEndless()) {
            one.pending = Step.PRUNE;
          }
        });
    leavesVolumes |= !containers.isEmpty(); // an image that was committed may name volumes, too
    String filter =
        Api.encoded("{\"label\":[\"%s=%d\"]}".formatted(Creation.LABEL, session.number));
    Http.Answer answer = session.api.post("/containers/prune?filters=" + filter, "");
    if (answer.status() != 200) {
      if (!session.isExcused(answer.status())) {
        session.findings.add(
            Findings.Kind.REFUSED, "prune: " + answer.status() + " " + answer.body());
      }
      return;
    }
    List<String> deleted = new ArrayList<>();
    Api.json(answer).path("ContainersDeleted").forEach(id -> deleted.add(id.asText()));
    containers.forEach(one -> pruned(one, deleted.contains(one.id)));
  }

  private void pruned(Tracked one, boolean deleted) {
    if (one.pending != Step.PRUNE) {
      one.pruned |= one.monitorKilled && deleted; // it was killed meanwhile
    } else if (deleted || session.isStrict()) { // else it may be half removed: unsure
      boolean had = one.phase == Phase.CREATED || one.phase == Phase.EXITED;
      if (had && !deleted) {
        session.findings.add(Findings.Kind.REFUSED, one.name + " was not pruned");
      }
      one.isAt(had || deleted ? Phase.ABSENT : one.phase);
    }
  }
}
