package io.gantry.engine.image;

import io.gantry.api.Images.Loading;
import io.gantry.api.Images.SavedImages;
import io.gantry.image.archive.ImageLoader;
import io.gantry.image.archive.ImageSaver;
import io.gantry.image.archive.SavedArchive;
import io.gantry.image.layer.Limits;
import io.gantry.image.manifest.Platform;
import io.gantry.store.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.function.BiConsumer;

/** Loads and saves archives of images, and tells of it. */
final class Archives {

  private final ImageLoader loader;
  private final ImageSaver saver;
  private final Space space;
  private final BiConsumer<String, String> events;

  /**
   * @param events takes an action and the id of an image
   */
  Archives(ImageKeeper keeper, Space space, BiConsumer<String, String> events) {
    this.loader = new ImageLoader(keeper.images(), keeper.layers(), keeper.blobs());
    this.saver = new ImageSaver(keeper.images(), keeper.layers(), keeper.blobs());
    this.space = space;
    this.events = events;
  }

  /**
   * @param keepPercent of the disk that must be free for compressed layers to be kept
   */
  void load(InputStream archive, String platform, int keepPercent, Loading loading) {
    var limits = Limits.layer(space.freeBytes());
    var loaded =
        loader.load(
            archive, wanted(platform), space.hasFree(keepPercent), limits, progress(loading));
    loaded.forEach(image -> events.accept("load", image.id().toString()));
    loaded.forEach(image -> loading.loaded(image.id().toString(), image.names()));
  }

  private static ImageLoader.Progress progress(Loading loading) {
    return new ImageLoader.Progress() {
      @Override
      public void layer(Digest diff, long current, long total) {
        loading.layer(diff.toString(), current, total);
      }

      @Override
      public void moves(String name, Digest from) {
        loading.moves(name, from.toString());
      }
    };
  }

  SavedImages save(List<String> refs, String platform) {
    return new Saved(saver.open(refs, wanted(platform)), events);
  }

  private static Platform wanted(String platform) {
    var wanted = WantedPlatform.parse(platform);
    return new Platform(wanted.os(), wanted.architecture(), wanted.variant());
  }

  private record Saved(SavedArchive archive, BiConsumer<String, String> events)
      implements SavedImages {

    @Override
    public void writeTo(OutputStream out) throws IOException {
      archive.writeTo(out);
      archive.images().forEach(id -> events.accept("save", id.toString()));
    }

    @Override
    public void close() {
      archive.close();
    }
  }
}
