package io.gantry.launcher;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * Asks a running engine what clients ask first, for {@code gantryd --optimize}: the classes that
 * answer are then in the archive that the JVM writes at its end.
 */
final class Rehearsal {

  private static final List<String> PATHS =
      List.of("/_ping", "/version", "/info", "/containers/json?all=1", "/images/json", "/_ping");

  private final Path socket;

  Rehearsal(Path socket) {
    this.socket = socket;
  }

  /** Returns when all is answered, whatever the answers say. */
  void run() throws StartFailure {
    for (String path : PATHS) {
      try {
        get(path);
      } catch (IOException e) {
        throw new StartFailure(
            StartFailure.SOFTWARE, "no answer to " + path + " on " + socket + ": " + e, e);
      }
    }
  }

  private void get(String path) throws IOException {
    String request = "GET " + path + " HTTP/1.1\r\nHost: gantry\r\nConnection: close\r\n\r\n";
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      ByteBuffer out = ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII));
      while (out.hasRemaining()) {
        channel.write(out);
      }
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      ByteBuffer in = ByteBuffer.allocate(4096);
      while (channel.read(in) >= 0) {
        answer.write(in.array(), 0, in.position());
        in.clear();
      }
      if (answer.size() == 0) {
        throw new IOException("the connection was closed");
      }
    }
  }
}
