package io.gantry.network.macvlan;

import io.gantry.spi.Driver;
import io.gantry.spi.network.NetworkDriver;
import java.util.Objects;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** Networks whose containers share the hardware address of an interface of the host. */
@Component(
    name = "io.gantry.network.macvlan.ipvlan",
    service = NetworkDriver.class,
    property = Driver.NAME + "=ipvlan")
public final class IpvlanDriver extends VlanDriver {

  @Activate
  public IpvlanDriver(BundleContext context) {
    this(Objects.requireNonNull(context.getProperty("gantry.instance"), "gantry.instance"));
  }

  IpvlanDriver(String instance) {
    super(LinkKind.IPVLAN, instance);
  }

  @Deactivate
  void letGo() {
    close();
  }
}
