package io.gantry.portmap.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.network.PortMapping;
import io.gantry.spi.network.Proxied;
import io.gantry.spi.testkit.PortMapperContract;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProxyMapperTest extends PortMapperContract {

  @Override
  protected PortMapper mapper(String instance) {
    return new ProxyMapper();
  }

  @Override
  protected void letGo(PortMapper mapper) {
    // it has nothing that would go on
  }

  @Test
  void everyPortIsForTheProxyWhateverItsFamily() {
    var ports =
        List.of(
            new PortMapping("a", "tcp", "0.0.0.0", 8080, "10.50.0.2", 80),
            new PortMapping("b", "udp", "::", 8080, "10.50.0.2", 53));
    assertEquals(
        List.of(new Proxied("a", "10.50.0.2", 80), new Proxied("b", "10.50.0.2", 53)), map(ports));
  }

  @Test
  void whatTheProxyCannotServeIsRefused() {
    var port = new PortMapping("a", "sctp", "0.0.0.0", 8080, "10.50.0.2", 80);
    var refused = assertThrows(GantryException.class, () -> map(List.of(port)));
    assertEquals(Kind.UNSUPPORTED, refused.kind());
  }
}
