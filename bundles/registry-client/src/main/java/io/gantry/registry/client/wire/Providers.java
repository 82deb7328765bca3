package io.gantry.registry.client.wire;

import io.gantry.api.Leased;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.AuthAnswer;
import io.gantry.spi.registry.AuthCall;
import io.gantry.spi.registry.AuthResult;
import io.gantry.spi.registry.Challenge;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.HostTls;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.spi.registry.RegistryRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** All auth providers as one: those of the configured order first, then the others by name. */
final class Providers {

  /** Calls that one answer may ask for. */
  private static final int MOST_CALLS = 5;

  private final Leased<RegistryAuthProvider> leased;
  private final List<String> order;

  /** Makes a call that a provider has asked for. */
  interface Caller {
    AuthResult call(AuthCall call);
  }

  Providers(Leased<RegistryAuthProvider> leased, List<String> order) {
    this.leased = leased;
    this.order = order;
  }

  /** With those that are being replaced: a call to them waits. */
  private List<String> names() {
    List<String> expected = leased.expected();
    List<String> names = new ArrayList<>(order.stream().filter(expected::contains).toList());
    expected.stream().filter(name -> !names.contains(name)).forEach(names::add);
    return names;
  }

  /** The first that has something to say of a host. */
  HostTls tls(String host) {
    return first(provider -> provider.tls(host), tls -> !tls.equals(HostTls.NONE), HostTls.NONE);
  }

  @Nullable Credentials credentials(String registry) {
    for (String name : names()) {
      Credentials found = ask(name, provider -> provider.credentials(registry), null);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** Of two that name a header the first one counts. */
  Map<String, String> prepare(RegistryRequest request) {
    Map<String, String> headers = new LinkedHashMap<>();
    for (String name : names()) {
      Map<String, String> own = ask(name, provider -> provider.prepare(request), Map.of());
      if (own != null) {
        own.forEach(headers::putIfAbsent);
      }
    }
    return headers;
  }

  /**
   * The answer of the first that has one to some challenge, in the registry's order.
   *
   * @return with headers, or {@link AuthAnswer#NONE}
   */
  AuthAnswer answer(List<Challenge> challenges, Caller caller) {
    for (Challenge challenge : challenges) {
      for (String name : names()) {
        AuthAnswer answer = answer(name, challenge, caller);
        if (!answer.headers().isEmpty()) {
          return answer;
        }
      }
    }
    return AuthAnswer.NONE;
  }

  private AuthAnswer answer(String name, Challenge challenge, Caller caller) {
    AuthResult result = null;
    for (int calls = 0; calls <= MOST_CALLS; calls++) {
      AuthResult last = result;
      AuthAnswer answer = ask(name, provider -> provider.answer(challenge, last), AuthAnswer.NONE);
      AuthCall call = answer == null ? null : answer.call();
      if (answer == null || call == null) {
        return answer == null ? AuthAnswer.NONE : answer;
      }
      result = caller.call(call);
    }
    throw new GantryException(
        Kind.UNAUTHORIZED,
        "auth provider " + name + " asks for more than " + MOST_CALLS + " calls");
  }

  void learn(RegistryRequest request, Map<String, List<String>> headers) {
    each(provider -> provider.learn(request, headers));
  }

  void end(String operation) {
    each(provider -> provider.end(operation));
  }

  void forget(String registry) {
    each(provider -> provider.forget(registry));
  }

  private void each(Consumer<RegistryAuthProvider> call) {
    for (String name : names()) {
      ask(
          name,
          provider -> {
            call.accept(provider);
            return true;
          },
          true);
    }
  }

  private <R> R first(
      Function<RegistryAuthProvider, R> question, Function<R, Boolean> counts, R none) {
    for (String name : names()) {
      R answer = ask(name, question, none);
      if (answer != null && counts.apply(answer)) {
        return answer;
      }
    }
    return none;
  }

  /** One that went away meanwhile has nothing to say. */
  private <R> @Nullable R ask(
      String name,
      Function<RegistryAuthProvider, ? extends @Nullable R> question,
      @Nullable R none) {
    boolean[] reached = {false};
    try {
      return leased.call(
          name,
          provider -> {
            reached[0] = true;
            return question.apply(provider);
          });
    } catch (GantryException e) {
      boolean isGone = e.kind() == Kind.NOT_FOUND || e.kind() == Kind.UNAVAILABLE;
      if (reached[0] || !isGone) {
        throw e;
      }
      return none;
    }
  }
}
