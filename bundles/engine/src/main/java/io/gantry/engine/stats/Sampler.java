package io.gantry.engine.stats;

import io.gantry.api.ContainerStats.Usage;
import io.gantry.linux.CgroupReader;
import io.gantry.linux.HostCpu;
import io.gantry.linux.InterfaceStats;
import io.gantry.linux.StatLines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Takes the samples of one container, of one run after the other. For one thread at a time. */
final class Sampler implements AutoCloseable {
  private final Subject subject;
  private final InstantSource clock;
  private final long hostMemory;
  private final boolean kept;
  private @Nullable Object token;
  private @Nullable CgroupReader reader;
  private boolean ownNetwork;

  /**
   * @param kept its files stay open until the run or the sampler ends
   */
  Sampler(Subject subject, InstantSource clock, long hostMemory, boolean kept) {
    this.subject = subject;
    this.clock = clock;
    this.hostMemory = hostMemory;
    this.kept = kept;
  }

  /** Null when it does not run, or has ended while one looked. */
  @Nullable Usage sample(StatLines lines, HostCpu host) {
    var run = subject.run();
    if (run == null) {
      close();
      return null;
    }
    var from = reader;
    if (from == null || token != run.token()) {
      close();
      from = new CgroupReader(run.group(), kept);
      reader = from;
      token = run.token();
      ownNetwork = run.networked() && hasOwnNetwork(run.pid());
    }
    var group = from.read(lines);
    // By the pid alone: whoever had it first is looked at only as long as the run is the same.
    var interfaces =
        ownNetwork ? InterfaceStats.of(run.pid(), lines) : Map.<String, InterfaceStats>of();
    var after = subject.run();
    if (after == null || after.token() != run.token()) {
      close();
      return null;
    }
    int version = run.group().version();
    return Samples.of(clock.instant(), version, group, host, interfaces, hostMemory);
  }

  /** What went through the host's interfaces is not a container's. */
  private static boolean hasOwnNetwork(long pid) {
    try {
      var host = Files.readSymbolicLink(Path.of("/proc/self/ns/net"));
      return !Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/net")).equals(host);
    } catch (IOException e) { // it is just about to end
      return false;
    }
  }

  @Override
  public void close() {
    var from = reader;
    reader = null;
    token = null;
    if (from != null) {
      from.close();
    }
  }
}
