package io.gantry.jmx;

import io.gantry.api.ContainerView;
import io.gantry.api.Containers;
import io.gantry.spi.GantryException;
import java.util.ArrayList;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The containers as an MBean. */
@Component(
    service = ContainersMXBean.class,
    property = MBeanWhiteboard.NAME + "=io.gantry:type=Containers")
public final class ContainersBean implements ContainersMXBean {

  private final Containers containers;

  @Activate
  public ContainersBean(@Reference Containers containers) {
    this.containers = containers;
  }

  @Override
  public int getCount() {
    return Plain.call(containers::list).size();
  }

  @Override
  public List<StatsInfo> getStats() {
    var all = new ArrayList<StatsInfo>();
    for (ContainerView view : Plain.call(containers::list)) {
      if (view.state().running()) {
        try {
          all.add(new StatsInfo(containers.stats(view.id())));
        } catch (GantryException e) {
          // removed meanwhile
        }
      }
    }
    return all;
  }

  @Override
  public StatsInfo stats(String ref) {
    return new StatsInfo(Plain.call(() -> containers.stats(ref)));
  }
}
