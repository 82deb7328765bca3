package io.gantry.linux;

import static io.gantry.linux.Kernel.failed;
import static io.gantry.linux.Kernel.libc;

import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/**
 * A pipe between this process and a program that it starts: {@link ProcessBuilder.Redirect} takes
 * one end's path, and a channel is the other end. Reads and writes of a channel wait, and end on an
 * interrupt. What has been opened stays open when this is closed, which has to be done for the
 * other end to see the end of the stream. Not thread-safe.
 */
public final class Pipe implements AutoCloseable {
  private static final int O_CLOEXEC = 02000000;

  private final int source;
  private final int sink;
  private boolean closed;

  private Pipe(int source, int sink) {
    this.source = source;
    this.sink = sink;
  }

  /**
   * @throws io.gantry.spi.GantryException when there are no descriptors left
   */
  public static Pipe open() {
    int[] ends = new int[2];
    if (libc().pipe2(ends, O_CLOEXEC) < 0) {
      throw failed("pipe2", "pipe");
    }
    return new Pipe(ends[0], ends[1]);
  }

  /** Where what is written comes out; leads there until this is closed. */
  public File source() {
    return path(source);
  }

  /** What is written to; leads there until this is closed. */
  public File sink() {
    return path(sink);
  }

  public FileChannel reading() throws IOException {
    return FileChannel.open(source().toPath(), StandardOpenOption.READ);
  }

  public FileChannel writing() throws IOException {
    return FileChannel.open(sink().toPath(), StandardOpenOption.WRITE);
  }

  private static File path(int descriptor) {
    return new File("/proc/self/fd/" + descriptor);
  }

  /** May be repeated. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      libc().close(source);
      libc().close(sink);
    }
  }
}
