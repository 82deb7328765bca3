package io.gantry.rest.docker;

import static io.gantry.rest.json.JsonText.object;

import io.gantry.rest.json.JsonText;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;

/** The lines of an import whose archive is fetched. */
public final class ImportStream {

  /** A line for so many bytes, as dockerd's progress has it. */
  private static final int STEP = 512 * 1024;

  private final OutputStream out;

  public ImportStream(OutputStream out) {
    this.out = out;
  }

  /** The archive; a line as it is read. */
  public InputStream follow(ImportSource source) {
    line(object("status", "Downloading from " + source.address()));
    return new Followed(source.content(), source.length());
  }

  public void end(String id) {
    line(object("status", id));
  }

  /** After the head has gone out, a failure is a line. */
  public void fail(String message) {
    line(object("errorDetail", object("message", message), "error", message));
  }

  private void line(Object json) {
    try {
      out.write(JsonText.line(json));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // the client is gone
    }
  }

  private final class Followed extends FilterInputStream {
    private final long total;
    private long read;
    private long told;

    Followed(InputStream in, long total) {
      super(in);
      this.total = total;
    }

    @Override
    public int read() throws IOException {
      int one = super.read();
      passed(one < 0 ? -1 : 1);
      return one;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int count = super.read(into, offset, length);
      passed(count);
      return count;
    }

    private void passed(int count) {
      read += Math.max(count, 0);
      boolean ended = count < 0 && told < read;
      if (ended || read - told >= STEP) {
        told = read;
        line(ProgressLine.of("Importing", "", read, Math.max(total, 0)));
      }
    }
  }
}
