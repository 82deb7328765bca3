package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where registries have sent those credentials before that the engine itself knows: no user is
 * there to notice that it is another place now.
 */
final class KnownRealms {

  /** Of more, the one is forgotten that came first. */
  private static final int MOST = 1000;

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, URI> realms = new LinkedHashMap<>(); // guarded by lock

  /**
   * Remembers the first place, and refuses one at another host, port or scheme.
   *
   * @param registry {@code HOST[:PORT]}
   * @throws GantryException FORBIDDEN
   */
  void check(String registry, URI realm) {
    URI known;
    lock.lock();
    try {
      known = realms.putIfAbsent(registry, realm);
      if (realms.size() > MOST) {
        realms.remove(realms.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
    if (known != null && Exchange.isOther(known, realm)) {
      throw new GantryException(
          Kind.FORBIDDEN,
          ("registry %s wants stored credentials sent to %s: refused, since it had them sent to %s"
                  + " before; if that is right, have the engine forget the registry (MBean"
                  + " Transfers) or log in")
              .formatted(registry, shown(realm), shown(known)));
    }
  }

  private static String shown(URI realm) {
    return Failures.shown(realm.getScheme() + "://" + realm.getRawAuthority());
  }

  /** One registry; all when empty. */
  void forget(String registry) {
    lock.lock();
    try {
      if (registry.isEmpty()) {
        realms.clear();
      } else {
        realms.remove(registry);
      }
    } finally {
      lock.unlock();
    }
  }
}
