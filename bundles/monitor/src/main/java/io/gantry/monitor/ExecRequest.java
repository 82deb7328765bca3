package io.gantry.monitor;

import io.gantry.spi.Bytes;

/**
 * A further process in a running container.
 *
 * @param execId 64 hex, the engine's
 * @param streams what the stream carries; none: nobody looks
 * @param terminal it gets a terminal (the program has the op CONSOLE)
 * @param rows of the terminal, 0 when unknown
 * @param columns of the terminal, 0 when unknown
 * @param program as an exec driver planned it
 */
public record ExecRequest(
    String execId, Streams streams, boolean terminal, int rows, int columns, Bytes program) {}
