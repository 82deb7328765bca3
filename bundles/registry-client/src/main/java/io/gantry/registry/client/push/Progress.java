package io.gantry.registry.client.push;

import java.io.IOException;
import java.io.OutputStream;

/** Tells now and then how much has been written. */
final class Progress extends OutputStream {

  private static final long STEP = 512 << 10;
  private static final long STEP_NANOS = 100_000_000;

  private final OutputStream out;
  private final Watcher watcher;
  private final long total;
  private long done;
  private long told;
  private long toldAt;

  Progress(OutputStream out, Watcher watcher, long total) {
    this.out = out;
    this.watcher = watcher;
    this.total = total;
    watcher.at(0, total);
    toldAt = System.nanoTime();
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    out.write(bytes, offset, length);
    done += length;
    long now = System.nanoTime();
    boolean isDue = done - told >= STEP && now - toldAt >= STEP_NANOS;
    if (isDue || done == total) {
      told = done;
      toldAt = now;
      watcher.at(done, total);
    }
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }
}
