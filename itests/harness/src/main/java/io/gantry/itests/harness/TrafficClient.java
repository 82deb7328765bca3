package io.gantry.itests.harness;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The program behind {@link Traffic}: works on its targets without a pause and never tries anything
 * twice. Commands are lines on standard input, and each is answered with one line; what failed is
 * said in lines that begin with {@code failure}.
 *
 * <pre>
 * add KEY http ADDRESS PORT PATH BODY   a connection each time, the whole body as expected
 * add KEY echo ADDRESS PORT             one connection, that says all that it is told
 * add KEY name SERVER NAME ADDRESS      a question of its own each time
 * remove KEY                            answered when it rests
 * count KEY                             how often it went well
 * </pre>
 */
final class TrafficClient {
  private static final int PATIENCE_MILLIS = 5_000;
  private static final long PAUSE_NANOS = 1_000_000;
  private static final int DNS = 53;

  private static final Map<String, Target> targets = new ConcurrentHashMap<>();

  private TrafficClient() {}

  /** One thing to do again and again. */
  private interface Deed {
    void once() throws IOException;

    default void end() throws IOException {}
  }

  /** A thread with its deed. */
  private static final class Target extends Thread {
    private final Deed deed;
    private final AtomicLong count = new AtomicLong();
    private volatile boolean over;

    Target(String key, Deed deed) {
      super(key);
      this.deed = deed;
      setDaemon(true);
    }

    @Override
    public void run() {
      try {
        while (!over) {
          long began = System.nanoTime();
          try {
            deed.once();
            count.incrementAndGet();
          } catch (IOException | RuntimeException e) {
            long millis = (System.nanoTime() - began) / 1_000_000;
            say("failure " + getName() + " after " + millis + " ms: " + e);
            over |= deed instanceof Echo; // its connection is gone
          }
          LockSupport.parkNanos(PAUSE_NANOS);
        }
        deed.end();
      } catch (IOException e) {
        say("failure " + getName() + " at its end: " + e);
      }
    }
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", 4);
      switch (words[0]) {
        case "add" -> {
          Target target = new Target(words[1], deed(words[2], words[3]));
          targets.put(words[1], target);
          target.start();
          say("done");
        }
        case "remove" -> {
          Target target = Objects.requireNonNull(targets.remove(words[1]));
          target.over = true;
          target.join();
          say("done");
        }
        default -> say(Long.toString(Objects.requireNonNull(targets.get(words[1])).count.get()));
      }
    }
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static Deed deed(String kind, String arguments) throws IOException {
    String[] words = arguments.split(" ", 4);
    InetAddress address = InetAddress.getByName(words[0]);
    return switch (kind) {
      case "http" ->
          new Request(
              new InetSocketAddress(address, Integer.parseInt(words[1])), words[2], words[3]);
      case "echo" -> new Echo(new InetSocketAddress(address, Integer.parseInt(words[1])));
      case "name" -> new Question(address, words[1], InetAddress.getByName(words[2]));
      default -> throw new IllegalArgumentException(kind);
    };
  }

  /** A page that is always the same. */
  private record Request(InetSocketAddress server, String path, String body) implements Deed {
    @Override
    public void once() throws IOException {
      try (var socket = new Socket()) {
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(server, PATIENCE_MILLIS);
        String request = "GET " + path + " HTTP/1.0\r\nHost: web\r\n\r\n";
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int end = answer.indexOf("\r\n\r\n");
        if (!answer.contains(" 200 ") || end < 0 || !answer.substring(end).strip().equals(body)) {
          throw new IOException(
              "answered with \"" + answer.strip().replaceAll("\\s+", " ") + "\", not " + body);
        }
      }
    }
  }

  /** A connection that lasts. */
  private static final class Echo implements Deed {
    private final InetSocketAddress server;
    private final Socket socket = new Socket();
    private int sent;

    Echo(InetSocketAddress server) {
      this.server = server;
    }

    @Override
    public void once() throws IOException {
      if (!socket.isConnected()) {
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.setTcpNoDelay(true);
        socket.connect(server, PATIENCE_MILLIS);
      }
      byte[] words = ("words " + sent++ + "\n").getBytes(StandardCharsets.US_ASCII);
      socket.getOutputStream().write(words);
      byte[] back = socket.getInputStream().readNBytes(words.length);
      if (!Arrays.equals(back, words)) {
        throw new IOException("echoed " + back.length + " of " + words.length + " bytes");
      }
    }

    @Override
    public void end() throws IOException {
      socket.close();
    }
  }

  /** The address of a name, as a resolver asks for it. */
  private static final class Question implements Deed {
    private static final AtomicInteger ids = new AtomicInteger();
    private static final int HEAD = 12;
    private final InetAddress server;
    private final String name;
    private final InetAddress wanted;

    Question(InetAddress server, String name, InetAddress wanted) {
      this.server = server;
      this.name = name;
      this.wanted = wanted;
    }

    @Override
    public void once() throws IOException {
      int id = ids.incrementAndGet() & 0xffff;
      byte[] question = question(id);
      byte[] answer = new byte[1500];
      try (var socket = new DatagramSocket()) {
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(server, DNS);
        socket.send(new DatagramPacket(question, question.length));
        var packet = new DatagramPacket(answer, answer.length);
        socket.receive(packet);
        check(ByteBuffer.wrap(answer, 0, packet.getLength()), id, question.length);
      }
    }

    private byte[] question(int id) throws IOException {
      var bytes = new ByteArrayOutputStream();
      var out = new DataOutputStream(bytes);
      for (int word : new int[] {id, 0x0100, 1, 0, 0, 0}) { // recursion is desired
        out.writeShort(word);
      }
      for (String label : name.split("\\.", -1)) {
        out.writeByte(label.length());
        out.writeBytes(label);
      }
      out.writeByte(0);
      out.writeShort(1); // A
      out.writeShort(1); // IN
      return bytes.toByteArray();
    }

    private void check(ByteBuffer answer, int id, int questionLength) throws IOException {
      int flags = answer.getShort(2);
      int count = answer.getShort(6);
      boolean heard = (answer.getShort(0) & 0xffff) == id && (flags & 0xf) == 0 && count > 0;
      if (heard && questionLength >= HEAD) {
        byte[] last = new byte[4]; // of one record, which has an address at its end
        answer.position(answer.limit() - last.length).get(last);
        heard = count == 1 && Arrays.equals(last, wanted.getAddress());
      }
      if (!heard) {
        throw new IOException(
            "asked for %s: flags %04x, %d records, not %s"
                .formatted(name, flags & 0xffff, count, wanted.getHostAddress()));
      }
    }
  }
}
