package io.gantry.registry.client.v2;

import io.gantry.image.manifest.Document;
import io.gantry.registry.client.wire.Body;
import io.gantry.registry.client.wire.RegistryError;
import io.gantry.registry.client.wire.Reply;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Session.Ask;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import java.net.URI;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A repository of a registry, by the distribution specification. */
public final class Repository {

  /** Larger manifests are refused; the specification wants 4 MiB to work. */
  public static final int LONGEST_MANIFEST = 4 << 20;

  /** A larger blob goes out by an upload, which can be gone on with. */
  private static final int LONGEST_WHOLE = 64 << 10;

  /** Of registries that know no POST with a blob, and say so instead of beginning an upload. */
  private static final Set<Integer> NOT_WHOLE = Set.of(400, 405, 411, 415, 501);

  private static final int MOST_TAGS = 100_000;
  private static final int MOST_PAGES = 1000;
  private static final Pattern TAG = Pattern.compile("\\w[\\w.-]{0,127}");
  private static final Pattern NEXT = Pattern.compile("<([^<>]{1,4000})>\\s*;[^,]*rel=\"?next\"?");

  private final Session session;
  private final String path;
  private final List<String> scopes;

  /**
   * @param path of the repository in the registry: {@code library/busybox}
   */
  public Repository(Session session, String path) {
    this(session, path, "pull");
  }

  private Repository(Session session, String path, String actions) {
    this.session = session;
    this.path = path;
    this.scopes = List.of("repository:" + path + ":" + actions);
  }

  /** One whose requests ask for the right to push. */
  public static Repository toPush(Session session, String path) {
    return new Repository(session, path, "pull,push");
  }

  public String path() {
    return path;
  }

  List<String> scopes() {
    return scopes;
  }

  public Session session() {
    return session;
  }

  /** Whether a registry may be expected to give both the same answers. */
  public boolean asksAs(Repository other) {
    return path.equals(other.path) && session.asksAs(other.session);
  }

  /**
   * Finds out whether a registry is there, whatever it says.
   *
   * @return the status of its answer
   * @throws GantryException UNAVAILABLE
   */
  public int ping() {
    try (var reply = session.sendUnproved(new Ask("GET", "/v2/", Map.of(), List.of(), true))) {
      return reply.status();
    }
  }

  /**
   * The digest of what a tag names.
   *
   * @return empty when the registry does not say; the manifest itself tells why
   */
  public Optional<Digest> digest(String tag) {
    Ask ask = new Ask("HEAD", manifests(tag), accept(), scopes, true);
    try (Reply reply = session.send(ask)) {
      reply.bytes(0); // a HEAD has none, and then the connection is free
      return reply.isSuccess()
          ? reply.header("docker-content-digest").flatMap(Digest::find)
          : Optional.empty();
    }
  }

  /**
   * The manifest of a tag or of a digest, which it then has.
   *
   * @param size it has to have, or -1
   * @throws GantryException NOT_FOUND, UNAUTHORIZED, FORBIDDEN as the registry says; INVALID when
   *     it is not what it should be
   */
  public Manifest manifest(String tagOrDigest, long size) {
    Digest wanted = Digest.find(tagOrDigest).orElse(null);
    String name = wanted == null ? path + ":" + tagOrDigest : path + "@" + tagOrDigest;
    try (Reply reply =
        session.send(new Ask("GET", manifests(tagOrDigest), accept(), scopes, true))) {
      check(reply);
      byte[] json = reply.bytes(LONGEST_MANIFEST);
      if (size >= 0 && json.length != size) {
        throw new GantryException(
            Kind.INVALID,
            "manifest %s has %d bytes instead of %d".formatted(name, json.length, size));
      }
      Digest said = reply.header("docker-content-digest").flatMap(Digest::find).orElse(null);
      Digest digest = digest(json, wanted != null ? wanted : said);
      if (wanted != null && !digest.equals(wanted)) {
        throw new GantryException(
            Kind.INVALID,
            "manifest verification failed for digest " + wanted + ": it has " + digest);
      }
      if (wanted == null && said != null && !digest.equals(said)) {
        throw new GantryException(
            Kind.INVALID,
            "manifest %s has digest %s and the registry says %s".formatted(name, digest, said));
      }
      return Manifest.parse(reply.header("content-type").orElse(""), digest, json, name);
    }
  }

  /** By the function of the digest that is expected. */
  private static Digest digest(byte[] content, @Nullable Digest expected) {
    var algorithm = expected == null ? Digest.Algorithm.SHA256 : expected.algorithm();
    MessageDigest hash = algorithm.hash();
    hash.update(content);
    return Digest.of(algorithm, hash);
  }

