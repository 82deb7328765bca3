package io.gantry.engine.spec;

import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.List;

/**
 * A mount of a container as settled at its creation, in the order of its record.
 *
 * @param type of Docker's: {@code bind}, {@code volume}, {@code tmpfs}, {@code image}
 * @param name of the volume, or the image as the client wrote it
 * @param source of a bind, as the client wrote it; of an image its uppermost layer
 * @param target absolute and without dots
 * @param mode as the client wrote it, for inspect
 * @param subpath of the volume or image that is mounted; empty: all
 * @param options of a tmpfs
 * @param image id of the image
 */
public record ContainerMount(
    String type,
    String name,
    String source,
    String target,
    String mode,
    boolean readOnly,
    String subpath,
    OfVolume volume,
    Below below,
    List<String> options,
    String image) {

  public static final String BIND = "bind";
  public static final String VOLUME = "volume";
  public static final String TMPFS = "tmpfs";
  public static final String IMAGE = "image";
  private static final String PRIVATE = "rprivate";

  /**
   * @param named the client gave the volume a name
   * @param copy it takes what the image has at its target, when it is empty
   */
  public record OfVolume(String driver, boolean named, boolean copy) {
    static final OfVolume NONE = new OfVolume("", false, false);
  }

  /**
   * What is mounted below the source, now and later.
   *
   * @param propagation empty for what has none
   * @param flat it does not come along
   * @param readOnlyFlat it comes along and stays writable
   * @param makesSource a source that is missing becomes a directory
   */
  public record Below(String propagation, boolean flat, boolean readOnlyFlat, boolean makesSource) {
    static final Below NONE = new Below("", false, false, false);
  }

  public ContainerMount {
    options = List.copyOf(options);
  }

  static ContainerMount bind(
      String source, String target, String mode, boolean readOnly, String propagation) {
    var below = new Below(propagation.isEmpty() ? PRIVATE : propagation, false, false, true);
    return new ContainerMount(
        BIND, "", source, target, mode, readOnly, "", OfVolume.NONE, below, List.of(), "");
  }

  static ContainerMount volume(
      String name, String driver, String target, String mode, boolean readOnly, boolean copy) {
    var of = new OfVolume(driver, !name.isEmpty(), copy);
    return new ContainerMount(
        VOLUME, name, "", target, mode, readOnly, "", of, Below.NONE, List.of(), "");
  }

  static ContainerMount tmpfs(String target, boolean readOnly, List<String> options) {
    return new ContainerMount(
        TMPFS, "", "", target, "", readOnly, "", OfVolume.NONE, Below.NONE, options, "");
  }

  static ContainerMount image(String reference, String target) {
    var below = new Below(PRIVATE, false, false, false);
    return new ContainerMount(
        IMAGE, reference, "", target, "", true, "", OfVolume.NONE, below, List.of(), "");
  }

  ContainerMount bound(boolean flat, boolean readOnlyFlat, boolean makesSource) {
    var other = new Below(propagation(), flat, readOnlyFlat, makesSource);
    return new ContainerMount(
        type, name, source, target, mode, readOnly, subpath, volume, other, options, image);
  }

  ContainerMount part(String path) {
    var of = new OfVolume(driver(), named(), copy() && path.isEmpty());
    return new ContainerMount(
        type, name, source, target, mode, readOnly, path, of, below, options, image);
  }

  /** What the container has got instead of what it asked for. */
  public ContainerMount got(String itsName, String driver, String itsMode) {
    var of = new OfVolume(driver, named(), copy());
    return new ContainerMount(
        type, itsName, source, target, itsMode, readOnly, subpath, of, below, options, image);
  }

  /** The image that was found. */
  public ContainerMount of(String imageId, String layer) {
    return new ContainerMount(
        type, name, layer, target, mode, readOnly, subpath, volume, below, options, imageId);
  }

  /** As another container takes it over ({@code --volumes-from}). */
  public ContainerMount inherited(boolean writable) {
    var of = new OfVolume(driver(), named(), false);
    return new ContainerMount(
        type, name, source, target, "", readOnly || !writable, subpath, of, below, options, image);
  }

  public boolean isVolume() {
    return type.equals(VOLUME);
  }

  public String driver() {
    return volume.driver();
  }

  public boolean named() {
    return volume.named();
  }

  public boolean copy() {
    return volume.copy();
  }

  public String propagation() {
    return below.propagation();
  }

  public boolean makesSource() {
    return below.makesSource();
  }

  /**
   * For an exec driver.
   *
   * @param from where on the host it is; not looked at for a tmpfs
   */
  public Mount mount(String from) {
    if (type.equals(TMPFS)) {
      return new Mount("tmpfs", "tmpfs", target, options);
    }
    var words = new ArrayList<String>();
    words.add(propagation().isEmpty() ? PRIVATE : propagation());
    if (readOnly) {
      words.add(below.flat() || below.readOnlyFlat() ? "ro" : "rro");
    }
    return new Mount(below.flat() ? "bind" : "rbind", from, target, words);
  }
}
