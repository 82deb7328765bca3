package com.example.registry.signed;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.testkit.RegistryAuthProviderContract;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SignedRequestsTest extends RegistryAuthProviderContract {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  @Override
  protected RegistryAuthProvider provider() {
    return new SignedRequests("vendor.example", "key-1", SECRET, () -> NOW);
  }

  @Override
  protected String scheme() {
    return "";
  }

  @Override
  protected String known() {
    return "vendor.example";
  }

  @Test
  void requestsToItsRegistryAreSigned() {
    String signed = "GET\nhttps://vendor.example/v2/x/manifests/1\n2026-01-01T00:00:00Z";
    assertEquals(
        Map.of(
            "X-Example-Date",
            "2026-01-01T00:00:00Z",
            "Authorization",
            "Example-HMAC key-1:" + SignedRequests.signature(SECRET, signed)),
        provider().prepare(request("vendor.example", false, "repository:x:pull", null)));
  }
}
