package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Http;
import io.gantry.itests.harness.Instance;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Images go out, come back, are looked over and tidied up. */
@Tag("root")
@Timeout(300)
class ImagesTest {

  @TempDir Path folder;

  @Test
  void whatIsSavedComesBackForAFreshEngine() throws Exception {
    try (Instance engine = Instance.start()) {
      engine.importBusybox();
      engine.docker("tag", "busybox", "localhost:5000/a/b:1").ok();
      byte[] saved = save(engine, "one.tar");
      engine.docker("rmi", "busybox", "localhost:5000/a/b:1").ok();
      assertEquals(
          List.of("Loaded image: busybox:latest", "Loaded image: localhost:5000/a/b:1"),
          engine.docker(gzip(saved), "load").ok().lines().sorted().toList());
      assertEquals("x", engine.docker("run", "--rm", "busybox", "echo", "x").ok().strip());
      engine.stop();
      engine.startAgain();
      assertArrayEquals(saved, save(engine, "two.tar"));
      String refused = engine.docker("not an image".repeat(200).getBytes(), "load").err();
      assertTrue(refused.contains("invalid tar header"), refused);
      engine.docker("create", "--name", "user", "localhost:5000/a/b:1").ok();
      String pruned = engine.docker("image", "prune", "-af").ok();
      assertTrue(pruned.contains("untagged: busybox:latest"), pruned);
      assertEquals("1", engine.docker("images", "--format", "{{.Tag}}").ok().strip());
    }
  }

  private byte[] save(Instance engine, String name) throws IOException {
    Path file = folder.resolve(name);
    engine.docker("save", "-o", file.toString(), "busybox", "localhost:5000/a/b:1").ok();
    return Files.readAllBytes(file);
  }

  private static byte[] gzip(byte[] content) throws IOException {
    var out = new ByteArrayOutputStream();
    try (var packing = new GZIPOutputStream(out)) {
      packing.write(content);
    }
    return out.toByteArray();
  }

  @Test
  void aCheckNamesWhatIsDamagedAndWhatDependsOnIt() throws Exception {
    try (Instance engine = Instance.start();
        Http http = engine.http();
        var jmx = engine.jmx()) {
      engine.importBusybox();
      String container = engine.docker("create", "busybox").ok().strip();
      var bean = new ObjectName("io.gantry:type=Images");
      var server = jmx.getMBeanServerConnection();
      assertEquals(1, server.getAttribute(bean, "Count"));
      String[] types = {String.class.getName()};
      var sound = (CompositeData) server.invoke(bean, "check", new Object[] {""}, types);
      assertEquals(1, sound.get("layers"));
      assertEquals(0, ((CompositeData[]) sound.get("damages")).length);

      for (Path passwd : passwds(engine.dataRoot())) {
        Files.writeString(passwd, "!", StandardOpenOption.WRITE);
      }
      var bad = (CompositeData) server.invoke(bean, "check", new Object[] {"busybox"}, types);
      CompositeData damage = ((CompositeData[]) bad.get("damages"))[0];
      assertEquals("layer", damage.get("what"));
      assertTrue(damage.get("reason").toString().contains("has been damaged"));
      String image = engine.docker("inspect", "-f", "{{.Image}}", container).ok().strip();
      assertArrayEquals(new String[] {image}, (String[]) damage.get("images"));
      assertArrayEquals(new String[] {container}, (String[]) damage.get("containers"));
      String answer = http.call("GET", "/gantry/v1/images/check", "").body();
      assertTrue(answer.contains(damage.get("id").toString()), answer);
      String refused = engine.docker("save", "-o", folder.resolve("x").toString(), "busybox").err();
      assertTrue(refused.contains("EOF"), refused);
    }
  }

  private static List<Path> passwds(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root.resolve("storage"))) {
      return files
          .filter(file -> file.endsWith("etc/passwd"))
          .filter(file -> Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS))
          .toList();
    }
  }
}
