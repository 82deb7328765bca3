package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.EXHAUSTED;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Which ports of the host containers have. What other programs have the kernel knows: a container's
 * monitor finds out when it listens.
 */
public final class PortKeeper {
  private static final List<String> ALL = List.of("0.0.0.0", "::");
  private static final Path RANGE = Path.of("/proc/sys/net/ipv4/ip_local_port_range");
  private static final Path IPV6 = Path.of("/proc/net/if_inet6");

  /** A driver takes no longer to let go of the ports of a run that has ended. */
  private static final Duration UNTIL_LEFT = Duration.ofSeconds(5);

  private static final int FIRST = 49153;
  private static final int LAST = 65535;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition released = lock.newCondition();
  private final Set<Taken> taken = new HashSet<>(); // guarded by lock
  private final Set<Taken> leaving = new HashSet<>(); // guarded by lock

  /** By id: those that a mapper is asked for, of starts that are not over. */
  private final Map<String, Published> onTheWay = new ConcurrentHashMap<>();

  private record Taken(String protocol, String address, int port) {
    boolean excludes(Taken other) {
      return protocol.equals(other.protocol)
          && port == other.port
          && (address.equals(other.address)
              || (isAll() || other.isAll()) && isSix() == other.isSix());
    }

    private boolean isAll() {
      return ALL.contains(address);
    }

    private boolean isSix() {
      return address.indexOf(':') >= 0;
    }
  }

  /**
   * A port asked for.
   *
   * @param port {@code 80/tcp}
   * @param hostAddress empty: all, of both families where the host has them
   * @param hostPort a port, a range, or empty for any
   */
  public record Wish(String port, String hostAddress, String hostPort) {

    private static final Pattern NAME = Pattern.compile("(\\d{1,5})/(tcp|udp|sctp)");
    private static final Pattern NUMBERS = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?|");

    /**
     * Before it is written down.
     *
     * @throws GantryException INVALID
     */
    public void check() {
      var m = NAME.matcher(name());
      if (!m.matches() || number(m.group(1)) == 0) {
        throw new GantryException(INVALID, "invalid port specification: \"" + port + "\"");
      }
      var range = NUMBERS.matcher(hostPort);
      boolean backwards =
          range.matches()
              && range.group(2) != null
              && number(range.group(1)) > number(range.group(2));
      if (!range.matches() || backwards) {
        throw new GantryException(INVALID, "invalid port specification: \"" + hostPort + "\"");
      }
      if (!hostPort.isEmpty() && hostPort.indexOf('-') < 0) {
        number(hostPort);
      }
      if (!hostAddress.isEmpty() && Ip.parse(hostAddress) == null) {
        throw new GantryException(INVALID, "invalid IP address " + hostAddress);
      }
    }

    /** Whether both name one port of the host, so that no run can have both. */
    public boolean excludes(Wish other) {
      return freedom() == 0
          && hostPort.equals(other.hostPort)
          && name().endsWith(other.name().substring(other.name().indexOf('/')))
          && (hostAddress.isEmpty() || other.hostAddress.isEmpty() || isOn(other.hostAddress));
    }

    /** In Docker's words. */
    public GantryException refusal() {
      return refused(hostAddress.isEmpty() ? ALL.get(0) : hostAddress, number(hostPort));
    }

    /** Its protocol said. */
    String name() {
      return port.indexOf('/') < 0 ? port + "/tcp" : port;
    }

    /** Whether it was asked for on this address. */
    boolean isOn(String address) {
      Ip own = Ip.parse(hostAddress);
      return own == null ? hostAddress.equals(address) : own.equals(Ip.parse(address));
    }

    /** How much choice it leaves: a port, some, any. */
    int freedom() {
      return hostPort.isEmpty() || hostPort.equals("0") ? 2 : hostPort.indexOf('-') < 0 ? 0 : 1;
    }

    /** Whether it may have come out as this one. */
    public boolean allows(Published granted, String binding) {
      return name().equals(granted.name())
          && (hostAddress.isEmpty()
              ? ALL.contains(granted.hostAddress()) || isSame(granted.hostAddress(), binding)
              : isOn(granted.hostAddress()))
          && allows(granted.hostPort());
    }

    private static boolean isSame(String address, String other) {
      Ip ip = Ip.parse(address);
      return ip != null && ip.equals(Ip.parse(other));
    }

    private boolean allows(int number) {
      int dash = hostPort.indexOf('-');
      return switch (freedom()) {
        case 0 -> number(hostPort) == number;
        case 1 ->
            number(hostPort.substring(0, dash)) <= number
                && number <= number(hostPort.substring(dash + 1));
        default -> true;
      };
    }
  }

  /** A mapper is about to be asked for them. */
  public void begin(List<Published> ports) {
    ports.forEach(port -> onTheWay.put(port.id(), port));
  }

  /** They are those of a run, or nobody's. */
  public void settle(List<Published> ports) {
    ports.forEach(port -> onTheWay.remove(port.id()));
  }

  public List<Published> onTheWay() {
    return List.copyOf(onTheWay.values());
  }

  /**
   * Takes ports for a run, all or none, until {@link #release}.
   *
   * @param ids of the listeners, one after the other
   * @param to where they lead
   * @param binding of what is asked for on no address; empty: all
   * @throws GantryException CONFLICT in Docker's words
   */
  public List<Published> take(Supplier<String> ids, Target to, String binding, List<Wish> wishes) {
    var got = new ArrayList<Published>();
    try {
      for (var wish : wishes) {
        take(ids, to, binding, wish, got);
      }
    } catch (GantryException e) {
      release(got);
      throw e;
    }
    return got;
  }

