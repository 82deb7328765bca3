package io.gantry.linux.netlink;

import static java.lang.System.Logger.Level.WARNING;

import io.gantry.linux.NetlinkListener;
import io.gantry.linux.NetlinkListener.Received;
import io.gantry.linux.NetlinkSocket;
import io.gantry.linux.netlink.NftBatch.Family;
import io.gantry.spi.GantryException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntPredicate;

/**
 * Hears of it when others change a table: the kernel tells of every change of every table of the
 * network namespace that this was started in, and by which socket it was made.
 */
public final class NftWatch implements AutoCloseable {
  private static final System.Logger log = System.getLogger(NftWatch.class.getName());

  private static final int GROUP = 7; // NFNLGRP_NFTABLES
  private static final int ROOM = 32 << 10; // the kernel fills a page at a time
  private static final int HEAD = 4;

  /** Of changes that follow each other closely is told together. */
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final NetlinkListener listener;
  private final Family family;
  private final String table;
  private final IntPredicate isOwn;
  private final ByteBuffer room =
      ByteBuffer.allocateDirect(ROOM).order(ByteOrder.nativeOrder()); // of the watching thread

  private NftWatch(NetlinkListener listener, Family family, String table, IntPredicate isOwn) {
    this.listener = listener;
    this.family = family;
    this.table = table;
    this.isOwn = isOwn;
  }

  /**
   * @param isOwn whether changes by a socket ({@link NftSocket#port}) are not told of
   * @param changed called on a thread of the watch's own after others have changed the table, or
   *     may have; not after {@link #close}, but for a call that has begun
   * @throws GantryException where the kernel does not tell
   */
  public static NftWatch start(Family family, String table, IntPredicate isOwn, Runnable changed) {
    var listener = NetlinkListener.open(NetlinkSocket.NETFILTER, GROUP);
    var watch = new NftWatch(listener, family, table, isOwn);
    var thread = new Thread(() -> watch.run(changed), "gantry-nft-watch");
    thread.setDaemon(true);
    thread.start();
    return watch;
  }

  private void run(Runnable changed) {
    try {
      while (listener.await()) {
        if (isChangedByOthers()) {
          changed.run();
        }
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    } catch (RuntimeException e) {
      log.log(WARNING, "changes of the table " + table + " are not noticed any more", e);
    }
  }

  private boolean isChangedByOthers() {
    boolean changed = false;
    for (var got = listener.receive(room); got != Received.NOTHING; got = listener.receive(room)) {
      changed |= got == Received.LOSS || speaksOfIt();
    }
    return changed;
  }

  private boolean speaksOfIt() {
    for (int at = 0; room.limit() - at >= MessageWriter.HEAD + HEAD; ) {
      int length = room.getInt(at);
      if (length < MessageWriter.HEAD + HEAD || length > room.limit() - at) {
        break;
      }
      int body = at + MessageWriter.HEAD;
      boolean isIt =
          room.getShort(at + 4) >> 8 == NftBatch.SUBSYSTEM
              && room.get(body) == family.number
              && !isOwn.test(room.getInt(at + 12))
              && Attributes.of(room.slice(body + HEAD, length - MessageWriter.HEAD - HEAD))
                  .text(1)
                  .equals(table);
      if (isIt) {
        return true;
      }
      at += length + 3 & ~3;
    }
    return false;
  }

  @Override
  public void close() {
    listener.close();
  }
}
