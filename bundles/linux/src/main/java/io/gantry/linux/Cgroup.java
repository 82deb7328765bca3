package io.gantry.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.file.StandardOpenOption.WRITE;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * One control group: a directory of the same name in every hierarchy. Holds nothing open and
 * remembers nothing, so anybody may get it again from {@link CgroupTree#group}.
 */
public final class Cgroup {

  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration POLL = Duration.ofMillis(1);

  private final CgroupTree tree;
  private final String name;
  private final List<Path> directories;

  Cgroup(CgroupTree tree, String name, List<Path> directories) {
    this.tree = tree;
    this.name = name;
    this.directories = List.copyOf(directories);
  }

  /** The directory in each hierarchy. */
  public List<Path> directories() {
    return directories;
  }

  /** {@code cgroup.procs} files that a process writes itself into to join. */
  public List<String> joins() {
    return directories.stream().map(dir -> dir.resolve("cgroup.procs").toString()).toList();
  }

  /** 2 only when all is unified. */
  public int version() {
    return tree.version();
  }

  /** In the unified hierarchy; without one in systemd's, else in any. */
  public Path directory() {
    return tree.unifiedRoot()
        .or(tree::systemdRoot)
        .map(root -> root.resolve(name))
        .orElseGet(() -> directories.get(0));
  }

  /**
   * The directory where a controller's files are, by its version 1 name ({@code blkio} also for
   * version 2's {@code io}); empty when the host lacks the controller.
   */
  public Optional<Path> directoryOf(String controller) {
    Path root = tree.controllerRoots().get(controller);
    if (root != null) {
      return Optional.of(root.resolve(name));
    }
    if (controller.equals("freezer") || controller.equals("cpuacct")) {
      return tree.unifiedRoot().map(unified -> unified.resolve(name));
    }
    String unifiedName = controller.equals("blkio") ? "io" : controller;
    return tree.unifiedRoot()
        .filter(unified -> tree.controllers().contains(unifiedName))
        .map(unified -> unified.resolve(name));
  }

  /** Where out-of-memory kills are counted: memory.events or memory.oom_control. */
  public Optional<Path> oomFile() {
    String file = version() == 2 ? "memory.events" : "memory.oom_control";
    return directoryOf("memory").map(dir -> dir.resolve(file));
  }

  /** Where CPU time is counted: cpu.stat or cpuacct.usage. */
  public Optional<Path> cpuFile() {
    boolean v1 = tree.controllerRoots().containsKey("cpuacct");
    return directoryOf("cpuacct").map(dir -> dir.resolve(v1 ? "cpuacct.usage" : "cpu.stat"));
  }

  public boolean exists() {
    return directories.stream().anyMatch(Files::isDirectory);
  }

  /**
   * Sets limits, also of a running group.
   *
   * @throws GantryException UNSUPPORTED when the host lacks what a limit needs; INVALID when the
   *     kernel refuses a value
   */
  public void limit(CgroupLimits limits) {
    new CgroupLimiter(this).set(limits);
  }

  /**
   * Allows these devices and no others; version 1 only, on version 2 a program of the monitor does
   * it.
   *
   * @param rules {@code a|c|b MAJOR:MINOR rwm} lines, {@code *} for any number
   */
  public void allowDevices(List<String> rules) {
    Path devices = tree.controllerRoots().get("devices");
    if (devices == null) {
      throw new GantryException(
          Kind.UNSUPPORTED, "device rules need the devices controller of cgroup version 1");
    }
    Path directory = devices.resolve(name);
    write(directory.resolve("devices.deny"), "a");
    writeEach(directory.resolve("devices.allow"), rules);
  }

  /** Processes in it and in groups below it. */
  public Set<Long> pids() {
    Set<Long> pids = new TreeSet<>();
    for (Path group : withDescendants(directory())) {
      read(group.resolve("cgroup.procs"))
          .lines()
          .map(Long::valueOf)
          .filter(pid -> pid > 0)
          .forEach(pids::add);
    }
    return pids;
  }

  /** Stops all processes, returns when they stand. */
  public void freeze() {
    boolean frozen = false;
    try {
      setFrozen(true);
      frozen = await(PATIENCE, this::frozen);
    } finally {
      if (!frozen) {
        setFrozen(false);
      }
    }
    if (!frozen) {
      throw new GantryException(
          Kind.UNAVAILABLE,
          "control group " + name + " does not freeze: a process cannot be stopped");
    }
  }

  public void thaw() {
    setFrozen(false);
  }

  public boolean frozen() {
    Path v1 = tree.controllerRoots().get("freezer");
    return v1 != null
        ? read(v1.resolve(name).resolve("freezer.state")).equals("FROZEN")
        : read(directory().resolve("cgroup.events")).lines().anyMatch("frozen 1"::equals);
  }

  private void setFrozen(boolean frozen) {
    Path v1 = tree.controllerRoots().get("freezer");
    if (v1 != null) {
      write(v1.resolve(name).resolve("freezer.state"), frozen ? "FROZEN" : "THAWED");
    } else {
      write(directory().resolve("cgroup.freeze"), frozen ? "1" : "0");
    }
  }

  /**
   * Kills all processes, frozen ones too, and waits until none is left; does nothing when the group
   * is gone.
   */
  public void kill() {
    if (!exists()) {
      return;
    }
    if (!await(PATIENCE, this::killOnce)) {
      throw new GantryException(
          Kind.UNAVAILABLE, "processes of control group " + name + " do not end: " + pids());
    }
  }

  private boolean killOnce() {
    if (isEmpty()) {
      return true;
    }
    Path kill = directory().resolve("cgroup.kill");
    if (Files.exists(kill)) {
      write(kill, "1");
    } else {
      for (long pid : pids()) {
        ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
      }
    }
    // What version 1 has frozen, or half frozen, dies when it thaws.
    Path freezer = tree.controllerRoots().get("freezer");
    if (freezer != null && read(freezer.resolve(name).resolve("freezer.state")).startsWith("FR")) {
      thaw();
    }
    return isEmpty();
  }

  /** By the kernel's own count of a version 2 group and all below it, where there is one. */
  private boolean isEmpty() {
    Optional<String> events =
        tree.unifiedRoot().map(root -> read(root.resolve(name).resolve("cgroup.events")));
    return events.isPresent() && !events.get().isEmpty()
        ? events.get().lines().anyMatch("populated 0"::equals)
        : pids().isEmpty();
  }

  /**
   * Removes the group with groups below it; does nothing when there is none. Waits a while for
   * processes that are about to be gone.
   *
   * @throws GantryException CONFLICT when processes stay
   */
  public void remove() {
    if (!removeWithin(PATIENCE)) {
      throw new GantryException(
          Kind.CONFLICT, "control group " + name + " has processes: " + pids());
    }
  }

  /** Whether it is gone then. */
  boolean removeWithin(Duration patience) {
    List<Path> left = new ArrayList<>(directories);
    return await(patience, () -> left.removeIf(Cgroup::removed) && left.isEmpty());
  }

  private static boolean removed(Path directory) {
    if (removedAlone(directory)) { // mostly there is nothing below, and looking costs more
      return true;
    }
    List<Path> groups = withDescendants(directory);
    Collections.reverse(groups);
    return groups.stream().allMatch(Cgroup::removedAlone);
  }

  private static boolean removedAlone(Path group) {
    try {
      Files.deleteIfExists(group);
      return true;
    } catch (IOException e) {
      return false; // EBUSY: a process is on its way out, or there are groups below
    }
  }

  /** Parents first; empty when the group is gone. */
  private static List<Path> withDescendants(Path directory) {
    List<Path> all = new ArrayList<>();
    if (Files.isDirectory(directory)) {
      all.add(directory);
    }
    for (int i = 0; i < all.size(); i++) {
      all.addAll(CgroupTree.children(all.get(i)));
    }
    return all;
  }

  /** Not ended by an interrupt, whose flag stays: kill and remove are how one takes things back. */
  private static boolean await(Duration patience, BooleanSupplier condition) {
    long end = System.nanoTime() + patience.toNanos();
    boolean interrupted = false;
    try {
      while (!condition.getAsBoolean()) {
        if (System.nanoTime() - end > 0) {
          return false;
        }
        LockSupport.parkNanos(POLL.toNanos());
        interrupted |= Thread.interrupted();
      }
      return true;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The content without the newline at its end; empty when the group is gone. */
  static String read(Path file) {
    try {
      return Files.readString(file, ISO_8859_1).strip();
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      if (e instanceof FileSystemException || e.getMessage() == null) {
        throw failed("read", file, e);
      }
      // ENODEV: the group was removed between open and read.
      return "";
    }
  }

  static void write(Path file, String value) {
    writeEach(file, List.of(value));
  }

  /** Each by a system call of its own, as the kernel takes one at a time. */
  private static void writeEach(Path file, List<String> values) {
    String last = values.isEmpty() ? "" : values.get(0);
    try (var out = Files.newOutputStream(file, WRITE)) { // a channel would end by an interrupt
      for (String value : values) {
        last = value;
        out.write(value.getBytes(ISO_8859_1));
      }
    } catch (IOException e) {
      throw failed("write " + last + " to", file, e);
    }
  }

  static GantryException failed(String what, Path path, IOException e) {
    String reason =
        e instanceof FileSystemException f && f.getReason() != null
            ? f.getReason()
            : e instanceof NoSuchFileException ? "no such file" : String.valueOf(e.getMessage());
    Kind kind =
        switch (reason) {
          case "Invalid argument", "Numerical result out of range" -> Kind.INVALID;
          case "Device or resource busy" -> Kind.CONFLICT;
          case "No space left on device", "Cannot allocate memory" -> Kind.EXHAUSTED;
          case "no such file" -> Kind.NOT_FOUND;
          default -> Kind.INTERNAL;
        };
    return new GantryException(kind, what + " " + path + ": " + reason, e);
  }
}
