package io.gantry.itests.framework;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import javax.management.InstanceNotFoundException;
import javax.management.MBeanServerConnection;
import javax.management.Notification;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import javax.management.openmbean.CompositeData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What JConsole sees, through a connector like the one it uses. */
@ExtendWith(InFramework.class)
public class JmxIT {

  private static final String[] TWO = {"java.lang.String", "java.lang.String"};
  private static final String[] THREE = {
    "java.lang.String", "java.lang.String", "java.lang.String"
  };

  @Test
  public void everyDriverIsABean() throws Exception {
    try (var jmx = connect()) {
      MBeanServerConnection server = jmx.getMBeanServerConnection();
      ObjectName echo = echo();
      Await.until(() -> server.isRegistered(echo), () -> "no bean");
      Await.until(() -> "ACTIVE".equals(server.getAttribute(echo, "State")), () -> "not active");
      new Echo().call();
      assertEquals("io.gantry.itests.echo", server.getAttribute(echo, "Bundle"));
      assertEquals("1.0.0", server.getAttribute(echo, "BundleVersion"));
      assertTrue((Long) server.getAttribute(echo, "Calls") > 0);
      assertTrue((Double) server.getAttribute(echo, "LatencyP50Millis") >= 2);
      assertTrue((Boolean) server.getAttribute(echo, "Default"));
      for (var attribute : server.getMBeanInfo(echo).getAttributes()) {
        assertTrue(server.getAttribute(echo, attribute.getName()) != null, attribute.getName());
      }
    }
  }

  @Test
  public void aDriverIsSwappedAndPutBackByOperations() throws Exception {
    try (var jmx = connect()) {
      MBeanServerConnection server = jmx.getMBeanServerConnection();
      ObjectName drivers = new ObjectName("io.gantry:type=Drivers");
      Await.until(() -> server.isRegistered(drivers), () -> "no bean");
      new Echo().call();
      Object[] update = {Echo.KIND, Echo.NAME, Echo.jar("1.1.0", "").toString()};
      var after = (CompositeData) server.invoke(drivers, "update", update, THREE);
      assertEquals("1.1.0", after.get("version"));
      assertEquals("1.1.0", new Echo().call());
      Object[] name = {Echo.KIND, Echo.NAME};
      var before = (CompositeData) server.invoke(drivers, "rollback", name, TWO);
      assertEquals("1.0.0", before.get("version"));
      server.invoke(drivers, "setDefault", name, TWO);
      var list = (CompositeData[]) server.invoke(drivers, "list", null, null);
      assertEquals("echo", list[0].get("name"));
    }
  }

  @Test
  public void aFailureIsOneThatAClientCanRead() throws Exception {
    try (var jmx = connect()) {
      MBeanServerConnection server = jmx.getMBeanServerConnection();
      ObjectName drivers = new ObjectName("io.gantry:type=Drivers");
      Await.until(() -> server.isRegistered(drivers), () -> "no bean");
      Object[] name = {Echo.KIND, "nosuch"};
      var failure =
          assertThrows(
              RuntimeMBeanException.class, () -> server.invoke(drivers, "info", name, TWO));
      assertEquals(IllegalArgumentException.class, failure.getCause().getClass());
      assertEquals("no such registry auth provider: nosuch", failure.getCause().getMessage());
    }
  }

  @Test
  public void eventsAreNumberedNotifications() throws Exception {
    var events = new Told();
    var service = Echo.context().registerService(Events.class, events, null);
    try (var jmx = connect()) {
      MBeanServerConnection server = jmx.getMBeanServerConnection();
      ObjectName drivers = new ObjectName("io.gantry:type=Drivers");
      var heard = new LinkedBlockingQueue<Notification>();
      NotificationListener listener = (told, x) -> heard.add(told);
      Await.until(() -> listens(server, drivers, listener, events), () -> "nobody subscribes");
      new Echo().update("1.1.0");
      Notification swap = next(heard, "gantry.driver.swap");
      assertEquals("echo", swap.getMessage());
      assertEquals("1.1.0", ((Map<?, ?>) swap.getUserData()).get("version"));
      new Echo().drivers().rollback(Echo.KIND, Echo.NAME);
      assertTrue(next(heard, "gantry.driver.swap").getSequenceNumber() > swap.getSequenceNumber());
    } finally {
      service.unregister();
    }
  }

  /** A bean subscribes with its first listener; the one that has no events is on its way out. */
  private static boolean listens(
      MBeanServerConnection server, ObjectName bean, NotificationListener listener, Told events)
      throws Exception {
    try {
      server.addNotificationListener(bean, listener, null, null);
      if (!events.sinks.isEmpty()) {
        return true;
      }
      server.removeNotificationListener(bean, listener);
      return false;
    } catch (InstanceNotFoundException e) {
      return false;
    }
  }

  private static Notification next(LinkedBlockingQueue<Notification> heard, String type)
      throws InterruptedException {
    while (true) {
      Notification told = heard.poll(60, TimeUnit.SECONDS);
      if (told == null) {
        throw new AssertionError("no " + type);
      }
      if (told.getType().equals(type)) {
        return told;
      }
    }
  }

  private static ObjectName echo() throws Exception {
    return new ObjectName("io.gantry:type=" + Echo.KIND + ",name=" + Echo.NAME);
  }

  /** Through the agent that {@link Platform} has started as JConsole does. */
  private static JMXConnector connect() throws Exception {
    return JMXConnectorFactory.connect(new JMXServiceURL(System.getProperty("test.jmx")));
  }

  /** Events as the engine has them, without its memory. */
  private static final class Told implements Events {
    final List<Consumer<Event>> sinks = new CopyOnWriteArrayList<>();

    @Override
    public Subscription subscribe(
        java.time.Instant since, Predicate<Event> filter, Consumer<Event> sink) {
      Consumer<Event> filtered =
          event -> {
            if (filter.test(event)) {
              sink.accept(event);
            }
          };
      sinks.add(filtered);
      return () -> sinks.remove(filtered);
    }

    @Override
    public void publish(Event event) {
      sinks.forEach(sink -> sink.accept(event));
    }
  }
}
