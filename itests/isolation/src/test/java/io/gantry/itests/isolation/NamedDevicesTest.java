package io.gantry.itests.isolation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices that a vendor's file describes, in a container that asks for them by name. */
@Tag("root")
class NamedDevicesTest {

  private static final String FILE =
      """
      {"cdiVersion": "0.6.0", "kind": "vendor.com/net", "devices": [{"name": "one", "containerEdits": {
        "env": ["VENDOR=1"], "additionalGids": [44],
        "deviceNodes": [{"path": "/dev/vendor/full", "hostPath": "/dev/full", "permissions": "r",
                         "fileMode": 384, "uid": 7, "gid": 8}],
        "mounts": [{"hostPath": "%s", "containerPath": "/opt/vendor", "options": ["ro", "nosuid"]}]}}]}
      """;

  @Test
  void aContainerGetsWhatTheFileOfTheVendorSays(@TempDir Path etc) throws IOException {
    Path folder = Files.createDirectory(etc.resolve("cdi"));
    Files.writeString(folder.resolve("vendor.json"), FILE.formatted(folder));
    Files.writeString(
        etc.resolve("io.gantry.engine.json"), "{\"cdiSpecDirs\": [\"" + folder + "\"]}");
    try (Instance instance = Instance.start("--etc", etc.toString())) {
      var engine = new Engine(instance.socket(), "/v1.51");
      engine.load(Image.tar());
      var info = engine.json("GET", "/info", "");
      assertEquals("[\"" + folder + "\"]", info.path("CDISpecDirs").toString());
      var facts =
          Probe.run(
              engine,
              """
              {"Image": "isolation-probe", "Cmd": ["/world"], "HostConfig": {"NetworkMode": "none",
               "DeviceRequests": [{"Driver": "cdi", "DeviceIDs": ["vendor.com/net=one"]}]}}
              """);
      assertEquals("1", facts.get("env.VENDOR"));
      assertEquals("c 1:7 600 7:8 opens", facts.get("dev.vendor/full"));
      assertEquals("0 44", facts.get("status.Groups"));
      assertEquals("ro,nosuid", facts.get("mount./opt/vendor").split(" ", -1)[1].substring(0, 9));
    }
  }
}
