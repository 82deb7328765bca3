package io.gantry.itests.crash;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Namespace;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A place in a network of one's own, and a published port behind which the container says who it
 * is. What a run was told to have it keeps; its port leads to it, translated and by the proxy, and
 * its names to its address.
 */
final class Wire implements Trait {
  /** An address of the host that is not on its loopback network, which is translated for. */
  static final String ADDRESS = "198.18.0.1";

  private static final String PORT = "80/tcp";
  private static final String SERVER =
      "mkdir -p /tmp/www; hostname >/tmp/www/index.html; httpd -p 0.0.0.0:80 -h /tmp/www; ";
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int HOSTNAME = 12;

  final String network;
  private final String alias;
  private String facts = "";
  private long pid;
  private long began;

  Wire(String network, String alias) {
    this.network = network;
    this.alias = alias;
  }

  /** Of the network that is to be had whenever it is started; empty when it needs none. */
  static String networkOf(Tracked one) {
    return one.traits.stream()
        .filter(Wire.class::isInstance)
        .map(trait -> ((Wire) trait).network)
        .findFirst()
        .orElse("");
  }

  @Override
  public void ask(ObjectNode body, ObjectNode host) {
    host.put("NetworkMode", network);
    body.putObject("ExposedPorts").putObject(PORT);
    host.putObject("PortBindings").putArray(PORT).addObject().put("HostPort", "");
    body.putObject("NetworkingConfig")
        .putObject("EndpointsConfig")
        .putObject(network)
        .putArray("Aliases")
        .add(alias);
    ArrayNode command = body.withArray("Cmd");
    command.set(2, new TextNode(SERVER + command.get(2).asText()));
  }

  @Override
  public void step(Session session, Tracked one) throws IOException {
    Seen seen = session.api.inspect(one.id);
    if (seen.phase() == Phase.RUNNING && seen.began() != 0 && !one.monitorKilled) {
      learn(session, one, seen);
    }
  }

  /** What was told of a run stays so. */
  private void learn(Session session, Tracked one, Seen seen) {
    String now =
        "address %s, MAC %s, port %s"
            .formatted(address(seen), endpoint(seen).path("MacAddress").asText(), port(seen));
    if (pid == seen.pid() && began == seen.began() && !now.equals(facts)) {
      session.findings.add(
          Findings.Kind.STATE, "%s had %s, now it has %s".formatted(one.name, facts, now));
    }
    facts = now;
    pid = seen.pid();
    began = seen.began();
  }

  private JsonNode endpoint(Seen seen) {
    return seen.all().path("NetworkSettings").path("Networks").path(network);
  }

  private String address(Seen seen) {
    return endpoint(seen).path("IPAddress").asText();
  }

  static String port(Seen seen) {
    return seen.all()
        .path("NetworkSettings")
        .path("Ports")
        .path(PORT)
        .path(0)
        .path("HostPort")
        .asText();
  }

  @Override
  public void check(Session session, Tracked one, Seen seen) throws IOException {
    if (!seen.runs()) {
      return;
    }
    learn(session, one, seen);
    List<String> wrong = new ArrayList<>();
    if (seen.phase() == Phase.RUNNING) {
      String who = one.id.substring(0, HOSTNAME);
      for (String host : List.of(ADDRESS, "127.0.0.1")) {
        String url = "http://" + host + ":" + port(seen) + "/";
        await(
            session.engine.space().words(List.of("curl", "-sS", "--max-time", "5", url)),
            who,
            url,
            wrong);
      }
    }
    for (String name : List.of(one.name, alias)) {
      List<String> question = List.of("busybox", "nslookup", "-type=a", name, "127.0.0.11");
      await(Namespace.inside(one.pid, question), "Address: " + address(seen), name, wrong);
    }
    session.findings.addAll(Findings.Kind.STATE, one.name, wrong);
  }

  /** Who has just begun, or lost the one that served, needs a moment. */
  private static void await(List<String> command, String wanted, String what, List<String> wrong) {
    String[] said = {""};
    try {
      Eventually.within(
          LIMIT,
          what,
          () -> {
            Command ended = Command.run(Map.of(), LIMIT, command);
            said[0] = (ended.out() + " " + ended.err()).strip().replaceAll("\\s+", " ");
            return ended.exit() == 0 && said[0].contains(wanted);
          });
    } catch (AssertionError e) {
      wrong.add("not " + wanted + " at " + what + ": " + said[0]);
    }
  }
}
