package io.gantry.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.image.ChangeLog.Change;
import io.gantry.image.ChangeLog.ImageMark;
import io.gantry.image.ChangeLog.NameMark;
import io.gantry.image.ImageRecords.ImageRecord;
import io.gantry.image.ImageRecords.NameRecord;
import io.gantry.store.Digest;
import io.gantry.store.Durability;
import io.gantry.store.Form;
import io.gantry.store.RecordStore;
import io.gantry.store.Schema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes of several records that a crash cut off after any of their steps. */
class ChangeLogTest {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);
  private static final Instant BEFORE = NOW.minusSeconds(60);
  private static final Digest OLD = id("old");
  private static final Digest NEW = id("new");
  private static final Digest OTHER = id("other");

  @TempDir Path root;
  private RecordStore<ImageRecord> images;
  private RecordStore<NameRecord> names;

  private static Digest id(String of) {
    return Digest.sha256(of.getBytes(StandardCharsets.US_ASCII));
  }

  @BeforeEach
  void open() {
    images =
        new RecordStore<>(root.resolve("i"), new Schema("image", 1, 0), Form.of(ImageRecord.class));
    names =
        new RecordStore<>(root.resolve("n"), new Schema("name", 1, 0), Form.of(NameRecord.class));
    image(OLD, BEFORE);
    name("x", OLD, BEFORE);
  }

  private void image(Digest id, Instant added) {
    images.put(id.toString(), new ImageRecord(null, added), Durability.LAZY);
  }

  private void name(String name, Digest image, Instant tagged) {
    names.put(name, new NameRecord(image, tagged), Durability.LAZY);
  }

  private static NameMark given(String name, @Nullable NameRecord former) {
    return new NameMark(name, new NameRecord(NEW, NOW), former);
  }

  /** An image that takes one name over and is given another. */
  private static Change addition() {
    return new Change(
        false,
        List.of(new ImageMark(NEW, NOW)),
        List.of(given("x", new NameRecord(OLD, BEFORE)), given("y", null)));
  }

  private static Change removal() {
    return new Change(
        true,
        List.of(new ImageMark(OLD, BEFORE)),
        List.of(new NameMark("x", new NameRecord(OLD, BEFORE), null)));
  }

  private void begin(Change change) {
    new ChangeLog(root, images, names).begin(change);
  }

  /** What a start finds, in its memory and on disk, which is the same. */
  private void assertStart(Map<Digest, Instant> wantedImages, Map<String, Digest> wantedNames) {
    for (int start = 0; start < 2; start++) {
      Map<String, ImageRecord> read = new TreeMap<>(images.load().records());
      Map<String, NameRecord> named = new TreeMap<>(names.load().records());
      List<String> problems = new ArrayList<>();
      new ChangeLog(root, images, names).settle(read, named, problems);
      assertEquals(List.of(), problems);
      Map<Digest, Instant> added = new TreeMap<>();
      read.forEach((key, image) -> added.put(Digest.parse(key), image.added()));
      assertEquals(new TreeMap<>(wantedImages), added);
      Map<String, Digest> meant = new TreeMap<>();
      named.forEach((key, name) -> meant.put(key, name.image()));
      assertEquals(new TreeMap<>(wantedNames), meant);
    }
  }

  @Test
  void anAdditionThatStoppedAfterAnyStepIsTakenBack() {
    begin(addition());
    assertStart(Map.of(OLD, BEFORE), Map.of("x", OLD));
    begin(addition());
    image(NEW, NOW);
    assertStart(Map.of(OLD, BEFORE), Map.of("x", OLD));
    begin(addition());
    image(NEW, NOW);
    name("x", NEW, NOW);
    assertStart(Map.of(OLD, BEFORE), Map.of("x", OLD));
  }

  @Test
  void anAdditionOfWhichAllIsThereStays() {
    begin(addition());
    image(NEW, NOW);
    name("x", NEW, NOW);
    name("y", NEW, NOW);
    assertStart(Map.of(OLD, BEFORE, NEW, NOW), Map.of("x", NEW, "y", NEW));
  }

  @Test
  void whatWasNamedOrMadeAnewSinceStays() {
    begin(addition());
    image(NEW, NOW);
    name("x", OTHER, NOW.plusSeconds(9));
    name("z", NEW, NOW.plusSeconds(9));
    assertStart(Map.of(OLD, BEFORE, NEW, NOW), Map.of("x", OTHER, "z", NEW));
    begin(removal());
    image(OLD, NOW.plusSeconds(9));
    assertStart(Map.of(OLD, NOW.plusSeconds(9), NEW, NOW), Map.of("x", OTHER, "z", NEW));
  }

  @Test
  void aRemovalIsFinished() {
    begin(removal());
    assertStart(Map.of(), Map.of());
    image(OLD, BEFORE);
    begin(removal());
    assertStart(Map.of(), Map.of());
  }

  @Test
  void whatTheDiskDidNotTakeTheNextStartSettles() throws IOException {
    begin(addition());
    image(NEW, NOW);
    name("x", NEW, NOW);
    Map<String, ImageRecord> read = new TreeMap<>(images.load().records());
    Map<String, NameRecord> named = new TreeMap<>(names.load().records());
    Path file = root.resolve("n/x.json");
    Path kept = Files.move(file, root.resolve("kept"));
    Files.createDirectories(file.resolve("in the way"));
    new ChangeLog(root, images, names).settle(read, named, new ArrayList<>());
    assertEquals(OLD, Objects.requireNonNull(named.get("x")).image());
    Files.delete(file.resolve("in the way"));
    Files.delete(file);
    Files.move(kept, file);
    assertStart(Map.of(OLD, BEFORE), Map.of("x", OLD));
  }

  @Test
  void whatIsOverIsForgottenAndOneStepIsNotWrittenDown() {
    var log = new ChangeLog(root, images, names);
    log.begin(removal());
    log.end(removal());
    assertStart(Map.of(OLD, BEFORE), Map.of("x", OLD));
    var alone = new Change(true, List.of(new ImageMark(OLD, BEFORE)), List.of());
    assertTrue(alone.isOneStep());
    log.begin(alone);
    assertStart(Map.of(OLD, BEFORE), Map.of("x", OLD));
  }
}
