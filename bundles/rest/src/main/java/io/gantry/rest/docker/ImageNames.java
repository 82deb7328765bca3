package io.gantry.rest.docker;

import io.gantry.api.ContainerView;
import io.gantry.api.Images.ImageView;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What lists call a container's image: its name while that still means the same image. */
public final class ImageNames {

  private final Map<String, String> idByName = new HashMap<>();

  public ImageNames(List<ImageView> images) {
    for (ImageView image : images) {
      image.tags().forEach(tag -> idByName.put(tag, image.id()));
      image.digests().forEach(digest -> idByName.put(digest, image.id()));
    }
  }

  public String shown(ContainerView view) {
    String written = view.spec().image();
    String bare = written.startsWith("sha256:") ? written.substring(7) : written;
    if (view.imageId().startsWith(bare, view.imageId().indexOf(':') + 1)) {
      return written; // by id
    }
    return view.imageId().equals(idByName.get(full(written))) ? written : view.imageId();
  }

  private static String full(String name) {
    String shorter =
        name.replaceFirst("^(docker\\.io/|index\\.docker\\.io/)", "").replaceFirst("^library/", "");
    boolean tagged = shorter.lastIndexOf(':') > shorter.lastIndexOf('/');
    return tagged || shorter.contains("@") ? shorter : shorter + ":latest";
  }
}
