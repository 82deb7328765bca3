package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class PortsTest {
  private static final String WEB = "/gantry/v1/containers/web/ports";
  private static final String ONE =
      "{\"ports\":[{\"port\":\"80/tcp\",\"hostAddress\":\"::1\",\"hostPort\":\"8080\"}]}";

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

  @Test
  void portsComeAndGo() throws Exception {
    assertEquals("[]\n", api.get(WEB).body());
    var answer = api.post(WEB + "/publish", ONE);
    assertEquals(200, answer.status());
    String port =
        "{\"container\":\"abc\",\"name\":\"web\",\"protocol\":\"tcp\",\"hostAddress\":\"::1\","
            + "\"hostPort\":8080,\"network\":\"bridge\",\"address\":\"172.17.0.2\",\"port\":80,"
            + "\"mapper\":\"nat\",\"proxied\":true}";
    assertEquals("[" + port + "]\n", answer.body());
    assertEquals("[" + port + "]\n", api.get("/gantry/v1/ports").body());
    assertEquals("[]\n", api.post(WEB + "/unpublish", ONE).body());
    assertEquals(404, api.get("/gantry/v1/containers/no/ports").status());
    assertEquals(404, api.post("/gantry/v1/containers/no/ports/publish", ONE).status());
  }

  @Test
  void whatNamesNoPortIsRefused() throws Exception {
    assertEquals(400, api.post(WEB + "/publish", "{}").status());
    assertEquals(400, api.post(WEB + "/publish", "{\"ports\":[]}").status());
    assertEquals(400, api.post(WEB + "/unpublish", "{\"ports\":[80]}").status());
    assertEquals("[]\n", api.get(WEB).body());
  }

  @Test
  void networksAreListedWithTheirDrivers() throws Exception {
    String all = api.get("/gantry/v1/networks").body();
    assertTrue(all.contains("\"driverState\":\""), all);
    assertTrue(all.contains("\"name\":\"bridge\""), all);
    assertEquals(404, api.get("/gantry/v1/networks/nosuch").status());
  }
}
