package io.gantry.spi.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.linux.NetworkNamespace;
import io.gantry.linux.netlink.InsideMessages;
import io.gantry.linux.netlink.NftSocket;
import io.gantry.linux.netlink.RouteSocket;
import io.gantry.linux.netlink.RouteSocket.Link;
import io.gantry.spi.GantryException;
import io.gantry.spi.network.Attachment;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/**
 * Network namespaces that stand for a host and for containers, each with a process that keeps it.
 * The host's own namespace is not touched. Sockets of Java work in them like anything else, as long
 * as the thread that makes them is there.
 */
public final class NetworkSandbox implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int ALL_AT_ONCE = 16;
  private static final int ASKING_MILLIS = 700;

  /** A network namespace and the process that keeps it. */
  public final class Box {
    private final Process process;
    private final NetworkNamespace namespace;
    private final ExecutorService threads;

    private Box() throws IOException {
      process = new ProcessBuilder("unshare", "-n", "sh", "-c", "echo; exec sleep 1000").start();
      assertEquals('\n', process.getInputStream().read());
      namespace = NetworkNamespace.open(Path.of(path()));
      threads = Executors.newFixedThreadPool(ALL_AT_ONCE, namespace.threads("sandbox"));
      boxes.add(this);
    }

    public long pid() {
      return process.pid();
    }

    public String path() {
      return "/proc/" + process.pid() + "/ns/net";
    }

    /** Does something on a thread in it; what it throws is thrown on. */
    public <T> T call(Callable<T> work) {
      return result(start(work));
    }

    public void run(Runnable work) {
      call(
          () -> {
            work.run();
            return true;
          });
    }

    /** Begins something on a thread in it. */
    public <T> Future<T> start(Callable<T> work) {
      return threads.submit(work);
    }

    /** Runs a program in it; gives what it says. */
    public String exec(String... command) {
      return call(
          () -> {
            var program = new ProcessBuilder(command).redirectErrorStream(true).start();
            var said = program.getInputStream().readAllBytes();
            String text = new String(said, StandardCharsets.UTF_8);
            assertEquals(0, program.waitFor(), () -> String.join(" ", command) + ": " + text);
            return text;
          });
    }

    /** Does inside what an attachment says, in the order of its words. */
    public void apply(Attachment attachment) {
      run(
          () -> {
            attachment.sysctls().forEach(NetworkSandbox::write);
            var messages = new InsideMessages().loopback();
            for (var link : attachment.links()) {
              messages.link(link.index(), link.name(), link.mac(), link.mtu());
            }
            attachment.addresses().forEach(a -> messages.address(a.link(), a.cidr()));
            attachment.routes().forEach(r -> messages.route(r.link(), r.destination(), r.via()));
            try (var socket = RouteSocket.open()) {
              socket.send(messages);
            }
          });
    }

    public List<Link> links() {
      return call(
          () -> {
            try (var socket = RouteSocket.open()) {
              return socket.links();
            }
          });
    }

    /**
     * All that can be seen of its network configuration: interfaces but for their numbers,
     * addresses but for those that IPv6 makes of itself, routes, tables of rules.
     */
    public Set<String> state() {
      return call(
          () -> {
            var state = new TreeSet<String>();
            try (var routes = RouteSocket.open();
                var rules = NftSocket.open()) {
              routes.links().forEach(l -> state.add(l.name() + " up " + l.up() + " " + l.alias()));
              routes.addresses().stream()
                  .filter(address -> !address.cidr().address().isLinkLocalAddress())
                  .forEach(address -> state.add(address.toString()));
              routes.routes().stream()
                  .filter(route -> !route.to().address().isLinkLocalAddress())
                  .forEach(route -> state.add(route.toString()));
              rules.tables().forEach(table -> state.add(table.toString()));
            }
            return state;
          });
    }

    /** A server that tells each client the address it sees of it. */
    public Server serve(int port) {
      return call(() -> new Server(this, new ServerSocket(port)));
    }

    /**
     * What a server says.
     *
     * @return empty when it is not reached in time
     */
    public String ask(String address, int port) {
      return call(
          () -> {
            try (var socket = new Socket()) {
              socket.connect(new InetSocketAddress(address, port), ASKING_MILLIS);
              socket.setSoTimeout(ASKING_MILLIS);
              byte[] answer = socket.getInputStream().readAllBytes();
              return new String(answer, StandardCharsets.UTF_8);
            } catch (IOException e) {
              return "";
            }
          });
    }

    /** Ends its process, and with it the namespace once no thread is in it. */
    public void end() {
      threads.shutdownNow();
      try {
        assertTrue(threads.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        process.destroyForcibly().waitFor();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      if (boxes.remove(this)) {
        namespace.close();
      }
    }
  }

  /** Answers until it is closed. */
  public static final class Server implements AutoCloseable {
    private final ServerSocket socket;
    private final Future<Boolean> answering;

    private Server(Box box, ServerSocket socket) {
      this.socket = socket;
      this.answering = box.start(this::answer);
    }

    private boolean answer() {
      while (true) {
        try (var client = socket.accept()) {
          byte[] seen = client.getInetAddress().getHostAddress().getBytes(StandardCharsets.UTF_8);
          client.getOutputStream().write(seen);
        } catch (IOException e) {
          return true; // it is closed
        }
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
      result(answering); // the port is free only then
    }
  }

  private final List<Box> boxes = new ArrayList<>();
  private final Box host;

  public NetworkSandbox() throws IOException {
    host = new Box();
    host.exec("ip", "link", "set", "lo", "up");
  }

  public Box host() {
    return host;
  }

  /** Another container, or another host. */
  public Box box() throws IOException {
    return new Box();
  }

  private static void write(String sysctl, String value) {
    try {
      var path = Stream.of(sysctl.split("\\.")).map(part -> part.replace('/', '.'));
      Files.writeString(Path.of("/proc/sys", path.toArray(String[]::new)), value);
    } catch (IOException e) {
      throw new AssertionError(sysctl, e);
    }
  }

  static <T> T result(Future<T> work) {
    try {
      return work.get();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof GantryException refused) {
        throw refused;
      }
      throw new AssertionError(e.getCause());
    }
  }

  /** Waits until something is so. */
  public static void eventually(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, () -> "never: " + what);
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    List.copyOf(boxes).forEach(Box::end);
  }

  /** For names of ids in tests: 64 hex that begin with a number. */
  public static String id(int number) {
    return String.format("%02x%s", number, "ab".repeat(31));
  }
}
