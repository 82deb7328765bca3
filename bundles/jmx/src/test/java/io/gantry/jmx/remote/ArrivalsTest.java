package io.gantry.jmx.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ArrivalsTest {
  private static final int MOST = 4;
  private static final Duration LONG = Duration.ofMinutes(5);

  private final Arrivals arrivals = new Arrivals(MOST);
  private final List<Socket> clients = new ArrayList<>();
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private Listener listener;

  /** Of Java's sockets only such a one hands over another class. */
  private static final class Listener extends ServerSocket {
    Listener() throws IOException {
      super(0, 50, InetAddress.getByName("127.0.0.1"));
    }

    Arrival accept(Arrival arrival) throws IOException {
      implAccept(arrival);
      return arrival;
    }
  }

  @BeforeEach
  void listen() throws IOException {
    listener = new Listener();
  }

  @AfterEach
  void close() throws IOException {
    timer.shutdownNow();
    for (Socket client : clients) {
      client.close();
    }
    listener.close();
  }

  @Test
  void whoHasNotLoggedInGivesWayTheOldestOfTheAddressWithMost() throws Exception {
    var other = arrive("127.0.0.2", LONG);
    assertEquals(Optional.empty(), arrivals.add(other));
    var first = arrive("127.0.0.1", LONG);
    assertEquals(Optional.empty(), arrivals.add(first));
    var known = arrive("127.0.0.1", LONG);
    admit(known);
    assertEquals(Optional.empty(), arrivals.add(known));
    var second = arrive("127.0.0.1", LONG);
    assertEquals(Optional.empty(), arrivals.add(second));

    var third = arrive("127.0.0.1", LONG);
    assertSame(first, arrivals.add(third).orElseThrow());
    assertSame(second, arrivals.add(arrive("127.0.0.3", LONG)).orElseThrow());
  }

  @Test
  void whoHasLoggedInStays() throws Exception {
    var all = new ArrayList<Arrival>();
    for (int i = 0; i < MOST; i++) {
      var arrival = arrive("127.0.0.1", LONG);
      admit(arrival);
      all.add(arrival);
      assertEquals(Optional.empty(), arrivals.add(arrival));
    }
    var more = arrive("127.0.0.1", LONG);
    assertSame(more, arrivals.add(more).orElseThrow());
    all.get(2).close();
    assertEquals(Optional.empty(), arrivals.add(arrive("127.0.0.1", LONG)));
  }

  @Test
  void whoTricklesIsPutOutInTime() throws Exception {
    var arrival = arrive("127.0.0.1", Duration.ofMillis(400));
    trickle(clients.get(0));
    var in = arrival.getInputStream();
    assertThrows(
        SocketTimeoutException.class,
        () -> {
          while (in.read() >= 0) {
            assertFalse(arrival.isAdmitted());
          }
        });
  }

  @Test
  void whoHasLoggedInMayTakeHisTime() throws Exception {
    var arrival = arrive("127.0.0.1", Duration.ofMillis(400));
    trickle(clients.get(0));
    admit(arrival);
    var in = arrival.getInputStream();
    long end = System.nanoTime() + Duration.ofMillis(900).toNanos();
    while (System.nanoTime() < end) {
      assertEquals('x', in.read());
    }
    assertTrue(arrival.isAdmitted());
  }

  private Arrival arrive(String from, Duration login) throws IOException {
    var client = new Socket();
    clients.add(client);
    client.bind(new InetSocketAddress(from, 0));
    client.connect(listener.getLocalSocketAddress());
    return listener.accept(new Arrival(arrivals::remove, login));
  }

  private void trickle(Socket client) {
    timer.scheduleWithFixedDelay(
        () -> {
          try {
            client.getOutputStream().write('x');
          } catch (IOException e) {
            throw new IllegalStateException(e); // no more then
          }
        },
        0,
        20,
        TimeUnit.MILLISECONDS);
  }

  /** As the thread that serves it does: it has read from it before. */
  private void admit(Arrival arrival) throws IOException {
    clients.get(clients.size() - 1).getOutputStream().write('x');
    assertEquals('x', arrival.getInputStream().read());
    Arrival.admit();
  }
}
