package io.gantry.jmx;

import io.gantry.api.Images.ImageView;
import java.util.List;

/** An image, in types that every JMX client knows. */
public final class ImageInfo {

  private final ImageView view;

  ImageInfo(ImageView view) {
    this.view = view;
  }

  public String getId() {
    return view.id();
  }

  public List<String> getTags() {
    return view.tags();
  }

  public List<String> getDigests() {
    return view.digests();
  }

  /** {@code os/architecture[/variant]}. */
  public String getPlatform() {
    String variant = view.variant().isEmpty() ? "" : "/" + view.variant();
    return view.os() + "/" + view.architecture() + variant;
  }

  /** ISO 8601, or empty. */
  public String getCreated() {
    return view.created() == null ? "" : view.created().toString();
  }

  public long getBytes() {
    return view.bytes();
  }

  /** Diff ids, lowest first. */
  public List<String> getLayers() {
    return view.layers();
  }

  public int getContainers() {
    return view.containers();
  }
}
