package io.gantry.engine.container;

import io.gantry.api.ContainerSpec;
import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.HostSpec.Publishing;
import io.gantry.engine.spec.ContainerMount;
import java.time.Instant;
import java.util.List;

/**
 * What is kept of a container for as long as it exists.
 *
 * @param spec merged with its image and filled with defaults
 * @param layer of the image, which it keeps; empty for none
 * @param snapshot its writable layer, in {@code storageDriver}
 * @param volumes directories of its own that go with it, from before there were volume drivers
 * @param stopped the user wanted it to end, and it has not been started since
 * @param mounts what it has mounted, settled at its creation
 * @param networked its spec names all networks that it is to be in; else the mode names the one
 */
record ContainerRecord(
    String id,
    String name,
    Instant created,
    String imageId,
    ContainerSpec spec,
    String storageDriver,
    String execDriver,
    String layer,
    String snapshot,
    List<OwnVolume> volumes,
    boolean stopped,
    List<ContainerMount> mounts,
    boolean networked) {

  ContainerRecord {
    volumes = List.copyOf(volumes);
    mounts = List.copyOf(mounts);
  }

  /** An anonymous volume: {@code volumes/NAME} among the container's files. */
  record OwnVolume(String name, String target) {}

  boolean ephemeral() {
    return spec.host().life().autoRemove();
  }

  ContainerRecord named(String other) {
    return new ContainerRecord(
        id,
        other,
        created,
        imageId,
        spec,
        storageDriver,
        execDriver,
        layer,
        snapshot,
        volumes,
        stopped,
        mounts,
        networked);
  }

  ContainerRecord specified(ContainerSpec other) {
    return new ContainerRecord(
        id,
        name,
        created,
        imageId,
        other,
        storageDriver,
        execDriver,
        layer,
        snapshot,
        volumes,
        stopped,
        mounts,
        networked);
  }

  /** To be in these networks and no others. */
  ContainerRecord inNetworks(List<NetworkRequest> requests) {
    return new ContainerRecord(
        id,
        name,
        created,
        imageId,
        spec.with(requests),
        storageDriver,
        execDriver,
        layer,
        snapshot,
        volumes,
        stopped,
        mounts,
        true);
  }

  /** With these ports and no others. */
  ContainerRecord publishing(List<PortRequest> ports) {
    var host = spec.host();
    var former = host.publishing();
    var publishing = new Publishing(ports, former.all(), former.ifExposed());
    return specified(spec.with(host.with(publishing)));
  }

  ContainerRecord stopped(boolean wanted) {
    return new ContainerRecord(
        id,
        name,
        created,
        imageId,
        spec,
        storageDriver,
        execDriver,
        layer,
        snapshot,
        volumes,
        wanted,
        mounts,
        networked);
  }
}
