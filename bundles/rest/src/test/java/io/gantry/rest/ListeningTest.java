package io.gantry.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.rest.http.ApiServer;
import io.gantry.rest.http.Router;
import io.gantry.rest.http.TcpAccess;
import io.gantry.spi.GantryException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class ListeningTest {

  @TempDir Path directory;

  private static ApiServer server() {
    return new ApiServer(new Router(List.of()), new FakeEngine(), "", TcpAccess.PLAIN);
  }

  @Test
  void aSocketIsForItsOwnerAndGroupOnlyAndGoesWithTheServer() throws Exception {
    Path socket = directory.resolve("a.sock");
    try (var server = server()) {
      server.listen("unix://" + socket, "");
      assertEquals(
          "rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
      try (var files = Files.list(directory)) {
        assertEquals(List.of(socket), files.toList());
      }
    }
    assertFalse(Files.exists(socket));
  }

  @Test
  void aStaleSocketIsReplaced() throws Exception {
    Path socket = directory.resolve("a.sock");
    try (var stale = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      stale.bind(UnixDomainSocketAddress.of(socket));
    }
    assertTrue(Files.exists(socket));
    try (var server = server()) {
      server.listen("unix://" + socket, "");
      server.start();
      try (var client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
        Api.send(client, "GET /x HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
        assertEquals(404, Api.parse(Api.readAll(client)).status());
      }
    }
  }

  @Test
  void aSocketInUseIsRefusedAndLeftAlone() throws Exception {
    Path socket = directory.resolve("a.sock");
    try (var other = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        var server = server()) {
      other.bind(UnixDomainSocketAddress.of(socket));
      var refused =
          assertThrows(GantryException.class, () -> server.listen("unix://" + socket, ""));
      assertTrue(refused.getMessage().contains("another process"), refused.getMessage());
      SocketChannel.open(UnixDomainSocketAddress.of(socket)).close();
    }
  }

  @Test
  void aFileInTheWayIsRefusedAndLeftAlone() throws Exception {
    Path file = Files.writeString(directory.resolve("a.sock"), "precious");
    try (var server = server()) {
      assertThrows(GantryException.class, () -> server.listen("unix://" + file, ""));
    }
    assertEquals("precious", Files.readString(file));
  }

  @Test
  void anUnknownGroupLeavesNothingBehind() throws Exception {
    Path socket = directory.resolve("a.sock");
    try (var server = server()) {
      assertThrows(
          GantryException.class, () -> server.listen("unix://" + socket, "no-such-group-here"));
    }
    try (var files = Files.list(directory)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void tcpBeyondLoopbackNeedsCertificatesOfClients() {
    try (var server = server()) {
      for (String host : List.of("tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:2375")) {
        var refused = assertThrows(GantryException.class, () -> server.listen(host, ""));
        assertTrue(refused.getMessage().contains("--tlsverify"), refused.getMessage());
      }
      server.listen("tcp://127.0.0.1:0", "");
      for (String host :
          List.of("ftp://x", "/run/x.sock", "unix://relative", "tcp://127.0.0.1:x")) {
        assertThrows(GantryException.class, () -> server.listen(host, ""), host);
      }
    }
  }

  @Test
  void anInheritedChannelOutlivesTheServer() throws Exception {
    Path socket = directory.resolve("a.sock");
    try (var inherited = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      inherited.bind(UnixDomainSocketAddress.of(socket));
      for (int round = 0; round < 3; round++) {
        try (var early = SocketChannel.open(UnixDomainSocketAddress.of(socket))) { // nobody serves
          Api.send(early, "GET /x HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
          try (var server = server()) {
            server.serve(inherited);
            server.start();
            assertEquals(404, Api.parse(Api.readAll(early)).status());
          }
        }
        assertTrue(inherited.isOpen());
      }
    }
  }
}
