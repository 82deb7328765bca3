package io.gantry.rest.http;

import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.INTERNAL;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A channel that clients reach the API by, opened by its address ({@code unix:///path} or {@code
 * tcp://address:port}).
 *
 * @param socket file to take away at the end, or null
 */
record Listening(String address, ServerSocketChannel channel, @Nullable Path socket)
    implements AutoCloseable {

  private static final int MAX_PATH = 107;

  /**
   * @param group owner of a Unix socket, or empty
   * @param access how TCP is served
   * @throws GantryException with a sentence for the operator
   */
  static Listening open(String address, String group, TcpAccess access) {
    int colon = address.indexOf("://");
    String scheme = colon < 0 ? "" : address.substring(0, colon).toLowerCase(Locale.ROOT);
    String rest = colon < 0 ? address : address.substring(colon + 3);
    try {
      return switch (scheme) {
        case "unix" -> unix(address, Path.of(rest), group);
        case "tcp" -> tcp(address, rest, access);
        default ->
            throw new GantryException(
                INVALID, "cannot listen on " + address + ": use unix:///PATH or tcp://HOST:PORT");
      };
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "cannot listen on " + address + ": " + e.getMessage(), e);
    }
  }

  /**
   * Makes the socket under a name of its own in a directory nobody else may enter and moves it when
   * its mode and owner are right: there is no moment at which others could connect.
   */
  private static Listening unix(String address, Path path, String group) throws IOException {
    if (!path.isAbsolute() || path.toString().length() > MAX_PATH - 12) {
      throw new GantryException(
          INVALID,
          "cannot listen on " + address + ": the path must be absolute and at most 95 characters");
    }
    removeStale(address, path);
    Path parent = Files.createDirectories(java.util.Objects.requireNonNull(path.getParent()));
    Path nursery =
        Files.createTempDirectory(
            parent,
            ".",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    ServerSocketChannel channel = ChannelConnector.openUnix();
    try {
      Path newborn = nursery.resolve("s");
      channel.bind(UnixDomainSocketAddress.of(newborn));
      Files.setPosixFilePermissions(newborn, PosixFilePermissions.fromString("rw-rw----"));
      if (!group.isEmpty()) {
        give(newborn, group);
      }
      Files.move(newborn, path, StandardCopyOption.ATOMIC_MOVE);
      return new Listening(address, channel, path);
    } catch (IOException | RuntimeException e) {
      channel.close();
      Files.deleteIfExists(nursery.resolve("s"));
      throw e;
    } finally {
      Files.deleteIfExists(nursery);
    }
  }

  private static void removeStale(String address, Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS) || Files.isDirectory(path)) {
      throw new GantryException(
          CONFLICT, "cannot listen on " + address + ": there is something that is no socket");
    }
    try (var unused = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      throw new GantryException(
          CONFLICT, "cannot listen on " + address + ": another process answers there");
    } catch (ConnectException e) {
      Files.delete(path); // nobody listens: left over by a process that was killed
    }
  }

  private static void give(Path socket, String group) throws IOException {
    var principals = socket.getFileSystem().getUserPrincipalLookupService();
    Files.getFileAttributeView(socket, PosixFileAttributeView.class)
        .setGroup(principals.lookupPrincipalByGroupName(group));
  }

  private static Listening tcp(String address, String hostAndPort, TcpAccess access)
      throws IOException {
    int colon = hostAndPort.lastIndexOf(':');
    boolean hasPort = colon >= 0 && !hostAndPort.endsWith("]");
    String host = hasPort ? hostAndPort.substring(0, colon) : hostAndPort;
    int port = hasPort ? port(address, hostAndPort.substring(colon + 1)) : access.defaultPort();
    InetAddress where =
        InetAddress.getByName(host.isEmpty() ? "127.0.0.1" : host.replaceAll("[\\[\\]]", ""));
    access.check(address, where);
    ServerSocketChannel channel = ServerSocketChannel.open();
    try {
      channel.bind(new InetSocketAddress(where, port));
      return new Listening(address, channel, null);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  private static int port(String address, String text) {
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new GantryException(INVALID, "cannot listen on " + address + ": bad port " + text);
  }

  /** Stops listening; may be repeated. */
  @Override
  public void close() {
    try {
      channel.close();
      if (socket != null) {
        Files.deleteIfExists(socket);
      }
    } catch (IOException e) {
      throw new GantryException(INTERNAL, "close " + address + ": " + e.getMessage(), e);
    }
  }
}
