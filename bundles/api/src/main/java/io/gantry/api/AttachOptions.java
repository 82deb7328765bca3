package io.gantry.api;

/**
 * @param logs first what was kept so far
 * @param stream then what comes; without it the stream ends after the logs
 * @param detachKeys keys that end a terminal session, as Docker writes them ({@code
 *     ctrl-p,ctrl-q}); empty for the default
 */
public record AttachOptions(
    boolean stdin,
    boolean stdout,
    boolean stderr,
    boolean logs,
    boolean stream,
    String detachKeys) {}
