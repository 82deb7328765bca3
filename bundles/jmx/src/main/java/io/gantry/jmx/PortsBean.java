package io.gantry.jmx;

import io.gantry.api.HostSpec.PortRequest;
import io.gantry.api.Ports;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The ports as an MBean. */
@Component(service = PortsMXBean.class, property = MBeanWhiteboard.NAME + "=io.gantry:type=Ports")
public final class PortsBean implements PortsMXBean {

  private final Ports ports;

  @Activate
  public PortsBean(@Reference Ports ports) {
    this.ports = ports;
  }

  @Override
  public int getCount() {
    return Plain.call(ports::list).size();
  }

  @Override
  public List<PortInfo> list() {
    return Plain.call(ports::list).stream().map(PortInfo::new).toList();
  }

  @Override
  public List<PortInfo> of(String container) {
    return Plain.call(() -> ports.list(container)).stream().map(PortInfo::new).toList();
  }

  @Override
  public void publish(String container, String port) {
    Plain.run(() -> ports.publish(container, List.of(PortRequest.parse(port))));
  }

  @Override
  public void unpublish(String container, String port) {
    Plain.run(() -> ports.unpublish(container, List.of(PortRequest.parse(port))));
  }
}
