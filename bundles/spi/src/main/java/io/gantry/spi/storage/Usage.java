package io.gantry.spi.storage;

/** What a snapshot holds: the sizes of its files as they look, in bytes, and inodes. */
public record Usage(long bytes, long inodes) {}
