package io.gantry.jmx;

import io.gantry.api.Transfers;
import java.util.List;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The transfers as an MBean. */
@Component(
    service = TransfersMXBean.class,
    property = MBeanWhiteboard.NAME + "=io.gantry:type=Transfers")
public final class TransfersBean implements TransfersMXBean {

  private final Transfers transfers;

  @Activate
  public TransfersBean(@Reference Transfers transfers) {
    this.transfers = transfers;
  }

  @Override
  public int getCount() {
    return Plain.call(transfers::list).size();
  }

  @Override
  public List<TransferInfo> list() {
    return Plain.call(transfers::list).stream().map(TransferInfo::new).toList();
  }

  @Override
  public void cancel(String id) {
    Plain.run(() -> transfers.cancel(id));
  }

  @Override
  public List<RegistryInfo> registries() {
    return Plain.call(transfers::registries).stream().map(RegistryInfo::new).toList();
  }

  @Override
  public void forget(String registry) {
    Plain.run(() -> transfers.forget(registry));
  }
}
