package io.gantry.registry.client.wire;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** Counts what is exchanged with each registry. */
public final class Traffic {

  /** Who asks for names without end is not remembered for each. */
  private static final int MOST = 1000;

  private final Map<String, Counts> registries = new ConcurrentHashMap<>();

  /** Of one registry. */
  public static final class Counts {
    private final LongAdder requests = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder retries = new LongAdder();
    private final LongAdder received = new LongAdder();
    private final LongAdder sent = new LongAdder();

    void requested() {
      requests.increment();
    }

    void failed() {
      failures.increment();
    }

    /** A request is made again. */
    public void retried() {
      retries.increment();
    }

    void received(int bytes) {
      received.add(bytes);
    }

    void sent(int bytes) {
      sent.add(bytes);
    }

    public long requests() {
      return requests.sum();
    }

    public long failures() {
      return failures.sum();
    }

    public long retries() {
      return retries.sum();
    }

    /** Bytes of bodies. */
    public long received() {
      return received.sum();
    }

    /** Bytes of bodies. */
    public long sent() {
      return sent.sum();
    }
  }

  Counts of(String registry) {
    Counts known = registries.get(registry);
    if (known == null && registries.size() >= MOST) {
      return new Counts();
    }
    return registries.computeIfAbsent(registry, name -> new Counts());
  }

  /** Those that something was exchanged with, by name. */
  public List<Map.Entry<String, Counts>> all() {
    return registries.entrySet().stream().sorted(Map.Entry.comparingByKey()).toList();
  }
}
