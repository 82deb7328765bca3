package io.gantry.engine.container;

import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Containers.Sizes;
import io.gantry.spi.GantryException;

/** What containers take on the disk. */
final class Sizing {
  private final Workshop shop;

  Sizing(Workshop shop) {
    this.shop = shop;
  }

  Sizes of(ContainerRecord record) {
    String parent =
        record.layer().isEmpty()
            ? null
            : shop.images().ensure(record.storageDriver(), record.layer());
    long writable =
        shop.storage()
            .call(
                record.storageDriver(),
                driver -> {
                  long bytes = driver.usage(record.snapshot()).bytes();
                  // A driver that copies counts what it copied.
                  return parent != null && driver.layerDir(record.snapshot()).whole()
                      ? Math.max(0, bytes - driver.usage(parent).bytes())
                      : bytes;
                });
    return new Sizes(writable, writable + imageBytes(record));
  }

  /** 0 when the image has been removed by force. */
  private long imageBytes(ContainerRecord record) {
    try {
      return shop.images().resolve(record.imageId(), "").bytes();
    } catch (GantryException e) {
      if (e.kind() == NOT_FOUND) {
        return 0;
      }
      throw e;
    }
  }
}
