package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.HostSpec.DeviceValue;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Limits as clients send them, with dockerd 28.5's answers. */
@Timeout(20)
class LimitRequestsTest {
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

  private Api.Reply create(String version, String host) throws Exception {
    return api.post(
        version + "/containers/create?name=web",
        "{\"Image\":\"busybox\",\"HostConfig\":{" + host.replace('\'', '"') + "}}");
  }

  private String echo(String version) throws Exception {
    return api.get(version + "/containers/web/json").body();
  }

  @Test
  void limitsOfDevicesAreReadAndShown() throws Exception {
    var reply =
        create(
            "",
            "'BlkioWeightDevice':[{'Path':'/dev/vda','Weight':200}],"
                + "'BlkioDeviceWriteBps':[{'Path':'/dev/vda','Rate':1048576}],"
                + "'BlkioDeviceReadIOps':[],'MemorySwappiness':60,'KernelMemoryTCP':1048576,"
                + "'CpuRealtimePeriod':1000,'CpuRealtimeRuntime':500");
    assertEquals(201, reply.status(), reply.body());
    var limits = api.containers.box("web").spec.host().limits();
    assertEquals(List.of(new DeviceValue("/dev/vda", 200)), limits.block().weights());
    assertEquals(List.of(new DeviceValue("/dev/vda", 1048576)), limits.block().writeBps());
    assertEquals(60, limits.swappiness());
    assertEquals(1048576, limits.kernelMemoryTcp());
    assertEquals(500, limits.realtime().runtime());
    String shown = echo("");
    for (String part :
        List.of(
            "\"BlkioWeightDevice\":[{\"Path\":\"/dev/vda\",\"Weight\":200}]",
            "\"BlkioDeviceWriteBps\":[{\"Path\":\"/dev/vda\",\"Rate\":1048576}]",
            "\"BlkioDeviceReadIOps\":[]",
            "\"BlkioDeviceReadBps\":null",
            "\"MemorySwappiness\":60",
            "\"KernelMemoryTCP\":1048576",
            "\"CpuRealtimePeriod\":1000,\"CpuRealtimeRuntime\":500")) {
      assertTrue(shown.contains(part), part + " in " + shown);
    }
  }

  @Test
  void kernelMemoryIsKnownToOldClientsOnly() throws Exception {
    create("/v1.41", "'KernelMemory':67108864");
    assertTrue(echo("/v1.41").contains("\"KernelMemory\":67108864"));
    api.containers.boxes.clear();
    create("/v1.42", "'KernelMemory':67108864");
    assertTrue(!echo("/v1.41").contains("\"KernelMemory\":"));
    var small = create("/v1.41", "'KernelMemory':5000");
    assertEquals(400, small.status());
    assertTrue(small.body().contains("Minimum kernel memory limit allowed is 6MB"), small.body());
  }

  @Test
  void aShareOfTheProcessorsInPercentIsForWindows() throws Exception {
    var reply = create("", "'CpuPercent':50");
    assertTrue(
        reply.body().contains("\"linux does not support CPU percent. Percent discarded.\""),
        reply.body());
    assertTrue(echo("").contains("\"CpuPercent\":0"));
    assertEquals(
        "{\"Warnings\":[\"linux does not support CPU percent. Percent discarded.\"]}\n",
        api.post("/containers/web/update", "{\"CpuPercent\":50}").body());
  }

  @Test
  void whatIsOnlyWarnedOfIsReadBeforeAnythingIsDone() throws Exception {
    var reply = create("", "'CpuPercent':'x'");
    assertEquals(400, reply.status(), reply.body());
    assertTrue(api.containers.boxes.isEmpty(), "a container was made");
    create("", "");
    assertEquals(
        400,
        api.post("/containers/web/update", "{\"Memory\":8388608,\"CpuPercent\":\"x\"}").status());
    assertNull(api.containers.lastUpdate, "the container was updated");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'BlkioWeight':-1|cannot unmarshal number -1 into Go struct field"
            + " CreateRequest.HostConfig.BlkioWeight of type uint16",
        "'BlkioWeight':70000|cannot unmarshal number 70000",
        "'BlkioDeviceReadBps':[{'Path':'/dev/vda','Rate':-1}]|number -1 into Go struct field",
        "'IOMaximumIOps':5|invalid option: QoS maximum IOPs configuration is not supported on linux",
        "'IOMaximumBandwidth':5|invalid option: QoS maximum bandwidth configuration is not"
            + " supported on linux",
      })
  void whatIsNoneIsRefused(String host, String sentence) throws Exception {
    var reply = create("", host.replace("''", "'"));
    assertEquals(400, reply.status(), reply.body());
    assertTrue(reply.body().contains(sentence), reply.body());
  }
}
