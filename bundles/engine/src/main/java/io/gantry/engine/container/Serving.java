package io.gantry.engine.container;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.engine.network.NetworkSettings;
import io.gantry.engine.network.Placed;
import io.gantry.engine.network.Published;
import io.gantry.engine.spec.EtcTexts;
import io.gantry.monitor.NetHelper;
import io.gantry.monitor.NetTable;
import io.gantry.spi.GantryException;
import io.gantry.store.Digest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Names and published ports of containers, which the {@code net} helper serves from tables that are
 * written here. It is started when the first container needs it; one that dies is replaced, while
 * clients wait at the sockets that monitors keep.
 */
final class Serving {
  /** Where containers in networks of one's own ask for names. */
  static final String RESOLVER = "127.0.0.11";

  static final int PORT = 53;

  private static final System.Logger log = System.getLogger("io.gantry.engine.container");
  private static final Pattern WORD = Pattern.compile("[^\\s,\\p{Cntrl}]+");
  private static final int MOST_SERVERS = 8;
  private static final long AGAIN_MILLIS = 200;
  private static final Duration END = Duration.ofSeconds(2);

  private final Workshop shop;
  private final ContainerTable containers;
  private final OwnFiles files;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, NetTable> tables = new ConcurrentHashMap<>();
  private final Set<String> linked = ConcurrentHashMap.newKeySet();
  private @Nullable NetHelper helper; // guarded by lock
  private boolean closed; // guarded by lock

  Serving(Workshop shop, ContainerTable containers, OwnFiles files) {
    this.shop = shop;
    this.containers = containers;
    this.files = files;
  }

  /** Whether it is in a network in which there are names. */
  static boolean hasNames(List<Placed> places) {
    return places.stream().anyMatch(Serving::hasNames);
  }

  private static boolean hasNames(Placed place) {
    return Networking.isOwn(place) && !(place.address() + place.address6()).isEmpty();
  }

  static boolean isNeeded(List<Placed> places, List<Published> ports) {
    return !ports.isEmpty() || hasNames(places);
  }

  /** Where monitors hand their sockets to; somebody serves there. */
  String socket() {
    return there().socket().toString();
  }

  private NetHelper there() {
    lock.lock();
    try {
      var now = helper;
      if (now == null) {
        var made = new AtomicReference<NetHelper>();
        now = shop.zygote().net(reason -> told(made, reason));
        made.set(now);
        helper = now;
        if (now.isFresh() && !tables.isEmpty()) {
          handOver(now);
        }
      }
      return now;
    } finally {
      lock.unlock();
    }
  }

  /** A new one knows nothing. */
  private void handOver(NetHelper fresh) {
    for (var container : containers.all()) {
      var running = container.running();
      if (running != null && tables.containsKey(container.id)) {
        try {
          running.monitor(Duration.ZERO).serveBy(fresh.socket());
        } catch (GantryException e) { // it has just ended, or will be asked when it answers
          log.log(WARNING, "container {0} is not served: {1}", container.id, e.getMessage());
        }
      }
    }
    fresh.resync(tables.values());
    fresh.succeed();
  }

  /** On the monitors' loop, which others wait for with the lock. */
  private void told(AtomicReference<NetHelper> gone, String reason) {
    try {
      shop.workers().execute(() -> lost(gone, reason));
    } catch (RejectedExecutionException e) {
      // the engine stops: the next one sees to it
    }
  }

  private void lost(AtomicReference<NetHelper> gone, String reason) {
    lock.lock();
    try {
      if (closed || helper != gone.get()) {
        return;
      }
      helper = null;
    } finally {
      lock.unlock();
    }
    if (!tables.isEmpty()) {
      log.log(WARNING, "the net helper is gone ({0}): another one takes over", reason);
      later(0);
    }
  }

