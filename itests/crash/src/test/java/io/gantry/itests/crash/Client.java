package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * One client with containers and images of its own, who does one thing after the other and keeps
 * what was acknowledged. When its connection breaks it stops, with one step unsure.
 */
final class Client {
  static final String IMAGE = "busybox";
  private static final int CONTAINERS = 4;
  private static final int EXEC_POLLS = 2000;
  private static final int[] CODES = {0, 1, 7, 99};

  /** Lowest status of a failure when the disk goes away: programs in containers fail as well. */
  static final int ANY_FAILURE = 400;

  private static final int STOP_SECONDS = 10;

  /** A shell that has only just been started has no trap yet, and as pid 1 does not hear of it. */
  private static final long BEFORE_ITS_TRAP = Duration.ofSeconds(1).toNanos();

  private static final String LABEL = "client";

  final List<Tracked> containers = new CopyOnWriteArrayList<>();
  final ImageClient images;
  final VolumeClient volumes;
  private final Instance engine;
  private final int number;
  private final Random random;
  private final Findings findings;

  /** Volumes that containers had that go when they end. */
  private final Set<String> inPassing = ConcurrentHashMap.newKeySet();

  private int made;
  private volatile int steps; // written by one thread
  private Api api;
  private volatile boolean over;

  /** A prune of containers leaves their anonymous volumes to nobody. */
  volatile boolean leavesVolumes;

  private volatile int excused = Integer.MAX_VALUE; // from this status on

  Client(Instance engine, int number, long seed, Findings findings) {
    this.engine = engine;
    this.number = number;
    this.random = new Random(seed + number);
    this.findings = findings;
    this.images = new ImageClient(number, random, findings);
    this.volumes = new VolumeClient(number, random, findings);
  }

  String name() {
    return "client-" + number;
  }

  int steps() {
    return steps;
  }

  void stop() {
    over = true;
  }

  /** Something that steps depend on goes away: until the next round they may fail. */
  void expectFailures(int lowest) {
    excused = lowest;
    images.expectFailures(lowest);
    volumes.expectFailures(lowest);
  }

  /** Works until {@link #stop} or until the engine is gone. */
  void work() {
    over = false;
    excused = Integer.MAX_VALUE;
    images.expectFailures(excused);
    volumes.expectFailures(excused);
    try (Api connection = new Api(engine)) {
      api = connection;
      while (!over) {
        step();
        steps++;
      }
    } catch (IOException e) {
      // The engine has died: the last step is unsure.
    }
  }

  private void step() throws IOException {
    containers.removeIf(each -> !each.unsure() && each.phase == Phase.ABSENT);
    int dice = random.nextInt(100);
    if (dice < 12) {
      images.step(api);
    } else if (dice < 14) {
      prune();
    } else if (dice < 20) {
      volumes.step(api, this::mayUse);
    } else if (dice < 36 && containers.size() < CONTAINERS || containers.isEmpty()) {
      create();
    } else {
      Tracked one = containers.get(random.nextInt(containers.size()));
      if (!one.unsure() && random.nextInt(5) == 0 && (one.program.endless() || !one.autoRemove)) {
        stepAnywhere(one);
      } else if (!one.unsure()) {
        step(one);
      } else if (containers.size() < CONTAINERS) {
        create();
      }
    }
  }

  /** One that ended by itself may not have been removed yet. */
  private boolean mayUse(String volume) {
    return inPassing.contains(volume)
        || containers.stream().anyMatch(one -> one.volume.equals(volume));
  }

  /** Whether it runs or not. */
  private void stepAnywhere(Tracked one) throws IOException {
    switch (random.nextInt(4)) {
      case 0 -> update(one);
      case 1 -> images.commit(api, one);
      default -> copy(one);
    }
  }

