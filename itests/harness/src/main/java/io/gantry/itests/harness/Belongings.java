package io.gantry.itests.harness;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What an instance has on the host, found without asking it: helpers by the sockets that they
 * listen on, containers' processes by their control groups, mounts by their paths.
 */
public final class Belongings {

  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

  /** Below which an instance's own group may lie: a hierarchy, a delegated scope. */
  private static final int LEVELS = 2;

  private static final Path PROC = Path.of("/proc");
  private static final Duration LIMIT = Duration.ofSeconds(30);

  /** What the first engine that has networks switches on for the host. */
  private static final Map<Path, String> FORWARDING =
      Stream.of("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")
          .map(name -> PROC.resolve("sys").resolve(name))
          .collect(Collectors.toMap(path -> path, Belongings::read));

  private static final Pattern NUMBER = Pattern.compile("[0-9]+");
  private static final Pattern SOCKET = Pattern.compile("socket:\\[([0-9]+)]");

  private final Namespace space;
  private final Path scratch;
  private final Path dataRoot;
  private final String instance;

  /**
   * @param space where its networks are
   * @param instance empty when it never came to have one: then it has no control groups either
   */
  Belongings(Namespace space, Path scratch, Path dataRoot, String instance) {
    this.space = space;
    this.scratch = scratch;
    this.dataRoot = dataRoot;
    this.instance = instance;
  }

  /** Eight hexadecimal digits; empty before the first start. */
  public String instance() {
    return instance;
  }

  /** Run-time state: one directory per container that runs. */
  public Path execRoot() {
    return scratch.resolve("run").resolve("gantry-" + instance());
  }

