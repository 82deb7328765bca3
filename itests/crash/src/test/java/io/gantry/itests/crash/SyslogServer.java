package io.gantry.itests.crash;

import io.gantry.itests.harness.Eventually;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A syslog server on a Unix socket that keeps what each container's log brings, connection by
 * connection in the order in which they were made. Thread-safe.
 */
final class SyslogServer implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** RFC 5424 with the container's id as its tag. */
  private static final Pattern MESSAGE =
      Pattern.compile("<\\d+>1 \\S+ \\S+ ([0-9a-f]{64}) \\d+ [0-9a-f]{64} - (.*)");

  private record Message(String container, String line) {}

  private final Path path;
  private final ServerSocketChannel socket;
  private final List<List<Message>> connections = new ArrayList<>(); // guarded by this

  SyslogServer(Path path) {
    this.path = path;
    try {
      socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
      socket.bind(UnixDomainSocketAddress.of(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon(this::serve);
  }

  String address() {
    return "unix://" + path;
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "syslog");
    thread.setDaemon(true);
    thread.start();
  }

  private void serve() {
    try {
      while (true) {
        SocketChannel client = socket.accept();
        List<Message> messages = new ArrayList<>();
        synchronized (this) {
          connections.add(messages);
        }
        daemon(() -> read(client, messages));
      }
    } catch (IOException e) {
      // closed
    }
  }

  private void read(SocketChannel client, List<Message> messages) {
    try (client;
        var reader = new BufferedReader(Channels.newReader(client, StandardCharsets.US_ASCII))) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        Matcher message = MESSAGE.matcher(line);
        if (message.matches()) { // else it was cut by a death
          synchronized (this) {
            messages.add(new Message(message.group(1), message.group(2)));
          }
        }
      }
    } catch (IOException e) {
      // reset by a death: what came before is there
    }
  }

  private synchronized List<String> linesOf(String container) {
    return connections.stream()
        .flatMap(List::stream)
        .filter(message -> message.container().equals(container))
        .map(Message::line)
        .toList();
  }

  /** What is wrong with what came of a container that has printed these lines; given a moment. */
  List<String> complaints(String container, List<String> printed) {
    try {
      Eventually.within(LIMIT, "all lines come", () -> isWhole(printed, linesOf(container)));
      return List.of();
    } catch (AssertionError e) {
      List<String> shipped = linesOf(container);
      int wrong = 0; // the first one that nothing explains
      while (wrong < shipped.size()
          && !readings(printed, shipped.subList(0, wrong + 1)).isEmpty()) {
        wrong++;
      }
      return List.of(
          "%d lines were printed, %d shipped, explained until %d: %s; at last printed %s"
              .formatted(
                  printed.size(),
                  shipped.size(),
                  wrong,
                  around(shipped, wrong),
                  around(printed, printed.size())));
    }
  }

  /**
   * Whether every line came at least once and the first ones of each in order. Lines of different
   * runs look alike: each way to read one is tried.
   */
  static boolean isWhole(List<String> printed, List<String> shipped) {
    return readings(printed, shipped).contains(printed.size());
  }

  /** How many of those printed have come, in each way to read it. */
  private static Set<Integer> readings(List<String> printed, List<String> shipped) {
    Map<String, Integer> first = new HashMap<>();
    for (int i = 0; i < printed.size(); i++) {
      first.putIfAbsent(printed.get(i), i);
    }
    Set<Integer> covered = Set.of(0);
    for (String line : shipped) {
      Set<Integer> now = new HashSet<>();
      for (int count : covered) {
        if (count < printed.size() && printed.get(count).equals(line)) {
          now.add(count + 1);
        }
        if (count == printed.size() || first.getOrDefault(line, count) < count) {
          now.add(count); // again, or printed since we looked
        }
      }
      covered = now;
    }
    return covered;
  }

  private static List<String> around(List<String> lines, int place) {
    return lines.subList(Math.max(0, place - 20), Math.min(lines.size(), place + 5));
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
