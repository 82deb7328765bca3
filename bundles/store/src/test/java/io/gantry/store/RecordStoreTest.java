package io.gantry.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordStoreTest {

  record Address(String street, int number) {}

  record Person(
      String name, Instant born, Map<String, String> labels, @Nullable Address home, Digest face) {}

  private static final Person EVE =
      new Person(
          "Eve",
          Instant.parse("2020-01-02T03:04:05.123456789Z"),
          Map.of("a", ""),
          new Address("Hill", 7),
          Digest.sha256(new byte[0]));

  @TempDir Path temp;

  private RecordStore<Person> store() {
    return store(new Schema("person", 1, 0));
  }

  private RecordStore<Person> store(Schema schema) {
    return new RecordStore<>(temp.resolve("people"), schema, Form.of(Person.class));
  }

  private Path file(String name) {
    return temp.resolve("people").resolve(name);
  }

  @Test
  void whatIsPutIsThereForAFreshStore() {
    store().put("eve", EVE, Durability.SYNCED);
    assertEquals(Map.of("eve", EVE), store().load().records());
    assertEquals(Optional.of(EVE), store().read("eve"));
    assertEquals(Optional.empty(), store().read("adam"));
  }

  @Test
  void openingAndLoadingCreateNothing() throws IOException {
    assertEquals(Map.of(), store().load().records());
    assertFalse(Files.exists(temp.resolve("people")));
  }

  @Test
  void removingMayBeRepeated() {
    var store = store();
    store.put("eve", EVE, Durability.LAZY);
    store.remove("eve", Durability.SYNCED);
    store.remove("eve", Durability.SYNCED);
    assertEquals(Map.of(), store().load().records());
  }

  @Test
  void keysMayHoldAnything() {
    var store = store();
    List<String> keys =
        List.of(
            "../../etc/passwd", ".", "..", "a/b:c@d", "ümläut", "x".repeat(1000), "*", ".hidden");
    keys.forEach(key -> store.put(key, EVE, Durability.LAZY));
    assertEquals(keys.stream().sorted().toList(), List.copyOf(store().load().records().keySet()));
    assertFalse(Files.exists(temp.resolve("etc")));
    assertThrows(GantryException.class, () -> store.put("", EVE, Durability.LAZY));
  }

  @Test
  void aDamagedRecordIsSetAsideAlone() throws IOException {
    var store = store();
    store.put("adam", EVE, Durability.SYNCED);
    store.put("eve", EVE, Durability.SYNCED);
    store.put("seth", EVE, Durability.SYNCED);
    byte[] content = Files.readAllBytes(file("eve.json"));
    content[20] ^= 1;
    Files.write(file("eve.json"), content);
    Files.write(file("seth.json"), new byte[0]);

    var loaded = store().load();

    assertEquals(Map.of("adam", EVE), loaded.records());
    assertEquals(
        List.of(file("eve.json.damaged"), file("seth.json.damaged")),
        loaded.problems().stream().map(RecordStore.Problem::file).toList());
    assertTrue(
        loaded.problems().get(0).reason().contains("eve.json"), loaded.problems().toString());
    assertEquals(1, store().load().records().size());
  }

  /** Whoever sweeps what no record names has to be told at every start. */
  @Test
  void whatWasSetAsideIsReportedUntilSomebodyDecides() throws IOException {
    store().put("eve", EVE, Durability.SYNCED);
    store().put("seth", EVE, Durability.SYNCED);
    Files.write(file("eve.json"), new byte[0]);
    Files.write(file("seth.json"), new byte[0]);
    store().load();
    assertEquals(
        List.of(file("eve.json.damaged"), file("seth.json.damaged")),
        store().load().problems().stream().map(RecordStore.Problem::file).toList());
    Files.delete(file("eve.json.damaged"));
    store().put("seth", EVE, Durability.SYNCED);
    assertEquals(List.of(), store().load().problems());
  }

  @Test
  void aRecordUnderAnotherOnesNameIsDamaged() throws IOException {
    store().put("eve", EVE, Durability.SYNCED);
    Files.copy(file("eve.json"), file("adam.json"));
    var loaded = store().load();
    assertEquals(Map.of("eve", EVE), loaded.records());
    assertEquals(1, loaded.problems().size());
  }

  @Test
  void scratchOfACrashIsSwept() throws IOException {
    store().put("eve", EVE, Durability.SYNCED);
    Files.writeString(file("123.tmp"), "half");
    assertEquals(Map.of("eve", EVE), store().load().records());
    assertFalse(Files.exists(file("123.tmp")));
  }

  @Test
  void fieldsOfANewerMinorVersionAreWrittenBack() throws IOException {
    write(
        "eve",
        """
        {"schema":"1.4","key":"eve","value":{"name":"Eve","born":"2020-01-02T03:04:05Z",\
        "labels":{"a":"b","c":"d"},"home":{"street":"Hill","number":7,"floor":3},\
        "face":"%s","height":[1,{"m":2}]},"written":{"by":"a newer one"}}\
        """
            .formatted(EVE.face()));
    var store = store();
    Person eve = store.load().records().get("eve");
    store.put(
        "eve",
        new Person("Eva", eve.born(), Map.of("c", "d"), new Address("Dale", 1), eve.face()),
        Durability.SYNCED);

    String line = Files.readAllLines(file("eve.json")).get(0);
    assertTrue(line.contains("\"floor\":3"), line);
    assertTrue(line.contains("\"written\":{\"by\":\"a newer one\"}"), line);
    assertTrue(line.contains("\"height\":[1,{\"m\":2}]"), line);
    assertTrue(line.contains("\"schema\":\"1.4\""), line);
    assertTrue(line.contains("\"labels\":{\"c\":\"d\"}"), line);
    assertTrue(line.contains("Dale"), line);

    store.put("eve", new Person("Eva", eve.born(), Map.of(), null, eve.face()), Durability.SYNCED);
    assertEquals(null, store().load().records().get("eve").home());
  }

  private record Street(String name, List<Address> houses) {}

  @Test
  void fieldsOfANewerMinorVersionInAListStayWithTheirObject() throws IOException {
    write(
        "hill",
        """
        {"schema":"1.4","key":"hill","value":{"name":"Hill","houses":[{"street":"Hill","number":1},\
        {"street":"Hill","number":2,"floor":3,"rooms":[{"m":2}]},{"street":"Dale","number":3,"floor":4}]}}\
        """);
    var store =
        new RecordStore<>(
            temp.resolve("people"), new Schema("street", 1, 0), Form.of(Street.class));
    var houses = store.load().records().get("hill").houses();
    store.put(
        "hill",
        new Street("Up", List.of(new Address("Dale", 9), houses.get(1), houses.get(0))),
        Durability.SYNCED);
    assertTrue(
        Files.readString(file("hill.json"))
            .contains(
                "\"houses\":[{\"street\":\"Dale\",\"number\":9},"
                    + "{\"street\":\"Hill\",\"number\":2,\"floor\":3,\"rooms\":[{\"m\":2}]},"
                    + "{\"street\":\"Hill\",\"number\":1}]"),
        Files.readString(file("hill.json")));
  }

  @Test
  void whatIsPutBackHasTheFieldsOfANewerVersionAgain() throws IOException {
    write("eve", "{\"schema\":\"1.4\",\"key\":\"eve\",\"value\":{\"name\":\"Eve\",\"height\":2}}");
    var store = new RecordStore<>(temp.resolve("people"), new Schema("person", 1, 0), NAMES);
    var eve = store.load().records().get("eve");
    String line = Files.readString(file("eve.json"));
    var back = store.backAgain("eve", Durability.SYNCED);
    store.remove("eve", Durability.SYNCED);
    back.accept(eve);
    assertEquals(line, Files.readString(file("eve.json")));
    store.remove("eve", Durability.SYNCED);
    store.put("eve", eve, Durability.SYNCED);
    assertFalse(Files.readString(file("eve.json")).contains("height"), "another one");
  }

  @Test
  void aNewerMajorVersionIsRefusedByNameAndLeftAlone() throws IOException {
    write("eve", "{\"schema\":\"2.0\",\"key\":\"eve\",\"value\":{\"x\":1}}");
    byte[] before = Files.readAllBytes(file("eve.json"));
    var store = store();
    var loaded = store.load();
    assertEquals(Map.of(), loaded.records());
    assertTrue(loaded.problems().get(0).newer());
    assertTrue(loaded.problems().get(0).reason().contains("person eve is of schema 2.0"));
    assertThrows(GantryException.class, () -> store.put("eve", EVE, Durability.SYNCED));
    assertThrows(GantryException.class, () -> store.remove("eve", Durability.SYNCED));
    assertEquals(
        GantryException.Kind.UNSUPPORTED,
        assertThrows(GantryException.class, () -> store.read("eve")).kind());
    assertEquals(-1, java.util.Arrays.mismatch(before, Files.readAllBytes(file("eve.json"))));
  }

  @Test
  void writersInParallelAllEndDurable() throws Exception {
    var store = store();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Void>> writes =
          IntStream.range(0, 200)
              .<Callable<Void>>mapToObj(
                  i ->
                      () -> {
                        store.put("p" + i % 50, EVE, Durability.SYNCED);
                        return null;
                      })
              .toList();
      for (var written : threads.invokeAll(writes)) {
        written.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(50, store().load().records().size());
  }

  @Test
  void anInterruptedWriterStillWritesWhole() {
    Thread.currentThread().interrupt();
    store().put("eve", EVE, Durability.SYNCED);
    assertTrue(Thread.interrupted());
    assertEquals(Map.of("eve", EVE), store().load().records());
  }

  @Test
  void anInterruptedReaderSetsNothingAside() {
    store().put("eve", EVE, Durability.SYNCED);
    store().put("adam", EVE, Durability.SYNCED);
    Thread.currentThread().interrupt();
    var loaded = store().load();
    assertTrue(Thread.interrupted());
    assertEquals(List.of(), loaded.problems());
    assertEquals(Map.of("adam", EVE, "eve", EVE), loaded.records());
  }

  @Test
  void whatCouldNotBeReadAgainIsNotWritten() {
    store().put("eve", EVE, Durability.SYNCED);
    var fat = new Person("E".repeat(17 << 20), EVE.born(), Map.of(), null, EVE.face());
    var refusal =
        assertThrows(GantryException.class, () -> store().put("eve", fat, Durability.SYNCED));
    assertEquals(GantryException.Kind.INVALID, refusal.kind());
    assertEquals(Map.of("eve", EVE), store().load().records());
  }

  @Test
  void recordsAreReadableByRootOnly() throws IOException {
    store().put("eve", EVE, Durability.SYNCED);
    assertEquals("[OWNER_READ, OWNER_WRITE]", sorted(file("eve.json")));
  }

  private static String sorted(Path file) throws IOException {
    return new java.util.TreeSet<>(Files.getPosixFilePermissions(file)).toString();
  }

  private void write(String key, String line) throws IOException {
    Files.createDirectories(temp.resolve("people"));
    Files.writeString(
        file(key + ".json"), line + "\n" + Digest.sha256(line.getBytes("UTF-8")) + "\n");
  }

  record Former(String name) {}

  private static final Form<Former> NAMES = Form.of(Former.class);

  record Grown(
      String name,
      boolean tall,
      long children,
      List<String> hobbies,
      Map<String, Address> homes,
      Address office,
      @Nullable Instant born) {}

  @Test
  void whatAFormerVersionDidNotWriteIsNothing() {
    Path folder = temp.resolve("people");
    var schema = new Schema("person", 1, 0);
    new RecordStore<>(folder, schema, Form.of(Former.class))
        .put("eve", new Former("Eve"), Durability.SYNCED);
    assertEquals(
        Optional.of(new Grown("Eve", false, 0, List.of(), Map.of(), new Address("", 0), null)),
        new RecordStore<>(folder, new Schema("person", 1, 1), Form.of(Grown.class)).read("eve"));
  }

  @Test
  void whatCannotBeNothingMustBeThere() {
    var schema = new Schema("person", 1, 0);
    new RecordStore<>(temp.resolve("people"), schema, Form.of(Former.class))
        .put("eve", new Former("Eve"), Durability.SYNCED);
    record Dated(String name, Instant born) {
      Dated {
        java.util.Objects.requireNonNull(born);
      }
    }
    var store = new RecordStore<>(temp.resolve("people"), schema, Form.of(Dated.class));
    assertEquals(1, store.load().problems().size());
  }
}
