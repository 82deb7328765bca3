package io.gantry.jmx;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.util.HashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.MBeanNotificationInfo;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;
import org.jspecify.annotations.Nullable;

/**
 * Passes the engine's events of one type on as notifications {@code gantry.<type>.<action>}: the
 * message is what it happened to, the user data are the attributes, numbers rise without a gap.
 * They are sent from a thread of their own: a slow listener does not hold up the engine.
 */
abstract class EventEmitter extends NotificationBroadcasterSupport implements AutoCloseable {

  private final String source;
  private final AtomicLong number = new AtomicLong();
  private final ExecutorService thread;
  private final Events.@Nullable Subscription subscription;

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
    this.subscription =
        events == null
            ? null
            : events.subscribe(null, event -> event.type().equals(type), this::send);
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
    if (subscription != null) {
      subscription.close();
    }
    thread.shutdown();
  }
}
