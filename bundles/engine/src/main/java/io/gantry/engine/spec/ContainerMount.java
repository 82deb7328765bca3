package io.gantry.engine.spec;

import io.gantry.spi.Mount;
import java.util.ArrayList;
import java.util.List;

/**
 * A mount of a container as settled at its creation, in the order of its record.
 *
 * @param type of Docker's: {@code bind}, {@code volume}, {@code tmpfs}, {@code image}
 * @param name of the volume, or the image as the client wrote it
 * @param driver of the volume
 * @param source of a bind, as the client wrote it; of an image its uppermost layer
 * @param target absolute and without dots
 * @param mode as the client wrote it, for inspect
 * @param propagation empty for what has none
 * @param named the client gave the volume a name
 * @param copy it takes what the image has at its target, when it is empty
 * @param subpath of the volume or image that is mounted; empty: all
 * @param flat mounts below the source do not come along
 * @param readOnlyFlat they come along and stay writable
 * @param makesSource a source that is missing becomes a directory
 * @param options of a tmpfs
 * @param image id of the image
 */
public record ContainerMount(
    String type,
    String name,
    String driver,
    String source,
    String target,
    String mode,
    boolean readOnly,
    String propagation,
    boolean named,
    boolean copy,
    String subpath,
    boolean flat,
    boolean readOnlyFlat,
    boolean makesSource,
    List<String> options,
    String image) {

  public static final String BIND = "bind";
  public static final String VOLUME = "volume";
  public static final String TMPFS = "tmpfs";
  public static final String IMAGE = "image";

  public ContainerMount {
    options = List.copyOf(options);
  }

  static ContainerMount bind(
      String source, String target, String mode, boolean readOnly, String propagation) {
    return new ContainerMount(
        BIND,
        "",
        "",
        source,
        target,
        mode,
        readOnly,
        propagation.isEmpty() ? "rprivate" : propagation,
        false,
        false,
        "",
        false,
        false,
        true,
        List.of(),
        "");
  }

  static ContainerMount volume(
      String name, String driver, String target, String mode, boolean readOnly, boolean copy) {
    return new ContainerMount(
        VOLUME,
        name,
        driver,
        "",
        target,
        mode,
        readOnly,
        "",
        !name.isEmpty(),
        copy,
        "",
        false,
        false,
        false,
        List.of(),
        "");
  }

  static ContainerMount tmpfs(String target, boolean readOnly, List<String> options) {
    return new ContainerMount(
        TMPFS, "", "", "", target, "", readOnly, "", false, false, "", false, false, false, options,
        "");
  }

  static ContainerMount image(String reference, String target) {
    return new ContainerMount(
        IMAGE,
        reference,
        "",
        "",
        target,
        "",
        true,
        "rprivate",
        false,
        false,
        "",
        false,
        false,
        false,
        List.of(),
        "");
  }

  ContainerMount bound(boolean isFlat, boolean isReadOnlyFlat, boolean doesMakeSource) {
    return new ContainerMount(
        type,
        name,
        driver,
        source,
        target,
        mode,
        readOnly,
        propagation,
        named,
        copy,
        subpath,
        isFlat,
        isReadOnlyFlat,
        doesMakeSource,
        options,
        image);
  }

  ContainerMount part(String path) {
    return new ContainerMount(
        type,
        name,
        driver,
        source,
        target,
        mode,
        readOnly,
        propagation,
        named,
        copy && path.isEmpty(),
        path,
        flat,
        readOnlyFlat,
        makesSource,
        options,
        image);
  }

  public boolean isVolume() {
    return type.equals(VOLUME);
  }

  /** What the container has got instead of what it asked for. */
  public ContainerMount got(String volume, String itsDriver, String itsMode) {
    return new ContainerMount(
        type,
        volume,
        itsDriver,
        source,
        target,
        itsMode,
        readOnly,
        propagation,
        named,
        copy,
        subpath,
        flat,
        readOnlyFlat,
        makesSource,
        options,
        image);
  }

  /** The image that was found. */
  public ContainerMount of(String imageId, String layer) {
    return new ContainerMount(
        type,
        name,
        driver,
        layer,
        target,
        mode,
        readOnly,
        propagation,
        named,
        copy,
        subpath,
        flat,
        readOnlyFlat,
        makesSource,
        options,
        imageId);
  }

  /** As another container takes it over ({@code --volumes-from}). */
  public ContainerMount inherited(boolean writable) {
    return new ContainerMount(
        type,
        name,
        driver,
        source,
        target,
        "",
        readOnly || !writable,
        propagation,
        named,
        false,
        subpath,
        flat,
        readOnlyFlat,
        makesSource,
        options,
        image);
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
    words.add(propagation.isEmpty() ? "rprivate" : propagation);
    if (readOnly) {
      words.add(flat || readOnlyFlat ? "ro" : "rro");
    }
    return new Mount(flat ? "bind" : "rbind", from, target, words);
  }
}
