package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.rest.http.TcpAccess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages in a browser of this host against an API on loopback without TLS. */
@Timeout(180)
class BrowserTest {

  @TempDir Path directory;

  private int ask(String cors, String head) throws IOException {
    try (var channel = ServerSocketChannel.open()) {
      channel.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
      Path own = Files.createTempDirectory(directory, "api");
      try (var api = new Api(own, cors, TcpAccess.PLAIN, channel);
          var client = SocketChannel.open(channel.getLocalAddress())) {
        assertEquals(200, api.get("/_ping").status());
        Api.send(client, head + "\r\nConnection: close\r\n\r\n");
        return Api.parse(Api.readAll(client)).status();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost:2375",
        "127.0.0.1:2375",
        "[::1]:2375",
        "10.0.0.1",
        "api.moby.localhost"
      })
  void clientsThatUseAnAddressOrANameOfLoopbackAreServed(String host) throws IOException {
    assertEquals(200, ask("", "GET /_ping HTTP/1.1\r\nHost: " + host));
  }

  @Test
  void theNameOfThisMachineIsServed() throws IOException {
    String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
    assertEquals(200, ask("", "GET /_ping HTTP/1.1\r\nHost: " + name + ":2375"));
  }

  /** CVE-2025-9074 and its like: a page whose name is made to resolve to 127.0.0.1. */
  @ParameterizedTest
  @ValueSource(strings = {"evil.example:2375", "localhost.evil.example", "127.0.0.1.evil.example"})
  void aPageOfARebornNameIsRefused(String host) throws IOException {
    assertEquals(403, ask("", "POST /containers/create HTTP/1.1\r\nHost: " + host));
  }

  @Test
  void aPageOfAnotherSiteIsRefusedUnlessTheOperatorAllowsIt() throws IOException {
    String page =
        "POST /images/prune HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example"
            + "\r\nContent-Length: 0";
    assertEquals(403, ask("", page));
    assertEquals(403, ask("https://good.example", page));
    assertEquals(403, ask("", page.replace("https://evil.example", "null")));
    assertTrue(ask("*", page) != 403);
    assertTrue(ask("https://evil.example", page) != 403);
  }
}