  private String manifests(String reference) {
    return "/v2/" + path + "/manifests/" + reference;
  }

  private static Map<String, String> accept() {
    return Map.of("Accept", String.join(", ", Manifest.TYPES));
  }

  /**
   * A small blob, verified.
   *
   * @param size that its descriptor says
   */
  public byte[] document(Digest digest, long size, int most) {
    if (size > most) {
      throw new GantryException(
          Kind.INVALID, "blob %s is too large: %d bytes".formatted(digest, size));
    }
    try (Reply reply = session.send(new Ask("GET", blobs(digest), Map.of(), scopes, true))) {
      check(reply);
      byte[] content = reply.bytes(most);
      if (size >= 0 && content.length != size) {
        throw new GantryException(
            Kind.INVALID,
            "blob %s has %d bytes instead of %d".formatted(digest, content.length, size));
      }
      Digest actual = digest(content, digest);
      if (!actual.equals(digest)) {
        throw new GantryException(Kind.INVALID, "blob %s has digest %s".formatted(digest, actual));
      }
      return content;
    }
  }

  /**
   * A blob, unverified.
   *
   * @param offset of the first byte that is wanted; an answer of 200 brings all of them
   * @param pauses gets how long an overloaded registry is waited for
   * @throws GantryException as {@link #manifest}
   */
  public Reply blob(Digest digest, long offset, Consumer<Duration> pauses) {
    Map<String, String> headers = offset == 0 ? Map.of() : Map.of("Range", "bytes=" + offset + "-");
    Reply reply = session.send(new Ask("GET", blobs(digest), headers, scopes, false), pauses);
    try {
      check(reply);
      return reply;
    } catch (GantryException e) {
      reply.close();
      throw e;
    }
  }

  private String blobs(Digest digest) {
    return "/v2/" + path + "/blobs/" + digest;
  }

  /**
   * The size of a blob that the repository has, -1 when the registry does not say.
   *
   * @return empty when it says that there is none, or anything else
   */
  public Optional<Long> size(Digest digest) {
    try (Reply reply = session.send(new Ask("HEAD", blobs(digest), Map.of(), scopes, true))) {
      reply.bytes(0);
      if (reply.status() != 200) {
        return Optional.empty();
      }
      String length = reply.header("content-length").orElse("");
      return Optional.of(length.matches("\\d{1,18}") ? Long.parseLong(length) : -1);
    }
  }

  /**
   * Begins to upload a blob, or goes on with it.
   *
   * @param claim where the upload is written down
   * @throws GantryException UNAUTHORIZED, FORBIDDEN, NOT_FOUND as the registry says
   */
  public Upload upload(Digest.Algorithm algorithm, UnfinishedUploads.@Nullable Claim claim) {
    return Upload.open(this, algorithm, claim);
  }

  /**
   * Has the registry make a blob of a few bytes: by one request where it takes it so, else by an
   * upload.
   *
   * @throws GantryException as {@link #upload}
   */
  public void put(Digest digest, byte[] content) {
    if (content.length > LONGEST_WHOLE) {
      send(upload(digest.algorithm(), null), digest, content);
      return;
    }
    Map<String, String> headers = Map.of("Content-Type", "application/octet-stream");
    var ask =
        new Ask("POST", uploads("?digest=" + digest), headers, scopes, true, Body.of(content));
    try (Reply reply = session.send(ask)) {
      if (reply.status() == 201) {
        reply.drain();
        checkDigest(reply, digest, "blob");
      } else if (reply.status() == 202) { // it has begun an upload, and does not want the body yet
        send(Upload.begun(this, digest.algorithm(), reply), digest, content);
      } else if (NOT_WHOLE.contains(reply.status())) {
        send(upload(digest.algorithm(), null), digest, content);
      } else {
        check(reply);
      }
    }
  }

  private static void send(Upload upload, Digest digest, byte[] content) {
    try (upload) {
      upload.send(Body.of(content), () -> digest);
    }
  }

  static String query(Digest.Algorithm algorithm) {
    return algorithm == Digest.Algorithm.SHA256 ? "" : "?digest-algorithm=" + algorithm.label();
  }

  /** What a registry says to a mount. */
  public enum Mounting {
    DONE,
    NOT_THERE,

    /** It need not be the blob that is missing: one may push here and not read there. */
    REFUSED
  }

