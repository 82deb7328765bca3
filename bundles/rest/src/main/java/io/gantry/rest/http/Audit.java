package io.gantry.rest.http;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;
import java.security.cert.X509Certificate;
import java.util.Set;
import jdk.net.ExtendedSocketOptions;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.Request;

/**
 * Says who asked for what: with a Unix socket the user and group of the client's process, with TLS
 * the subject of its certificate, else where it came from. Level INFO for what changes something,
 * asked by somebody who was not root on this host already; DEBUG for the rest. Paths only: queries
 * and bodies may hold secrets.
 */
final class Audit {

  private static final Logger log = System.getLogger(Audit.class.getName());
  private static final Set<String> READING = Set.of("GET", "HEAD");

  private Audit() {}

  /**
   * Whether {@link #note} waits for nobody: who a process is, is looked up in the system's tables,
   * and a log may take its time.
   */
  static boolean isQuick(Request request) {
    EndPoint raw =
        ChannelConnector.raw(request.getConnectionMetaData().getConnection().getEndPoint());
    return !isNoted(request)
        || (!log.isLoggable(Level.DEBUG)
            && raw instanceof ClientEndPoint client
            && isRoot(client.knownProcess()));
  }

  private static boolean isNoted(Request request) {
    boolean changes = !READING.contains(request.getMethod());
    return log.isLoggable(Level.DEBUG) || (changes && log.isLoggable(Level.INFO));
  }

  static void note(Request request, String path) {
    if (isNoted(request)) {
      boolean changes = !READING.contains(request.getMethod());
      String who = who(request.getConnectionMetaData().getConnection().getEndPoint());
      Level level = changes && !isRoot(who) ? Level.INFO : Level.DEBUG;
      log.log(level, "{0} {1} by {2}", request.getMethod(), printable(path), who);
    }
  }

  private static boolean isRoot(String who) {
    return who.startsWith("user root,");
  }

  private static String who(EndPoint endPoint) {
    EndPoint raw = ChannelConnector.raw(endPoint);
    if (!(raw.getTransport() instanceof SocketChannel channel)) {
      return "somebody";
    }
    try {
      if (raw instanceof ClientEndPoint client
          && channel.supportedOptions().contains(ExtendedSocketOptions.SO_PEERCRED)) {
        return client.process();
      }
      return certified(endPoint) + channel.getRemoteAddress();
    } catch (IOException e) {
      return "a client that is gone";
    }
  }

  private static String certified(EndPoint endPoint) {
    var session = endPoint.getSslSessionData();
    X509Certificate[] shown = session == null ? null : session.peerCertificates();
    return shown == null || shown.length == 0
        ? "nobody in particular at "
        : shown[0].getSubjectX500Principal() + " at ";
  }

  /** A line of the log is a line. */
  private static String printable(String text) {
    return text.chars().allMatch(c -> c >= ' ' && c != 0x7f)
        ? text
        : text.replaceAll("\\p{Cntrl}", "?");
  }
}
