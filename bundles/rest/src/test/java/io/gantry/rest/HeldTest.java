package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that hold connections leave files for others. */
@Timeout(60)
class HeldTest {
  @TempDir Path directory;
  private Api api;
  private final List<SocketChannel> clients = new ArrayList<>();

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    api.post("/containers/create?name=web", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\"]}");
    api.post("/containers/web/start");
  }

  @AfterEach
  void stop() throws Exception {
    for (var client : clients) {
      client.close();
    }
    api.close();
  }

  private String hold(String request) throws Exception {
    var client = api.connect();
    clients.add(client);
    Api.send(client, request + " HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n");
    return Api.readUntil(client, "\r\n\r\n").split("\r\n", 2)[0];
  }

  @Test
  void whatIsHeldHasAnEndForOthersToBeServed() throws Exception {
    for (int i = 0; i < Api.MOST_HELD; i++) {
      String request =
          switch (i % 4) {
            case 0 -> "GET /events";
            case 1 -> "POST /containers/web/wait?condition=removed";
            case 2 -> "GET /containers/web/logs?stdout=1&follow=1";
            default -> "POST /containers/web/attach?stream=1&stdout=1";
          };
      assertEquals("HTTP/1.1 200 OK", hold(request), request);
    }
    var refused = api.get("/events");
    assertEquals(503, refused.status());
    assertTrue(
        refused.body().contains("too many connections are held") && refused.body().contains("400"),
        refused.body());
    assertEquals(200, api.get("/containers/json").status());
    assertEquals(200, api.get("/_ping").status());
    clients.remove(0).close();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!hold("GET /events").contains("200")) {
      assertTrue(System.nanoTime() < deadline, "none is given back");
    }
  }

  @Test
  void whoAsksForNothingThatLastsHoldsNothing() throws Exception {
    for (int i = 0; i <= Api.MOST_HELD; i++) {
      assertEquals(404, api.post("/containers/nosuch/wait").status());
    }
    assertEquals("HTTP/1.1 200 OK", hold("GET /events"));
  }
}
