package io.gantry.jmx;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import javax.management.ListenerNotFoundException;
import javax.management.MBeanNotificationInfo;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;
import javax.management.NotificationFilter;
import javax.management.NotificationListener;
import org.jspecify.annotations.Nullable;

/**
 * Passes the engine's events of one type on as notifications {@code gantry.<type>.<action>}: the
 * message is what it happened to, the user data are the attributes, numbers rise without a gap.
 * They are sent from a thread of their own: a slow listener does not hold up the engine. While
 * there is no listener the engine is not asked for any; a client from elsewhere that listens to one
 * bean makes the JDK listen to all, until the engine ends.
 */
abstract class EventEmitter extends NotificationBroadcasterSupport implements AutoCloseable {

  private final String source;
  private final AtomicLong number = new AtomicLong();
  private final ExecutorService thread;
  private final String type;
  private final @Nullable Events events;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<NotificationListener> listeners = new ArrayList<>(); // guarded by lock
  private Events.@Nullable Subscription subscription; // guarded by lock
  private boolean closed; // guarded by lock

  /**
   * @param source name of the bean
   */
  EventEmitter(String type, String source, @Nullable Events events) {
    this(type, source, events, JmxThread.named("gantry-jmx-" + type));
  }

  private EventEmitter(
      String type, String source, @Nullable Events events, ExecutorService thread) {
    super(
        thread,
        new MBeanNotificationInfo(
            new String[] {"gantry." + type}, Notification.class.getName(), type + " events"));
    this.source = source;
    this.thread = thread;
    this.type = type;
    this.events = events;
  }

  @Override
  public final void addNotificationListener(
      NotificationListener listener, @Nullable NotificationFilter filter, @Nullable Object back) {
    super.addNotificationListener(listener, filter, back);
    lock.lock();
    try {
      listeners.add(listener);
      if (subscription == null && events != null && !closed) {
        subscription = events.subscribe(null, event -> event.type().equals(type), this::send);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public final void removeNotificationListener(NotificationListener listener)
      throws ListenerNotFoundException {
    super.removeNotificationListener(listener);
    lock.lock();
    try {
      listeners.removeIf(one -> one == listener);
      unsubscribeIfAlone();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public final void removeNotificationListener(
      NotificationListener listener, @Nullable NotificationFilter filter, @Nullable Object back)
      throws ListenerNotFoundException {
    super.removeNotificationListener(listener, filter, back);
    lock.lock();
    try {
      listeners.remove(listener);
      unsubscribeIfAlone();
    } finally {
      lock.unlock();
    }
  }

  private void unsubscribeIfAlone() {
    if (subscription != null && (listeners.isEmpty() || closed)) {
      subscription.close();
      subscription = null;
    }
  }

  private void send(Event event) {
    var notification =
        new Notification(
            "gantry." + event.type() + "." + event.action(),
            source,
            number.incrementAndGet(),
            event.time().toEpochMilli(),
            event.actor());
    notification.setUserData(new HashMap<>(event.attributes()));
    sendNotification(notification);
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      unsubscribeIfAlone();
    } finally {
      lock.unlock();
    }
    thread.shutdown();
  }
}
