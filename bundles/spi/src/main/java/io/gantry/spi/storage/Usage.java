package io.gantry.spi.storage;

/** What a snapshot takes: allocated bytes, and inodes. */
public record Usage(long bytes, long inodes) {}
