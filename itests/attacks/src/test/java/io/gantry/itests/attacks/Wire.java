package io.gantry.itests.attacks;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/**
 * A connection without manners: what is sent goes out as it stands. Every wait, for reading or for
 * writing, ends. Not thread-safe.
 */
final class Wire implements AutoCloseable {

  private final SocketChannel channel;
  private final Selector selector;
  private final ByteBuffer in = ByteBuffer.allocate(1 << 16).limit(0);
  private Duration patience = Duration.ofSeconds(15);

  Wire(Path socket) throws IOException {
    channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    selector = Selector.open();
    try {
      channel.connect(UnixDomainSocketAddress.of(socket));
      channel.configureBlocking(false);
      channel.register(selector, 0);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  Wire patience(Duration limit) {
    patience = limit;
    return this;
  }

  Wire send(String text) throws IOException {
    return send(text.getBytes(ISO_8859_1));
  }

  Wire send(byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      if (channel.write(buffer) == 0) {
        await(SelectionKey.OP_WRITE, "takes nothing");
      }
    }
    return this;
  }

  /** Sends as much as is taken; an engine that has heard enough may hang up. */
  Wire offer(byte[] bytes) {
    try {
      return send(bytes);
    } catch (IOException e) {
      return this; // the answer tells why
    }
  }

  private void await(int what, String silence) throws IOException {
    selector.keys().iterator().next().interestOps(what);
    if (selector.select(patience.toMillis()) == 0) {
      if (Thread.currentThread().isInterrupted()) {
        throw new SocketTimeoutException("interrupted");
      }
      throw new SocketTimeoutException(
          "the engine " + silence + " for " + patience.toMillis() + " ms");
    }
    selector.selectedKeys().clear();
  }

  /** The next answer, interim ones left out. */
  Reply reply() throws IOException {
    return reply("GET");
  }

  Reply reply(String method) throws IOException {
    while (true) {
      String first = line();
      String[] words = first.split(" ", 3);
      if (words.length < 2 || !first.startsWith("HTTP/")) {
        throw new IOException("no HTTP: " + first);
      }
      int status = Integer.parseInt(words[1]);
      var headers = new TreeMap<String, String>();
      for (String header = line(); !header.isEmpty(); header = line()) {
        int colon = header.indexOf(':');
        headers.put(
            header.substring(0, Math.max(colon, 0)).toLowerCase(Locale.ROOT),
            header.substring(colon + 1).strip());
      }
      if (status == 100) {
        continue;
      }
      boolean bare = status == 101 || status == 204 || status == 304 || method.equals("HEAD");
      return new Reply(status, headers, bare ? "" : content(headers));
    }
  }

  private String content(TreeMap<String, String> headers) throws IOException {
    var content = new ByteArrayOutputStream();
    if ("chunked".equals(headers.get("transfer-encoding"))) {
      for (int size = chunk(); size > 0; size = chunk()) {
        take(size, content);
        line();
      }
      line();
    } else if (headers.containsKey("content-length")) {
      take(Integer.parseInt(headers.get("content-length")), content);
    } else {
      takeAll(content);
    }
    return content.toString(ISO_8859_1);
  }

  private int chunk() throws IOException {
    return Integer.parseInt(line().split(";", 2)[0], 16);
  }

  /** All answers until the engine hangs up or says nothing for as long. */
  List<Reply> replies(Duration silence) {
    var replies = new ArrayList<Reply>();
    Duration before = patience;
    patience = silence;
    try {
      while (true) {
        replies.add(reply());
      }
    } catch (IOException | NumberFormatException end) {
      patience = before;
      return replies;
    }
  }

  /** Everything until the engine hangs up. */
  byte[] rest() throws IOException {
    var all = new ByteArrayOutputStream();
    takeAll(all);
    return all.toByteArray();
  }

  private void takeAll(ByteArrayOutputStream to) throws IOException {
    for (int next = next(); next >= 0; next = next()) {
      to.write(next);
    }
  }

  private void take(int count, ByteArrayOutputStream to) throws IOException {
    for (int i = 0; i < count; i++) {
      to.write(need());
    }
  }

  private String line() throws IOException {
    var line = new StringBuilder();
    for (int c = need(); c != '\n'; c = need()) {
      line.append((char) c);
    }
    return line.toString().strip();
  }

  private int need() throws IOException {
    int next = next();
    if (next < 0) {
      throw new EOFException("the engine hung up");
    }
    return next;
  }

  private int next() throws IOException {
    while (!in.hasRemaining()) {
      in.clear();
      int read = channel.read(in);
      in.flip();
      if (read < 0) {
        return -1;
      }
      if (read == 0) {
        await(SelectionKey.OP_READ, "said nothing");
      }
    }
    return in.get() & 0xff;
  }

  /** Says that nothing more will come, and goes on listening. */
  void shutdownOutput() throws IOException {
    channel.shutdownOutput();
  }

  @Override
  public void close() throws IOException {
    selector.close();
    channel.close();
  }
}