  private void later(long millis) {
    try {
      shop.timer()
          .schedule(() -> shop.workers().execute(this::revive), millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // the engine stops: the next one sees to it
    }
  }

  private void revive() {
    try {
      there();
    } catch (GantryException e) {
      log.log(WARNING, "no net helper: {0}", e.getMessage());
      later(AGAIN_MILLIS);
    }
  }

  /** A run begins, or has come to other networks. */
  void put(ContainerRecord record, List<Placed> places, List<Published> ports) {
    if (!isNeeded(places, ports)) {
      end(record.id());
      return;
    }
    send(table(record, places, ports));
    if (wanted(record).stream().anyMatch(asked -> !asked.links().isEmpty())) {
      linked.add(record.id());
      sendLinks(record);
    }
    linksChanged();
  }

  /** Its networks or its name have changed. */
  void changed(Container container) {
    if (container.running() != null) {
      put(container.record(), container.run().places(), container.run().ports());
    }
  }

  void end(String container) {
    linked.remove(container);
    forget(container);
    forget(linksOf(container));
    linksChanged();
  }

  /**
   * The same for one that has ended, without a wait: nobody asks there any more, and the helper
   * hears of it from the monitor, too, unless that was killed.
   */
  void ended(String container) {
    linked.remove(container);
    if (tables.remove(container) != null) {
      lock.lock();
      try {
        if (helper != null) {
          helper.forgetSoon(container);
        }
      } finally {
        lock.unlock();
      }
    }
    forget(linksOf(container));
    linksChanged();
  }

  private void send(NetTable table) {
    tables.put(table.container(), table);
    there().table(table);
  }

  private void forget(String container) {
    if (tables.remove(container) == null) {
      return;
    }
    lock.lock();
    try {
      if (helper != null) {
        helper.forget(container);
      }
    } catch (GantryException e) { // one that is gone has forgotten everything
      log.log(INFO, "the net helper: {0}", e.getMessage());
    } finally {
      lock.unlock();
    }
  }

  /** After recovery: what runs is served, by whoever is there. */
  void recover() {
    for (var container : containers.all()) {
      var run = container.run();
      if (container.running() != null && isNeeded(run.places(), run.ports())) {
        var record = container.record();
        tables.put(record.id(), table(record, run.places(), run.ports()));
        if (wanted(record).stream().anyMatch(asked -> !asked.links().isEmpty())) {
          linked.add(record.id());
        }
      }
    }
    if (tables.isEmpty()) {
      return;
    }
    try {
      var now = there();
      if (now.isFresh()) { // it may have been made for a start, before all of this was known
        handOver(now);
      } else {
        now.resync(tables.values());
      }
      linksChanged();
    } catch (GantryException e) {
      log.log(WARNING, "no net helper: {0}", e.getMessage());
      later(AGAIN_MILLIS);
    }
  }

  /** The helper goes on as long as somebody is served. */
  void letGo() {
    lock.lock();
    try {
      closed = true;
      if (helper != null) {
        if (tables.isEmpty()) {
          end(helper);
        } else {
          helper.close();
        }
        helper = null;
      }
    } finally {
      lock.unlock();
    }
  }

  /** It would end by itself some seconds later, with nobody left to take its control group away. */
  private static void end(NetHelper helper) {
    try {
      helper.quit(END);
    } catch (GantryException e) {
      log.log(WARNING, "the net helper does not end: {0}", e.getMessage());
    } finally {
      helper.close();
    }
  }

  // Tables

  private static List<NetworkRequest> wanted(ContainerRecord record) {
    return record.spec().networks();
  }

  private NetTable table(ContainerRecord record, List<Placed> places, List<Published> ports) {
    var views = new ArrayList<NetTable.View>();
    var endpoints = new ArrayList<NetTable.Endpoint>();
    boolean ways = false;
    if (wanted(record).stream().anyMatch(asked -> !asked.links().isEmpty())) {
      views.add(new NetTable.View(linksOf(record.id()), "links"));
    }
    for (var place : places) {
      ways |= !shop.networks().isInternal(place.network());
      if (hasNames(place)) {
        String network = word(place.name(), place.network());
        views.add(new NetTable.View(place.network(), network));
        endpoints.add(
            new NetTable.Endpoint(
                place.network(),
                addresses(place),
                record.name() + "." + network,
                names(record, place)));
      }
    }
    return new NetTable(
        record.id(),
        ports.stream().filter(Published::proxied).map(Published::target).toList(),
        views,
        endpoints,
        ways && !views.isEmpty() ? servers(record) : List.of(),
        !views.isEmpty() && EtcTexts.hasDots(record.spec().host(), files.ofHost(), resolver()));
  }

  private NetworkSettings.Resolver resolver() {
    return shop.networks().settings().resolver();
  }

  private static String word(String text, String otherwise) {
    return WORD.matcher(text).matches() ? text : otherwise.substring(0, 12);
  }

  private static List<String> addresses(Placed place) {
    var addresses = new ArrayList<String>();
    for (String cidr : List.of(place.address(), place.address6())) {
      if (!cidr.isEmpty()) {
        addresses.add(Placed.plain(cidr));
      }
    }
    return addresses;
  }

  private static List<String> names(ContainerRecord record, Placed place) {
    var names = new LinkedHashSet<String>();
    for (var asked : wanted(record)) {
      if (asked.network().equals(place.name())) {
        Networking.names(record, asked).stream()
            .filter(name -> WORD.matcher(name).matches())
            .forEach(names::add);
      }
    }
    return List.copyOf(names);
  }

  private List<NetTable.Server> servers(ContainerRecord record) {
    return EtcTexts.servers(record.spec().host(), files.ofHost(), resolver()).stream()
        .limit(MOST_SERVERS)
        .map(server -> new NetTable.Server(server, PORT))
        .toList();
  }

  // Links: names that one container alone has for others; a network of their own

  private static String linksOf(String container) {
    return Digest.sha256(("links/" + container).getBytes(UTF_8)).hex();
  }

  /** Those that links lead to may have other addresses. */
  void linksChanged() {
    for (String id : linked) {
      var container = containers.byId(id);
      if (container != null && container.running() != null) {
        try {
          sendLinks(container.record());
        } catch (GantryException e) { // it is said again with the next change
          log.log(WARNING, "names that {0} has for others: {1}", id, e.getMessage());
        }
      }
    }
  }

  private void sendLinks(ContainerRecord record) {
    String network = linksOf(record.id());
    var endpoints = new ArrayList<NetTable.Endpoint>();
    for (var asked : wanted(record)) {
      for (String link : asked.links()) {
        int colon = link.indexOf(':');
        String alias = colon < 0 ? link : link.substring(colon + 1);
        var place = placeOf(colon < 0 ? link : link.substring(0, colon), asked.network());
        if (place != null && WORD.matcher(alias).matches()) {
          endpoints.add(new NetTable.Endpoint(network, addresses(place), alias, List.of(alias)));
        }
      }
    }
    var table = new NetTable(network, List.of(), List.of(), endpoints, List.of(), false);
    if (!table.equals(tables.get(network))) {
      send(table);
    }
  }

  private @Nullable Placed placeOf(String container, String network) {
    try {
      return containers.find(container).run().places().stream()
          .filter(place -> place.name().equals(network) && hasNames(place))
          .findFirst()
          .orElse(null);
    } catch (GantryException e) {
      return null; // it may come later
    }
  }
}
