package io.gantry.engine.spec;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.api.HostSpec;
import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.HostSpec.Ulimit;
import io.gantry.engine.container.Specs;
import java.util.List;
import org.junit.jupiter.api.Test;

class CreateWarningsTest {
  /** As /proc/self/limits has them. */
  private static final String LIMITS =
      """
      Limit                     Soft Limit           Hard Limit           Units
      Max core file size        0                    unlimited            bytes
      Max processes             96365                96365                processes
      Max open files            1024                 20000                files
      Max nice priority         0                    0
      """;

  @Test
  void warningsDoNotDependOnOneAnother() {
    var spec =
        Specs.spec(
            s -> {
              s.networkMode = "host";
              s.ports = List.of(new PortRequest("80/tcp", "", "80"));
              s.ulimits = List.of(new Ulimit("nofile", 1, 30000), new Ulimit("core", -1, -1));
            });
    var told = CreateWarnings.of(spec, () -> Ceilings.of(false, LIMITS, "1048576"));
    assertEquals(
        List.of(
            "The ulimit nofile is above what this engine may set: limited to 20000.",
            "Published ports are discarded when using host network mode"),
        told);
  }

  @Test
  void aPortThatIsNotPublishedIsToldOf() {
    var port = new PortRequest("80/tcp", "", "80");
    var idle = new HostSpec.Publishing(List.of(), false, List.of(port));
    var spec = Specs.spec(s -> s.networkMode = "bridge");
    var asked = spec.with(spec.host().with(idle));
    assertEquals(
        List.of("The port 80/tcp is not exposed and not published."),
        CreateWarnings.of(asked, () -> Ceilings.of(false, LIMITS, "9")));
  }

  @Test
  void whoMayRaiseLimitsIsBoundByTheKernelAlone() {
    var ceilings = Ceilings.of(true, LIMITS, "1048576");
    assertEquals("", ceilings.above(new Ulimit("NOFILE", 1, 1048576)).orElse(""));
    assertEquals(
        "The ulimit nofile is above what this engine may set: limited to 1048576.",
        ceilings.above(new Ulimit("nofile", 1, -1)).orElse(""));
    assertEquals("", ceilings.above(new Ulimit("nproc", 1, -1)).orElse(""));
    assertEquals(
        "The ulimit nproc is above what this engine may set: limited to 96365.",
        Ceilings.of(false, LIMITS, "9").above(new Ulimit("nproc", 1, -1)).orElse(""));
  }
}
