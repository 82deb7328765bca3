package io.gantry.rest.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.rest.json.JsonObject;
import java.util.List;
import org.junit.jupiter.api.Test;

class ContainerSpecsTest {

  private static List<PortRequest> ports(String bindings) {
    var host = "{\"PortBindings\":" + bindings + "}";
    return ContainerSpecs.ports(JsonObject.parse(host, "HostConfig"));
  }

  @Test
  void aBindingThatNamesNoPortMeansAny() {
    assertEquals(List.of(new PortRequest("80/tcp", "", "")), ports("{\"80\":[{}]}"));
  }

  @Test
  void aPortWithoutBindingsIsNotPublished() {
    assertEquals(List.of(), ports("{\"80/tcp\":null,\"81/tcp\":[]}"));
  }
}
