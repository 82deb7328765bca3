package io.gantry.image.archive;

import io.gantry.image.Addition;
import io.gantry.image.ImageStore;
import io.gantry.image.Reference;
import io.gantry.image.layer.Draft;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layer;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.Wanted;
import io.gantry.image.manifest.Platform;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.StoreFailure;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes in archives of images. First the whole archive is received, then the layers are made, then
 * all its images and names appear at once; whatever fails before that leaves nothing behind.
 */
public final class ImageLoader {

  /** Of so many layers at most is it written down that they are to be unpacked. */
  private static final int MOST_AHEAD = 1_000;

  /** Bytes of a layer from one telling of progress to the next. */
  static final long STEP = 4 << 20;

  private final ImageStore images;
  private final Layers layers;
  private final HeldBlobs blobs;

  /** What is told on the way, on the caller's thread. */
  public interface Progress {

    /** A layer that is new here is being unpacked. */
    void layer(Digest diff, long current, long total);

    /** A name that another image had is about to move. */
    void moves(String name, Digest from);
  }

  /**
   * An image that has been loaded.
   *
   * @param names it got, as people write them
   */
  public record Loaded(Digest id, List<String> names) {
    public Loaded {
      names = List.copyOf(names);
    }
  }

  public ImageLoader(ImageStore images, Layers layers, HeldBlobs blobs) {
    this.images = images;
    this.layers = layers;
    this.blobs = blobs;
  }

  /**
   * Loads all images of an archive, or those for a platform.
   *
   * @param keeps whether compressed layers are kept as they came, too
   * @return what there is now, in the archive's order, durably
   * @throws GantryException INVALID for what is wrong with the archive, EXHAUSTED for one that does
   *     not fit, NOT_FOUND when it has no image for the platform, CANCELLED on an interrupt
   */
  public List<Loaded> load(
      InputStream archive, Platform wanted, boolean keeps, Limits limits, Progress progress) {
    try (Members members = Members.read(archive, blobs, layers.codecs(), limits)) {
      List<ArchivedImage> found = read(members, wanted, limits);
      Deque<Digest> held = new ArrayDeque<>();
      try (Ahead ahead = new Ahead(layers, limits)) {
        begin(found, ahead, progress);
        List<Addition> additions = new ArrayList<>();
        for (ArchivedImage image : found) {
          make(image, keeps, limits, ahead, progress, held);
          additions.add(addition(image, keeps));
        }
        tellMoves(found, progress);
        images.add(additions);
      } finally {
        held.forEach(layers::release); // the uppermost first; images hold theirs by now
      }
      return found.stream().map(ImageLoader::loaded).toList();
    } catch (IOException e) {
      throw StoreFailure.of("load an archive", e);
    }
  }

  private List<ArchivedImage> read(Members members, Platform wanted, Limits limits) {
    if (members.has(DockerArchive.MANIFEST)) {
      return suitable(DockerArchive.read(members), wanted);
    }
    if (members.has(OciLayout.INDEX)) {
      return OciLayout.read(members, wanted);
    }
    if (members.has(V1Archive.REPOSITORIES)) {
      return suitable(new V1Archive(members, layers.codecs(), limits).read(), wanted);
    }
    throw Members.invalid(
        "invalid archive: it has neither manifest.json nor index.json nor repositories");
  }

  private static List<ArchivedImage> suitable(List<ArchivedImage> all, Platform wanted) {
    List<ArchivedImage> suitable =
        all.stream()
            .filter(
                image ->
                    wanted.takes(
                        new Platform(
                            image.config().os(),
                            image.config().architecture(),
                            image.config().variant())))
            .toList();
    if (suitable.isEmpty() && !all.isEmpty()) {
      throw new GantryException(
          Kind.NOT_FOUND, "no image for platform " + wanted + " in the archive");
    }
    return suitable;
  }

