package io.gantry.jmx;

import io.gantry.api.Images.Damage;
import io.gantry.api.Images.ImageCheck;
import java.util.List;

/** What a check of images found, in types that every JMX client knows. */
public final class ImageCheckInfo {

  private final ImageCheck check;

  ImageCheckInfo(ImageCheck check) {
    this.check = check;
  }

  /** How many have been looked at. */
  public int getLayers() {
    return check.layers();
  }

  public List<DamageInfo> getDamages() {
    return check.damages().stream().map(DamageInfo::new).toList();
  }

  /** Sentences on what could not be looked at. */
  public List<String> getSkipped() {
    return check.skipped();
  }

  /** Something that is not what it was, and what depends on it. */
  public static final class DamageInfo {

    private final Damage damage;

    DamageInfo(Damage damage) {
      this.damage = damage;
    }

    /** {@code layer}, {@code configuration}, {@code manifest} or {@code blob}. */
    public String getWhat() {
      return damage.what();
    }

    public String getId() {
      return damage.id();
    }

    public String getDriver() {
      return damage.driver();
    }

    public String getReason() {
      return damage.reason();
    }

    public List<String> getImages() {
      return damage.images();
    }

    public List<String> getContainers() {
      return damage.containers();
    }
  }
}
