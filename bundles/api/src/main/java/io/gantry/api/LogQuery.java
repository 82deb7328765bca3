package io.gantry.api;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * @param since lines at or after it, or null
 * @param until lines before or at it, or null
 * @param tail last lines, -1 for all
 * @param timestamps each line starts with its time, RFC 3339 with nine digits
 * @param details each line starts with the label and environment attributes asked for by log
 *     options
 */
public record LogQuery(
    boolean stdout,
    boolean stderr,
    boolean follow,
    boolean timestamps,
    boolean details,
    @Nullable Instant since,
    @Nullable Instant until,
    long tail) {}
