package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumesTest {

  @TempDir Path temp;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(temp);
  }

  @AfterEach
  void stop() {
    api.close();
  }

  /** As dockerd 28 answers to it. */
  private static final String CREATED =
      "{\"CreatedAt\":\"2026-11-23T06:50:04Z\",\"Driver\":\"local\",\"Labels\":{\"a\":\"b\"},"
          + "\"Mountpoint\":\"/var/lib/docker/volumes/gv/_data\",\"Name\":\"gv\",\"Options\":null,"
          + "\"Scope\":\"local\"}\n";

  @Test
  void aVolumeIsMadeAndShown() throws Exception {
    var made = api.post("/volumes/create", "{\"Name\":\"gv\",\"Labels\":{\"a\":\"b\"}}");
    assertEquals(201, made.status());
    assertEquals(CREATED, made.body());
    assertEquals(CREATED, api.get("/volumes/gv").body());
    assertEquals(204, api.ask("DELETE", "/volumes/gv", "").status());
    assertEquals(404, api.get("/volumes/gv").status());
  }

  @Test
  void emptyMapsAreWhatTheyWereAskedAs() throws Exception {
    var body = api.post("/volumes/create", "{\"Name\":\"gv\",\"DriverOpts\":{}}").body();
    assertTrue(body.contains("\"Labels\":null"), body);
    assertTrue(body.contains("\"Options\":{}"), body);
  }

  @Test
  void aDriverThatIsNotThereIsNotFound() throws Exception {
    var reply = api.post("/volumes/create", "{\"Name\":\"x\",\"Driver\":\"nosuch\"}");
    assertEquals(404, reply.status());
    assertEquals(
        "create x: error looking up volume plugin nosuch: plugin \"nosuch\" not found",
        reply.json().text("message"));
  }

  @Test
  void listsAreFiltered() throws Exception {
    api.volumes.add("one", Map.of("k", "v"));
    api.volumes.add("two", Map.of(), "someone");
    assertEquals(List.of("one", "two"), listed("{}"));
    assertEquals(List.of("one"), listed("{\"dangling\":[\"true\"]}"));
    assertEquals(List.of("two"), listed("{\"dangling\":{\"0\":true}}"));
    assertEquals(List.of("one"), listed("{\"label\":[\"k=v\"]}"));
    assertEquals(List.of("two"), listed("{\"name\":[\"tw\"]}"));
    assertEquals(List.of(), listed("{\"driver\":[\"nfs\"]}"));
  }

  private List<String> listed(String filters) throws Exception {
    return api.get("/volumes?filters=" + encoded(filters)).json().objects("Volumes").stream()
        .map(volume -> volume.text("Name"))
        .toList();
  }

  @Test
  void pruneTakesWhatTheVersionOfTheApiMeans() throws Exception {
    assertEquals(Set.of("anonymous"), pruned("/v1.42", "{}"));
    assertEquals(Set.of("anonymous", "named"), pruned("/v1.41", "{}"));
    assertEquals(Set.of("anonymous", "named"), pruned("", "{\"all\":[\"true\"]}"));
    assertEquals(Set.of("named"), pruned("", "{\"all\":[\"1\"],\"label\":[\"k\"]}"));
    assertEquals(
        400, api.post("/v1.41/volumes/prune?filters=" + encoded("{\"all\":[\"1\"]}")).status());
    assertTrue(
        api.post("/volumes/prune?filters=" + encoded("{\"label\":[\"x\"]}"))
            .body()
            .startsWith("{\"VolumesDeleted\":[],"));
  }

  private Set<String> pruned(String version, String filters) throws Exception {
    api.volumes.all.clear();
    api.volumes.add("anonymous", Map.of("com.docker.volume.anonymous", ""));
    api.volumes.add("named", Map.of("k", "v"));
    api.volumes.add("used", Map.of("com.docker.volume.anonymous", "", "k", "v"), "someone");
    var reply = api.post(version + "/volumes/prune?filters=" + encoded(filters));
    assertTrue(api.volumes.all.containsKey("used"));
    return Set.copyOf(reply.json().texts("VolumesDeleted"));
  }

  @Test
  void diskUsageHasWhatIsAskedFor() throws Exception {
    api.volumes.add("gvol", Map.of(), "someone");
    api.post("/containers/create?name=probe", "{\"Image\":\"busybox\",\"Cmd\":[\"sleep\"]}");
    var all = api.get("/system/df").json();
    assertEquals(3_976_263, all.number("LayersSize"));
    assertEquals(1_983_418, all.objects("Images").get(0).number("SharedSize"));
    assertEquals(1, all.objects("Containers").size());
    var usage = all.objects("Volumes").get(0).object("UsageData");
    assertEquals(1, usage.number("RefCount"));
    assertEquals(0, usage.number("Size"));
    assertEquals(List.of(), all.objects("BuildCache"));

    var some = api.get("/system/df?type=volume&type=build-cache").json();
    assertEquals(0, some.number("LayersSize"));
    assertNull(some.raw("Images"));
    assertNull(some.raw("Containers"));
    assertEquals(1, some.objects("Volumes").size());
    assertFalse(api.get("/v1.41/system/df?type=volume").json().objects("Images").isEmpty());
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
