package io.gantry.itests.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.gantry.itests.harness.Belongings;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What of an instance is on the host or in its directories although no object needs it. */
final class Leaks {
  private static final Pattern RUN = Pattern.compile("[0-9a-f]{16}");
  private static final Pattern ID = Pattern.compile("([0-9a-f]{64})(\\.json)?");
  private static final Pattern SNAPSHOT = Pattern.compile("(?:container-)?([0-9a-f]{64})");
  private static final int HALF_ID = 16;
  private static final int BRIDGE_DIGITS = 12;
  private static final int LINK_DIGITS = 11;
  private static final Pattern ELEMENT = Pattern.compile("tcp \\. (\\d+) : ");

  /** As /proc/net/tcp has it. */
  private static final String LISTEN = "0A";

  /** The group of the zygote and of monitors, which are looked at by themselves. */
  private static final String HELPERS = "helpers";

  /** What all snapshots of a driver share, whoever is there. */
  private static final String SHARED = "mountpoints";

  private final Instance engine;
  private final Map<String, Integer> monitorAtRest;
  private final Map<String, Integer> wiredAtRest;
  private final Set<String> busy;
  private final Set<String> all = new HashSet<>();
  private final Set<String> running = new HashSet<>();
  private final Set<String> images = new HashSet<>();
  private final Set<String> layers = new HashSet<>();
  private final Set<String> volumes = new HashSet<>();
  private final Set<String> held = new HashSet<>(); // volumes that running containers have
  private final Set<String> wired = new HashSet<>();
  private final Set<String> links = new HashSet<>();
  private final Set<String> ports = new HashSet<>();
  private final List<String> found = new ArrayList<>();

  private Leaks(
      Instance engine,
      Map<String, Integer> monitorAtRest,
      Map<String, Integer> wiredAtRest,
      Set<String> busy) {
    this.engine = engine;
    this.monitorAtRest = monitorAtRest;
    this.wiredAtRest = wiredAtRest;
    this.busy = busy;
  }

