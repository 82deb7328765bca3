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
class DriversTest {

  private static final String OVERLAY = "/gantry/v1/drivers/StorageDriver/overlay";

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
  void driversAreListedAndShown() throws Exception {
    assertTrue(api.get("/gantry/v1/drivers").body().contains("\"name\":\"namespaces\""));
    var overlay = api.get(OVERLAY).json();
    assertEquals("active", overlay.text("state"));
    assertEquals(1000, overlay.number("p50Micros"));
    assertEquals(404, api.get("/gantry/v1/drivers/StorageDriver/no").status());
  }

  @Test
  void updateInstallRollbackAndDefaultReachTheEngine() throws Exception {
    assertEquals(200, api.post(OVERLAY + "/update", "{\"jar\":\"/x/a.jar\"}").status());
    assertEquals("update /x/a.jar", api.drivers.last);
    assertEquals(200, api.post("/gantry/v1/drivers/install", "{\"jar\":\"/x/b.jar\"}").status());
    assertEquals("install /x/b.jar", api.drivers.last);
    assertEquals(200, api.post(OVERLAY + "/rollback").status());
    assertEquals("rollback overlay", api.drivers.last);
    assertEquals(200, api.post(OVERLAY + "/default").status());
    assertEquals("default overlay", api.drivers.last);
  }

  @Test
  void aJarMustBeAnAbsolutePath() throws Exception {
    assertEquals(400, api.post(OVERLAY + "/update", "{\"jar\":\"a.jar\"}").status());
    assertEquals(400, api.post(OVERLAY + "/update", "{}").status());
    assertEquals("", api.drivers.last);
  }

  @Test
  void infoShowsDriversByDockersNames() throws Exception {
    var info = api.get("/info").json();
    assertEquals("overlay2", info.text("Driver"));
    assertEquals("runc", info.text("DefaultRuntime"));
  }
}
