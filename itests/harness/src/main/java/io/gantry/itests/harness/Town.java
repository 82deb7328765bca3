package io.gantry.itests.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * An engine in a network namespace of its own, servers in a network of its users', some published
 * by translation and some by the proxy, and clients who never rest: from a neighbour through
 * published ports, from a container by name and straight to others. Servers say whom they see, so
 * that it shows who served.
 */
public final class Town implements AutoCloseable {
  public static final String NETWORK = "town";

  /** Of the engine's host, on the street. */
  public static final String HOST = "198.18.0.1";

  private static final String NEIGHBOUR = "198.18.0.2";
  private static final String RESOLVER = "127.0.0.11";
  private static final String LISTEN = "0A"; // as /proc/net/tcp has it
  private static final String WHO = "/cgi-bin/who";
  private static final int ECHO = 4000; // from the port of the pages

  private static final List<String> SERVERS = List.of("nat-1", "nat-2", "proxy-1", "proxy-2");

  private static final List<Integer> PORTS =
      List.of(8001, 8002, 8003, 8004, 8001 + ECHO, 8002 + ECHO, 8003 + ECHO, 8004 + ECHO);

  private static final String SERVER =
      """
      mkdir -p /www/cgi-bin
      cat >/www/cgi-bin/who <<'END'
      #!/bin/sh
      printf 'Content-type: text/plain\\r\\n\\r\\n%%s %s\\n' "$REMOTE_ADDR"
      END
      chmod +x /www/cgi-bin/who
      nc -ll -p 7 -e cat &
      exec httpd -f -h /www -p 0.0.0.0:80
      """;

  private final Namespace space;
  private final Namespace neighbour;
  private final List<Traffic> crowds = new ArrayList<>();
  private final Instance engine;
  private final Map<String, String> addresses = new HashMap<>();
  private String gateway = "";

