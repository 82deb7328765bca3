package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Transfers as JConsole shows them, of a registry that takes its time. */
@Tag("root")
@Timeout(300)
class TransfersTest {

  private static final String[] TEXT = {"java.lang.String"};

  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);

  /** Says that it is there, and nothing of an image. */
  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      if (!exchange.getRequestURI().getPath().equals("/v2/")) {
        asked.countDown();
        end.await();
      }
      exchange.sendResponseHeaders(200, -1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void onesUnderWayAreListedAndCancelledAndRegistriesCounted() throws Exception {
    HttpServer registry =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 10);
    ExecutorService threads = Executors.newCachedThreadPool();
    registry.setExecutor(threads);
    registry.createContext("/", this::answer);
    registry.start();
    String host = "127.0.0.1:" + registry.getAddress().getPort();
    try (Instance engine = Instance.start();
        var connector = engine.jmx()) {
      MBeanServerConnection jmx = connector.getMBeanServerConnection();
      ObjectName transfers = new ObjectName("io.gantry:type=Transfers");
      Eventually.eventually("the bean is there", () -> isThere(jmx, transfers));
      assertEquals(0, jmx.getAttribute(transfers, "Count"));
      var pull = CompletableFuture.supplyAsync(() -> pull(engine, host), threads);
      assertTrue(asked.await(60, TimeUnit.SECONDS));

      var list = (CompositeData[]) jmx.invoke(transfers, "list", null, null);
      assertEquals(1, list.length);
      assertEquals("pull", list[0].get("kind"));
      assertEquals(host + "/x:1", list[0].get("reference"));
      assertEquals(0L, list[0].get("bytes"));
      jmx.invoke(transfers, "cancel", new Object[] {list[0].get("id")}, TEXT);
      String answer = pull.get(60, TimeUnit.SECONDS);
      assertTrue(answer.contains("cancelled"), answer);
      assertEquals(0, jmx.getAttribute(transfers, "Count"));
      var none =
          assertThrows(
              RuntimeMBeanException.class,
              () -> jmx.invoke(transfers, "cancel", new Object[] {"no-such"}, TEXT));
      assertInstanceOf(IllegalArgumentException.class, none.getCause());

      var registries = (CompositeData[]) jmx.invoke(transfers, "registries", null, null);
      assertEquals(host, registries[0].get("name"));
      assertTrue((Long) registries[0].get("requests") >= 2, registries[0]::toString);
      jmx.invoke(transfers, "forget", new Object[] {host}, TEXT);
      jmx.invoke(transfers, "forget", new Object[] {""}, TEXT);
    } finally {
      end.countDown();
      registry.stop(0);
      threads.shutdownNow();
    }
  }

  private static boolean isThere(MBeanServerConnection jmx, ObjectName bean) {
    try {
      return jmx.isRegistered(bean);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String pull(Instance engine, String host) {
    try (Http http = engine.http()) {
      return http.call("POST", "/images/create?fromImage=" + host + "/x&tag=1", "").body();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
