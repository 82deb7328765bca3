package io.gantry.api;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Between this host and registries. A call ends when its work has; an interrupt cancels it
 * (CANCELLED), and what has arrived is kept for the next attempt. Errors name registry, request and
 * status.
 */
@ProviderType
public interface Transfers {

  /**
   * Fetches an image, or all of a repository.
   *
   * @param ref {@code name[:tag]} or {@code name@digest}; a name alone is {@code latest}, or with
   *     {@code allTags} all of them
   * @param platform {@code os/architecture[/variant]}, or empty for this host's
   * @throws io.gantry.spi.GantryException INVALID for a reference or an answer that is none,
   *     NOT_FOUND, UNAUTHORIZED, FORBIDDEN, EXHAUSTED, UNAVAILABLE; images that were complete stay,
   *     of the others nothing
   */
  void pull(String ref, boolean allTags, String platform, @Nullable Login login, Telling telling);

  /**
   * Sends an image under a name it has here, or with {@code allTags} all of a repository.
   *
   * @param ref {@code name[:tag]}
   * @param platform of a multi-platform image the one to send, or empty for all that is here
   * @throws io.gantry.spi.GantryException as {@link #pull}; NOT_FOUND when it is not here
   */
  void push(String ref, boolean allTags, String platform, @Nullable Login login, Telling telling);

  /**
   * Finds out whether a registry knows a user.
   *
   * @return the token to log in with from now on, or empty when the password stays what it is
   * @throws io.gantry.spi.GantryException UNAUTHORIZED with what the registry says
   */
  String login(Login login);

  /**
   * Searches the registry that {@code term} begins with, or Docker's index.
   *
   * @param limit at most so many, 1 to 100
   */
  List<Found> search(String term, int limit, @Nullable Login login);

  /** What a registry has under a reference, without fetching it. */
  Manifest manifest(String ref, @Nullable Login login);

  /** Those under way, the oldest first; from memory. */
  List<Transfer> list();

  /**
   * Ends a transfer as its client's leaving would.
   *
   * @throws io.gantry.spi.GantryException NOT_FOUND
   */
  void cancel(String id);

  /** What has been exchanged with each registry since the engine started. */
  List<Registry> registries();

  /** Has all auth providers drop what they keep for a registry; for all when empty. */
  void forget(String registry);

  /**
   * Who a client says it is. Never logged.
   *
   * @param registry it is for, or empty for the one that the request names
   * @param identityToken refresh token of a former login, or empty
   * @param registryToken bearer token to send as it is, or empty
   */
  record Login(
      String registry,
      String username,
      String password,
      String identityToken,
      String registryToken) {

    @Override
    public String toString() {
      return "login of " + username + " to " + registry;
    }
  }

  /**
   * Where a transfer tells what it does; on any thread, never on two at once. It throws when the
   * client is gone, which cancels the transfer.
   */
  interface Telling {

    /**
     * @param id of the layer or tag, or empty
     */
    void says(String id, String status);

    /**
     * @param total -1 when unknown
     */
    void at(String id, String status, long current, long total);

    /** A tag is in the registry. */
    void pushed(String tag, String digest, long size);
  }

  /** A result of a search. */
  record Found(
      String name, String description, int stars, boolean isOfficial, boolean isAutomated) {}

  /**
   * What a reference leads to.
   *
   * @param platforms {@code os/architecture[/variant]} of the images it holds
   */
  record Manifest(String mediaType, String digest, long size, List<String> platforms) {

    public Manifest {
      platforms = List.copyOf(platforms);
    }
  }

  /**
   * A transfer under way.
   *
   * @param kind {@code pull} or {@code push}
   * @param current bytes of blobs so far, of {@code total}; what was there already counts in
   *     neither
   * @param bytesPerSecond over the last few seconds
   */
  record Transfer(
      String id,
      String kind,
      String ref,
      Instant since,
      long current,
      long total,
      long bytesPerSecond) {}

  /**
   * What has been exchanged with a registry.
   *
   * @param failures requests that got no answer, or one of 400 and above but 401 and 404
   */
  record Registry(
      String name, long requests, long failures, long retries, long received, long sent) {}
}
