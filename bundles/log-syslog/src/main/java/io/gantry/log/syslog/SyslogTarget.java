package io.gantry.log.syslog;

import static io.gantry.spi.GantryException.Kind.EXHAUSTED;
import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.spi.GantryException;
import io.gantry.spi.log.LogBatch;
import io.gantry.spi.log.LogDriver;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * Where one container's lines go. Connects when there are lines, and again when the server has
 * gone. A stream says nothing of what has arrived: when its end is seen shortly after something was
 * written, that is a failure, after which the engine gives again what may be lost. A server that
 * takes a batch too slowly is left alone for now; the same batch goes on where it was.
 *
 * <p>Used by one thread at a time.
 */
final class SyslogTarget {
  private static final List<String> OF_HOST =
      List.of("/dev/log", "/var/run/syslog", "/var/run/log");

  private final SyslogOptions options;
  private final @Nullable TlsFiles tls;
  private final String host;
  private final String tag;
  private final ScheduledExecutorService watchdog;
  private final Duration patience;
  private @Nullable Wire wire;
  private long lastAt; // something was written to the wire
  private String begun = ""; // the batch that the wire has taken in part
  private int taken; // messages of it
  private volatile String failure = "";

  SyslogTarget(
      SyslogOptions options,
      @Nullable TlsFiles tls,
      String host,
      String tag,
      ScheduledExecutorService watchdog,
      Duration patience) {
    this.options = options;
    this.tls = tls;
    this.host = host;
    this.tag = tag;
    this.watchdog = watchdog;
    this.patience = patience;
  }

  /** Why nothing could be sent, last time; empty when it could. */
  String failure() {
    return failure;
  }

  void append(LogBatch batch) {
    boolean counted =
        options.address().scheme().equals(SyslogAddress.TLS)
            && (options.format() == SyslogFormat.RFC5424
                || options.format() == SyslogFormat.RFC5424MICRO);
    var messages = new ArrayList<byte[]>(batch.lines().size());
    for (var line : batch.lines()) {
      messages.add(
          options
              .format()
              .message(
                  line, options.facility(), host, tag, ProcessHandle.current().pid(), counted));
    }
    try {
      if (!send(batch.id(), messages)) {
        failure = options.address() + ": takes lines slowly";
        throw new GantryException(EXHAUSTED, failure);
      }
      failure = "";
    } catch (IOException e) {
      close();
      failure = options.address() + ": " + e.getMessage();
      throw new GantryException(UNAVAILABLE, failure, e);
    }
  }

  /** False when the patience is over before all is sent. */
  private boolean send(String batch, List<byte[]> messages) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    var open = connected();
    if (!batch.equals(begun)) {
      begun = batch;
      taken = 0;
    }
    while (taken < messages.size()) {
      int next = end(messages, taken, open.atOnce());
      open.send(messages.subList(taken, next));
      taken = next;
      lastAt = System.nanoTime();
      if (lastAt - end >= 0) {
        return taken == messages.size();
      }
    }
    return true;
  }

  /** As many from there on as fit, and one at least. */
  private static int end(List<byte[]> messages, int begin, int most) {
    int end = begin + 1;
    int bytes = messages.get(begin).length;
    while (end < messages.size() && bytes + messages.get(end).length <= most) {
      bytes += messages.get(end).length;
      end++;
    }
    return end;
  }

  private Wire connected() throws IOException {
    Wire open = wire;
    if (open != null && open.isBroken()) {
      close();
      open = null;
      if (System.nanoTime() - lastAt < LogDriver.DOUBTFUL.toNanos()) {
        throw new SocketException("the server has closed the connection");
      }
    }
    if (open == null) {
      open = connect();
      wire = open;
    }
    return open;
  }

  private Wire connect() throws IOException {
    var address = options.address();
    return switch (address.scheme()) {
      case "" -> ofHost();
      case "unixgram" -> DatagramWire.unix(address.target(), patience);
      case "unix" -> unix(address.target());
      case "udp" -> DatagramWire.udp(resolved(address));
      case "tcp" -> StreamWire.connect(SocketChannel.open(), resolved(address), patience);
      default ->
          TlsWire.connect(
              Objects.requireNonNull(tls), address.host(), resolved(address), watchdog, patience);
    };
  }

  private StreamWire unix(String path) throws IOException {
    return StreamWire.connect(
        SocketChannel.open(StandardProtocolFamily.UNIX),
        UnixDomainSocketAddress.of(path),
        patience);
  }

  private static InetSocketAddress resolved(SyslogAddress address) throws IOException {
    var resolved = new InetSocketAddress(address.host(), address.port());
    if (resolved.isUnresolved()) {
      throw new UnknownHostException("lookup " + address.host() + ": no such host");
    }
    return resolved;
  }

  private Wire ofHost() throws IOException {
    for (String path : OF_HOST) {
      if (Files.exists(Path.of(path))) {
        try {
          return DatagramWire.unix(path, patience);
        } catch (IOException e) {
          return unix(path);
        }
      }
    }
    throw new IOException("Unix syslog delivery error");
  }

  /** Lets go of the connection. */
  void close() {
    Wire open = wire;
    wire = null;
    begun = "";
    if (open != null) {
      open.close();
    }
  }
}
