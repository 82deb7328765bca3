package io.gantry.jmx;

import io.gantry.api.Events;
import io.gantry.api.Volumes;
import io.gantry.api.Volumes.VolumeSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The volumes as an MBean. */
@Component(
    service = VolumesMXBean.class,
    property = MBeanWhiteboard.NAME + "=io.gantry:type=Volumes")
public final class VolumesBean extends EventEmitter implements VolumesMXBean {

  private final Volumes volumes;

  @Activate
  public VolumesBean(
      @Reference Volumes volumes,
      @Reference(
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.GREEDY)
          @Nullable Events events) {
    super("volume", "io.gantry:type=Volumes", events);
    this.volumes = volumes;
  }

  @Override
  @Deactivate
  public void close() {
    super.close();
  }

  @Override
  public int getCount() {
    return Plain.call(volumes::list).size();
  }

  @Override
  public List<VolumeInfo> list() {
    return Plain.call(volumes::list).stream().map(VolumeInfo::new).toList();
  }

  @Override
  public VolumeInfo info(String name) {
    return new VolumeInfo(Plain.call(() -> volumes.inspect(name)));
  }

  @Override
  public long bytes(String name) {
    return Plain.call(() -> volumes.bytes(name));
  }

  @Override
  public VolumeInfo create(String name, String driver) {
    var spec = new VolumeSpec(name, driver, null, null);
    return new VolumeInfo(Plain.call(() -> volumes.create(spec)));
  }

  @Override
  public void remove(String name) {
    Plain.run(() -> volumes.remove(name, false));
  }

  @Override
  public List<String> prune(boolean all) {
    return Plain.call(() -> volumes.prune(volume -> all || volume.isAnonymous())).names();
  }
}
