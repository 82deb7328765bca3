package io.gantry.jmx;

import io.gantry.api.Drivers;
import io.gantry.api.Drivers.DriverView;
import io.gantry.api.Events;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The driver registry as an MBean. */
@Component(
    service = DriversMXBean.class,
    property = MBeanWhiteboard.NAME + "=io.gantry:type=Drivers")
public final class DriversBean extends EventEmitter implements DriversMXBean {

  private final Drivers drivers;

  @Activate
  public DriversBean(
      @Reference Drivers drivers,
      @Reference(
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.GREEDY)
          @Nullable Events events) {
    super("driver", "io.gantry:type=Drivers", events);
    this.drivers = drivers;
  }

  @Override
  @Deactivate
  public void close() {
    super.close();
  }

  @Override
  public List<DriverInfo> list() {
    return infos(Plain.call(drivers::list));
  }

  @Override
  public DriverInfo info(String kind, String name) {
    return new DriverInfo(Plain.call(() -> drivers.inspect(kind, name)));
  }

  @Override
  public DriverInfo update(String kind, String name, String jar) {
    return new DriverInfo(Plain.call(() -> drivers.update(kind, name, Path.of(jar))));
  }

  @Override
  public List<DriverInfo> install(String jar) {
    return infos(Plain.call(() -> drivers.install(Path.of(jar))));
  }

  @Override
  public void setDefault(String kind, String name) {
    Plain.run(() -> drivers.setDefault(kind, name));
  }

  @Override
  public DriverInfo rollback(String kind, String name) {
    return new DriverInfo(Plain.call(() -> drivers.rollback(kind, name)));
  }

  private static List<DriverInfo> infos(List<DriverView> views) {
    return views.stream().map(DriverInfo::new).toList();
  }
}