  /** Asks the registry to take a blob over from another of its repositories. */
  public Mounting mount(Digest digest, String from) {
    String query = "?mount=" + digest + "&from=" + from;
    List<String> both = List.of(scopes.get(0), "repository:" + from + ":pull");
    try (Reply reply = begin(query, both)) {
      if (reply.status() == 202) {
        Upload.begun(this, digest.algorithm(), reply).close();
        return Mounting.NOT_THERE;
      }
      return reply.status() == 201 ? Mounting.DONE : Mounting.REFUSED;
    } catch (GantryException e) {
      boolean isRefusal =
          e.kind() == Kind.UNAUTHORIZED || e.kind() == Kind.FORBIDDEN || e.kind() == Kind.NOT_FOUND;
      if (!isRefusal) {
        throw e;
      }
      return Mounting.REFUSED;
    }
  }

  Reply begin(String query, List<String> needed) {
    return session.send(new Ask("POST", uploads(query), Map.of(), needed, true));
  }

  private String uploads(String query) {
    return "/v2/" + path + "/blobs/uploads/" + query;
  }

  /**
   * Puts a manifest or an index under a tag; what it names has to be there.
   *
   * @param digest of {@code json}
   * @throws GantryException INVALID when the registry has made something else of it, or as it says
   */
  public void put(String tag, String mediaType, byte[] json, Digest digest) {
    Map<String, String> headers = Map.of("Content-Type", mediaType);
    var ask = new Ask("PUT", manifests(tag), headers, scopes, true, Body.of(json));
    try (Reply reply = session.send(ask)) {
      check(reply);
      reply.drain();
      checkDigest(reply, digest, "manifest");
    }
  }

  /** What a registry says of what it has taken has to be true, if it says something. */
  static void checkDigest(Reply reply, Digest digest, String what) {
    reply
        .header("docker-content-digest")
        .flatMap(Digest::find)
        .filter(said -> said.algorithm() == digest.algorithm() && !said.equals(digest))
        .ifPresent(
            said -> {
              throw new GantryException(
                  Kind.INVALID,
                  "%s: the %s has digest %s and the registry says %s"
                      .formatted(reply.asked(), what, digest, said));
            });
  }

  /**
   * All tags, as the registry orders them.
   *
   * @throws GantryException as {@link #manifest}
   */
  public List<String> tags() {
    Set<String> tags = new LinkedHashSet<>();
    Set<String> pages = new LinkedHashSet<>();
    for (String page = "/v2/" + path + "/tags/list"; page != null; ) {
      if (!pages.add(page) || pages.size() > MOST_PAGES) {
        throw new GantryException(Kind.INVALID, "the list of tags of " + path + " has no end");
      }
      try (Reply reply = session.send(new Ask("GET", page, Map.of(), scopes, true))) {
        check(reply);
        Document list = Document.parse(reply.bytes(LONGEST_MANIFEST), "list of tags of " + path);
        tags.addAll(list.texts("tags", MOST_TAGS));
        page = next(reply).orElse(null);
      }
      if (tags.size() > MOST_TAGS) {
        throw new GantryException(Kind.INVALID, path + " has more than " + MOST_TAGS + " tags");
      }
    }
    List<String> valid = new ArrayList<>(tags);
    valid.removeIf(tag -> !TAG.matcher(tag).matches());
    return valid;
  }

  /** Another host than the registry's is not asked. */
  private Optional<String> next(Reply reply) {
    Matcher link = NEXT.matcher(reply.header("link").orElse(""));
    if (!link.find()) {
      return Optional.empty();
    }
    try {
      URI base = session.address().base();
      URI next = base.resolve("/v2/" + path + "/tags/list").resolve(link.group(1));
      boolean isSame =
          base.getScheme().equals(next.getScheme())
              && base.getRawAuthority().equals(next.getRawAuthority());
      String query = next.getRawQuery();
      return isSame
          ? Optional.of(next.getRawPath() + (query == null ? "" : "?" + query))
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  void check(Reply reply) {
    if (reply.isSuccess()) {
      return;
    }
    if (reply.status() == 401 && session.lacksPassword(reply)) {
      throw new GantryException(
          Kind.UNAUTHORIZED, "%s: no basic auth credentials".formatted(reply.asked()));
    }
    throw reply.failure();
  }

  /** dockerd's sentence for what a registry says of a reference. */
  public static GantryException translated(
      GantryException e, String familiarName, String familiar) {
    String sentence =
        switch (RegistryError.code(e)) {
          case "DENIED" ->
              "pull access denied for %s, repository does not exist or may require 'docker login': %s"
                  .formatted(familiarName, e.getMessage());
          case "MANIFEST_UNKNOWN" ->
              "manifest for %s not found: %s".formatted(familiar, e.getMessage());
          case "NAME_UNKNOWN" ->
              "repository %s not found: %s".formatted(familiarName, e.getMessage());
          default -> "";
        };
    return sentence.isEmpty() ? e : new GantryException(Kind.NOT_FOUND, sentence, e);
  }
}
