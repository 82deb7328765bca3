package io.gantry.engine.driver;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static java.util.stream.Collectors.joining;

import io.gantry.spi.Driver;
import io.gantry.spi.GantryException;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.network.NetworkDriver;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.storage.StorageDriver;
import io.gantry.spi.volume.VolumeDriver;
import io.gantry.spi.volume.VolumeHandler;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One of the kinds of drivers.
 *
 * @param type its SPI interface
 * @param words how messages call it
 * @param unowned how a driver takes over while no part of the engine keeps records for the kind, so
 *     that nothing can be expected; null when a {@link TakeOver} service has to be waited for
 */
record Kind<D extends Driver>(Class<D> type, String words, @Nullable TakeOver<D> unowned) {

  /** All of them, in the order of the design. */
  static final List<Kind<?>> ALL =
      List.of(
          new Kind<>(ExecDriver.class, "exec driver", null),
          new Kind<>(StorageDriver.class, "storage driver", null),
          new Kind<>(NetworkDriver.class, "network driver", null),
          new Kind<>(PortMapper.class, "port mapper", null),
          new Kind<>(VolumeDriver.class, "volume driver", null),
          new Kind<>(VolumeHandler.class, "volume handler", (name, d) -> d.recover(Set.of())),
          new Kind<>(LogDriver.class, "log driver", null),
          new Kind<>(
              RegistryAuthProvider.class, "registry auth provider", (name, d) -> d.recover()));

  static Kind<?> named(String name) {
    return ALL.stream()
        .filter(kind -> kind.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new GantryException(
                    INVALID,
                    "no such kind of driver: "
                        + name
                        + "; there are "
                        + ALL.stream().map(Kind::name).collect(joining(", "))));
  }

  /** As in JMX and in the API: {@code StorageDriver}. */
  String name() {
    return type.getSimpleName();
  }
}
