package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.ContainerStats;
import io.gantry.api.ContainerStats.Count;
import io.gantry.api.ContainerStats.Cpu;
import io.gantry.api.ContainerStats.Flow;
import io.gantry.api.ContainerStats.Interface;
import io.gantry.api.ContainerStats.Io;
import io.gantry.api.ContainerStats.Memory;
import io.gantry.api.ContainerStats.Pids;
import io.gantry.api.ContainerStats.Usage;
import io.gantry.rest.json.JsonObject;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What containers use, in the form that {@code docker stats} reads. */
@Timeout(20)
class StatsTest {
  @TempDir Path directory;
  private Api api;

  @BeforeEach
  void start() throws Exception {
    api = new Api(directory);
    api.post("/containers/create?name=gold", "{\"Image\":\"busybox\"}");
  }

  @AfterEach
  void stop() {
    assertEquals(0, api.containers.openFeeds);
    api.close();
  }

  static Usage usage(int second, int version) {
    var flow = new Flow(1096, 12, 0, 0);
    return new Usage(
        Instant.ofEpochSecond(1795416600L + second, 5),
        version,
        new Cpu(
            94354007L + second,
            version == 1 ? List.of(72049447L, 22304560L) : List.of(),
            20_000_000,
            60_000_000,
            0,
            0,
            0,
            5_209_650_000_000L,
            2),
        new Memory(344064, version == 1 ? 5189632 : 0, 67108864, 0, Map.of("pgfault", 3387L)),
        new Pids(1, ContainerStats.UNLIMITED),
        new Io(List.of(), List.of()),
        Map.of("eth0", new Interface(flow, flow)));
  }

  private ContainerStats sample(@Nullable Usage now, @Nullable Usage before) {
    return new ContainerStats(api.containers.box("gold").id, "gold", now, before);
  }

  private void runs(int version) throws Exception {
    api.post("/containers/gold/start");
    api.containers.samples.add(sample(usage(0, version), null));
    api.containers.samples.add(sample(usage(1, version), usage(0, version)));
    api.containers.samples.add(sample(usage(2, version), usage(1, version)));
  }

  @Test
  void aSampleHasTheShapeOfDockers() throws Exception {
    runs(1);
    var reply = api.get("/containers/gold/stats?stream=0");
    assertEquals("application/json", reply.type());
    assertEquals(GoldenTest.shape(GoldenTest.recorded("stats")), GoldenTest.shape(reply.body()));
    assertEquals(1, reply.body().lines().count());
    var json = reply.json();
    assertEquals("/gold", json.text("name"));
    assertEquals("2026-11-23T06:50:01.000000005Z", json.text("read"));
    assertEquals("2026-11-23T06:50:00.000000005Z", json.text("preread"));
    assertEquals(94354008, json.object("cpu_stats").object("cpu_usage").number("total_usage"));
    assertEquals(94354007, json.object("precpu_stats").object("cpu_usage").number("total_usage"));
    assertEquals(3387, json.object("memory_stats").object("stats").number("pgfault"));
    assertEquals(1096, json.object("networks").object("eth0").number("rx_bytes"));
  }

  @Test
  void aStreamHasEverySampleAndTheFirstHasNoneBeforeIt() throws Exception {
    runs(1);
    var lines = api.get("/containers/gold/stats").body().lines().toList();
    assertEquals(3, lines.size());
    assertTrue(lines.get(0).contains("\"preread\":\"0001-01-01T00:00:00Z\""), lines.get(0));
    assertTrue(
        lines
            .get(0)
            .contains(
                "\"precpu_stats\":{\"cpu_usage\":{\"total_usage\":0,\"usage_in_kernelmode\":0,"
                    + "\"usage_in_usermode\":0},\"throttling_data\":{\"periods\":0,"
                    + "\"throttled_periods\":0,\"throttled_time\":0}}"),
        lines.get(0));
  }

  @Test
  void oneShotDoesNotWaitForASecondSample() throws Exception {
    runs(1);
    var json = api.get("/containers/gold/stats?stream=false&one-shot=true").json();
    assertEquals("0001-01-01T00:00:00Z", json.text("preread"));
    // Clients of before 1.41 know no such thing.
    json = api.get("/v1.40/containers/gold/stats?stream=false&one-shot=true").json();
    assertEquals("2026-11-23T06:50:00.000000005Z", json.text("preread"));
    var both = api.get("/containers/gold/stats?one-shot=1");
    assertEquals(400, both.status());
    assertEquals("{\"message\":\"cannot have stream=true and one-shot=true\"}\n", both.body());
  }

  @Test
  void oneThatDoesNotRunUsesNothing() throws Exception {
    var body = api.get("/containers/gold/stats?stream=false").body();
    String none =
        "{\"cpu_usage\":{\"total_usage\":0,\"usage_in_kernelmode\":0,\"usage_in_usermode\":0},"
            + "\"throttling_data\":{\"periods\":0,\"throttled_periods\":0,\"throttled_time\":0}}";
    assertEquals(
        "{\"name\":\"/gold\",\"id\":\""
            + api.containers.box("gold").id
            + "\",\"read\":\"0001-01-01T00:00:00Z\",\"preread\":\"0001-01-01T00:00:00Z\","
            + "\"pids_stats\":{},\"blkio_stats\":{\"io_service_bytes_recursive\":null,"
            + "\"io_serviced_recursive\":null,\"io_queue_recursive\":null,"
            + "\"io_service_time_recursive\":null,\"io_wait_time_recursive\":null,"
            + "\"io_merged_recursive\":null,\"io_time_recursive\":null,\"sectors_recursive\":null},"
            + "\"num_procs\":0,\"storage_stats\":{},\"cpu_stats\":"
            + none
            + ",\"precpu_stats\":"
            + none
            + ",\"memory_stats\":{}}\n",
        body);
    var gone = api.get("/containers/nosuch/stats");
    assertEquals(404, gone.status());
    assertEquals("{\"message\":\"No such container: nosuch\"}\n", gone.body());
  }

  @Test
  void onVersion2ThereIsWhatItCounts() throws Exception {
    runs(2);
    var body = api.get("/containers/gold/stats?stream=false").body();
    var json = JsonObject.parse(body, "Stats");
    assertTrue(
        body.contains("\"pids_stats\":{\"current\":1,\"limit\":18446744073709551615}"), body);
    assertFalse(body.contains("percpu_usage"), body);
    assertFalse(body.contains("max_usage"), body);
    assertFalse(body.contains("total_pgfault"), body);
    assertTrue(body.contains("\"io_service_bytes_recursive\":null"), body);
    assertEquals(3387, json.object("memory_stats").object("stats").number("pgfault"));
    assertEquals(0, json.object("memory_stats").object("stats").number("anon"));
    api.containers.samples.clear();
    var now = usage(0, 2);
    var io = new ContainerStats.Io(List.of(new Count(8, 0, "read", 4096)), List.of());
    api.containers.samples.add(
        sample(new Usage(now.time(), 2, now.cpu(), now.memory(), now.pids(), io, Map.of()), null));
    body = api.get("/containers/gold/stats?stream=false&one-shot=1").body();
    assertTrue(
        body.contains(
            "\"io_service_bytes_recursive\":[{\"major\":8,\"minor\":0,\"op\":\"read\","
                + "\"value\":4096}]"),
        body);
    assertFalse(body.contains("networks"), body);
  }
}
