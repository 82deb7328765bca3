package io.gantry.jmx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.AbstractMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Constants;

@Timeout(60)
class MBeanWhiteboardTest {

  private static final String NAME = "io.gantry.test:type=Number";

  private final List<String> logged = new CopyOnWriteArrayList<>();
  private final Logger logger = Logger.getLogger(MBeanWhiteboard.class.getName());
  private final Handler handler =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          logged.add(new SimpleFormatter().formatMessage(entry));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };
  private final MBeanWhiteboard whiteboard = new MBeanWhiteboard();

  /** What is shown. */
  public interface NumberMXBean {
    int getNumber();
  }

  private static final class Number implements NumberMXBean {
    @Override
    public int getNumber() {
      return 7;
    }
  }

  @BeforeEach
  void listen() {
    logger.addHandler(handler);
  }

  @AfterEach
  void leaveNothing() throws Exception {
    whiteboard.close();
    logger.removeHandler(handler);
    assertEquals(Set.of(), registered());
  }

  private static Set<ObjectName> registered() throws Exception {
    return ManagementFactory.getPlatformMBeanServer()
        .queryNames(new ObjectName("io.gantry.test:*"), null);
  }

  private static Map<String, Object> properties(long id, String name) {
    return Map.of(Constants.SERVICE_ID, id, MBeanWhiteboard.NAME, name);
  }

  private static void eventually(String what, Condition condition) throws Exception {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < deadline, what);
      Thread.onSpinWait();
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  @Test
  void whatCannotBeRegisteredIsNamedWithTheReason() throws Exception {
    Number bean = new Number();
    whiteboard.bind(bean, properties(1, NAME));
    whiteboard.bind(bean, properties(2, NAME + ",again=yes"));
    eventually("it is told", () -> !logged.isEmpty());
    assertEquals(1, logged.size());
    assertTrue(logged.get(0).startsWith(NAME + ",again=yes cannot be managed"), logged.get(0));
    assertTrue(logged.get(0).contains("already registered with name " + NAME), logged.get(0));
    assertEquals(Set.of(new ObjectName(NAME)), registered());
  }

  @Test
  void whoIsBeingRegisteredAtTheEndLeavesNothingAndFailsInSilence() throws Exception {
    var entered = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    Number bean = new Number();
    whiteboard.bind(bean, properties(1, NAME));
    whiteboard.bind(bean, new Slow(properties(2, NAME + ",fails=yes"), entered, goOn));
    whiteboard.bind(new Number(), properties(3, NAME + ",late=yes"));
    assertTrue(entered.await(20, TimeUnit.SECONDS));
    var closed = CompletableFuture.runAsync(whiteboard::close);
    eventually("it closes", whiteboard::isClosing);
    goOn.countDown();
    closed.get(20, TimeUnit.SECONDS);
    whiteboard.bind(new Number(), properties(4, NAME + ",after=yes"));
    assertEquals(Set.of(), registered());
    assertEquals(List.of(), logged);
  }

  /** Is read from when a bean is about to be registered. */
  private static final class Slow extends AbstractMap<String, Object> {
    private final Map<String, Object> properties;
    private final CountDownLatch entered;
    private final CountDownLatch goOn;

    Slow(Map<String, Object> properties, CountDownLatch entered, CountDownLatch goOn) {
      this.properties = properties;
      this.entered = entered;
      this.goOn = goOn;
    }

    @Override
    public Set<Entry<String, Object>> entrySet() {
      entered.countDown();
      boolean waiting = true;
      while (waiting) {
        try {
          assertFalse(!goOn.await(20, TimeUnit.SECONDS));
          waiting = false;
        } catch (InterruptedException e) {
          // as a bean may do
        }
      }
      return properties.entrySet();
    }
  }
}
