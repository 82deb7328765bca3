package io.gantry.engine.userns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.gantry.linux.UserMaps;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserRemapTest {
  @TempDir Path etc;

  @BeforeEach
  void accounts() throws IOException {
    write(
        "passwd", "root:x:0:0::/root:/bin/sh\ndockremap:x:990:991::/:/bin/false\nbob:x:1000:7::/:");
    write("group", "root:x:0:\ndockremap:x:991:\nbob:x:1000:\nstaff:x:50:bob\n");
    write("subuid", "# whose\nbob:300000:10\n\ndockremap:100000:65536\n1000:500000:5\n");
    write("subgid", "dockremap:200000:65536\nbob:400000:15\n");
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(etc.resolve(name), text);
  }

  private UserMaps maps(String asked) {
    var remap = new UserRemap(etc);
    remap.set(asked);
    assertEquals("", remap.failure());
    return Objects.requireNonNull(remap.maps());
  }

  private void fails(String asked, String why) {
    var remap = new UserRemap(etc);
    remap.set(asked);
    String sentence =
        why + " (once that is mended: restart the engine, or change its configuration)";
    assertEquals(sentence, remap.failure());
    assertEquals("userns-remap: " + sentence, remap.warning());
    assertEquals(asked, remap.asked());
    assertEquals(
        "userns-remap: " + sentence, assertThrows(GantryException.class, remap::maps).getMessage());
  }

  @Test
  void usersAreFoundByNameAndNumber() {
    var dockremap = UserMaps.parse(List.of("0 100000 65536"), List.of("0 200000 65536"));
    assertEquals(dockremap, maps("default"));
    assertEquals(dockremap, maps("dockremap"));
    assertEquals(dockremap, maps("990:staff"));
    assertEquals(
        UserMaps.parse(List.of("0 300000 10", "10 500000 5"), List.of("0 400000 15")), maps("bob"));
    assertEquals(maps("bob"), maps("1000"));
    assertEquals(maps("bob"), maps("bob:50"));
  }

  @Test
  void nobodyIsMappedUnlessAskedFor() {
    var remap = new UserRemap(etc);
    assertNull(remap.maps());
    remap.set("bob");
    remap.set("");
    assertNull(remap.maps());
    assertEquals("", remap.warning());
    for (String root : List.of("root", "0", "0:0")) { // with itself: Docker switches the whole off
      remap.set(root);
      assertNull(remap.maps());
      assertEquals("", remap.asked());
      assertEquals(
          "User namespaces: root cannot be remapped with itself; user namespaces are OFF",
          remap.warning());
    }
  }

  @Test
  void whatIsMissingOrWrongIsSaid() throws IOException {
    fails("a:b:c", "invalid user/group specification in --userns-remap: \"a:b:c\"");
    fails("nosuch", "error during uid lookup for \"nosuch\": no such user");
    fails("77", "uid 77 has no entry in /etc/passwd");
    fails("bob:nosuch", "error during gid lookup for \"nosuch\": no such group");
    fails("bob:77", "gid 77 has no entry in /etc/group");
    fails("990", "gid 990 has no entry in /etc/group");
    write("subgid", "dockremap:200000:65536\n");
    fails("bob", "Can't create ID mappings: no subgid ranges found for user \"bob\"");
    write("subuid", "bob:0:65536");
    fails(
        "bob",
        "Can't create ID mappings: /etc/subuid: a range has the host's root in it, whom containers"
            + " must not be");
    write("subuid", "bob:100:50\nbob:149:1\n");
    fails("bob", "Can't create ID mappings: /etc/subuid: ranges overlap");
    for (String bad : List.of("bob:1:0", "bob:-1:5", "bob:4294967290:10", "bob:1:x")) {
      write("subuid", bad);
      fails("bob", "Can't create ID mappings: /etc/subuid: invalid range: \"" + bad + '"');
    }
    write("subuid", "bob:1:1\n".repeat(341));
    fails(
        "bob",
        "Can't create ID mappings: /etc/subuid: more ranges or numbers than a user namespace takes");
    Files.delete(etc.resolve("subuid"));
    fails(
        "bob",
        "Can't create ID mappings: "
            + etc.resolve("subuid")
            + " is no regular file of up to 1 MiB");
  }
}