  /**
   * @param monitorAtRest descriptors by kind that a monitor has as long as nobody asks it anything
   * @param wiredAtRest the same of one whose container has a network and a port
   * @param busy containers of which that is not true
   */
  static List<String> of(
      Instance engine,
      Api api,
      Map<String, Integer> monitorAtRest,
      Map<String, Integer> wiredAtRest,
      Set<String> busy) {
    try {
      Leaks leaks = new Leaks(engine, monitorAtRest, wiredAtRest, busy);
      leaks.ask(api);
      leaks.processes();
      leaks.kernel();
      leaks.files();
      return leaks.found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void ask(Api api) throws IOException {
    images.addAll(api.references().values());
    for (JsonNode each : api.read("/containers/json?all=1")) {
      String id = each.path("Id").asText();
      all.add(id);
      images.add(each.path("ImageID").asText());
      if (each.path("State").asText().matches("running|paused")) {
        running.add(id);
        each.path("Mounts").forEach(mount -> held.add(mount.path("Name").asText()));
        network(id, api.inspect(id).all().path("NetworkSettings"));
      }
    }
    volumes.addAll(api.volumes().keySet());
    for (JsonNode network : api.networks().values()) {
      links.add("br-" + network.path("Id").asText().substring(0, BRIDGE_DIGITS));
    }
    for (String image : images) {
      String chain = "";
      for (JsonNode diff : api.read("/images/" + image + "/json").at("/RootFS/Layers")) {
        String joined = chain + " " + diff.asText();
        chain =
            chain.isEmpty()
                ? diff.asText()
                : "sha256:" + sha256(joined.getBytes(StandardCharsets.US_ASCII));
        layers.add(chain.substring(chain.indexOf(':') + 1));
      }
    }
  }

  private void network(String id, JsonNode settings) {
    for (JsonNode place : settings.path("Networks")) {
      if (!place.path("IPAddress").asText().isEmpty()) {
        wired.add(id);
        links.add("gy" + place.path("EndpointID").asText().substring(0, LINK_DIGITS));
      }
    }
    settings
        .path("Ports")
        .forEach(port -> port.forEach(one -> ports.add(one.path("HostPort").asText())));
  }

  private void processes() {
    Belongings belongings = engine.belongings();
    Set<String> halves = halves();
    Map<String, Long> monitors = belongings.monitors();
    monitors.forEach(
        (half, pid) -> {
          if (!halves.contains(half)) {
            found.add("monitor " + pid + " of " + half);
          }
          Map<String, Integer> open = Belongings.descriptors(pid);
          boolean asked = busy.stream().anyMatch(id -> id.startsWith(half));
          boolean isWired = wired.stream().anyMatch(id -> id.startsWith(half));
          Map<String, Integer> atRest = isWired ? wiredAtRest : monitorAtRest;
          if (!asked && !Rest.isWithin(open, atRest)) {
            found.add("the monitor of " + half + " has " + open + ", at rest " + atRest);
          }
        });
    halves.stream()
        .filter(half -> !monitors.containsKey(half))
        .forEach(half -> found.add("no monitor for " + half));
    belongings
        .contained()
        .forEach(
            (pid, id) -> {
              if (!running.contains(id) && !id.equals(HELPERS)) {
                found.add("process " + pid + " in " + id);
              }
            });
  }

  private void kernel() throws IOException {
    Belongings belongings = engine.belongings();
    for (Path group : belongings.controlGroups()) {
      Matcher id = ID.matcher(group.getFileName().toString());
      if (id.matches() && !running.contains(id.group(1))) {
        found.add("control group " + group);
      }
    }
    Set<String> halves = halves();
    for (String mount : belongings.mounts()) {
      if (halves.stream().noneMatch(mount::contains) && !isGiven(mount)) {
        found.add("mount " + mount);
      }
    }
    compare("interface", links, new HashSet<>(belongings.interfaces()));
    if (engine.space().isOwn()) {
      compare("translated port", ports, translated(belongings));
      compare("listening port", ports, listening());
    }
  }

  private void compare(String what, Set<String> expected, Set<String> there) {
    there.stream().filter(one -> !expected.contains(one)).forEach(x -> found.add(what + " " + x));
    expected.stream()
        .filter(one -> !there.contains(one))
        .forEach(x -> found.add("no " + what + " " + x));
  }

  private Set<String> translated(Belongings belongings) {
    Set<String> all = new HashSet<>();
    for (String table : belongings.tables()) {
      if (table.endsWith("-nat")) {
        String rules = engine.space().run("nft", "list table " + table).out();
        ELEMENT.matcher(rules).results().forEach(element -> all.add(element.group(1)));
      }
    }
    return all;
  }

  /** Of both families: nobody else is in this network. */
  private Set<String> listening() throws IOException {
    Set<String> all = new HashSet<>();
    for (String file : List.of("tcp", "tcp6")) {
      for (String line : Files.readAllLines(engine.space().proc().resolve(file))) {
        String[] fields = line.strip().split("\\s+");
        if (fields[3].equals(LISTEN)) {
          String port = fields[1].substring(fields[1].lastIndexOf(':') + 1);
          all.add(Integer.toString(Integer.parseInt(port, 16)));
        }
      }
    }
    return all;
  }

  /** Mounts that the test made itself. */
  private boolean isGiven(String mount) {
    String target = mount.split(" ", 6)[4];
    String volume = volumeOf(target);
    return !volume.isEmpty() && held.contains(volume)
        || target.equals(engine.dataRoot().toString())
        || target.equals(engine.scratch().resolve("run").toString());
  }

  /** Whose data is mounted there. */
  private String volumeOf(String target) {
    Path all = engine.dataRoot().resolve("volume/local/volumes");
    Path path = Path.of(target);
    return path.startsWith(all) && path.endsWith("_data")
        ? path.getName(path.getNameCount() - 2).toString()
        : "";
  }

  private void volumeFiles(Path dataRoot, Path execRoot) {
    for (Path folder :
        List.of(
            dataRoot.resolve("volumes"),
            execRoot.resolve("volumes"),
            dataRoot.resolve("volume/local/volumes"))) {
      unexplained(folder, name -> volumes.contains(name.replaceFirst("\\.json$", "")));
    }
    unexplained(dataRoot.resolve("volume/local/scratch"), name -> false);
  }

  /** Nobody is sending an image. */
  private void imageFiles(Path dataRoot) {
    for (String folder : List.of("blobs/ingest", "image/changes")) {
      unexplained(dataRoot.resolve(folder), name -> false);
    }
    unexplained(
        dataRoot.resolve("image/images"),
        name -> images.contains(URLDecoder.decode(name, UTF_8).replaceFirst("\\.json$", "")));
    unexplained(dataRoot.resolve("image/layers"), name -> layers.stream().anyMatch(name::contains));
    if (images.isEmpty()) { // then no blob is anybody's
      for (String folder : List.of("image/names", "blobs/sha256", "blobs/sha512")) {
        unexplained(dataRoot.resolve(folder), name -> false);
      }
    }
  }

  private void unexplained(Path folder, Predicate<String> explained) {
    names(folder).stream()
        .filter(name -> !explained.test(name))
        .forEach(name -> found.add(folder.resolve(name).toString()));
  }

  private void files() {
    Path dataRoot = engine.dataRoot();
    Path execRoot = engine.belongings().execRoot();
    volumeFiles(dataRoot, execRoot);
    imageFiles(dataRoot);
    Set<String> halves = halves();
    for (String name : names(execRoot)) {
      if (RUN.matcher(name).matches() && !halves.contains(name)) {
        found.add("run directory " + name);
      }
    }
    for (Path folder :
        List.of(
            dataRoot.resolve("containers"),
            dataRoot.resolve("runs"),
            execRoot.resolve("containers"),
            execRoot.resolve("health"),
            execRoot.resolve("runs"))) {
      unexplained(folder, this::isContainer);
    }
    for (String driver : names(dataRoot.resolve("storage"))) {
      Path storage = dataRoot.resolve("storage").resolve(driver);
      for (String folder : names(storage)) {
        for (String name : names(storage.resolve(folder))) {
          if (!explained(folder, aim(storage.resolve(folder).resolve(name)))) {
            found.add(storage.resolve(folder).resolve(name).toString());
          }
        }
      }
    }
  }

  private boolean isContainer(String name) {
    Matcher id = ID.matcher(name);
    return id.matches() && all.contains(id.group(1));
  }

  /** The snapshot that a link with a short name leads to; else the name itself. */
  private static String aim(Path file) {
    if (Files.isSymbolicLink(file)) {
      try {
        for (Path part : Files.readSymbolicLink(file)) {
          if (SNAPSHOT.matcher(part.toString()).matches()) {
            return part.toString();
          }
        }
      } catch (IOException e) {
        // removed meanwhile
      }
    }
    return file.getFileName().toString();
  }

  private boolean explained(String folder, String name) {
    Matcher snapshot = SNAPSHOT.matcher(name.replace(".json", ""));
    boolean known =
        snapshot.matches()
            && (all.contains(snapshot.group(1)) || layers.contains(snapshot.group(1)));
    return known && !folder.equals("scratch") || folder.equals(SHARED);
  }

  private Set<String> halves() {
    Set<String> halves = new HashSet<>();
    running.forEach(id -> halves.add(id.substring(0, HALF_ID)));
    return halves;
  }

  private static List<String> names(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(path -> path.getFileName().toString()).toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String sha256(byte[] data) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