  /** One that is the only one to be made is not worth another thread. */
  private void begin(List<ArchivedImage> found, Ahead ahead, Progress progress) {
    Map<Digest, Runnable> missing = new LinkedHashMap<>();
    for (ArchivedImage image : found) {
      Digest below = null;
      for (int i = 0; i < image.layers().size(); i++) {
        Wanted wanted = wanted(image, i);
        Digest chain = Layer.chain(below, wanted.diff());
        if (layers.find(chain).isEmpty() && missing.size() < MOST_AHEAD) {
          Member content = image.layers().get(i).content();
          boolean isLowest = below == null;
          LongConsumer passed = n -> progress.layer(wanted.diff(), n, content.size());
          missing.putIfAbsent(
              chain, () -> ahead.begin(chain, content::open, isLowest, wanted, passed));
        }
        below = chain;
      }
    }
    if (missing.size() > 1) {
      missing.values().forEach(Runnable::run);
    }
  }

  private static Wanted wanted(ArchivedImage image, int number) {
    Digest diff = image.config().diffs().get(number);
    Member content = image.layers().get(number).content();
    return new Wanted(diff, number, content.sha256().equals(diff));
  }

  private void make(
      ArchivedImage image,
      boolean keeps,
      Limits limits,
      Ahead ahead,
      Progress progress,
      Deque<Digest> held) {
    Digest below = null;
    for (int i = 0; i < image.layers().size(); i++) {
      Members.stopWhenInterrupted();
      Member content = image.layers().get(i).content();
      Wanted wanted = wanted(image, i);
      Digest chain = Layer.chain(below, wanted.diff());
      boolean isVerified = wanted.known();
      if (layers.holdOrFinish(chain)) {
        held.push(chain);
      } else {
        Optional<Draft> draft = ahead.take(chain);
        if (draft.isPresent()) {
          layers.make(draft.get(), below);
        } else {
          make(content, below, wanted, limits, progress);
        }
        held.push(chain); // before it is told: who listens may be gone
        progress.layer(wanted.diff(), content.size(), content.size());
        isVerified = true;
      }
      if (keeps && !wanted.known()) {
        keep(chain, content, wanted.diff(), isVerified, limits);
      }
      below = chain;
    }
  }

  private void make(
      Member content, @Nullable Digest below, Wanted wanted, Limits limits, Progress progress) {
    long total = content.size();
    try (InputStream in =
        new CountedStream(
            content.open(), STEP, bytes -> progress.layer(wanted.diff(), bytes, total))) {
      layers.make(in, below, wanted, limits);
    } catch (IOException e) {
      throw StoreFailure.of("read a layer of an archive", e);
    }
  }

  /** Beside the layer goes only what has been seen to unpack to it. */
  private void keep(Digest chain, Member content, Digest diff, boolean isVerified, Limits limits) {
    boolean isThere =
        layers.find(chain).filter(layer -> layer.received().contains(content.sha256())).isPresent();
    if (!isThere && (isVerified || content.unpacked(layers.codecs(), limits).equals(diff))) {
      layers.keep(chain, content.keep(blobs));
    }
  }

  private static Addition addition(ArchivedImage image, boolean keeps) {
    Set<Reference> names = new LinkedHashSet<>(image.names());
    names.addAll(image.digests());
    var manifest =
        image.manifest().or(() -> keeps ? Manifests.ofReceived(image) : image.manifest());
    return new Addition(image.json(), null, List.copyOf(names), manifest.orElse(null));
  }

  private void tellMoves(List<ArchivedImage> found, Progress progress) {
    for (ArchivedImage image : found) {
      for (Reference name : image.names()) {
        images
            .named(name)
            .filter(id -> !id.equals(image.id()))
            .ifPresent(id -> progress.moves(name.familiar(), id));
      }
    }
  }

  private static Loaded loaded(ArchivedImage image) {
    return new Loaded(image.id(), image.names().stream().map(Reference::familiar).toList());
  }
}
