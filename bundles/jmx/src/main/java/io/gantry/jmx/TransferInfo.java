package io.gantry.jmx;

import io.gantry.api.Transfers.Transfer;

/** A transfer under way, in types that every JMX client knows. */
public final class TransferInfo {

  private final Transfer transfer;

  TransferInfo(Transfer transfer) {
    this.transfer = transfer;
  }

  public String getId() {
    return transfer.id();
  }

  /** {@code pull} or {@code push}. */
  public String getKind() {
    return transfer.kind();
  }

  /** What is transferred, as the client has named it. */
  public String getReference() {
    return transfer.ref();
  }

  /** When it began, ISO 8601. */
  public String getSince() {
    return transfer.since().toString();
  }

  /** Bytes of blobs so far, without those that were there already. */
  public long getBytes() {
    return transfer.current();
  }

  /** Bytes of the blobs that are known to be needed. */
  public long getTotalBytes() {
    return transfer.total();
  }

  /** Over the last few seconds. */
  public long getBytesPerSecond() {
    return transfer.bytesPerSecond();
  }
}
