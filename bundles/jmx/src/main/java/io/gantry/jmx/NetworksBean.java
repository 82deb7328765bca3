package io.gantry.jmx;

import io.gantry.api.ContainerSpec.NetworkRequest;
import io.gantry.api.Events;
import io.gantry.api.Networks;
import io.gantry.api.Networks.Ipam;
import io.gantry.api.Networks.NetworkSpec;
import io.gantry.api.Networks.Pool;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The networks as an MBean. */
@Component(
    service = NetworksMXBean.class,
    property = MBeanWhiteboard.NAME + "=io.gantry:type=Networks")
public final class NetworksBean extends EventEmitter implements NetworksMXBean {

  private final Networks networks;

  @Activate
  public NetworksBean(
      @Reference Networks networks,
      @Reference(
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.GREEDY)
          @Nullable Events events) {
    super("network", "io.gantry:type=Networks", events);
    this.networks = networks;
  }

  @Override
  @Deactivate
  public void close() {
    super.close();
  }

  @Override
  public int getCount() {
    return Plain.call(networks::list).size();
  }

  @Override
  public List<NetworkInfo> list() {
    return Plain.call(networks::list).stream().map(NetworkInfo::new).toList();
  }

  @Override
  public NetworkInfo info(String network) {
    return new NetworkInfo(Plain.call(() -> networks.inspect(network)));
  }

  @Override
  public String create(String name, String driver, String subnet, boolean internal) {
    List<Pool> pools = subnet.isEmpty() ? List.of() : List.of(new Pool(subnet, "", "", Map.of()));
    var spec =
        new NetworkSpec(
            name,
            driver,
            true,
            false,
            new Ipam("", null, pools),
            internal,
            false,
            false,
            false,
            "",
            Map.of(),
            Map.of());
    return Plain.call(() -> networks.create(spec)).id();
  }

  @Override
  public void remove(String network) {
    Plain.run(() -> networks.remove(network));
  }

  @Override
  public List<String> prune() {
    return Plain.call(() -> networks.prune(network -> true));
  }

  @Override
  public void connect(String network, String container, String address) {
    var none = NetworkRequest.of(network);
    var asked =
        new NetworkRequest(
            network,
            none.aliases(),
            address,
            "",
            none.linkLocal(),
            "",
            none.links(),
            none.options(),
            0);
    Plain.run(() -> networks.connect(network, container, asked));
  }

  @Override
  public void disconnect(String network, String container) {
    Plain.run(() -> networks.disconnect(network, container, false));
  }
}
