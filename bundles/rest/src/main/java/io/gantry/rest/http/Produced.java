package io.gantry.rest.http;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Response;

/** A body that is held back until its first flush or until it has filled a buffer. */
final class Produced extends OutputStream {

  private static final int BUFFER = 1 << 16;

  private final Response response;
  private final byte[] buffer = new byte[BUFFER];
  private int pending;
  private boolean isSent;

  Produced(Response response) {
    this.response = response;
  }

  /** Whether some of it has gone out. */
  boolean isSent() {
    return isSent;
  }

  /** What has been held back so far. */
  byte[] held() {
    return Arrays.copyOf(buffer, pending);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    if (length > buffer.length - pending) {
      flush();
    }
    if (length >= buffer.length) {
      Content.Sink.write(response, false, java.nio.ByteBuffer.wrap(bytes, offset, length));
      isSent = true;
      return;
    }
    System.arraycopy(bytes, offset, buffer, pending, length);
    pending += length;
  }

  @Override
  public void flush() throws IOException {
    isSent = true;
    if (pending > 0) {
      int length = pending;
      pending = 0;
      Content.Sink.write(response, false, java.nio.ByteBuffer.wrap(buffer, 0, length));
    }
  }
}
