package io.gantry.itests.swap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import io.gantry.itests.harness.Registry;
import io.gantry.itests.harness.TokenIssuer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Auth providers replaced while clients pull what needs them: no pull fails. */
@Tag("root")
@Timeout(1200)
class AuthSwapTest {

  private static final int SWAPS = Integer.getInteger("gantry.swaps.auth", 8);
  private static final int CLIENTS = 3;
  private static final List<String> PROVIDERS = List.of("token", "certs", "basic", "helpers");

  @TempDir Path folder;
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private final AtomicInteger pulls = new AtomicInteger();
  private volatile boolean isEnough;

  @Test
  void noPullFails() throws Exception {
    try (TokenIssuer issuer = new TokenIssuer(folder, Map.of("acc", "word"));
        Instance engine = Instance.start()) {
      engine.importBusybox();
      Path archive = folder.resolve("busybox.tar");
      engine.docker("save", "-o", archive.toString(), "busybox").ok();
      engine.docker("rmi", "busybox").ok();
      try (Registry open = Registry.start(folder)) {
        for (int i = 0; i < CLIENTS; i++) {
          open.copy("docker-archive:" + archive, "a/busybox" + i + ":1");
        }
      }
      try (Registry registry = Registry.start(folder, issuer.auth("service"), "")) {
        swapUnderLoad(engine, registry);
      }
      assertTrue(issuer.asked().size() > SWAPS / PROVIDERS.size(), "its cache goes with each");
    }
  }

  private void swapUnderLoad(Instance engine, Registry registry) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
    try {
      for (int i = 0; i < CLIENTS; i++) {
        String name = registry.host() + "/a/busybox" + i;
        threads.execute(() -> pullAlways(engine, name));
      }
      for (int i = 0; i < SWAPS; i++) {
        awaitFurtherPulls(CLIENTS);
        String provider = PROVIDERS.get(i % PROVIDERS.size());
        String bundle = "io.gantry.auth." + provider;
        boolean isSample = i / PROVIDERS.size() % 2 == 0;
        update(engine, provider, isSample ? Instance.sample(bundle) : Instance.shipped(bundle));
        assertEquals(List.of(), failures);
      }
      awaitFurtherPulls(CLIENTS);
      assertEquals(List.of(), failures);
    } finally {
      isEnough = true;
      threads.shutdown();
      assertTrue(threads.awaitTermination(2, TimeUnit.MINUTES));
    }
  }

  private void awaitFurtherPulls(int count) {
    int wanted = pulls.get() + count;
    Eventually.within(
        Duration.ofMinutes(2),
        wanted + " pulls",
        () -> pulls.get() >= wanted || !failures.isEmpty());
  }

  private void pullAlways(Instance engine, String name) {
    String auth = "{\"username\":\"acc\",\"password\":\"word\"}";
    var headers =
        Map.of("X-Registry-Auth", Base64.getUrlEncoder().encodeToString(auth.getBytes(UTF_8)));
    try (Http http = engine.http()) {
      while (!isEnough) {
        String path = "/images/create?fromImage=" + name + "&tag=1";
        Http.Answer pulled = http.call("POST", path, "application/json", new byte[0], headers);
        if (!pulled.body().contains("Status: Downloaded newer image")) {
          failures.add(pulled.status() + ": " + pulled.body());
          return;
        }
        Http.Answer removed = http.call("DELETE", "/images/" + name + ":1", "");
        if (removed.status() != 200) {
          failures.add(removed.status() + ": " + removed.body());
          return;
        }
        pulls.incrementAndGet();
      }
    } catch (IOException | RuntimeException e) {
      failures.add(e.toString());
    }
  }

  private static void update(Instance engine, String provider, Path jar) throws IOException {
    try (Http http = engine.http()) {
      String path = "/gantry/v1/drivers/RegistryAuthProvider/" + provider + "/update";
      var answer = http.call("POST", path, "{\"jar\":\"" + jar + "\"}");
      assertEquals(200, answer.status(), answer::body);
      assertTrue(answer.body().contains("\"state\":\"active\""), answer::body);
    }
  }
}