  private void take(
      Supplier<String> ids, Target to, String binding, Wish wish, List<Published> got) {
    int slash = wish.port().indexOf('/');
    String protocol = slash < 0 ? "tcp" : wish.port().substring(slash + 1);
    int port = number(slash < 0 ? wish.port() : wish.port().substring(0, slash));
    var addresses = addresses(wish, binding, to);
    int dash = wish.hostPort().indexOf('-');
    boolean any = wish.hostPort().isEmpty() || wish.hostPort().equals("0");
    if (!any && dash < 0) {
      int fixed = number(wish.hostPort());
      if (!claims(protocol, addresses, fixed)) {
        throw refused(addresses.get(0), fixed);
      }
      add(ids, protocol, addresses, fixed, to, port, got);
      return;
    }
    int[] range = any ? range() : range(wish.hostPort(), dash);
    int first = range[0];
    int last = range[1];
    int free =
        IntStream.rangeClosed(first, last)
            .filter(p -> isFree(protocol, addresses.get(0), p))
            .filter(p -> claims(protocol, addresses, p))
            .findFirst()
            .orElseThrow(
                () ->
                    any
                        ? new GantryException(EXHAUSTED, "all ports are allocated")
                        : refused(addresses.get(0), first));
    add(ids, protocol, addresses, free, to, port, got);
  }

  private static GantryException refused(String address, int port) {
    return new GantryException(
        CONFLICT, "Bind for %s:%d failed: port is already allocated".formatted(address, port));
  }

  private static void add(
      Supplier<String> ids,
      String protocol,
      List<String> addresses,
      int hostPort,
      Target to,
      int port,
      List<Published> got) {
    for (String address : addresses) {
      got.add(
          new Published(
              ids.get(), protocol, address, hostPort, to.behind(address), port, "", true));
    }
  }

  /**
   * Of the host, that a wish is about. What was asked for on none is published in the families that
   * the container has, and for one with IPv4 alone in both.
   */
  static List<String> addresses(Wish wish, String binding, Target to) {
    String asked = wish.hostAddress().isEmpty() ? binding : wish.hostAddress();
    if (asked.isEmpty()) {
      boolean six = Files.exists(IPV6);
      return !six ? List.of(ALL.get(0)) : to.ipv4().isEmpty() ? List.of(ALL.get(1)) : ALL;
    }
    Ip ip = Ip.parse(asked);
    if (ip == null) {
      throw new GantryException(INVALID, "invalid IP address " + asked);
    }
    return List.of(ip.toString());
  }

  /** Whether they were free of ours, and are taken now. */
  private boolean claims(String protocol, List<String> addresses, int port) {
    lock.lock();
    try {
      var wanted = addresses.stream().map(address -> new Taken(protocol, address, port)).toList();
      long left = UNTIL_LEFT.toNanos();
      while (isExcluded(wanted, leaving) && left > 0) {
        left = released.awaitNanos(left);
      }
      return !isExcluded(wanted, taken) && taken.addAll(wanted);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    } finally {
      lock.unlock();
    }
  }

  private static boolean isExcluded(List<Taken> wanted, Set<Taken> by) {
    return wanted.stream().anyMatch(one -> by.stream().anyMatch(one::excludes));
  }

  /** A run has ended: whoever wants its ports waits until they are released. */
  public void leave(List<Published> ports) {
    lock.lock();
    try {
      ports.stream().map(PortKeeper::of).filter(taken::contains).forEach(leaving::add);
    } finally {
      lock.unlock();
    }
  }

  public void release(List<Published> ports) {
    lock.lock();
    try {
      for (var port : ports) {
        taken.remove(of(port));
        leaving.remove(of(port));
      }
      released.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Recovery: a run that may live has these. */
  public void expect(List<Published> ports) {
    lock.lock();
    try {
      ports.forEach(port -> taken.add(of(port)));
    } finally {
      lock.unlock();
    }
  }

  private static Taken of(Published port) {
    return new Taken(port.protocol(), port.hostAddress(), port.hostPort());
  }

  /** Of other programs, at this moment: one that is chosen shall not have to be chosen again. */
  private static boolean isFree(String protocol, String address, int port) {
    try {
      var at = new InetSocketAddress(InetAddress.getByName(address), port);
      var family =
          address.indexOf(':') < 0 ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6;
      if (protocol.equals("udp")) {
        try (var channel = DatagramChannel.open(family)) {
          channel.bind(at);
        }
      } else {
        try (var channel = ServerSocketChannel.open(family)) {
          channel.bind(at);
        }
      }
      return true;
    } catch (java.net.BindException e) {
      return String.valueOf(e.getMessage()).contains("assign"); // no such address: the monitor says
    } catch (IOException e) {
      return false;
    }
  }

  private static int[] range(String text, int dash) {
    return new int[] {number(text.substring(0, dash)), number(text.substring(dash + 1))};
  }

  /** That any may be taken from. */
  private static int[] range() {
    try (var reader = Files.newBufferedReader(RANGE)) { // procfs gives it to the first read only
      String[] words = String.valueOf(reader.readLine()).strip().split("\\s+");
      return new int[] {Integer.parseInt(words[0]), Integer.parseInt(words[words.length - 1])};
    } catch (IOException | NumberFormatException e) {
      return new int[] {FIRST, LAST};
    }
  }

  private static int number(String text) {
    if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > LAST) {
      throw new GantryException(INVALID, "invalid port specification: \"" + text + "\"");
    }
    return Integer.parseInt(text);
  }
}
