package io.gantry.rest;

import static io.gantry.spi.GantryException.Kind.INVALID;
import static io.gantry.spi.GantryException.Kind.NOT_FOUND;

import io.gantry.api.Images;
import io.gantry.rest.http.Answer;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** One image, busybox. */
final class FakeImages implements Images {

  static final String ID =
      "sha256:446bc67d2f4191a2f3e06379670b6533b0481a51bda1658e480bddd7f2ca79cc";

  List<String> tags = List.of("busybox:latest");
  List<String> digests = List.of();
  long imported;
  String importedAs = "";
  List<String> changes = List.of();
  String asked = "";
  int closed;
  Consumer<Loading> loadSteps = loading -> {};
  Answer.Body saved = out -> out.write(new byte[] {1, 2, 3});

  @Override
  public List<ImageView> list() {
    return List.of(busybox());
  }

  private ImageView busybox() {
    return new ImageView(
        ID,
        tags,
        digests,
        "",
        "Imported from -",
        "",
        Instant.parse("2026-11-23T06:46:27.634561500Z"),
        "amd64",
        "",
        "linux",
        1983418,
        List.of("sha256:76ad0b21c63abc5cf82fdd5338eec99700af85d6a0263b786285059b4e9d1b8e"),
        new ImageConfig(
            "",
            List.of(),
            List.of("PATH=/bin"),
            null,
            List.of("sh"),
            List.of(),
            "",
            Map.of(),
            "",
            null,
            null,
            ""),
        1,
        Instant.parse("2026-11-23T06:50:04.402037284Z"),
        Map.of("UpperDir", "/u"),
        "overlay");
  }

  @Override
  public ImageView inspect(String ref) {
    asked = ref;
    if (ref.equals("busybox") || ref.equals("busybox:latest") || ref.equals(ID)) {
      return busybox();
    }
    throw new GantryException(
        NOT_FOUND, "No such image: " + (ref.contains(":") ? ref : ref + ":latest"));
  }

  @Override
  public List<HistoryEntry> history(String ref) {
    inspect(ref);
    return List.of(
        new HistoryEntry(
            ID,
            Instant.ofEpochSecond(1795416387),
            "",
            List.of("busybox:latest"),
            1983418,
            "Imported from -"));
  }

  @Override
  public void tag(String ref, String repository, String tag) {
    inspect(ref);
    if (repository.equals("Bad")) {
      throw new GantryException(
          INVALID, "invalid reference format: repository name (library/Bad) must be lowercase");
    }
  }

  @Override
  public List<Removal> remove(String ref, boolean force, boolean prune) {
    inspect(ref);
    return List.of(new Removal("busybox:latest", ""), new Removal("", ID));
  }

  @Override
  public String importTar(
      InputStream tar,
      String repository,
      String tag,
      String message,
      String platform,
      List<String> changes,
      Transfer transfer) {
    try {
      int first = tar.read();
      if (first == 'X') {
        throw new GantryException(INVALID, "broken tar");
      }
      imported = first < 0 ? 0 : 1 + tar.transferTo(java.io.OutputStream.nullOutputStream());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    importedAs = repository + "|" + tag + "|" + message;
    this.changes = changes;
    return ID;
  }

  /** Reads all of it and tells what is planned. */
  @Override
  public void load(InputStream archive, String platform, Loading loading) {
    try {
      archive.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    asked = platform;
    loadSteps.accept(loading);
  }

  @Override
  public SavedImages save(List<String> refs, String platform) {
    if (refs.contains("nosuch")) {
      throw new GantryException(NOT_FOUND, "No such image: nosuch");
    }
    asked = refs + " " + platform;
    return new SavedImages() {
      @Override
      public void writeTo(OutputStream out) throws IOException {
        saved.writeTo(out);
      }

      @Override
      public void close() {
        closed++;
      }
    };
  }

  @Override
  public Pruned prune(boolean danglingOnly, Predicate<ImageView> matches) {
    asked = "dangling " + danglingOnly + " matches " + matches.test(busybox());
    return new Pruned(
        danglingOnly ? List.of() : List.of(new Removal("busybox:latest", ""), new Removal("", ID)),
        danglingOnly ? 0 : 7);
  }

  @Override
  public ImageCheck check(String ref) {
    var damage = new Damage("layer", ID, "vfs", "it was changed", List.of(ID), List.of("c"));
    return new ImageCheck(3, ref.isEmpty() ? List.of(damage) : List.of(), List.of());
  }

  @Override
  public Usage usage() {
    return new Usage(3_976_263, Map.of(ID, 1_983_418L));
  }
}
