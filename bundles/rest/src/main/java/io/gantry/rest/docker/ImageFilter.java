package io.gantry.rest.docker;

import io.gantry.api.Images;
import io.gantry.api.Images.ImageView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The filters of {@code GET /images/json}. */
public final class ImageFilter {

  private static final Set<String> KEYS =
      Set.of("dangling", "label", "label!", "before", "since", "reference", "until");

  private final Filters filters;
  private final List<Predicate<ImageView>> tests = new ArrayList<>();
  private final List<Glob> references;

  private static final Set<String> PRUNE_KEYS = Set.of("dangling", "label", "label!", "until");

  /** Of a list. */
  public ImageFilter(String text, Images images, Instant now) {
    this(Filters.parse(text, KEYS), images, now);
    if (filters.has("dangling")) {
      boolean dangling = filters.flag("dangling", false);
      tests.add(image -> image.tags().isEmpty() == dangling);
    }
  }

  /** Of a prune; whether only dangling images are meant says {@link #danglingOnly}. */
  public static ImageFilter ofPrune(String text, Images images, Instant now) {
    return new ImageFilter(Filters.parse(text, PRUNE_KEYS), images, now);
  }

  private ImageFilter(Filters filters, Images images, Instant now) {
    this.filters = filters;
    tests.add(image -> filters.labels(image.config().labels()));
    for (String ref : filters.get("before")) {
      Instant bound = created(images.inspect(ref));
      tests.add(image -> created(image).isBefore(bound));
    }
    for (String ref : filters.get("since")) {
      Instant bound = created(images.inspect(ref));
      tests.add(image -> created(image).isAfter(bound));
    }
    for (String moment : filters.get("until")) {
      Instant bound = GoTime.parse("until", moment, now);
      tests.add(image -> created(image).isBefore(bound));
    }
    references = filters.get("reference").stream().map(Glob::new).toList();
    tests.add(
        image ->
            references.isEmpty()
                || !named(image.tags()).isEmpty()
                || !named(image.digests()).isEmpty());
  }

  /** True unless {@code dangling=false} asks for all. */
  public boolean danglingOnly() {
    return filters.flag("dangling", true);
  }

  public boolean allows(ImageView image) {
    return tests.stream().allMatch(test -> test.test(image));
  }

  private static Instant created(ImageView image) {
    @Nullable Instant created = image.created();
    return created == null ? Instant.EPOCH : created;
  }

  /** The names of an image that are asked for; all of them when none is. */
  public List<String> named(List<String> names) {
    return references.isEmpty()
        ? names
        : names.stream()
            .filter(name -> references.stream().anyMatch(glob -> refersTo(glob, name)))
            .toList();
  }

  /** A glob means a name with its tag, or the name alone. */
  private static boolean refersTo(Glob glob, String name) {
    return glob.matches(name) || glob.matches(bare(name));
  }

  private static String bare(String name) {
    int at = name.indexOf('@');
    int colon = name.lastIndexOf(':');
    if (at > 0) {
      return name.substring(0, at);
    }
    return colon > name.lastIndexOf('/') ? name.substring(0, colon) : name;
  }
}
