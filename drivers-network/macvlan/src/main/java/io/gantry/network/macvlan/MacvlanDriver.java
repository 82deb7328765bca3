package io.gantry.network.macvlan;

import io.gantry.spi.Driver;
import io.gantry.spi.network.NetworkDriver;
import java.util.Objects;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** Networks whose containers have hardware addresses of their own on an interface of the host. */
@Component(
    name = "io.gantry.network.macvlan",
    service = NetworkDriver.class,
    property = Driver.NAME + "=macvlan")
public final class MacvlanDriver extends VlanDriver {

  @Activate
  public MacvlanDriver(BundleContext context) {
    this(Objects.requireNonNull(context.getProperty("gantry.instance"), "gantry.instance"));
  }

  MacvlanDriver(String instance) {
    super(LinkKind.MACVLAN, instance);
  }

  @Deactivate
  void letGo() {
    close();
  }
}
