package io.gantry.jmx;

import static java.lang.System.Logger.Level.WARNING;

import java.lang.System.Logger;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.NotificationEmitter;
import javax.management.ObjectName;
import javax.management.StandardEmitterMBean;
import javax.management.StandardMBean;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;
import org.osgi.service.component.AnyService;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/**
 * Makes an MBean of every service with the property {@value #NAME}. The interface is the one whose
 * name ends with MXBean or MBean, or what the property {@value #INTERFACE} names. Beans are
 * registered one after the other on a thread of their own, so nobody's start waits for JMX.
 */
@Component(
    immediate = true,
    service = {})
public final class MBeanWhiteboard {

  static final String NAME = "jmx.objectname";
  static final String INTERFACE = "jmx.interface";

  private static final Logger log = System.getLogger(MBeanWhiteboard.class.getName());
  private static final long CLOSE_SECONDS = 5;

  private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
  private final ExecutorService thread = JmxThread.named("gantry-jmx");
  private final Map<Object, ObjectName> registered = new ConcurrentHashMap<>();
  private volatile boolean closing;

  @Activate
  public MBeanWhiteboard() {}

  /**
   * Waits for the bean that is being registered, so that none stays behind; it is not interrupted,
   * which would look like its failure.
   */
  @Deactivate
  void close() {
    closing = true;
    thread.shutdown();
    try {
      if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        log.log(WARNING, "an MBean takes long to be registered");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // what is registered by now is taken away
    }
    registered.values().forEach(this::unregister);
  }

  @Reference(
      service = AnyService.class,
      target = "(" + NAME + "=*)",
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC)
  void bind(Object bean, Map<String, Object> properties) {
    later(() -> register(bean, properties));
  }

  void unbind(Object bean, Map<String, Object> properties) {
    later(
        () -> {
          ObjectName name = registered.remove(id(properties));
          if (name != null) {
            unregister(name);
          }
        });
  }

  boolean isClosing() {
    return closing;
  }

  private void later(Runnable step) {
    try {
      thread.execute(step);
    } catch (RejectedExecutionException e) {
      // closing, maybe at this very moment: close() takes all of them away
    }
  }

  private static Object id(Map<String, Object> properties) {
    return String.valueOf(properties.get(Constants.SERVICE_ID));
  }

  private void register(Object bean, Map<String, Object> properties) {
    if (closing) {
      return;
    }
    try {
      Class<?> type = type(bean, properties.get(INTERFACE));
      if (type == null) {
        log.log(WARNING, "{0} has no interface for JMX", properties.get(NAME));
        return;
      }
      ObjectName name = new ObjectName(String.valueOf(properties.get(NAME)));
      registered.put(
          id(properties), server.registerMBean(standard(bean, type), name).getObjectName());
    } catch (JMException | RuntimeException e) { // what is behind a bean may be any
      if (!closing) { // else its service is going, too
        log.log(WARNING, "{0} cannot be managed: {1}", properties.get(NAME), reason(e));
      }
    }
  }

  /** JMX wraps what has gone wrong into exceptions that only say where. */
  private static String reason(Throwable thrown) {
    Throwable cause = thrown.getCause();
    return cause == null ? thrown.toString() : thrown + ": " + reason(cause);
  }

  private static @Nullable Class<?> type(Object bean, @Nullable Object wanted) {
    for (Class<?> type : interfaces(bean.getClass())) {
      boolean isIt =
          wanted == null
              ? type.getName().endsWith("MXBean") || type.getName().endsWith("MBean")
              : type.getName().equals(wanted);
      if (isIt) {
        return type;
      }
    }
    return null;
  }

  private static List<Class<?>> interfaces(Class<?> bean) {
    List<Class<?>> all = new ArrayList<>();
    for (Class<?> type = bean; type != null; type = type.getSuperclass()) {
      all.addAll(List.of(type.getInterfaces()));
    }
    return all;
  }

  private static <T> StandardMBean standard(Object bean, Class<T> type) {
    boolean isMx = type.getName().endsWith("MXBean");
    T typed = type.cast(bean);
    return bean instanceof NotificationEmitter emitter
        ? new StandardEmitterMBean(typed, type, isMx, emitter)
        : new StandardMBean(typed, type, isMx);
  }

  private void unregister(ObjectName name) {
    try {
      server.unregisterMBean(name);
    } catch (InstanceNotFoundException e) {
      // somebody took it away through JMX: that is where it should be
    } catch (JMException e) {
      log.log(WARNING, "{0} cannot be taken away: {1}", name, e.toString());
    }
  }
}
