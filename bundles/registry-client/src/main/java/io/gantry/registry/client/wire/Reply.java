package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** An answer whose body has not been read yet. Closing it ends the transfer. */
public final class Reply implements AutoCloseable {

  private final Sent sent;
  private final int status;
  private final String reason;
  private final Map<String, List<String>> headers;
  private final Counted body;
  private final Consumer<Boolean> end;

  /**
   * @param headers names in lower case
   * @param end gets whether all has been read, when it is closed
   */
  Reply(
      Sent sent,
      int status,
      String reason,
      Map<String, List<String>> headers,
      InputStream body,
      Traffic.Counts counts,
      Consumer<Boolean> end) {
    this.sent = sent;
    this.status = status;
    this.reason = reason;
    this.headers = headers;
    this.body = new Counted(body, counts);
    this.end = end;
  }

  public int status() {
    return status;
  }

  public boolean isSuccess() {
    return status >= 200 && status < 300;
  }

  public String reason() {
    return reason;
  }

  Sent sent() {
    return sent;
  }

  /** What was asked, as messages begin. */
  public String asked() {
    return Failures.asked(sent);
  }

  /** Where it comes from, after redirects. */
  URI uri() {
    return sent.uri();
  }

  /** Names in lower case. */
  Map<String, List<String>> headers() {
    return headers;
  }

  /** The first of a name. */
  public Optional<String> header(String name) {
    return headers(name).stream().findFirst();
  }

  /** All of a name. */
  public List<String> headers(String name) {
    return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
  }

  /** Reading fails with an {@link IOException} when the registry stalls or hangs up. */
  public InputStream body() {
    return body;
  }

  /**
   * All of the body.
   *
   * @throws GantryException INVALID when it is larger
   */
  public byte[] bytes(int most) {
    try {
      byte[] bytes = body.readNBytes(most);
      if (body.read() >= 0) {
        throw new GantryException(
            Kind.INVALID, "%s: the answer is larger than %d bytes".formatted(sent.shown(), most));
      }
      return bytes;
    } catch (IOException e) {
      throw Failures.of(sent, e);
    }
  }

  /** The failure that this answer is. */
  public GantryException failure() {
    return Failures.of(this);
  }

  /** What reading the body has thrown, in words. */
  public GantryException failure(IOException e) {
    return Failures.of(sent, e);
  }

  /** Reads what is left of a small answer, so that its connection can be used again. */
  public void drain() {
    try {
      body.readNBytes(Failures.LONGEST_ERROR);
    } catch (IOException e) {
      throw Failures.of(sent, e);
    }
  }

  @Override
  public void close() {
    end.accept(body.isEnded);
  }

  private static final class Counted extends FilterInputStream {
    private final Traffic.Counts counts;
    private boolean isEnded;

    Counted(InputStream in, Traffic.Counts counts) {
      super(in);
      this.counts = counts;
    }

    @Override
    public int read() throws IOException {
      int one = in.read();
      isEnded |= one < 0;
      counts.received(one < 0 ? 0 : 1);
      return one;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int n = in.read(into, offset, length);
      isEnded |= n < 0;
      counts.received(Math.max(n, 0));
      return n;
    }
  }
}
