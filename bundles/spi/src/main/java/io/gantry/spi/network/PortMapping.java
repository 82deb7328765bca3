package io.gantry.spi.network;

/**
 * One published port.
 *
 * @param id of the listener in the monitor, unique on this host
 * @param protocol {@code tcp}, {@code udp} or {@code sctp}
 * @param hostAddress address to listen on, {@code 0.0.0.0} and {@code ::} for all
 * @param address of the container
 */
public record PortMapping(
    String id, String protocol, String hostAddress, int hostPort, String address, int port) {}
