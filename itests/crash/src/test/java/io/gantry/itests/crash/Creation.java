package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.gantry.itests.harness.Http;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Makes containers, each with another choice of what a container can have. */
final class Creation {
  static final String LABEL = "client";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int[] CODES = {0, 1, 7, 99};

  private final Session session;
  private final ImageClient images;
  private final VolumeClient volumes;
  private final NetworkClient networks;
  private final SyslogServer syslog;
  private final Random random;

  Creation(
      Session session,
      ImageClient images,
      VolumeClient volumes,
      NetworkClient networks,
      SyslogServer syslog) {
    this.session = session;
    this.images = images;
    this.volumes = volumes;
    this.networks = networks;
    this.syslog = syslog;
    this.random = session.random;
  }

  /**
   * @param others that the client has
   */
  void create(List<Tracked> others) throws IOException {
    boolean unstartable = session.oneIn(8);
    boolean autoRemove = session.oneIn(6);
    Tracked one =
        new Tracked(
            session.name() + "-" + session.next(), anyProgram(autoRemove), autoRemove, unstartable);
    one.volume = session.oneIn(3) ? volumes.any() : "";
    one.anonymous = session.oneIn(5);
    one.logs = LogKind.any(random, syslog.address());
    if (!autoRemove && !unstartable && !one.program.hungry()) {
      one.policy = anyPolicy();
    }
    if (autoRemove) {
      volumes.usedInPassing(one.volume);
    }
    ObjectNode body = body(one, others);
    one.pending = Step.CREATE;
    others.add(one);
    Http.Answer answer = session.api.post("/containers/create?name=" + one.name, body.toString());
    if (answer.status() == 201) {
      one.id = Api.json(answer).path("Id").asText();
      one.isAt(Phase.CREATED);
    } else {
      session.refused(one, answer);
    }
  }

  private Program anyProgram(boolean autoRemove) {
    int lines = 1 + random.nextInt(20);
    return switch (random.nextInt(10)) {
      case 0, 1, 2, 3, 4, 5 -> Program.endless();
      case 6 -> autoRemove ? Program.endless() : Program.hungry(lines);
      default -> new Program(lines, CODES[random.nextInt(CODES.length)], false);
    };
  }

  private Policy anyPolicy() {
    return switch (random.nextInt(8)) {
      case 0 -> Policy.ALWAYS;
      case 1 -> Policy.UNLESS_STOPPED;
      case 2 -> Policy.onFailure(1 + random.nextInt(3));
      default -> Policy.NO;
    };
  }

  private ObjectNode body(Tracked one, List<Tracked> others) throws IOException {
    ObjectNode body = JSON.createObjectNode();
    body.put("Image", images.any(Client.IMAGE));
    var command = body.putArray("Cmd");
    if (one.unstartable) {
      command.add("/nowhere");
    } else {
      command.add("sh").add("-c").add(one.program.script());
    }
    body.putObject("Labels").put(LABEL, Integer.toString(session.number));
    if (one.anonymous) {
      body.putObject("Volumes").putObject("/bin");
    }
    body.putObject("Healthcheck").putArray("Test").add("NONE"); // its image may have one
    ObjectNode host = body.putObject("HostConfig");
    host.put("NetworkMode", "none").put("AutoRemove", one.autoRemove);
    host.put("IpcMode", random.nextBoolean() ? "shareable" : "private");
    policy(one, host);
    volume(one, host, others);
    one.logs.ask(host);
    choose(one, others);
    for (Trait each : one.traits) {
      each.ask(body, host);
    }
    return body;
  }

  private static void policy(Tracked one, ObjectNode host) {
    if (!one.policy.never()) {
      ObjectNode policy = host.putObject("RestartPolicy");
      policy.put("Name", one.policy.name()).put("MaximumRetryCount", one.policy.most());
    }
  }

  /** In one of the forms that there are for it. */
  private void volume(Tracked one, ObjectNode host, List<Tracked> others) {
    Optional<Tracked> donor =
        others.stream().filter(other -> lasts(other) && !other.volume.isEmpty()).findAny();
    if (one.volume.isEmpty()) {
      return;
    }
    if (donor.isPresent() && random.nextBoolean()) {
      one.volume = donor.get().volume;
      host.putArray("VolumesFrom").add(donor.get().id);
      if (one.autoRemove) {
        volumes.usedInPassing(one.volume);
      }
    } else if (random.nextBoolean()) {
      host.withArray("Mounts")
          .addObject()
          .put("Type", "volume")
          .put("Source", one.volume)
          .put("Target", "/vol");
    } else {
      host.putArray("Binds").add(one.volume + ":/vol");
    }
  }

  /** It is there for sure, and does not go by itself. */
  private static boolean lasts(Tracked one) {
    return !one.unsure() && !one.autoRemove && one.phase != Phase.ABSENT;
  }

  private void choose(Tracked one, List<Tracked> others) throws IOException {
    if (one.program.hungry()) {
      one.traits.add(new Hunger());
      one.limits = Hunger.LIMITS;
    }
    if (one.program.isEndless() && session.oneIn(3)) {
      one.traits.add(new Health());
    }
    String network = networks.any();
    if (!network.isEmpty() && one.program.isEndless() && !one.unstartable) {
      one.traits.add(new Wire(network, "alias-" + one.name));
    }
    if (session.oneIn(5)) {
      one.traits.add(new Places(session.engine.scratch()));
    }
    if (session.oneIn(5)) {
      others.stream().filter(Creation::lasts).findAny().map(Link::new).ifPresent(one.traits::add);
    }
  }
}