  /** The zygote that monitors are forked from, as long as it lives. */
  public Optional<Long> spawner() {
    return listeners().entrySet().stream()
        .filter(listener -> listener.getKey().endsWith("/spawn.sock"))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** The helper that serves names and proxied ports, as long as it lives. */
  public Optional<Long> net() {
    return listeners().entrySet().stream()
        .filter(listener -> listener.getKey().endsWith("/net.sock"))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** Monitors' process ids by the first 16 digits of their containers' ids. */
  public Map<String, Long> monitors() {
    Map<String, Long> monitors = new TreeMap<>();
    listeners()
        .forEach(
            (path, pid) -> {
              if (path.endsWith("/ctl.sock")) {
                String dir = path.substring(0, path.lastIndexOf('/'));
                monitors.put(dir.substring(dir.lastIndexOf('/') + 1), pid);
              }
            });
    return monitors;
  }

  /** Processes in control groups of this instance, with their containers' ids. */
  public Map<Long, String> contained() {
    Map<Long, String> contained = new TreeMap<>();
    if (instance.isEmpty()) {
      return contained;
    }
    String mark = "/gantry-" + instance + "/";
    for (long pid : pids()) {
      read(PROC.resolve(pid + "/cgroup"))
          .lines()
          .filter(line -> line.contains(mark))
          .findFirst()
          .ifPresent(
              line -> {
                String below = line.substring(line.indexOf(mark) + mark.length());
                contained.put(pid, below.split("/", 2)[0]);
              });
    }
    return contained;
  }

  /** Directories of this instance in every hierarchy, parents first. */
  public List<Path> controlGroups() {
    List<Path> groups = new ArrayList<>();
    if (instance.isEmpty()) {
      return groups;
    }
    collect(CGROUPS.toFile(), 0, groups);
    return groups;
  }

  /** Groups of others come and go meanwhile, which {@link Files#walk} does not bear. */
  private void collect(File directory, int depth, List<Path> groups) {
    File[] children = directory.listFiles(File::isDirectory);
    for (File child : children == null ? new File[0] : children) {
      boolean inside = child.getPath().contains("/gantry-" + instance + "/");
      boolean own = inside || child.getName().equals("gantry-" + instance);
      if (own) {
        groups.add(child.toPath());
      }
      if (own || depth < LEVELS) {
        collect(child, depth + 1, groups);
      }
    }
  }

  /** Lines of this process' mount table that name the instance's directory. */
  public List<String> mounts() {
    return read(PROC.resolve("self/mountinfo"))
        .lines()
        .filter(line -> line.contains(" " + scratch + "/"))
        .toList();
  }

  /** Network interfaces that bear the instance's mark as their alias. */
  public List<String> interfaces() {
    if (instance.isEmpty()) {
      return List.of();
    }
    return space
        .run("ip", "-o", "link")
        .ok()
        .lines()
        .filter(line -> line.contains("gantry-" + instance + " "))
        .map(line -> line.split("[ :@]+", 3)[1])
        .toList();
  }

  /** Tables of nf_tables with the instance's name, as {@code FAMILY NAME}. */
  public List<String> tables() {
    if (instance.isEmpty()) {
      return List.of();
    }
    return space
        .run("nft", "list", "tables")
        .out()
        .lines()
        .filter(line -> line.contains("gantry-" + instance))
        .map(line -> line.substring("table ".length()))
        .toList();
  }

  /** When a process began, in clock ticks: with its number the name of a process. */
  public static Optional<Long> began(long pid) {
    String stat = read(PROC.resolve(pid + "/stat"));
    if (stat.isEmpty()) {
      return Optional.empty();
    }
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return fields[0].equals("Z") ? Optional.empty() : Optional.of(Long.parseLong(fields[19]));
  }

  /** How many descriptors of each kind a process has open: sockets, pipes, files. */
  public static Map<String, Integer> descriptors(long pid) {
    Map<String, Integer> kinds = new TreeMap<>();
    for (Path link : links(pid)) {
      String text = link.toString();
      String kind = text.startsWith("/") ? "file" : text.replaceAll(":\\[[0-9]+]", "");
      kinds.merge(kind, 1, Integer::sum);
    }
    return kinds;
  }

  /** Files of the instance, but for jars, that a process has open. */
  public List<String> openFiles(long pid) {
    return links(pid).stream()
        .map(Path::toString)
        .filter(text -> text.startsWith(scratch + "/") && !text.endsWith(".jar"))
        .toList();
  }

  /** SIGKILL: no process runs a line of its own after it. */
  public static void kill(long pid) {
    Command.run(Map.of(), LIMIT, List.of("kill", "-KILL", Long.toString(pid)));
  }

  /**
   * Ends every process and removes every control group, mount, interface and table of the instance,
   * as the end of the power would, and has the host forward packets as it did before. Only what can
   * be told to be its own is touched.
   */
  void end(ProcessHandle gate) {
    List<ProcessHandle> trees = Stream.concat(gate.descendants(), Stream.of(gate)).toList();
    trees.forEach(ProcessHandle::destroyForcibly);
    spawner().ifPresent(Belongings::kill); // before monitors: a new one could come else
    Eventually.eventually(
        "everything of the instance ends",
        () -> {
          listeners().values().forEach(Belongings::kill);
          contained().keySet().forEach(Belongings::kill);
          thaw();
          return listeners().isEmpty()
              && contained().isEmpty()
              && trees.stream().noneMatch(ProcessHandle::isAlive);
        });
    for (String line : mounts()) {
      String target = line.split(" ", 6)[4];
      if (!target.equals(dataRoot.toString())
          && !target.equals(scratch.resolve("run").toString())) {
        Command.run(Map.of(), LIMIT, List.of("umount", "-l", target));
      }
    }
    Eventually.eventually("the control groups go", this::removeGroups);
    forgetNetworks();
    if (!space.isOwn()) {
      FORWARDING.forEach(Belongings::write);
    }
  }

  /** Takes interfaces and tables of an instance that is over from the host. */
  void forgetNetworks() {
    for (String link : interfaces()) {
      space.run("ip", "link", "delete", link);
    }
    for (String table : tables()) {
      space.run("nft", "delete table " + table);
    }
  }

  /** A frozen process hears of no signal, not even of SIGKILL, before it is thawed. */
  private void thaw() {
    for (Path group : controlGroups()) {
      write(group.resolve("freezer.state"), "THAWED");
      write(group.resolve("cgroup.freeze"), "0");
    }
  }

  private boolean removeGroups() {
    List<Path> groups = new ArrayList<>(controlGroups());
    groups.sort(Comparator.reverseOrder()); // children first
    for (Path group : groups) {
      try {
        Files.deleteIfExists(group);
      } catch (IOException e) {
        return false; // a process of it is about to end
      }
    }
    return true;
  }

  /** Who listens on Unix sockets below the instance's directory, by path; engine and gate not. */
  private Map<String, Long> listeners() {
    Map<String, String> paths = new HashMap<>();
    for (String line : read(space.proc().resolve("unix")).lines().toList()) {
      String[] fields = line.strip().split(" +", 8);
      if (fields.length == 8
          && fields[7].startsWith(scratch + "/run/")
          && fields[3].equals("00010000")) {
        paths.put(fields[6], fields[7]);
      }
    }
    Map<String, Long> listeners = new TreeMap<>();
    if (paths.isEmpty()) {
      return listeners;
    }
    for (long pid : pids()) {
      if (!read(PROC.resolve(pid + "/comm")).startsWith("gantry-")) {
        continue;
      }
      for (Path link : links(pid)) {
        var socket = SOCKET.matcher(link.toString());
        if (socket.matches() && paths.containsKey(socket.group(1))) {
          listeners.merge(paths.get(socket.group(1)), pid, Belongings::older);
        }
      }
    }
    return listeners;
  }

  /** Who was just forked holds the socket of the other one for a moment. */
  private static long older(long one, long other) {
    return began(one).orElse(Long.MAX_VALUE) <= began(other).orElse(Long.MAX_VALUE) ? one : other;
  }

  private static List<Path> links(long pid) {
    List<Path> links = new ArrayList<>();
    try (Stream<Path> all = Files.list(PROC.resolve(pid + "/fd"))) {
      for (Path fd : all.toList()) {
        try {
          links.add(Files.readSymbolicLink(fd));
        } catch (IOException e) {
          // closed meanwhile
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // it has just ended
    }
    return links;
  }

  private static List<Long> pids() {
    try (Stream<Path> all = Files.list(PROC)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> NUMBER.matcher(name).matches())
          .map(Long::parseLong)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String text) {
    try {
      if (Files.exists(file)) {
        Files.writeString(file, text);
      }
    } catch (IOException e) {
      // the group has gone meanwhile
    }
  }

  /** Empty when it is not there (any more). */
  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) { // ESRCH of a process that ended while it was read
      return "";
    }
  }
}