  private void update(Tracked one) throws IOException {
    one.pending = Step.UPDATE;
    one.pendingShares = 2 + random.nextInt(1000);
    String body = "{\"CpuShares\": %d}".formatted(one.pendingShares);
    Http.Answer answer = api.post(path(one, "update"), body);
    if (answer.status() == 200) {
      one.shares = one.pendingShares;
      one.pending = Step.NONE;
    } else {
      refused(one, answer);
    }
  }

  /** Leaves a mark from outside. */
  private void copy(Tracked one) throws IOException {
    one.pending = Step.COPY;
    one.pendingMark = made++;
    byte[] tar = Tar.of(new byte[0], "mark-" + one.pendingMark, "mark");
    boolean inVolume = !one.volume.isEmpty() && random.nextBoolean();
    Http.Answer answer = api.put(path(one, "archive?path=/" + (inVolume ? "vol" : "")), tar);
    if (answer.status() == 200 && inVolume) {
      volumes.mark(one.volume, one.pendingMark, one.id + " " + one.phase + " " + one.program);
      one.pending = Step.NONE;
    } else if (answer.status() == 200) {
      one.marks.add(one.pendingMark);
      one.pending = Step.NONE;
    } else {
      refused(one, answer);
    }
  }

  private void step(Tracked one) throws IOException {
    switch (one.phase) {
      case CREATED -> {
        switch (random.nextInt(6)) {
          case 0 -> remove(one, false);
          case 1 -> rename(one);
          default -> start(one);
        }
      }
      case RUNNING -> {
        if (one.program.endless()) {
          stepRunning(one);
        } else if (random.nextInt(3) == 0) {
          log(one);
        } else {
          await(one);
        }
      }
      case PAUSED -> {
        switch (random.nextInt(5)) {
          case 0 -> remove(one, true);
          case 1 -> rename(one);
          default -> simple(one, Step.UNPAUSE, "unpause", Phase.RUNNING);
        }
      }
      case EXITED -> {
        switch (random.nextInt(6)) {
          case 0, 1 -> start(one);
          case 2 -> log(one);
          case 3 -> rename(one);
          default -> remove(one, false);
        }
      }
      default -> throw new AssertionError(one.name + " is " + one.phase);
    }
  }

  private void stepRunning(Tracked one) throws IOException {
    switch (random.nextInt(10)) {
      case 0, 1 -> stop(one);
      case 2 -> kill(one);
      case 3 -> simple(one, Step.PAUSE, "pause", Phase.PAUSED);
      case 4, 5 -> exec(one);
      case 6 -> log(one);
      case 7 -> rename(one);
      case 8 -> restart(one);
      default -> remove(one, true);
    }
  }

  private void create() throws IOException {
    boolean unstartable = random.nextInt(8) == 0;
    Program program =
        random.nextBoolean()
            ? new Program(0, 0)
            : new Program(1 + random.nextInt(20), CODES[random.nextInt(CODES.length)]);
    boolean autoRemove = random.nextInt(6) == 0;
    Tracked one = new Tracked(name() + "-" + made++, program, autoRemove, unstartable);
    String command = unstartable ? "\"/nowhere\"" : "\"sh\",\"-c\",\"" + program.script() + "\"";
    one.volume = random.nextInt(3) == 0 ? volumes.any() : "";
    one.anonymous = random.nextInt(5) == 0;
    if (autoRemove) {
      inPassing.add(one.volume);
    }
    String body =
        """
        {"Image": "%s", "Cmd": [%s], "Labels": {"%s": "%d"}, "Volumes": {%s},
         "HostConfig": {"NetworkMode": "none", "AutoRemove": %b, "IpcMode": "%s", "Binds": [%s]}}
        """
            .formatted(
                images.any(IMAGE),
                command,
                LABEL,
                number,
                one.anonymous ? "\"/bin\": {}" : "",
                autoRemove,
                random.nextBoolean() ? "shareable" : "private",
                one.volume.isEmpty() ? "" : "\"" + one.volume + ":/vol\"");
    one.pending = Step.CREATE;
    containers.add(one);
    Http.Answer answer = api.post("/containers/create?name=" + one.name, body);
    if (answer.status() == 201) {
      one.id = Api.json(answer).path("Id").asText();
      one.isAt(Phase.CREATED);
    } else {
      refused(one, answer);
    }
  }

