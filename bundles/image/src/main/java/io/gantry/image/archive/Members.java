package io.gantry.image.archive;

import io.gantry.image.layer.Codecs;
import io.gantry.image.layer.HeldBlobs;
import io.gantry.image.layer.Limits;
import io.gantry.image.layer.TarEntry;
import io.gantry.image.layer.TarReader;
import io.gantry.image.manifest.Descriptor;
import io.gantry.image.manifest.Document;
import io.gantry.linux.Names;
import io.gantry.spi.Bytes;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import io.gantry.store.Digest;
import io.gantry.store.Ingest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The members of an archive around images, whatever their order. Nothing is ever unpacked under a
 * member's name: contents go into memory or nameless blobs as they stream by, names are keys of a
 * map, and links are followed in that map only. Of two members with one name the last one counts.
 */
final class Members implements AutoCloseable {

  /** Larger documents are not read. */
  static final int LONGEST_DOCUMENT = 4 << 20;

  private static final int MOST = 100_000;
  private static final int MAX_LINKS = 40;
  private static final int LONGEST_NAME = 255;
  private static final int LONGEST_PATH = 4095;
  private static final int SMALL = 64 << 10;
  private static final long MAX_IN_MEMORY = 16L << 20;

  /** One document may be asked for again and again, by each image that shares it. */
  private static final long MAX_DOCUMENT_BYTES = 512L << 20;

  /**
   * Configurations and manifests are kept until all images are made, and parsed they are larger.
   */
  private static final long MAX_KEPT_BYTES = 16L << 20;

  private static final long MAX_NAME_CHARS = 16L << 20;

  private final HeldBlobs blobs;
  private final Spool spool;
  private final Map<String, Member> files = new HashMap<>();
  private final Map<String, String> links = new HashMap<>();
  private final byte[] buffer = new byte[1 << 17];
  private long inMemory;
  private long nameChars;
  private long documentBytes;
  private long keptBytes;

  private Members(HeldBlobs blobs, Spool spool) {
    this.blobs = blobs;
    this.spool = spool;
  }

  /**
   * Reads an archive, plain or compressed, to its end.
   *
   * @throws GantryException INVALID for what is no archive, leads outside or holds what no image
   *     archive does; EXHAUSTED when it does not fit; nothing is left behind
   */
  static Members read(InputStream archive, HeldBlobs blobs, Codecs codecs, Limits limits)
      throws IOException {
    Members members = new Members(blobs, Spool.open());
    try (InputStream plain = codecs.open(archive, limits)) {
      var own = new Limits(limits.maxBytes(), limits.freeBytes(), limits.maxRatio(), MOST);
      TarReader reader = new TarReader(plain, own, (bytes, length) -> {});
      for (TarEntry entry; (entry = reader.next()) != null; ) {
        stopWhenInterrupted();
        members.add(entry, reader, limits);
      }
      return members;
    } catch (IOException | RuntimeException e) {
      members.close();
      throw e;
    }
  }

  static void stopWhenInterrupted() {
    if (Thread.interrupted()) {
      throw new GantryException(Kind.CANCELLED, "cancelled");
    }
  }

  private void add(TarEntry entry, TarReader reader, Limits limits) throws IOException {
    if (entry.type() == TarEntry.Type.NOTE) {
      return;
    }
    String name = clean(entry.path());
    nameChars += name.length() + entry.link().length();
    if (nameChars > MAX_NAME_CHARS) {
      throw invalid("the names in the archive are too long");
    }
    switch (entry.type()) {
      case FILE -> {
        if (name.isEmpty()) {
          throw bad(entry.path(), "a file without a name");
        }
        links.remove(name);
        replace(name, content(entry, reader, limits));
      }
      case HARD_LINK -> link(name, clean(entry.link()));
      case SYMLINK -> {
        if (entry.link().startsWith("/")) {
          throw bad(entry.path(), "links outside of the archive");
        }
        link(name, clean(parent(name) + "/" + entry.link()));
      }
      case DIRECTORY, NOTE -> {}
      default -> throw bad(entry.path(), "a device or a FIFO");
    }
  }

  private void link(String name, String target) {
    if (name.isEmpty()) {
      throw bad(name, "a link without a name");
    }
    Member former = files.remove(name);
    if (former != null) {
      former.close();
    }
    links.put(name, target);
  }

  private void replace(String name, Member content) {
    Member former = files.put(name, content);
    if (former != null) {
      former.close();
    }
  }

  private Member content(TarEntry entry, TarReader reader, Limits limits) throws IOException {
    if (entry.size() <= SMALL && inMemory + entry.size() <= MAX_IN_MEMORY) {
      inMemory += entry.size();
      var small = new ByteArrayOutputStream((int) entry.size());
      for (int n; (n = reader.read(buffer)) >= 0; ) {
        small.write(buffer, 0, n);
      }
      checkWhole(entry, small.size());
      return Member.of(small.toByteArray());
    }
    return spool.takes(entry.size())
        ? spooled(entry, reader, limits)
        : ingested(entry, reader, limits, InputStream.nullInputStream());
  }

  private Member spooled(TarEntry entry, TarReader reader, Limits limits) throws IOException {
    long start = spool.position();
    MessageDigest hash = Digest.Algorithm.SHA256.hash();
    for (int n; (n = fill(reader)) > 0; ) {
      stopWhenInterrupted();
      try {
        spool.write(buffer, n);
      } catch (IOException e) {
        // Somebody else has filled the memory meanwhile: the disk takes it over.
        var here = spool.read(start, spool.position() - start);
        var rest = new ByteArrayInputStream(buffer, 0, n);
        spool.backTo(start);
        return ingested(entry, reader, limits, new SequenceInputStream(here, rest));
      }
      hash.update(buffer, 0, n);
    }
    long size = spool.position() - start;
    checkWhole(entry, size);
    return Member.of(spool, start, size, Digest.of(Digest.Algorithm.SHA256, hash));
  }

