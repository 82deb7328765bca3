package io.gantry.engine.stats;

import io.gantry.api.ContainerStats;
import io.gantry.linux.HostCpu;
import io.gantry.linux.StatLines;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A container that somebody looks at: one sampler, however many clients. */
final class Watched {
  private final Subject subject;
  private final Sampler sampler;
  private final List<Feed> feeds = new CopyOnWriteArrayList<>();
  private volatile @Nullable ContainerStats last;

  Watched(Subject subject, Sampler sampler) {
    this.subject = subject;
    this.sampler = sampler;
  }

  /** Who comes later need not wait for a first sample. */
  void add(Feed feed) {
    feeds.add(feed);
    var there = last;
    if (there != null) {
      feed.offer(there).run(); // nobody waits yet
    }
  }

  /** Whether nobody is left. */
  boolean remove(Feed feed) {
    feeds.remove(feed);
    return feeds.isEmpty();
  }

  /**
   * Takes a sample and hands it out; false when the container is gone.
   *
   * @param told gets what tells the clients
   */
  boolean sample(StatLines lines, HostCpu host, List<Runnable> told) {
    if (subject.isGone()) {
      return false;
    }
    var usage = sampler.sample(lines, host);
    var stats = new ContainerStats(subject.id(), subject.name(), usage, null);
    last = stats;
    feeds.forEach(feed -> told.add(feed.offer(stats)));
    return true;
  }

  /**
   * @param told as {@link #sample}
   */
  void end(List<Runnable> told) {
    sampler.close();
    feeds.forEach(feed -> told.add(feed.end()));
  }
}
