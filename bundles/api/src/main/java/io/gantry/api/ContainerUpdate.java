package io.gantry.api;

/**
 * What is to change of a container that is there.
 *
 * @param limits 0 and empty: as they are; {@code pids} and {@code memorySwap} of -1: unlimited
 * @param restartPolicy empty: as it is, whatever the maximum says
 */
public record ContainerUpdate(HostSpec.Limits limits, String restartPolicy, int restartMaximum) {}
