package io.gantry.registry.client;

import static java.lang.System.Logger.Level.ERROR;

import io.gantry.api.Events;
import io.gantry.api.Events.Event;
import io.gantry.api.Leased;
import io.gantry.api.Transfers;
import io.gantry.image.Image;
import io.gantry.image.ImageConfig;
import io.gantry.image.Intake;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.image.manifest.Platform;
import io.gantry.registry.client.known.KnownBlobs;
import io.gantry.registry.client.pull.Pull;
import io.gantry.registry.client.pull.Workshop;
import io.gantry.registry.client.push.Push;
import io.gantry.registry.client.push.Shipping;
import io.gantry.registry.client.v1.Index;
import io.gantry.registry.client.v1.Search;
import io.gantry.registry.client.v1.Tree;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.v2.UnfinishedUploads;
import io.gantry.registry.client.wire.Address;
import io.gantry.registry.client.wire.Patience;
import io.gantry.registry.client.wire.Proxies;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Settings;
import io.gantry.registry.client.wire.V1Registry;
import io.gantry.registry.client.wire.Wire;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.spi.registry.Credentials;
import io.gantry.spi.registry.RegistryAuthProvider;
import io.gantry.store.Digest;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;

/** Transfers to and from registries. */
@Component(name = "io.gantry.registry.client", service = Transfers.class)
@Designate(ocd = ClientConfig.class)
public final class RegistryClient implements Transfers {

  private static final System.Logger log = System.getLogger(RegistryClient.class.getName());

  private static final int MOST_FOUND = 100;

  private final Intake intake;
  private final Events events;
  private final InstantSource clock = InstantSource.system();
  private final ExecutorService threads;
  private final Wire wire;
  private final Workshop workshop;
  private final VersionOne versionOne;
  private final Map<String, Operation> operations = new ConcurrentHashMap<>();
  private volatile Settings settings;
  private final UnfinishedUploads unfinished;
  private final Shipping shipping;
  private volatile int mostDownloads;
  private volatile int mostUploads;

  @Activate
  public RegistryClient(
      BundleContext context,
      ClientConfig config,
      @Reference Intake intake,
      @Reference Events events,
      @Reference(target = "(" + Leased.KIND + "=RegistryAuthProvider)")
          Leased<RegistryAuthProvider> providers) {
    this(
        intake,
        events,
        providers,
        settings(config),
        Path.of(
            Objects.requireNonNull(context.getProperty("gantry.data.root"), "gantry.data.root")),
        config.maxConcurrentDownloads(),
        config.maxConcurrentUploads(),
        "gantry/" + context.getBundle().getVersion());
  }

  RegistryClient(
      Intake intake,
      Events events,
      Leased<RegistryAuthProvider> providers,
      Settings settings,
      Path dataRoot,
      int mostDownloads,
      int mostUploads,
      String userAgent) {
    this.intake = intake;
    this.events = events;
    this.settings = settings;
    this.mostDownloads = mostDownloads;
    this.mostUploads = mostUploads;
    AtomicInteger count = new AtomicInteger();
    threads =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "registry-transfer-" + count.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    wire = new Wire(providers, settings.patience(), userAgent);
    var known = new KnownBlobs(dataRoot.resolve("registry/known"));
    workshop = new Workshop(intake, known, threads);
    unfinished = new UnfinishedUploads(dataRoot.resolve("registry/uploads"), clock);
    shipping = new Shipping(intake, known, unfinished, threads);
    versionOne = new VersionOne(intake, dataRoot.resolve("registry/v1"));
  }

  /** What cannot be read is reported and left out. */
  private static Settings settings(ClientConfig config) {
    Proxies proxies = Proxies.NONE;
    try {
      proxies =
          Proxies.of(config.httpProxy(), config.httpsProxy(), config.noProxy(), System.getenv());
    } catch (GantryException e) {
      log.log(ERROR, e.getMessage());
    }
    return new Settings(
        Arrays.stream(config.mirrors())
            .flatMap(text -> read(text, Settings::mirror).stream())
            .toList(),
        List.of(config.insecureRegistries()),
        List.of(config.authOrder()),
        proxies,
        Patience.USUAL,
        Arrays.stream(config.v1Registries())
            .flatMap(text -> read(text, V1Registry::parse).stream())
            .toList(),
        read(config.index(), text -> V1Registry.parse("docker.io=" + text).base())
            .orElse(Settings.USUAL_INDEX));
  }

  private static <T> Optional<T> read(String text, Function<String, T> parse) {
    try {
      return Optional.of(parse.apply(text));
    } catch (GantryException e) {
      log.log(ERROR, e.getMessage());
      return Optional.empty();
    }
  }

  @Modified
  void modified(ClientConfig config) {
    settings = settings(config);
    mostDownloads = config.maxConcurrentDownloads();
    mostUploads = config.maxConcurrentUploads();
  }

  @Deactivate
  void close() {
    operations.values().forEach(Operation::cancel);
    wire.close();
    threads.shutdown();
  }