  private Town(Path home) {
    space = Namespace.make();
    neighbour = Namespace.make();
    space.wire(neighbour, "street", HOST + "/24", NEIGHBOUR + "/24");
    try {
      engine = Instance.startAt(home, space, Files.createTempDirectory("gy"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** With two servers of each kind of port, and clients who have all been served. */
  public static Town open(Path home) {
    Town town = new Town(home);
    try {
      town.populate();
      return town;
    } catch (RuntimeException | AssertionError e) {
      String log = town.engine.log();
      town.discard();
      throw new AssertionError(e.getMessage() + "\n" + log, e);
    }
  }

  private void populate() {
    engine.importBusybox();
    engine.docker("network", "create", NETWORK).ok();
    String form = "{{(index .IPAM.Config 0).Gateway}}";
    gateway = engine.docker("network", "inspect", "-f", form, NETWORK).ok();
    mapBy("nat");
    serve("nat-1", 8001);
    serve("nat-2", 8002);
    mapBy("proxy");
    serve("proxy-1", 8003);
    serve("proxy-2", 8004);
    mapBy("nat");
    Traffic outside = Traffic.in(neighbour);
    crowds.add(outside);
    http("nat-1", 8001, true);
    http("nat-2", 8002, true);
    outside.echo("echo-by-nat", HOST, 8001 + ECHO);
    Traffic inside = Traffic.in(pid("nat-1"));
    crowds.add(inside);
    inside.http("within", address("nat-2"), 80, WHO, address("nat-1") + " nat-2");
    comeBackToHelper();
    awaitMore();
  }

  /** Those whom the {@code net} helper serves ask, from now on. */
  public void comeBackToHelper() {
    http("proxy-1", 8003, false);
    http("proxy-2", 8004, false);
    crowds.get(0).echo("echo-by-proxy", HOST, 8003 + ECHO);
    crowds
        .get(1)
        .name("name-of-other", RESOLVER, "proxy-1", address("proxy-1"))
        .name("name-in-full", RESOLVER, "nat-2." + NETWORK, address("nat-2"));
  }

  /** And nobody asks it any more. */
  public void leaveHelper() {
    List.of("proxy-1", "proxy-2", "echo-by-proxy").forEach(crowds.get(0)::remove);
    List.of("name-of-other", "name-in-full").forEach(crowds.get(1)::remove);
  }

  /** What there is of it on the host and in the engine's view, but for what counts or ages. */
  public List<String> standing() {
    List<String> all = new ArrayList<>();
    for (String name : SERVERS) {
      all.add(engine.docker("inspect", "-f", "{{json .NetworkSettings}}", name).ok());
    }
    all.add(engine.docker("network", "inspect", NETWORK).ok());
    List<String> links = engine.belongings().interfaces();
    all.addAll(links);
    space
        .run("ip", "-o", "-4", "address")
        .ok()
        .lines()
        .filter(line -> links.contains(line.split("\\s+")[1]))
        .forEach(all::add);
    engine.belongings().tables().forEach(table -> all.addAll(rules(table)));
    for (String file : List.of("tcp", "tcp6")) {
      sockets(space.proc().resolve(file), LISTEN).stream()
          .filter(socket -> PORTS.contains(Integer.parseInt(socket.split(":")[1], 16)))
          .forEach(all::add);
    }
    all.sort(null);
    return all;
  }

  /** Each of its lines, and each element of its sets, by itself. */
  private List<String> rules(String table) {
    return space
        .run("nft", "list table " + table)
        .ok()
        .lines()
        .flatMap(line -> Stream.of(line.replaceAll("elements =|[{}]", "").split(",", -1)))
        .map(String::strip)
        .filter(part -> !part.isEmpty())
        .toList();
  }

  /** In either family. */
  private static boolean listens(long pid, String port) {
    Path own = Path.of("/proc", Long.toString(pid), "net");
    return Stream.of("tcp", "tcp6")
        .flatMap(file -> sockets(own.resolve(file), LISTEN).stream())
        .anyMatch(socket -> socket.endsWith(":" + port));
  }

  private static List<String> sockets(Path file, String state) {
    try {
      return Files.readAllLines(file).stream()
          .map(line -> line.strip().split("\\s+"))
          .filter(fields -> fields[3].equals(state))
          .map(fields -> fields[1])
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The driver that new containers' ports are given to. */
  public void mapBy(String mapper) {
    call("POST", "/gantry/v1/drivers/PortMapper/" + mapper + "/default", "");
  }

  /** Puts another jar in a driver's place. */
  public void update(String kind, String name, Path jar) {
    call(
        "POST",
        "/gantry/v1/drivers/%s/%s/update".formatted(kind, name),
        "{\"jar\": \"%s\"}".formatted(jar));
  }

  private void call(String method, String path, String body) {
    try (Http http = engine.http()) {
      Http.Answer answer = http.call(method, path, body);
      if (answer.status() != 200) {
        throw new AssertionError(path + ": " + answer.status() + " " + answer.body());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A container with pages and an echo on ports of the host. */
  public void serve(String name, int port) {
    engine
        .docker(
            "run",
            "-d",
            "--name",
            name,
            "--network",
            NETWORK,
            "-p",
            port + ":80",
            "-p",
            (port + ECHO) + ":7",
            "busybox",
            "sh",
            "-c",
            SERVER.formatted(name))
        .ok();
    long pid = pid(name);
    Eventually.eventually(name + " listens", () -> listens(pid, "0050") && listens(pid, "0007"));
  }

  /** Publishes a container in passing: its clients are served, by who is asked now. */
  public void visit(String name, int port, boolean translated) {
    serve(name, port);
    http(name, port, translated);
    awaitMore();
    crowds.get(0).remove(name);
    engine.docker("rm", "-f", name).ok();
  }

  private void http(String name, int port, boolean translated) {
    crowds.get(0).http(name, HOST, port, WHO, (translated ? NEIGHBOUR : gateway) + " " + name);
  }

  public long pid(String name) {
    return Long.parseLong(engine.docker("inspect", "-f", "{{.State.Pid}}", name).ok());
  }

  /** It keeps it for as long as it runs. */
  private String address(String name) {
    String form = "{{.NetworkSettings.Networks." + NETWORK + ".IPAddress}}";
    return addresses.computeIfAbsent(
        name, server -> engine.docker("inspect", "-f", form, server).ok());
  }

  public Instance engine() {
    return engine;
  }

  /** Of all clients. */
  public List<String> failures() {
    return crowds.stream().flatMap(crowd -> crowd.failures().stream()).toList();
  }

  /** Returns when each client was served a few times more, or one has failed. */
  public void awaitMore() {
    for (Traffic crowd : crowds) {
      crowd.awaitMore();
    }
  }

  private void discard() {
    try {
      engine.discard();
    } finally {
      leave();
    }
  }

  private void leave() {
    crowds.forEach(Traffic::close);
    neighbour.close();
    space.close();
  }

  /** As {@link Instance#close}. */
  @Override
  public void close() {
    try {
      crowds.forEach(Traffic::close);
      engine.docker("rm", "-f", "nat-1", "nat-2", "proxy-1", "proxy-2").ok();
      engine.docker("network", "rm", NETWORK).ok();
      engine.close();
    } finally {
      leave();
    }
  }
}
