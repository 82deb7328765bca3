package io.gantry.jmx;

import io.gantry.api.Events;
import io.gantry.api.Images;
import io.gantry.api.Images.ImageView;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The images as an MBean. */
@Component(service = ImagesMXBean.class, property = MBeanWhiteboard.NAME + "=io.gantry:type=Images")
public final class ImagesBean extends EventEmitter implements ImagesMXBean {

  private final Images images;

  @Activate
  public ImagesBean(
      @Reference Images images,
      @Reference(
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.GREEDY)
          @Nullable Events events) {
    super("image", "io.gantry:type=Images", events);
    this.images = images;
  }

  @Override
  @Deactivate
  public void close() {
    super.close();
  }

  @Override
  public int getCount() {
    return Plain.call(images::list).size();
  }

  @Override
  public long getBytes() {
    return Plain.call(images::list).stream().mapToLong(ImageView::bytes).sum();
  }

  @Override
  public List<ImageInfo> list() {
    return Plain.call(images::list).stream().map(ImageInfo::new).toList();
  }

  @Override
  public ImageInfo info(String ref) {
    return new ImageInfo(Plain.call(() -> images.inspect(ref)));
  }

  @Override
  public ImageCheckInfo check(String ref) {
    return new ImageCheckInfo(Plain.call(() -> images.check(ref)));
  }
}
