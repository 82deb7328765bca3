package io.gantry.registry.client.v2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.registry.client.v2.UnfinishedUploads.Unfinished;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnfinishedUploadsTest {

  @TempDir Path temp;
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");

  private UnfinishedUploads fromDisk() {
    return new UnfinishedUploads(temp.resolve("uploads"), () -> now);
  }

  private void write(UnfinishedUploads uploads, String key) {
    try (var claim = uploads.claim(key, "form")) {
      claim.at("http://host/" + key, 7);
    }
  }

  private static Optional<Unfinished> find(UnfinishedUploads uploads, String key) {
    try (var claim = uploads.claim(key, "form")) {
      return claim.find();
    }
  }

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(temp.resolve("uploads"))) {
      return files.count();
    }
  }

  @Test
  void whatIsWrittenDownIsFoundFromDiskUntilItIsDropped() throws IOException {
    write(fromDisk(), "a");
    var uploads = fromDisk();
    assertEquals(Optional.of(new Unfinished("http://host/a", "form", 7, now)), find(uploads, "a"));
    try (var claim = uploads.claim("a", "other")) {
      assertFalse(claim.continues(claim.find().orElseThrow()));
      claim.drop();
      claim.drop();
    }
    assertEquals(Optional.empty(), find(uploads, "a"));
    assertEquals(0, files());
  }

  @Test
  void twoWhoSendTheSameDoNotWriteToOneSession() {
    var uploads = fromDisk();
    write(uploads, "a");
    try (var first = uploads.claim("a", "form")) {
      try (var second = uploads.claim("a", "form")) {
        assertEquals(Optional.empty(), second.find());
        second.at("http://host/second", 0);
        second.drop();
      }
      assertEquals("http://host/a", first.find().orElseThrow().place());
      try (var third = uploads.claim("a", "form")) {
        assertEquals(Optional.empty(), third.find(), "the second let go of what was not its own");
      }
    }
    assertTrue(find(uploads, "a").isPresent());
  }

  @Test
  void whatNothingIsHeardOfForADayIsSwept() throws IOException {
    var uploads = fromDisk();
    write(uploads, "old");
    now = now.plus(Duration.ofHours(20));
    write(uploads, "young");
    now = now.plus(Duration.ofHours(5));
    uploads.expire();
    assertEquals(1, files());
    assertTrue(find(uploads, "young").isPresent());
    now = now.plus(Duration.ofHours(20));
    fromDisk().expire();
    assertEquals(0, files());
  }

  @Test
  void ofTooManyThoseHeardOfLongestAgoAreSwept() throws IOException {
    var uploads = fromDisk();
    for (int i = 0; i < UnfinishedUploads.MOST; i++) {
      write(uploads, "u" + i);
      now = now.plusSeconds(1);
    }
    write(uploads, "u0");
    write(fromDisk(), "another");
    assertEquals(UnfinishedUploads.MOST, files());
    assertTrue(find(fromDisk(), "u0").isPresent());
    assertTrue(find(fromDisk(), "another").isPresent());
    assertEquals(Optional.empty(), find(fromDisk(), "u1"));
  }

  @Test
  void aDiskThatTakesNothingFailsNoUpload() throws IOException {
    Files.writeString(temp.resolve("uploads"), "no folder");
    var uploads = fromDisk();
    write(uploads, "a");
    assertTrue(find(uploads, "a").isPresent());
    try (var claim = uploads.claim("a", "form")) {
      claim.drop();
    }
  }
}
