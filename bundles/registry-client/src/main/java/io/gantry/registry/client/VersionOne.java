package io.gantry.registry.client;

import io.gantry.image.Image;
import io.gantry.image.Intake;
import io.gantry.image.Reference;
import io.gantry.registry.client.v1.Index;
import io.gantry.registry.client.v1.Pulls;
import io.gantry.registry.client.v1.RepositoryPull;
import io.gantry.registry.client.v1.RepositoryPush;
import io.gantry.registry.client.v1.Tree;
import io.gantry.registry.client.v2.Repository;
import io.gantry.registry.client.wire.Session;
import io.gantry.registry.client.wire.Settings;
import io.gantry.store.Digest;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * When a registry is asked by version 1 of the protocol: when an operator says so, or when it says
 * that it has no version 2 and that it has version 1. Never because it does not answer, and never
 * by plain HTTP where version 2 would not be.
 */
final class VersionOne {

  private static final int NOT_FOUND = 404;

  private final Intake intake;
  private final Pulls pulls;

  /**
   * @param folder for what is known of registries; made when needed
   */
  VersionOne(Intake intake, Path folder) {
    this.intake = intake;
    this.pulls = new Pulls(intake, folder);
  }

  /** What a registry speaks. */
  enum Spoken {
    V2,
    V1,
    /** Version 1, of files that nobody answers for. */
    V1_FILES
  }

  /**
   * Finds out by which version to ask, and so whether the registry is there.
   *
   * @throws io.gantry.spi.GantryException UNAVAILABLE
   */
  Spoken spoken(Session session, Settings settings, Repository repository) {
    Index index = new Index(session);
    if (settings.v1(session.address().registry()).isPresent()) {
      return index.ping().mayBe() ? Spoken.V1 : Spoken.V1_FILES;
    }
    boolean isV1 =
        repository.ping() == NOT_FOUND && !session.address().isMirror() && index.ping().isThere();
    return isV1 ? Spoken.V1 : Spoken.V2;
  }

  /** Where the images of a registry lie, when these are files that no server is asked for. */
  static Optional<Tree> files(Settings settings, String registry) {
    return settings
        .v1(registry)
        .filter(one -> !one.isWeb())
        .map(one -> Tree.of(registry, Objects.requireNonNull(one.base())));
  }

  /** Pulls {@code name}; all tags when it has none. */
  void pull(
      Session session,
      Spoken spoken,
      Reference name,
      int most,
      Operation operation,
      BiConsumer<Reference, Digest> pulled) {
    if (spoken == Spoken.V1_FILES) {
      pull(Tree.of(session), name, most, operation, pulled);
    } else {
      var pull = new RepositoryPull(pulls, name.path(), most, operation, operation, pulled);
      pull.run(new Index(session), name);
    }
  }

  void pull(
      Tree tree,
      Reference name,
      int most,
      Operation operation,
      BiConsumer<Reference, Digest> pulled) {
    new RepositoryPull(pulls, name.path(), most, operation, operation, pulled).run(tree, name);
  }

  /** Pushes images under their names, which are of one repository. */
  void push(
      Session session,
      Spoken spoken,
      Reference name,
      Map<Reference, Image> images,
      Operation operation) {
    if (spoken == Spoken.V1_FILES) {
      push(Tree.of(session), name, images, operation);
    } else {
      new RepositoryPush(intake, name.path(), operation, operation).run(new Index(session), images);
    }
  }

  void push(Tree tree, Reference name, Map<Reference, Image> images, Operation operation) {
    new RepositoryPush(intake, name.path(), operation, operation).run(tree, images);
  }
}