  private void start(Tracked one) throws IOException {
    one.pending = Step.START;
    Http.Answer answer = api.post(path(one, "start"), "");
    if (one.unstartable && answer.status() >= 400 && answer.status() < 500) {
      one.isAt(one.autoRemove ? Phase.ABSENT : Phase.CREATED);
    } else if (answer.status() == 204) {
      running(one);
    } else {
      refused(one, answer);
    }
  }

  /** Learns who runs, or how it has ended meanwhile. */
  private void running(Tracked one) throws IOException {
    Seen seen = api.inspect(one.id);
    boolean ended = !one.program.endless() || one.monitorKilled;
    one.strayLines = false;
    one.startedAt = System.nanoTime();
    if (seen.phase() == Phase.RUNNING && (seen.began() != 0 || ended)) {
      one.pid = seen.pid();
      one.began = seen.began();
      one.isAt(Phase.RUNNING);
    } else if (ended && (seen.phase() == Phase.EXITED || one.autoRemove)) {
      one.exited(one.program.exit());
    } else {
      findings.add(Findings.Kind.STATE, one.name + " was started, now it is " + seen);
    }
  }

  private void await(Tracked one) throws IOException {
    Http.Answer answer = api.post(path(one, "wait"), "");
    if (answer.status() == 404 && one.autoRemove) {
      one.exited(one.program.exit()); // it was removed before we asked
    } else if (answer.status() != 200) {
      refused(one, answer);
    } else if (!one.monitorKilled) {
      int code = Api.json(answer).path("StatusCode").asInt();
      if (code == one.program.exit()) {
        one.exited(code);
      } else if (!one.monitorKilled) {
        findings.add(
            Findings.Kind.EXIT, one.name + " ends with " + one.program.exit() + ", told: " + code);
      }
    }
  }

  private void stop(Tracked one) throws IOException {
    one.pending = Step.STOP;
    long asked = System.nanoTime();
    Http.Answer answer = api.post(path(one, "stop?t=%d".formatted(STOP_SECONDS)), "");
    if (answer.status() != 204) {
      refused(one, answer);
    } else if (asked - one.startedAt < BEFORE_ITS_TRAP
        && System.nanoTime() - asked >= Duration.ofSeconds(STOP_SECONDS).toNanos()) {
      one.exited(Program.KILLED);
    } else {
      one.exited(Program.TERMINATED);
    }
  }

  private void kill(Tracked one) throws IOException {
    one.pending = Step.KILL;
    Http.Answer answer = api.post(path(one, "kill"), "");
    if (answer.status() == 204) {
      one.exited(Program.KILLED);
    } else {
      refused(one, answer);
    }
  }

  private void restart(Tracked one) throws IOException {
    one.pending = Step.RESTART;
    Http.Answer answer = api.post(path(one, "restart?t=10"), "");
    if (answer.status() == 204) {
      running(one);
    } else {
      refused(one, answer);
    }
  }

  private void simple(Tracked one, Step step, String verb, Phase after) throws IOException {
    one.pending = step;
    Http.Answer answer = api.post(path(one, verb), "");
    if (answer.status() == 204) {
      one.isAt(after);
    } else {
      refused(one, answer);
    }
  }

  private void rename(Tracked one) throws IOException {
    one.pending = Step.RENAME;
    one.pendingName = name() + "-" + made++;
    Http.Answer answer = api.post(path(one, "rename?name=" + one.pendingName), "");
    if (answer.status() == 204) {
      one.name = one.pendingName;
      one.pending = Step.NONE;
    } else if (answer.status() == 404 && one.autoRemove && !one.program.endless()) {
      one.exited(one.program.exit());
    } else {
      refused(one, answer);
    }
  }

