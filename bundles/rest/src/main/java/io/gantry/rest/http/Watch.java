package io.gantry.rest.http;

import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.jetty.server.Request;

/** Interrupts this thread when the client goes away before it is closed, and never later. */
final class Watch implements AutoCloseable {

  private final ReentrantLock lock = new ReentrantLock();
  private final Thread worker = Thread.currentThread();
  private boolean over; // guarded by lock

  Watch(Request request, HangUps hangUps) {
    var endPoint = request.getConnectionMetaData().getConnection().getEndPoint();
    if (ChannelConnector.raw(endPoint).getTransport() instanceof SocketChannel channel) {
      hangUps.watch(channel, false, this::interrupt);
    }
  }

  private void interrupt() {
    lock.lock();
    try {
      if (!over) {
        worker.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      over = true;
      Thread.interrupted(); // the next request is another one's
    } finally {
      lock.unlock();
    }
  }
}
