package io.gantry.image.archive;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.gantry.image.ImageStore;
import io.gantry.image.archive.ImageLoader.Loaded;
import io.gantry.image.layer.DirectoryTrees;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Layers;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.Tar;
import io.gantry.image.layer.TarReader;
import io.gantry.image.layer.TreeStyle;
import io.gantry.image.manifest.Platform;
import io.gantry.store.BlobStore;
import io.gantry.store.Digest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** Images in a directory, and archives for them. */
final class Host {

  static final Limits LIMITS = new Limits(32 << 20, 8 << 20, 50, 10_000);

  final Path root;
  final DirectoryTrees trees;
  final BlobStore blobs;
  final Layers layers;
  final ImageStore images;
  final ImageLoader loader;
  final ImageSaver saver;
  final List<String> told = new ArrayList<>();

  Host(Path root) {
    this(root, TreeStyle.WHOLE);
  }

  Host(Path root, TreeStyle style) {
    this.root = root;
    trees = new DirectoryTrees(root.resolve("trees"), style);
    blobs = new BlobStore(root.resolve("blobs"), InstantSource.system());
    var held = new HeldBlobs(blobs);
    layers = new Layers(root.resolve("image/layers"), held, trees);
    images = new ImageStore(root.resolve("image"), held, layers, InstantSource.system());
    assertEquals(List.of(), images.load());
    loader = new ImageLoader(images, layers, held);
    saver = new ImageSaver(images, layers, held);
  }

  List<Loaded> load(byte[] archive) {
    return load(archive, Platform.ANY);
  }

  List<Loaded> load(byte[] archive, Platform platform) {
    var progress =
        new ImageLoader.Progress() {
          @Override
          public void layer(Digest diff, long current, long total) {
            told.add(diff + " " + current + "/" + total);
          }

          @Override
          public void moves(String name, Digest from) {
            told.add(name + " from " + from);
          }
        };
    return loader.load(new ByteArrayInputStream(archive), platform, true, LIMITS, progress);
  }

  byte[] save(String... refs) {
    var out = new ByteArrayOutputStream();
    try (var archive = saver.open(List.of(refs), Platform.ANY)) {
      archive.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  void assertNothingIsLeft() {
    assertEquals(List.of(), images.list());
    assertEquals(Set.of(), trees.all());
    assertEquals(List.of(), blobs.list());
    assertNothingIsHalfDone();
  }

  void assertNothingIsHalfDone() {
    try (Stream<Path> scratch = Files.list(root.resolve("blobs/ingest"))) {
      assertEquals(0, scratch.count());
    } catch (NoSuchFileException none) {
      // refused before anything was stored
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The files of an archive by name; one char is one byte. */
  static Map<String, String> files(byte[] archive) {
    Map<String, String> files = new LinkedHashMap<>();
    try {
      var reader = new TarReader(new ByteArrayInputStream(archive), LIMITS, (b, n) -> {});
      byte[] buffer = new byte[1 << 16];
      for (var entry = reader.next(); entry != null; entry = reader.next()) {
        var content = new ByteArrayOutputStream();
        for (int n; (n = reader.read(buffer)) >= 0; ) {
          content.write(buffer, 0, n);
        }
        files.put(entry.path(), content.toString(ISO_8859_1));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return files;
  }

  static String layer(String file, String content) {
    return text(new Tar().file(file, content).end());
  }

  static String text(byte[] bytes) {
    return new String(bytes, ISO_8859_1);
  }

  static String digest(String content) {
    return Digest.sha256(content.getBytes(ISO_8859_1)).toString();
  }

  static String hex(String content) {
    return digest(content).substring(7);
  }

  static String gzip(String content) {
    var out = new ByteArrayOutputStream();
    try (var gzip = new GZIPOutputStream(out)) {
      gzip.write(content.getBytes(ISO_8859_1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toString(ISO_8859_1);
  }

  /** A configuration with a field that nobody knows. */
  static String config(String... layers) {
    return configFor("amd64", layers);
  }

  static String configFor(String architecture, String... layers) {
    List<String> diffs = Stream.of(layers).map(layer -> '"' + digest(layer) + '"').toList();
    return """
        {"os":"linux","architecture":"%s","x-unknown": {"kept": [1]},"config":{"Cmd":["sh"],\
        "Env":["A=b"],"Entrypoint":["/e"],"User":"u","WorkingDir":"/w","StopSignal":"SIGINT",\
        "Labels":{"k":"v"}},"rootfs":{"type":"layers","diff_ids":[%s]}}"""
        .formatted(architecture, String.join(",", diffs));
  }

  /** A docker-archive of one image. */
  static Tar docker(String config, String tags, String... layers) {
    Tar tar = new Tar();
    List<String> names = new ArrayList<>();
    for (String layer : layers) {
      String name = hex(layer) + "/layer.tar";
      names.add('"' + name + '"');
      tar.file(name, layer);
    }
    return tar.file("config.json", config)
        .file(
            "manifest.json",
            "[{\"Config\":\"config.json\",\"RepoTags\":%s,\"Layers\":[%s]}]"
                .formatted(tags, String.join(",", names)));
  }
}
