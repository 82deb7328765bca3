package io.gantry.image.layer;

import io.gantry.linux.File;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A tar that is made while it is read, with a buffer of one header. What stays of a file that
 * became shorter meanwhile is filled up with zeros; one that grew is cut.
 *
 * <p>Not thread-safe.
 */
public final class TarStream extends InputStream {

  /**
   * What the tar is made of, in order; asked for when the one before has been read. Close is called
   * once, at the end or before.
   */
  public interface Members extends AutoCloseable {
    /** Null at the end. */
    @Nullable Member next();

    @Override
    void close();
  }

  /**
   * @param content of a regular file, from its start; closed by who reads the tar
   */
  public record Member(TarEntry entry, @Nullable File content) {}

  private static final byte[] END = new byte[2 * TarReader.BLOCK];

  private final Members members;
  private byte[] pending = new byte[0];
  private int pendingAt;
  private @Nullable File content;
  private long contentLeft;
  private int padding;
  private boolean ended;
  private boolean closed;

  public TarStream(Members members) {
    this.members = members;
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) {
    int done = 0;
    while (done < length) {
      if (pendingAt < pending.length) {
        int n = Math.min(length - done, pending.length - pendingAt);
        System.arraycopy(pending, pendingAt, into, offset + done, n);
        pendingAt += n;
        done += n;
      } else if (contentLeft > 0) {
        done += readContent(into, offset + done, length - done);
      } else if (padding > 0) {
        int n = Math.min(length - done, padding);
        Arrays.fill(into, offset + done, offset + done + n, (byte) 0);
        padding -= n;
        done += n;
      } else if (!advance()) {
        break;
      }
    }
    return done == 0 && length > 0 ? -1 : done;
  }

  private int readContent(byte[] into, int offset, int length) {
    int wanted = (int) Math.min(length, contentLeft);
    File file = content;
    int n = file == null ? -1 : file.read(ByteBuffer.wrap(into, offset, wanted));
    if (n < 0) {
      Arrays.fill(into, offset, offset + wanted, (byte) 0);
      n = wanted;
    }
    contentLeft -= n;
    return n;
  }

  private boolean advance() {
    closeContent();
    if (ended) {
      return false;
    }
    Member next = members.next();
    pendingAt = 0;
    if (next == null) {
      ended = true;
      pending = END;
      return true;
    }
    content = next.content();
    contentLeft = next.content() == null ? 0 : next.entry().size();
    padding = (int) (-contentLeft & TarReader.BLOCK - 1);
    pending = TarHeader.of(next.entry());
    return true;
  }

  private void closeContent() {
    File file = content;
    content = null;
    if (file != null) {
      file.close();
    }
  }

  /** May be repeated. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      ended = true;
      contentLeft = 0;
      padding = 0;
      pending = new byte[0];
      pendingAt = 0;
      try {
        closeContent();
      } finally {
        members.close();
      }
    }
  }
}
