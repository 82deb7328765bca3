package io.gantry.image.archive;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/** Tells every now and then how far it has been read. */
public final class CountedStream extends FilterInputStream {
  private final long step;
  private final LongConsumer progress;
  private long count;
  private long told;

  /**
   * @param step bytes from one telling to the next, at least
   * @param progress gets the bytes read so far, on the reading thread
   */
  public CountedStream(InputStream in, long step, LongConsumer progress) {
    super(in);
    this.step = step;
    this.progress = progress;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int n = in.read(into, offset, length);
    count += Math.max(n, 0);
    if (count - told >= step) {
      told = count;
      progress.accept(count);
    }
    return n;
  }

  @Override
  public boolean markSupported() {
    return false;
  }
}