  @Override
  public void pull(
      String ref, boolean allTags, String platform, @Nullable Login login, Telling telling) {
    var parsed = io.gantry.image.Reference.parse(ref);
    if (allTags && (parsed.tag() != null || parsed.digest() != null)) {
      throw new GantryException(Kind.INVALID, "tag can't be used with --all-tags/-a");
    }
    var name = allTags ? parsed : parsed.withDefaultTag();
    Platform wanted = Platform.parse(platform);
    intake.blobs().expire();
    unfinished.expire();
    run("pull", name, operation -> pull(operation, name, allTags, wanted, login), telling);
  }

  /** Does the work of an operation, which is in the list meanwhile. */
  private void run(
      String kind, io.gantry.image.Reference name, Consumer<Operation> work, Telling telling) {
    var operation =
        new Operation(UUID.randomUUID().toString(), kind, name.familiar(), clock.instant());
    operations.put(operation.id(), operation);
    try {
      operation.run(threads, () -> work.accept(operation), telling);
    } finally {
      operations.remove(operation.id());
    }
  }

  private void pull(
      Operation operation,
      io.gantry.image.Reference name,
      boolean allTags,
      Platform wanted,
      @Nullable Login login) {
    Optional<Tree> files = VersionOne.files(settings, name.domain());
    if (files.isPresent()) {
      versionOne.pull(files.get(), name, mostDownloads, operation, this::tell);
      return;
    }
    try {
      from(
          name,
          operation.id(),
          login,
          operation::pauses,
          (session, reached) -> {
            var pull =
                new Pull(
                    workshop,
                    session,
                    name,
                    wanted,
                    mostDownloads,
                    operation,
                    operation,
                    this::tell);
            var spoken = versionOne.spoken(session, settings, pull.repository());
            reached.run();
            if (spoken != VersionOne.Spoken.V2) {
              versionOne.pull(session, spoken, name, mostDownloads, operation, this::tell);
            } else if (allTags) {
              pull.all(name);
            } else {
              pull.one(name);
            }
            return true;
          });
    } catch (GantryException e) {
      throw Repository.translated(e, name.familiarName(), name.familiar());
    }
  }

  /** Asks at one address. */
  private interface Asking<R> {
    /**
     * @param reached to be called when a registry has answered
     */
    R at(Session session, Runnable reached);
  }

  private <R> R from(
      io.gantry.image.Reference name,
      String operation,
      @Nullable Login login,
      Consumer<Duration> pauses,
      Asking<R> asking) {
    Settings now = settings;
    return first(
        wire.addresses(now, name.domain()),
        address -> session(now, address, operation, login, pauses),
        asking);
  }

  /** Where a registry itself may be, and no mirror of it. */
  private List<Address> own(Settings now, String registry) {
    return wire.addresses(now, registry).stream().filter(address -> !address.isMirror()).toList();
  }

  private Session session(
      Settings now,
      Address address,
      String operation,
      @Nullable Login login,
      Consumer<Duration> pauses) {
    var given = login == null ? null : credentials(login);
    return wire.session(now, address, operation, given, pauses);
  }

  /** Asks where a registry may be, until there is one; after a mirror always the next one. */
  private static <R> R first(
      List<Address> addresses, Function<Address, Session> sessions, Asking<R> asking) {
    for (int i = 0; ; i++) {
      Address address = addresses.get(i);
      boolean isLast = i == addresses.size() - 1;
      boolean[] isReached = {false};
      Session session = sessions.apply(address);
      try {
        return asking.at(session, () -> isReached[0] = true);
      } catch (GantryException e) {
        boolean isFinal = isReached[0] && !address.isMirror();
        if (isLast || isFinal || e.kind() == Kind.CANCELLED || e.kind() == Kind.EXHAUSTED) {
          throw e;
        }
      } finally {
        session.release();
      }
    }
  }

  private static Credentials credentials(Login login) {
    return new Credentials(
        login.username(), login.password(), login.identityToken(), login.registryToken());
  }

  private void tell(io.gantry.image.Reference pulled, Digest id) {
    tell("pull", pulled, id);
  }

  private void tell(String action, io.gantry.image.Reference name, Digest id) {
    Map<String, String> attributes = new HashMap<>();
    intake
        .images()
        .find(id)
        .map(Image::config)
        .ifPresent(config -> attributes.putAll(config.run().labels()));
    attributes.put("name", name.familiarName());
    events.publish(new Event("image", action, name.familiar(), attributes, Instant.now()));
  }

  @Override
  public void push(
      String ref, boolean allTags, String platform, @Nullable Login login, Telling telling) {
    var parsed = io.gantry.image.Reference.parse(ref);
    if (parsed.digest() != null) {
      throw new GantryException(Kind.INVALID, "cannot push a digest reference");
    }
    if (allTags && parsed.tag() != null) {
      throw new GantryException(Kind.INVALID, "tag can't be used with --all-tags/-a");
    }
    var name = allTags ? parsed : parsed.withDefaultTag();
    Platform wanted = Platform.parse(platform);
    if (wanted.isKnown()) {
      Push.images(intake.images(), name).forEach((one, image) -> Push.check(one, image, wanted));
    }
    run("push", name, operation -> push(operation, name, login), telling);
  }

