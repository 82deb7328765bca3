package io.gantry.registry.client.wire;

import java.io.IOException;
import java.io.OutputStream;

/** What a request brings along. It is asked for it once for each attempt, and gives the same. */
public interface Body {

  /** In bytes; -1 when only writing tells. */
  long length();

  /** Writes all of it, and leaves the stream open. */
  void writeTo(OutputStream out) throws IOException;

  static Body of(byte[] content) {
    return new Body() {
      @Override
      public long length() {
        return content.length;
      }

      @Override
      public void writeTo(OutputStream out) throws IOException {
        out.write(content);
      }
    };
  }
}