  private void remove(Tracked one, boolean force) throws IOException {
    one.pending = force ? Step.FORCED_REMOVE : Step.REMOVE;
    Http.Answer answer = api.delete("/containers/" + one.id + "?v=1&force=" + force);
    if (answer.status() == 204) {
      one.isAt(Phase.ABSENT);
    } else {
      refused(one, answer);
    }
  }

  private void prune() throws IOException {
    containers.forEach(
        one -> {
          boolean over = one.phase == Phase.CREATED || one.phase == Phase.EXITED;
          if (one.unsure()) {
            one.pruned = true;
          } else if (over || !one.program.endless()) {
            one.pending = Step.PRUNE;
          }
        });
    leavesVolumes |= !containers.isEmpty(); // an image that was committed may name volumes, too
    String filter = Api.encoded("{\"label\":[\"%s=%d\"]}".formatted(LABEL, number));
    Http.Answer answer = api.post("/containers/prune?filters=" + filter, "");
    if (answer.status() != 200) {
      if (answer.status() < excused) {
        findings.add(Findings.Kind.REFUSED, "prune: " + answer.status() + " " + answer.body());
      }
      return;
    }
    List<String> deleted = new ArrayList<>();
    Api.json(answer).path("ContainersDeleted").forEach(id -> deleted.add(id.asText()));
    for (Tracked one : containers) {
      if (one.pending != Step.PRUNE) {
        one.pruned |= one.monitorKilled && deleted.contains(one.id); // it was killed meanwhile
      } else {
        if (!deleted.contains(one.id) && excused < Integer.MAX_VALUE) {
          continue; // it may be half removed: unsure
        }
        boolean had = one.phase == Phase.CREATED || one.phase == Phase.EXITED;
        if (had && !deleted.contains(one.id)) {
          findings.add(Findings.Kind.REFUSED, one.name + " was not pruned");
        }
        one.isAt(had || deleted.contains(one.id) ? Phase.ABSENT : one.phase);
      }
    }
  }

  /** Leaves a mark in the container's root, which is there from then on. */
  private void exec(Tracked one) throws IOException {
    one.pending = Step.EXEC;
    one.pendingMark = made++;
    String body = "{\"Cmd\": [\"touch\", \"/mark-%d\"]}".formatted(one.pendingMark);
    Http.Answer answer = api.post(path(one, "exec"), body);
    if (answer.status() != 201) {
      refused(one, answer);
      return;
    }
    String exec = "/exec/" + Api.json(answer).path("Id").asText();
    answer = api.post(exec + "/start", "{\"Detach\": true}");
    if (answer.status() != 200) {
      refused(one, answer);
      return;
    }
    JsonNode state = api.read(exec + "/json");
    for (int i = 0; state.path("Running").asBoolean() && i < EXEC_POLLS; i++) {
      LockSupport.parkNanos(5_000_000);
      state = api.read(exec + "/json");
    }
    if (state.path("ExitCode").asInt(-1) == 0) {
      one.marks.add(one.pendingMark);
      one.pending = Step.NONE;
    } else if (!one.monitorKilled && excused > ANY_FAILURE) {
      findings.add(Findings.Kind.REFUSED, "exec in " + one.name + " ends as " + state);
    }
  }

  private void log(Tracked one) throws IOException {
    if (one.autoRemove && !one.program.endless()) {
      return; // it may be gone at any moment
    }
    List<String> log = api.log(one.id);
    findings.addAll(Findings.Kind.LOG, one.name, Checks.longer(one.log, log));
    one.log = log;
  }

  /** A step that fails is unsure when something it needs was killed, else a finding. */
  private void refused(Tracked one, Http.Answer answer) {
    if (one.monitorKilled || answer.status() >= excused) {
      return;
    }
    findings.add(
        Findings.Kind.REFUSED,
        "%s of %s (%s): %d %s"
            .formatted(one.pending, one.name, one.phase, answer.status(), answer.body().strip()));
  }

  private static String path(Tracked one, String verb) {
    return "/containers/" + one.id + "/" + verb;
  }
}
