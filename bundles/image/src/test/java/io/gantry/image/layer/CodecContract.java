package io.gantry.image.layer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.airlift.compress.zstd.ZstdOutputStream;
import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

/** What is decoded and refused in the same way by whoever does it. */
abstract class CodecContract {

  private static final Limits LIMITS = new Limits(1L << 30, 1L << 30, 50, 1000);
  private static final byte[] PLAIN = plain(3 << 20);
  private static final byte[] GZIP = gzip(PLAIN);
  private static final byte[] ZSTD = zstd(PLAIN);
  private static final String CUT = "unexpected EOF";
  private static final String GZIP_DAMAGED = "the archive is damaged: its gzip data is corrupt";
  private static final String ZSTD_DAMAGED = "the archive is damaged: its zstd data is corrupt";

  abstract Codecs codecs();

  /** Half as large when compressed, which is more than is left to Java. */
  static byte[] plain(int length) {
    byte[] plain = new byte[length];
    var random = new Random(7);
    for (int i = 0; i < length; i++) {
      plain[i] = (byte) (i % 3 == 0 ? 'a' : random.nextInt(64));
    }
    return plain;
  }

  static byte[] gzip(byte[] plain) {
    var out = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(plain);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  private static byte[] zstd(byte[] plain) {
    var out = new ByteArrayOutputStream();
    try (OutputStream zstd = new ZstdOutputStream(out)) {
      zstd.write(plain);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  static byte[] joined(byte[]... parts) {
    var out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static byte[] cut(byte[] whole, int fromEnd) {
    return Arrays.copyOf(whole, whole.length - fromEnd);
  }

  private static byte[] changed(byte[] whole, int at) {
    byte[] changed = whole.clone();
    changed[at < 0 ? whole.length + at : at] ^= 0x55;
    return changed;
  }

  byte[] decoded(byte[] packed) throws IOException {
    try (InputStream in = codecs().open(new ByteArrayInputStream(packed), LIMITS)) {
      return in.readAllBytes();
    }
  }

  String refused(byte[] packed) {
    return refused(new ByteArrayInputStream(packed), LIMITS, Kind.INVALID);
  }

  private String refused(InputStream packed, Limits limits, Kind kind) {
    var e =
        assertThrows(
            GantryException.class,
            () -> {
              try (InputStream in = codecs().open(packed, limits)) {
                in.transferTo(OutputStream.nullOutputStream());
              }
            });
    assertEquals(kind, e.kind(), e.getMessage());
    return e.getMessage();
  }

  @Test
  void whatWasCompressedComesBack() throws IOException {
    assertTrue(GZIP.length > Codecs.SMALL && ZSTD.length > Codecs.SMALL);
    assertArrayEquals(PLAIN, decoded(GZIP));
    assertArrayEquals(PLAIN, decoded(ZSTD));
    byte[] few = plain(1000);
    assertArrayEquals(few, decoded(gzip(few)));
    assertArrayEquals(few, decoded(zstd(few)));
  }

  @Test
  void membersAndFramesFollowEachOther() throws IOException {
    byte[] few = plain(10);
    byte[] all = joined(PLAIN, few, PLAIN);
    assertArrayEquals(all, decoded(joined(GZIP, gzip(few), GZIP)));
    byte[] skipped = joined(bytes(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0), new byte[3]);
    assertArrayEquals(all, decoded(joined(skipped, ZSTD, skipped, zstd(few), ZSTD, skipped)));
  }

  @Test
  void headersOfMembersMayBeLong() throws IOException {
    int flags = 4 + 8 + 16; // extra, name, comment
    byte[] extra = joined(bytes(0x00, 0x10), new byte[0x1000]);
    byte[] name = joined("name".repeat(1000).getBytes(), bytes(0));
    byte[] head = joined(bytes(0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255), extra, name, name);
    byte[] body = Arrays.copyOfRange(GZIP, 10, GZIP.length);
    assertArrayEquals(joined(PLAIN, PLAIN), decoded(joined(head, body, head, body)));
  }

  @Test
  void whatIsCutIsRefusedAsSuch() {
    for (int missing : new int[] {1, 4, 5, 8, 9, 100, 70_000}) {
      assertEquals(CUT, refused(cut(GZIP, missing)), "gzip without " + missing);
      assertEquals(CUT, refused(cut(ZSTD, missing)), "zstd without " + missing);
    }
    byte[] second = gzip(plain(1000));
    for (int bytes : new int[] {1, 2, 3, 9, 10, 11, second.length - 8, second.length - 1}) {
      assertEquals(CUT, refused(joined(GZIP, Arrays.copyOf(second, bytes))), "second of " + bytes);
    }
    assertEquals(CUT, refused(joined(ZSTD, Arrays.copyOf(ZSTD, 7))));
    assertEquals(CUT, refused(joined(ZSTD, Arrays.copyOf(ZSTD, 10))));
  }

  @Test
  void whatIsDamagedIsRefusedAsSuch() {
    assertEquals(GZIP_DAMAGED, refused(changed(GZIP, -1)), "length");
    assertEquals(GZIP_DAMAGED, refused(changed(GZIP, -5)), "checksum");
    assertEquals(GZIP_DAMAGED, refused(joined(GZIP, changed(gzip(plain(9)), -5))), "second");
    assertEquals(GZIP_DAMAGED, refused(joined(changed(GZIP, -8), GZIP)), "first");
    assertEquals(ZSTD_DAMAGED, refused(changed(ZSTD, -1)), "checksum");
    assertEquals(ZSTD_DAMAGED, refused(changed(ZSTD, ZSTD.length / 2)));
    byte[] zeros = GZIP.clone();
    Arrays.fill(zeros, GZIP.length / 2, GZIP.length / 2 + 5000, (byte) 0xff);
    assertEquals(GZIP_DAMAGED, refused(zeros));
  }

  @Test
  void whatFollowsGzipAndIsNoneIsLeftAlone() throws IOException {
    assertArrayEquals(PLAIN, decoded(joined(GZIP, bytes('x', 'y', 'z'))));
    assertArrayEquals(PLAIN, decoded(joined(GZIP, new byte[3 << 20])));
    assertArrayEquals(PLAIN, decoded(joined(GZIP, bytes(0x1f, 0x8c, 8, 0, 0, 0))));
    assertEquals(GZIP_DAMAGED, refused(joined(GZIP, bytes(0x1f, 0x8b, 7), new byte[30])));
  }

  @Test
  void whatFollowsZstdHasToBeZstd() {
    assertEquals(ZSTD_DAMAGED, refused(joined(ZSTD, new byte[100])));
    assertEquals(ZSTD_DAMAGED, refused(joined(ZSTD, GZIP)));
  }

  @Test
  void zstdWithALargeWindowIsRefusedBeforeItIsThere() {
    byte[] frame = bytes(0x28, 0xb5, 0x2f, 0xfd, 0, (14 << 3) + 1);
    byte[] packed = joined(frame, new byte[Codecs.SMALL]);
    assertEquals("the archive needs too much memory to be decompressed", refused(packed));
    byte[] single = bytes(0x28, 0xb5, 0x2f, 0xfd, 0xa0, 1, 0, 0x80, 0);
    assertEquals(
        "the archive needs too much memory to be decompressed",
        refused(joined(single, new byte[Codecs.SMALL])));
  }

  @Test
  void bombsEndAtTheSameLimits() {
    byte[] member = gzip(new byte[20 << 20]);
    var bomb = new ByteArrayOutputStream();
    while (bomb.size() < 2 * Codecs.SMALL) {
      bomb.writeBytes(member);
    }
    byte[] packed = bomb.toByteArray();
    assertEquals(
        "the archive does not fit on the disk",
        refused(
            new ByteArrayInputStream(packed),
            new Limits(30 << 20, 1L << 30, 50, 1000),
            Kind.EXHAUSTED));
    assertEquals(
        "the archive is refused: it unpacks to a multiple of its size",
        refused(
            new ByteArrayInputStream(packed),
            new Limits(1L << 40, 10 << 20, 50, 1000),
            Kind.INVALID));
  }

  @Test
  void aSourceThatFailsIsNoDamage() {
    for (byte[] packed : new byte[][] {GZIP, ZSTD}) {
      byte[] part = Arrays.copyOf(packed, Codecs.SMALL + 100_000);
      var breaks = new SequenceInputStream(new ByteArrayInputStream(part), failing());
      assertEquals(
          "the archive could not be received: gone", refused(breaks, LIMITS, Kind.UNAVAILABLE));
    }
    // Also where the data could end.
    var breaks = new SequenceInputStream(new ByteArrayInputStream(ZSTD), failing());
    assertEquals(
        "the archive could not be received: gone", refused(breaks, LIMITS, Kind.UNAVAILABLE));
  }

  private static InputStream failing() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        throw new IOException("gone");
      }
    };
  }

  /** Gives a part, then nothing; ends on an interrupt. */
  private static final class Stalling extends InputStream {
    final CountDownLatch stalls = new CountDownLatch(1);
    final CountDownLatch left = new CountDownLatch(1);
    private final InputStream part;

    Stalling(byte[] packed) {
      part = new ByteArrayInputStream(packed, 0, Codecs.SMALL + 100_000);
    }

    @Override
    public int read() {
      throw new AssertionError("one byte at a time");
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int n = part.read(into, offset, length);
      if (n >= 0) {
        return n;
      }
      stalls.countDown();
      try {
        new CountDownLatch(1).await();
        throw new AssertionError("nobody counts");
      } catch (InterruptedException e) {
        throw new GantryException(Kind.CANCELLED, "cancelled", e);
      } finally {
        left.countDown();
      }
    }
  }

  @Test
  void anInterruptEndsAWaitForASourceThatStalls() throws InterruptedException {
    var source = new Stalling(GZIP);
    var failure = new AtomicReference<Throwable>();
    var reader =
        new Thread(
            () -> {
              try (InputStream in = codecs().open(source, LIMITS)) {
                in.transferTo(OutputStream.nullOutputStream());
              } catch (IOException | RuntimeException | Error e) {
                failure.set(e);
              }
            });
    reader.start();
    source.stalls.await();
    reader.interrupt();
    reader.join(20_000);
    assertFalse(reader.isAlive());
    assertEquals(0, source.left.getCount());
    assertEquals(Kind.CANCELLED, ((GantryException) failure.get()).kind());
  }

  @Test
  void closingBeforeTheEndLeavesNothing() throws IOException {
    long before = children();
    try (InputStream in = codecs().open(new ByteArrayInputStream(GZIP), LIMITS)) {
      assertEquals(1000, in.readNBytes(1000).length);
    }
    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          while (children() > before) {
            Thread.onSpinWait();
          }
        });
  }

  static long children() {
    return ProcessHandle.current().children().count();
  }

  @Test
  void equalTarsBecomeEqualGzip() throws IOException {
    var encoder = codecs().encoder();
    byte[] first = encoded(encoder, PLAIN.length);
    assertArrayEquals(first, encoded(encoder, 1000));
    assertArrayEquals(first, encoded(codecs().encoder(), 1 << 20));
    assertEquals(encoder.form(), codecs().encoder().form());
    try (var in = new GZIPInputStream(new ByteArrayInputStream(first))) {
      assertArrayEquals(PLAIN, in.readAllBytes());
    }
    assertArrayEquals(new byte[] {0, 0, 0, 0, 0}, Arrays.copyOfRange(first, 3, 8)); // flags, time
  }

  private static byte[] encoded(Codecs.Encoder encoder, int step) throws IOException {
    var out = new ByteArrayOutputStream();
    encoder.encode(
        to -> {
          for (int at = 0; at < PLAIN.length; at += step) {
            to.write(PLAIN, at, Math.min(step, PLAIN.length - at));
          }
        },
        out);
    return out.toByteArray();
  }

  @Test
  void whatCannotBeReadIsNotCompressed() {
    var damaged = new GantryException(Kind.INTERNAL, "layer has been damaged");
    var e =
        assertThrows(
            GantryException.class,
            () ->
                codecs()
                    .encoder()
                    .encode(
                        to -> {
                          to.write(PLAIN);
                          throw damaged;
                        },
                        OutputStream.nullOutputStream()));
    assertSame(damaged, e);
  }

  @Test
  void whatNobodyTakesEndsTheCompression() {
    var e =
        assertThrows(
            IOException.class,
            () ->
                codecs()
                    .encoder()
                    .encode(
                        to -> {
                          for (int i = 0; i < 100; i++) {
                            to.write(PLAIN);
                          }
                        },
                        new OutputStream() {
                          @Override
                          public void write(int b) throws IOException {
                            throw new IOException("gone");
                          }
                        }));
    assertEquals("gone", e.getMessage());
  }
}
