package io.gantry.itests.attacks;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gantry.itests.harness.Command;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * How not to unpack archives and set up roots: with the host's tar, and by paths that are joined
 * and followed. All of it stays in a scratch folder, as long as what is unpacked aims at its
 * canary.
 */
final class CarelessRoots implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path scratch;
  private final AtomicInteger count = new AtomicInteger();
  private final Map<String, String> changes = new ConcurrentHashMap<>();
  private final Map<String, String> tags = new ConcurrentHashMap<>();
  private final Map<String, Path> histories = new ConcurrentHashMap<>();

  CarelessRoots(Path scratch) {
    this.scratch = scratch;
  }

  /** Names are joined, links followed, files written where a name leads. */
  private static final String UNPACK =
      """
      exec python3 - "$0" "$1" <<'END'
      import os, shutil, sys, tarfile
      root = sys.argv[2]
      for m in tarfile.open(sys.argv[1]):
          try:
              path = os.path.join(root, m.name)
              os.makedirs(os.path.dirname(path), exist_ok=True)
              folder, name = os.path.split(path)
              if name.startswith('.wh.') and name != '.wh..wh..opq':
                  os.unlink(os.path.join(folder, name[4:]))
              elif m.isdir():
                  if 'SCHILY.xattr.trusted.overlay.opaque' in m.pax_headers:
                      shutil.rmtree(path)
                  if 'SCHILY.xattr.trusted.overlay.redirect' in m.pax_headers:
                      shutil.copytree(root + m.pax_headers['SCHILY.xattr.trusted.overlay.redirect'], path)
                  os.makedirs(path, exist_ok=True)
                  os.chown(path, m.uid, m.gid)
                  os.chmod(path, m.mode)
              elif m.issym():
                  if os.path.lexists(path) and not os.path.islink(path):
                      os.rename(path, path.rstrip('/.') + '.old')
                  os.symlink(m.linkname, path.rstrip('/.') if m.name in ('.', '') else path)
              elif m.islnk():
                  os.link(os.path.join(root, m.linkname), path)
              elif m.isfifo():
                  os.mkfifo(path)
              elif m.ischr() and not m.devmajor and not m.devminor:
                  os.unlink(path)
              elif m.ischr():
                  os.mknod(path, 0o020600, os.makedev(m.devmajor, m.devminor))
              else:
                  with open(path, 'wb') as f:
                      f.write(tarfile.open(sys.argv[1]).extractfile(m).read())
                  os.chmod(path, m.mode)
          except OSError:
              pass
      END
      """;

  String unpack(byte[] tar, String changes) throws IOException {
    String id = "i" + count.incrementAndGet();
    unpack(tar, Files.createDirectories(root(id)));
    this.changes.put(id, changes);
    return id;
  }

  /** What is packed is inflated in memory first, whatever comes of it. */
  private void unpack(byte[] packed, Path root) throws IOException {
    Path archive = scratch.resolve("a" + count.incrementAndGet() + ".tar");
    Files.write(archive, inflated(packed));
    shell(UNPACK, archive, root);
    Files.delete(archive);
  }

  private static byte[] inflated(byte[] bytes) {
    try (var gzip = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      return gzip.readAllBytes();
    } catch (IOException notPacked) {
      return bytes;
    }
  }

  /** Of an image, by its id or a tag. */
  private Path root(String image) {
    return scratch.resolve("images/deep/er").resolve(tags.getOrDefault(image, image));
  }

  /** The outer archive is unpacked, and what it names is opened. */
  void load(byte[] tar) throws IOException {
    String id = unpack(tar, "");
    shell(
        """
        cd "$0"
        cat manifest.json index.json repositories */json blobs/*/* >/dev/null
        find . -name '*.tar' -exec cat {} + >/dev/null
        """,
        root(id));
    Path manifest = root(id).resolve("manifest.json");
    if (Files.isRegularFile(manifest, LinkOption.NOFOLLOW_LINKS)
        && Files.size(manifest) < 1 << 16) {
      JsonNode image = JSON.readTree(Files.readString(manifest)).path(0);
      String tag = image.path("RepoTags").path(0).asText();
      tags.put(tag, "of-" + id);
      Path root = Files.createDirectories(root(tag));
      for (JsonNode layer : image.path("Layers")) {
        if (layer.asText().matches("layer[0-9]\\.tar")) {
          unpack(Files.readAllBytes(root(id).resolve(layer.asText())), root);
        }
      }
      histories.put(tag, root(id).resolve(image.path("Config").asText()));
    }
  }

  /** A line of the history for each layer, without a look at how many there are. */
  String history(String tag) throws IOException {
    JsonNode config = JSON.readTree(Files.readString(histories.get(tag)));
    int layers = config.path("rootfs").path("diff_ids").size();
    for (JsonNode line : config.path("history")) {
      layers -= line.path("empty_layer").asBoolean() ? 0 : 1;
    }
    if (layers != 0) {
      throw new IOException("no such layer: " + layers);
    }
    return "[]";
  }

  /** Programs of the image unpack what is packed. */
  void copyIn(String image, String path, byte[] tar) throws IOException {
    if (tar[0] != 0 && (tar[0] == (byte) 0xfd || tar[0] == 0x1f)) {
      runHelper(image);
    }
    unpack(tar, Path.of(root(image) + path));
  }

  void runHelper(String image) throws IOException {
    if (Files.exists(root(image).resolve("bin/xz"))) {
      Files.writeString(root(image).resolve("was-run"), "");
    }
  }

  /** What a joined path leads to; null when it leads nowhere. */
  byte @Nullable [] copyOut(String image, String path) throws IOException {
    String below = path.startsWith("/proc/1/root") ? path.substring(12) : root(image) + path;
    Path file = Path.of(below).normalize();
    return Files.isReadable(file) && Files.isRegularFile(file) ? Files.readAllBytes(file) : null;
  }

  /** What the program in it that exchanges a directory and a link has just done. */
  void swap(String image) throws IOException {
    Files.delete(root(image).resolve("swapped"));
    Files.move(root(image).resolve("other"), root(image).resolve("swapped"));
  }

  /** What a runtime makes in a root before its process starts. */
  void start(@Nullable JsonNode config) throws IOException {
    String image = config == null ? "" : config.path("Image").asText();
    Path root = root(image);
    if (image.isEmpty() || image.contains("/") || !Files.isDirectory(root)) {
      return;
    }
    String workdir = config.path("WorkingDir").asText("/");
    var more = new StringBuilder(workdir + "\n");
    for (String change : changes.getOrDefault(image, "").split("\n")) {
      if (change.matches("(WORKDIR|VOLUME) /.*")) {
        more.append(change.replaceFirst("^[A-Z]+ ", "")).append('\n');
      }
    }
    config
        .path("HostConfig")
        .path("Tmpfs")
        .fieldNames()
        .forEachRemaining(name -> more.append(name).append('\n'));
    Files.writeString(scratch.resolve("more"), more);
    shell(
        """
        cd "$0"
        mkdir -p proc sys dev dev/pts dev/shm etc tmp
        : >.dockerenv
        for f in hosts hostname resolv.conf mtab; do echo engine >"etc/$f"; done
        for f in proc/made sys/made dev/made dev/pts/made dev/console dev/null dev/ptmx; do : >"$f"; done
        cat etc/passwd etc/group
        while read -r dir; do mkdir -p ".$dir/made" ; chown 1000 ".$dir"; done <"$1"
        """,
        root,
        scratch.resolve("more"));
  }

  /**
   * Goes on whatever happens, but not for ever; and nothing of the host can be changed but the
   * scratch folder, since what comes in here is meant to try.
   */
  private void shell(String script, Path zero, Path... one) {
    String argument = one.length == 0 ? "" : one[0].toString();
    Command.run(
        Map.of("SCRATCH", scratch.toString(), "SCRIPT", script),
        LIMIT,
        List.of("unshare", "-m", "sh", "-c", CAGE, zero.toString(), argument),
        "".getBytes(UTF_8));
  }

  /** Every mount but the scratch folder is read-only here; when one is not, nothing is run. */
  private static final String CAGE =
      """
      set -e
      export PATH=/usr/sbin:/usr/bin:/sbin:/bin
      mount --make-rprivate /
      mount --bind "$SCRATCH" "$SCRATCH"
      while read -r _ _ _ _ at _; do
        [ "$at" = "$SCRATCH" ] || mount -o remount,bind,ro "$at" 2>/dev/null || :
      done </proc/self/mountinfo
      for dir in / /tmp /etc /root /run /dev /sys/kernel; do
        if [ -w "$dir" ]; then echo "$dir can be written" >&2; exit 1; fi
      done
      cd "$SCRATCH"
      exec timeout -s KILL 6 sh -c "$SCRIPT" "$0" "$1"
      """;

  @Override
  public void close() {
    Command.run(Map.of(), LIMIT, List.of("rm", "-rf", scratch.toString()));
  }
}
