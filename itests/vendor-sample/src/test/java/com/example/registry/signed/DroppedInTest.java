package com.example.registry.signed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.gantry.itests.harness.Behind;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Registry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A vendor's jar is dropped into the deploy folder, and another version while pulls run. */
@Tag("root")
@Timeout(600)
class DroppedInTest {

  private static final String SECRET = "k3y-of-the-vendor";
  private static final int CLIENTS = 2;

  @TempDir Path folder;
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private final AtomicInteger pulls = new AtomicInteger();
  private volatile boolean isEnough;
  private @Nullable Behind behind;

  /** Lets through what is signed. */
  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      var headers = exchange.getRequestHeaders();
      String address = "http://" + headers.getFirst("Host") + exchange.getRequestURI();
      String signed =
          exchange.getRequestMethod() + "\n" + address + "\n" + headers.getFirst("X-Example-Date");
      String expected = "Example-HMAC key-1:" + SignedRequests.signature(SECRET, signed);
      if (behind == null || !expected.equals(headers.getFirst("Authorization"))) {
        exchange.sendResponseHeaders(401, -1);
        return;
      }
      behind.answer(exchange);
    }
  }

  @Test
  void pullsGoOn() throws Exception {
    Path etc = Files.createDirectory(folder.resolve("etc"));
    HttpServer front =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 100);
    ExecutorService threads = Executors.newCachedThreadPool();
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    front.setExecutor(threads);
    front.createContext("/", this::answer);
    front.start();
    String host = "127.0.0.1:" + front.getAddress().getPort();
    Files.writeString(
        etc.resolve("com.example.registry.signed.json"),
        "{\"registry\": \"%s\", \"key\": \"key-1\", \"secret\": \"%s\"}".formatted(host, SECRET));
    try (Registry registry = Registry.start(folder);
        Instance engine = Instance.start("--etc", etc.toString())) {
      behind = new Behind(registry.host());
      engine.importBusybox();
      Path archive = folder.resolve("busybox.tar");
      engine.docker("save", "-o", archive.toString(), "busybox").ok();
      engine.docker("rmi", "busybox").ok();
      for (int i = 0; i < CLIENTS; i++) {
        registry.copy("docker-archive:" + archive, "a/busybox" + i + ":1");
      }
      assertEquals(1, engine.docker("pull", host + "/a/busybox0:1").exit());
      Path jar = Path.of(System.getProperty("sample"));
      drop(engine, jar, "1.0.0");
      engine.docker("pull", "-q", host + "/a/busybox0:1").ok();
      engine.docker("rmi", host + "/a/busybox0:1").ok();
      for (int i = 0; i < CLIENTS; i++) {
        String name = host + "/a/busybox" + i;
        clients.execute(() -> pullAlways(engine, name));
      }
      for (String version : List.of("1.0.1", "1.0.2")) {
        awaitFurtherPulls();
        drop(engine, jar, version);
      }
      awaitFurtherPulls();
      isEnough = true;
      clients.shutdown();
      assertTrue(clients.awaitTermination(1, TimeUnit.MINUTES));
      assertEquals(List.of(), failures);
      assertFalse(engine.log().contains(SECRET));
    } finally {
      isEnough = true;
      clients.shutdownNow();
      front.stop(0);
      threads.shutdownNow();
    }
  }

  private void awaitFurtherPulls() {
    int wanted = pulls.get() + CLIENTS;
    Eventually.within(
        Duration.ofMinutes(2), "pulls", () -> pulls.get() >= wanted || !failures.isEmpty());
    assertEquals(List.of(), failures);
  }

  private void pullAlways(Instance engine, String name) {
    try (Http http = engine.http()) {
      while (!isEnough) {
        String pulled = http.call("POST", "/images/create?fromImage=" + name + "&tag=1", "").body();
        if (!pulled.contains("Status: Downloaded newer image")) {
          failures.add(pulled);
          return;
        }
        http.call("DELETE", "/images/" + name + ":1", "");
        pulls.incrementAndGet();
      }
    } catch (IOException | RuntimeException e) {
      failures.add(e.toString());
    }
  }

  /** As a vendor's release of this version, and waits until it serves. */
  private void drop(Instance engine, Path jar, String version) throws IOException {
    Path release = folder.resolve("com.example.registry.signed-" + version + ".jar");
    try (JarFile from = new JarFile(jar.toFile())) {
      Manifest manifest = new Manifest(from.getManifest());
      manifest.getMainAttributes().put(new Attributes.Name("Bundle-Version"), version);
      try (var to = new JarOutputStream(Files.newOutputStream(release), manifest)) {
        for (var entry : (Iterable<JarEntry>) from.stream()::iterator) {
          if (!entry.getName().equals(JarFile.MANIFEST_NAME)) {
            to.putNextEntry(new ZipEntry(entry.getName()));
            from.getInputStream(entry).transferTo(to);
          }
        }
      }
    }
    Path deploy = engine.dataRoot().resolve("deploy");
    Path scratch = Files.copy(release, deploy.resolve(".incoming"));
    Files.move(scratch, deploy.resolve(release.getFileName()), StandardCopyOption.ATOMIC_MOVE);
    Eventually.within(
        Duration.ofMinutes(1), version + " serves", () -> drivers(engine).contains(version));
  }

  /** What the API says of the sample once it serves. */
  private static String drivers(Instance engine) {
    try (Http http = engine.http()) {
      String driver = http.call("GET", "/gantry/v1/drivers/RegistryAuthProvider/signed", "").body();
      return driver.contains("\"state\":\"active\"") ? driver : "";
    } catch (IOException e) {
      return "";
    }
  }
}
