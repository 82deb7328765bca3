package io.gantry.engine.network;

import static io.gantry.spi.GantryException.Kind.CANCELLED;
import static io.gantry.spi.GantryException.Kind.CONFLICT;
import static io.gantry.spi.GantryException.Kind.EXHAUSTED;
import static io.gantry.spi.GantryException.Kind.INVALID;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

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
  private final Map<Slot, Set<String>> taken = new HashMap<>(); // addresses; guarded by lock
  private final Map<Slot, Set<String>> leaving = new HashMap<>(); // of these; guarded by lock
  private final Probe probe;

  /** By id: those that a mapper is asked for, of starts that are not over. */
  private final Map<String, Published> onTheWay = new ConcurrentHashMap<>();

  private record Slot(String protocol, int port) {}

  /** Whether no other program has a port, as far as can be told. */
  @FunctionalInterface
  interface Probe {
    boolean isFree(String protocol, String address, int port);
  }

  PortKeeper() {
    this(PortProbe::isFree);
  }

  PortKeeper(Probe probe) {
    this.probe = probe;
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
      if (!hostAddress.isEmpty() && ofHost(hostAddress) == null) {
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
      Ip own = ofHost(hostAddress);
      return own == null ? hostAddress.equals(address) : own.equals(ofHost(address));
    }

    private boolean isOfFamily(boolean six) {
      Ip own = ofHost(hostAddress);
      return own == null || own.six() == six;
    }

    /** How much choice it leaves: a port, some, any. */
    int freedom() {
      return hostPort.isEmpty() || hostPort.equals("0") ? 2 : hostPort.indexOf('-') < 0 ? 0 : 1;
    }

    /** Whether it may have come out as this one. */
    public boolean allows(Published granted, String binding) {
      return name().equals(granted.name())
          && (granted.isRouted()
              ? isOfFamily(isSix(granted.hostAddress()))
              : allows(granted.hostAddress(), binding) && allows(granted.hostPort()));
    }

    private boolean allows(String address, String binding) {
      return hostAddress.isEmpty()
          ? ALL.contains(address) || isSame(address, binding)
          : isOn(address);
    }

    private static boolean isSame(String address, String other) {
      Ip ip = ofHost(address);
      return ip != null && ip.equals(ofHost(other));
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
    var bound = addresses.stream().filter(address -> !to.isRouted(address)).toList();
    int dash = wish.hostPort().indexOf('-');
    boolean any = wish.hostPort().isEmpty() || wish.hostPort().equals("0");
    int[] range = any ? range() : range(wish.hostPort(), dash);
    int first = range[0];
    int last = range[1];
    boolean fixed = first == last && !any;
    int found = bound.isEmpty() ? 0 : find(protocol, bound, first, last, !fixed);
    if (found < 0) {
      throw any
          ? new GantryException(EXHAUSTED, "all ports are allocated")
          : refused(bound.get(0), first);
    }
    add(ids, protocol, addresses, found, to, port, got);
  }

  private static GantryException refused(String address, int port) {
    return new GantryException(
        CONFLICT, "Bind for %s:%d failed: port is already allocated".formatted(address, port));
  }

  /**
   * The first one that is free, and is taken now; -1 when there is none. Those that runs are about
   * to let go of are waited for where no other is left.
   *
   * @param probed one that is chosen shall not have to be chosen again; what is asked for by its
   *     number the monitor finds taken
   */
  private int find(String protocol, List<String> addresses, int first, int last, boolean probed) {
    long until = System.nanoTime();
    for (boolean patient : new boolean[] {false, true}) {
      until += patient ? UNTIL_LEFT.toNanos() : 0;
      for (int port = first; port <= last; port++) {
        var slot = new Slot(protocol, port);
        if (claims(slot, addresses, until)) {
          if (!probed || isFree(slot, addresses)) {
            return port;
          }
          unclaim(slot, addresses);
        }
      }
    }
    return -1;
  }

  private boolean isFree(Slot slot, List<String> addresses) {
    return addresses.stream().allMatch(address -> probe.isFree(slot.protocol, address, slot.port));
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
      boolean routed = to.isRouted(address);
      int number = routed ? 0 : hostPort;
      got.add(
          new Published(
              ids.get(), protocol, address, number, to.behind(address), port, "", !routed));
    }
  }

  /**
   * Of the host, that a wish is about. What was asked for on none is published in the families that
   * the container has, and for one with IPv4 alone in both. Where clients come to the container's
   * own address, the host's only says the family.
   */
  static List<String> addresses(Wish wish, String binding, Target to) {
    String asked = wish.hostAddress().isEmpty() ? binding : wish.hostAddress();
    if (asked.isEmpty()) {
      boolean six = Files.exists(IPV6);
      return !six ? List.of(ALL.get(0)) : to.ipv4().isEmpty() ? List.of(ALL.get(1)) : ALL;
    }
    Ip ip = ofHost(asked);
    if (ip == null) {
      throw new GantryException(INVALID, "invalid IP address " + asked);
    }
    String address = ip.toString();
    return List.of(to.isRouted(address) ? ALL.get(ip.six() ? 1 : 0) : address);
  }

  /** Whether they were free of ours, and are taken now; waits for those that are left. */
  private boolean claims(Slot slot, List<String> addresses, long until) {
    lock.lock();
    try {
      long left = until - System.nanoTime();
      while (isExcluded(slot, addresses, leaving) && left > 0) {
        released.awaitNanos(left);
        left = until - System.nanoTime();
      }
      if (isExcluded(slot, addresses, taken)) {
        return false;
      }
      taken.computeIfAbsent(slot, none -> new HashSet<>()).addAll(addresses);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GantryException(CANCELLED, "cancelled", e);
    } finally {
      lock.unlock();
    }
  }

  private void unclaim(Slot slot, List<String> addresses) {
    lock.lock();
    try {
      addresses.forEach(address -> drop(taken, slot, address));
      released.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private static boolean isExcluded(Slot slot, List<String> wanted, Map<Slot, Set<String>> by) {
    var there = by.getOrDefault(slot, Set.of());
    return wanted.stream().anyMatch(one -> there.stream().anyMatch(other -> meet(one, other)));
  }

  private static boolean meet(String one, String other) {
    boolean sameFamily = isSix(one) == isSix(other);
    return one.equals(other) || sameFamily && (ALL.contains(one) || ALL.contains(other));
  }

  /** An address of the host; null for text that is none. */
  private static @Nullable Ip ofHost(String text) {
    Ip ip = Ip.parse(text);
    return ip == null ? null : ip.unmapped();
  }

  private static boolean isSix(String address) {
    return address.indexOf(':') >= 0;
  }

  private static void drop(Map<Slot, Set<String>> from, Slot slot, String address) {
    var there = from.get(slot);
    if (there != null && there.remove(address) && there.isEmpty()) {
      from.remove(slot);
    }
  }

  /** A run has ended: whoever wants its ports waits until they are released. */
  public void leave(List<Published> ports) {
    lock.lock();
    try {
      for (var port : bound(ports)) {
        if (taken.getOrDefault(of(port), Set.of()).contains(port.hostAddress())) {
          leaving.computeIfAbsent(of(port), none -> new HashSet<>()).add(port.hostAddress());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  public void release(List<Published> ports) {
    lock.lock();
    try {
      for (var port : bound(ports)) {
        drop(taken, of(port), port.hostAddress());
        drop(leaving, of(port), port.hostAddress());
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
      for (var port : bound(ports)) {
        taken.computeIfAbsent(of(port), none -> new HashSet<>()).add(port.hostAddress());
      }
    } finally {
      lock.unlock();
    }
  }

  private static List<Published> bound(List<Published> ports) {
    return ports.stream().filter(port -> !port.isRouted()).toList();
  }

  private static Slot of(Published port) {
    return new Slot(port.protocol(), port.hostPort());
  }

  private static int[] range(String text, int dash) {
    return dash < 0
        ? new int[] {number(text), number(text)}
        : new int[] {number(text.substring(0, dash)), number(text.substring(dash + 1))};
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