  private void push(Operation operation, io.gantry.image.Reference name, @Nullable Login login) {
    operation.says("", "The push refers to repository [" + name.repository() + "]");
    var images = Push.images(intake.images(), name);
    Settings now = settings;
    Optional<Tree> files = VersionOne.files(now, name.domain());
    if (files.isPresent()) {
      versionOne.push(files.get(), name, images, operation);
    } else {
      first(
          own(now, name.domain()),
          address -> session(now, address, operation.id(), login, operation::pauses),
          (session, reached) -> {
            var push = new Push(shipping, session, name, mostUploads, operation, operation);
            var spoken = versionOne.spoken(session, now, push.repository());
            reached.run();
            if (spoken == VersionOne.Spoken.V2) {
              push.run(images);
            } else {
              versionOne.push(session, spoken, name, images, operation);
            }
            return true;
          });
    }
    tell("push", name, images.values().iterator().next().id());
  }

  @Override
  public String login(Login login) {
    Settings now = settings;
    String registry = LogIn.registry(login.registry());
    String operation = UUID.randomUUID().toString();
    return first(
        own(now, registry),
        address -> wire.login(now, address, operation, credentials(login)),
        (session, reached) -> {
          var spoken = versionOne.spoken(session, now, new Repository(session, ""));
          reached.run();
          return spoken == VersionOne.Spoken.V2 ? LogIn.at(session) : new Index(session).login();
        });
  }

  @Override
  public List<Found> search(String term, int limit, @Nullable Login login) {
    if (limit < 1 || limit > MOST_FOUND) {
      throw new GantryException(
          Kind.INVALID, "limit %d is outside the range of [1, %d]".formatted(limit, MOST_FOUND));
    }
    if (term.contains("://")) {
      throw new GantryException(
          Kind.INVALID,
          "invalid repository name: repository name (" + term + ") should not have a scheme");
    }
    int slash = term.indexOf('/');
    String host = slash < 0 ? "" : term.substring(0, slash);
    boolean hasHost = host.matches("localhost|.*[.:].*");
    boolean isOfHub = !hasHost || LogIn.registry(host).equals(LogIn.HUB);
    String name = hasHost ? term.substring(slash + 1) : term;
    Settings now = settings;
    String operation = UUID.randomUUID().toString();
    return first(
        isOfHub ? List.of(now.indexAddress()) : wire.addresses(now, host),
        address -> session(now, address, operation, login, Wire.SILENT),
        (session, reached) -> {
          if (!isOfHub) {
            new Index(session).ping(); // by which scheme it speaks
          }
          reached.run();
          return Search.run(session, isOfHub ? name.replaceFirst("^library/", "") : name, limit);
        });
  }

  @Override
  public Manifest manifest(String ref, @Nullable Login login) {
    var name = io.gantry.image.Reference.parse(ref).withDefaultTag();
    String reference =
        name.digest() == null ? String.valueOf(name.tag()) : name.digest().toString();
    return from(
        name,
        UUID.randomUUID().toString(),
        login,
        Wire.SILENT,
        (session, reached) -> {
          var repository = new Repository(session, name.path());
          repository.ping();
          reached.run();
          var manifest = repository.manifest(reference, -1);
          return new Manifest(
              manifest.mediaType(),
              manifest.digest().toString(),
              manifest.json().length(),
              platforms(repository, manifest));
        });
  }

  private static List<String> platforms(
      Repository repository, io.gantry.registry.client.v2.Manifest manifest) {
    if (manifest.isIndex()) {
      return manifest.manifests().stream()
          .map(Descriptor::platform)
          .filter(Platform::isKnown)
          .map(Platform::toString)
          .toList();
    }
    if (!manifest.isImage()) {
      return List.of();
    }
    Descriptor config = manifest.config();
    byte[] json = repository.document(config.digest(), config.size(), ImageConfig.MAX_BYTES);
    Document document = Document.parse(json, "configuration of " + manifest.digest());
    var platform =
        new Platform(document.text("os"), document.text("architecture"), document.text("variant"));
    return platform.isKnown() ? List.of(platform.toString()) : List.of();
  }

  @Override
  public List<Transfer> list() {
    return operations.values().stream()
        .map(Operation::view)
        .sorted(Comparator.comparing(Transfer::since))
        .toList();
  }

  @Override
  public void cancel(String id) {
    Operation operation = operations.get(id);
    if (operation == null) {
      throw new GantryException(Kind.NOT_FOUND, "no such transfer: " + id);
    }
    operation.cancel();
  }

  @Override
  public List<Registry> registries() {
    return wire.traffic().all().stream()
        .map(
            entry -> {
              var counts = entry.getValue();
              return new Registry(
                  entry.getKey(),
                  counts.requests(),
                  counts.failures(),
                  counts.retries(),
                  counts.received(),
                  counts.sent());
            })
        .toList();
  }

  @Override
  public void forget(String registry) {
    wire.forget(settings, registry);
  }
}
