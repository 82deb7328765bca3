package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Events.Event;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(20)
class EventsTest {

  private static final Instant TIME = Instant.ofEpochSecond(1795416604, 414516188);

  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() {
    api = new Api(directory);
  }

  @AfterEach
  void stop() {
    api.close();
  }

  static Event event(String type, String action, String actor, Map<String, String> attributes) {
    return new Event(type, action, actor, attributes, TIME);
  }

  private String between(String filters) throws Exception {
    String query =
        filters.isEmpty() ? "" : "&filters=" + URLEncoder.encode(filters, StandardCharsets.UTF_8);
    return api.get("/events?since=1795416000&until=1795416605" + query).body();
  }

  @Test
  void anEventReadsAsDockers() throws Exception {
    api.engine.publish(
        event(
            "container",
            "kill",
            "fb91",
            Map.of("image", "busybox", "name", "probe", "signal", "9")));
    assertEquals(
        "{\"status\":\"kill\",\"id\":\"fb91\",\"from\":\"busybox\",\"Type\":\"container\","
            + "\"Action\":\"kill\",\"Actor\":{\"ID\":\"fb91\",\"Attributes\":{\"image\":\"busybox\","
            + "\"name\":\"probe\",\"signal\":\"9\"}},\"scope\":\"local\",\"time\":1795416604,"
            + "\"timeNano\":1795416604414516188}\n",
        between(""));
  }

  @Test
  void sameKeysAreAlternativesAndDifferentOnesMustAllHold() throws Exception {
    api.engine.publish(
        event("container", "start", "a1", Map.of("name", "web", "image", "busybox", "k", "v")));
    api.engine.publish(event("container", "die", "a1", Map.of("name", "web", "image", "busybox")));
    api.engine.publish(event("image", "tag", "sha256:1", Map.of("name", "busybox:latest")));
    api.engine.publish(event("driver", "update", "vfs", Map.of()));
    assertEquals(3, between("").lines().count());
    assertEquals(2, between("{\"event\":[\"start\",\"die\"]}").lines().count());
    assertEquals(
        1, between("{\"event\":[\"start\",\"tag\"],\"type\":[\"image\"]}").lines().count());
    assertEquals(2, between("{\"container\":[\"web\"]}").lines().count());
    assertEquals(1, between("{\"label\":[\"k=v\"]}").lines().count());
    assertEquals(3, between("{\"image\":[\"busybox\"]}").lines().count());
    assertEquals(0, between("{\"type\":[\"network\"]}").lines().count());
  }

  /** One event of each kind; each filter finds its own, by name and by the beginning of an id. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'container':['web']} | start",
        "{'container':['c0nt']} | start",
        "{'container':['other']} | \"\"",
        "{'image':['busybox']} | start,tag",
        "{'image':['busybox:latest']} | tag",
        "{'image':['sha256:1']} | tag",
        "{'volume':['data']} | mount",
        "{'volume':['nothing']} | \"\"",
        "{'network':['n3t']} | connect",
        "{'network':['bridge']} | connect",
        "{'daemon':['host']} | reload",
        "{'type':['container']} | start",
        "{'type':['volume','network']} | mount,connect",
        "{'event':['start','reload']} | start,reload",
        "{'label':['k']} | start",
        "{'label':['k=v']} | start",
        "{'label':['k=w']} | \"\"",
        "{'scope':['local']} | start,tag,mount,connect,reload",
        "{'scope':['swarm']} | \"\"",
        "{'type':['container'],'image':['busybox'],'label':['k=v'],'event':['start']} | start",
        "{'type':['container'],'volume':['data']} | \"\"",
        "{'plugin':['x'],'node':['y']} | start,tag,mount,connect,reload"
      })
  void eachFilterFindsItsOwn(String filters, String actions) throws Exception {
    api.engine.publish(
        event(
            "container",
            "start",
            "c0ntainer",
            Map.of("name", "web", "image", "busybox", "k", "v")));
    api.engine.publish(event("image", "tag", "sha256:1", Map.of("name", "busybox:latest")));
    api.engine.publish(event("volume", "mount", "data", Map.of("driver", "local")));
    api.engine.publish(event("network", "connect", "n3twork", Map.of("name", "bridge")));
    api.engine.publish(event("daemon", "reload", "d43m0n", Map.of("name", "host")));
    api.engine.publish(event("driver", "update", "vfs", Map.of("name", "vfs")));
    var found =
        between(filters.replace('\'', '"'))
            .lines()
            .map(line -> line.replaceAll(".*\"Action\":\"([a-z]+)\".*", "$1"))
            .collect(Collectors.joining(","));
    assertEquals(actions, found);
  }

  @Test
  void execEventsAreFoundByTheirKind() throws Exception {
    api.engine.publish(event("container", "exec_create: ls", "a1", Map.of()));
    assertEquals(1, between("{\"event\":[\"exec_create\"]}").lines().count());
  }

  @Test
  void theHeadComesBeforeTheFirstEventAndLeavingUnsubscribes() throws Exception {
    try (var client = api.connect()) {
      Api.send(client, "GET /events HTTP/1.1\r\nHost: d\r\n\r\n");
      String head = Api.readUntil(client, "\r\n\r\n");
      assertTrue(head.startsWith("HTTP/1.1 200 OK"), head);
      assertTrue(head.contains("Content-Type: application/json"), head);
      api.engine.publish(event("container", "start", "a1", Map.of()));
      assertTrue(Api.readUntil(client, "\n\r\n").contains("\"Action\":\"start\""));
      assertEquals(1, api.engine.sinks.size());
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!api.engine.sinks.isEmpty()) {
      assertTrue(System.nanoTime() < deadline, "still subscribed");
      Thread.onSpinWait();
    }
  }

  @Test
  void badTimesAreRefused() throws Exception {
    assertEquals(400, api.get("/events?since=yesterday").status());
  }
}
