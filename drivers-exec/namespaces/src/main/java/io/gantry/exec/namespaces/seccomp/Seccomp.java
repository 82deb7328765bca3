package io.gantry.exec.namespaces.seccomp;

import io.gantry.spi.Bytes;
import io.gantry.spi.exec.ProcessSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Turns profiles into filters, and remembers the last ones: most containers have the same. */
public final class Seccomp {

  /**
   * A filter for the kernel.
   *
   * @param instructions {@code struct sock_filter[]}
   * @param flags SECCOMP_FILTER_FLAG_*
   */
  public record Filter(Bytes instructions, long flags) {}

  private record Key(String profile, Set<String> capabilities) {}

  private static final int REMEMBERED = 32;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Key, Filter> filters = // guarded by lock
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Filter> eldest) {
          return size() > REMEMBERED;
        }
      };

  /**
   * The filter for a profile.
   *
   * @param profile as {@link ProcessSpec#seccomp} says; not {@link ProcessSpec#SECCOMP_UNCONFINED}
   * @param capabilities the process' bounding set, which rules may depend on
   * @throws io.gantry.spi.GantryException INVALID with what is wrong with the profile
   */
  public Filter filter(String profile, Set<String> capabilities) {
    var key = new Key(profile, Set.copyOf(capabilities));
    lock.lock();
    try {
      @Nullable Filter known = filters.get(key);
      if (known != null) {
        return known;
      }
    } finally {
      lock.unlock();
    }
    Filter made = compile(profile, key.capabilities);
    lock.lock();
    try {
      filters.put(key, made);
    } finally {
      lock.unlock();
    }
    return made;
  }

  private static Filter compile(String profile, Set<String> capabilities) {
    String text = profile.equals(ProcessSpec.SECCOMP_DEFAULT) ? defaultProfile() : profile;
    var reader =
        new ProfileReader(Arch.ofThisMachine(), System.getProperty("os.version", ""), capabilities);
    Profile read = reader.read(text);
    return new Filter(FilterCompiler.compile(read), read.filterFlags());
  }

  static String defaultProfile() {
    try (InputStream in = Seccomp.class.getResourceAsStream("default.json")) {
      if (in == null) {
        throw new IllegalStateException("default.json is not in this bundle");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
