package io.gantry.engine.image;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;

/** Tells every now and then how much has come. */
final class CountedStream extends FilterInputStream {
  private static final long STEP = 1 << 20;

  private final LongConsumer progress;
  private long count;
  private long told;

  CountedStream(InputStream in, LongConsumer progress) {
    super(in);
    this.progress = progress;
  }

  @Override
  public int read() throws IOException {
    int b = super.read();
    if (b >= 0) {
      count(1);
    }
    return b;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    int read = super.read(buffer, offset, length);
    if (read > 0) {
      count(read);
    }
    return read;
  }

  @Override
  public boolean markSupported() {
    return false;
  }

  private void count(int bytes) {
    count += bytes;
    if (count - told >= STEP) {
      told = count;
      progress.accept(count);
    }
  }
}
