package io.gantry.api;

import org.jspecify.annotations.Nullable;

/**
 * @param exitCode null until it has ended
 * @param pid on the host, 0 when it does not run
 */
public record ExecView(
    String id,
    String container,
    ExecSpec spec,
    boolean running,
    @Nullable Integer exitCode,
    long pid) {}