  /** Takes as much as there is room for: connections give small pieces. */
  private int fill(TarReader reader) throws IOException {
    int filled = 0;
    while (filled < buffer.length) {
      int n = reader.read(buffer, filled);
      if (n < 0) {
        break;
      }
      filled += n;
    }
    return filled;
  }

  private Member ingested(TarEntry entry, TarReader reader, Limits limits, InputStream before)
      throws IOException {
    Ingest large = blobs.ingest(limits.maxBytes());
    try {
      before.transferTo(large);
      for (int n; (n = fill(reader)) > 0; ) {
        stopWhenInterrupted();
        large.write(buffer, 0, n);
      }
      checkWhole(entry, large.offset());
      return Member.of(large);
    } catch (IOException | RuntimeException e) {
      large.close();
      throw e;
    }
  }

  /** A file with holes is none that an image archive has. */
  private static void checkWhole(TarEntry entry, long bytes) {
    if (bytes != entry.size()) {
      throw bad(entry.path(), "a sparse file");
    }
  }

  /**
   * {@code ./a//b} is {@code a/b}.
   *
   * @throws GantryException INVALID for one that leads outside or is too long
   */
  private static String clean(String path) {
    Deque<String> done = new ArrayDeque<>();
    for (String name : path.split("/", -1)) {
      if (name.equals("..")) {
        if (done.pollLast() == null) {
          throw bad(path, "leads outside of the archive");
        }
      } else if (!name.isEmpty() && !name.equals(".")) {
        if (name.length() > LONGEST_NAME) {
          throw bad(path, "file name too long");
        }
        done.add(name);
      }
    }
    String clean = String.join("/", done);
    if (clean.length() > LONGEST_PATH) {
      throw bad(path, "file name too long");
    }
    return clean;
  }

  private static String parent(String path) {
    return path.substring(0, Math.max(path.lastIndexOf('/'), 0));
  }

  boolean has(String name) {
    return find(name).isPresent();
  }

  /** The content under a name, by way of links inside the archive. */
  Optional<Member> find(String name) {
    String at = clean(Names.ofText(name));
    for (int steps = 0; steps <= MAX_LINKS; steps++) {
      String target = links.get(at);
      if (target == null) {
        return Optional.ofNullable(files.get(at));
      }
      at = target;
    }
    throw bad(name, "too many levels of links");
  }

  /**
   * @throws GantryException INVALID when there is no such member
   */
  Member get(String name) {
    return find(name)
        .orElseThrow(
            () -> invalid("open " + Names.printable(name) + ": no such file or directory"));
  }

  /**
   * @throws GantryException INVALID when it is not there, no JSON, or larger than documents are
   */
  Document document(String name) {
    return Document.parse(small(get(name), name), name);
  }

  /** The bytes of a member that is a document. */
  byte[] small(Member member, String name) {
    if (member.size() > LONGEST_DOCUMENT) {
      throw invalid(Names.printable(name) + " is too large: " + member.size() + " bytes");
    }
    documentBytes += member.size();
    if (documentBytes > MAX_DOCUMENT_BYTES) {
      throw invalid("the archive has too much metadata");
    }
    return member.bytes();
  }

  /** A document that stays in memory with all others of the archive. */
  Bytes kept(byte[] document) {
    keptBytes += document.length;
    if (keptBytes > MAX_KEPT_BYTES) {
      throw invalid("the images of the archive have too much metadata");
    }
    return Bytes.copyOf(document);
  }

  /**
   * A blob of an OCI layout.
   *
   * @throws GantryException INVALID when it is not there or its content is not what it is named for
   */
  Member blob(Digest digest) {
    String name = "blobs/" + digest.algorithm().label() + "/" + digest.hex();
    Member member =
        find(name).orElseThrow(() -> invalid("blob " + digest + " is not in the archive"));
    Digest actual = member.digest(digest.algorithm());
    if (!actual.equals(digest)) {
      throw invalid("blob " + digest + " has digest " + actual);
    }
    return member;
  }

  /** As {@link #blob(Digest)}; its size is checked as well. */
  Member blob(Descriptor descriptor) {
    Member blob = blob(descriptor.digest());
    if (descriptor.size() >= 0 && blob.size() != descriptor.size()) {
      throw invalid(
          "blob %s has %d bytes instead of %d"
              .formatted(descriptor.digest(), blob.size(), descriptor.size()));
    }
    return blob;
  }

  /** The document that a descriptor names, verified. */
  Document document(Descriptor descriptor) {
    String name = descriptor.digest().toString();
    return Document.parse(small(blob(descriptor), name), name);
  }

  static GantryException invalid(String sentence) {
    return new GantryException(Kind.INVALID, sentence);
  }

  private static GantryException bad(String name, String reason) {
    String text = Names.printable(name);
    String shown = text.length() > 200 ? text.substring(0, 200) + "…" : text;
    return invalid("member \"" + shown + "\" of the archive: " + reason);
  }

  /** Gives up all contents that nobody kept. */
  @Override
  public void close() {
    List<Member> all = new ArrayList<>(files.values());
    files.clear();
    all.forEach(Member::close);
    spool.close();
  }
}
