package io.gantry.spi.network;

/**
 * A listener that the userland proxy serves.
 *
 * @param listener id of the {@link PortMapping}
 * @param address where connections go
 */
public record Proxied(String listener, String address, int port) {}
