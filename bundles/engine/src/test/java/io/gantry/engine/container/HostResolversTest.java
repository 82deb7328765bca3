package io.gantry.engine.container;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom the host asks for names, as a container elsewhere needs to know it. */
class HostResolversTest {
  private static final String STUB = "nameserver 127.0.0.53\nsearch lan.example\n";
  private static final String ASKED = "nameserver 192.0.2.53\nsearch lan.example\n";

  @TempDir Path etc;
  @TempDir Path systemd;

  private String resolvers(boolean apart) {
    return OwnFiles.resolvers(apart, etc, systemd);
  }

  @Test
  void systemdsResolverSaysWhomItAsks() throws IOException {
    Files.writeString(etc.resolve("resolv.conf"), STUB);
    Files.writeString(systemd.resolve("resolv.conf"), ASKED);
    assertEquals(ASKED, resolvers(true));
    assertEquals(STUB, resolvers(false));
  }

  @Test
  void oneThatDoesNotSayItHasSearchDomainsAllTheSame() throws IOException {
    Files.writeString(etc.resolve("resolv.conf"), STUB);
    assertEquals(STUB, resolvers(true));
    Files.writeString(systemd.resolve("resolv.conf"), "");
    assertEquals(STUB, resolvers(true));
  }

  @Test
  void aHostWithoutResolversHasNone() {
    assertEquals("", resolvers(true));
  }
}
