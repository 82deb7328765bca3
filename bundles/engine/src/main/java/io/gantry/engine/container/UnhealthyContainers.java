package io.gantry.engine.container;

import io.gantry.engine.config.EngineConfig;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;

/** What the operator wants to happen to containers that become unhealthy. */
@Component(service = UnhealthyContainers.class, configurationPid = EngineConfig.PID)
public final class UnhealthyContainers {
  private volatile boolean restarted;

  @Activate
  public UnhealthyContainers(EngineConfig config) {
    modified(config);
  }

  @Modified
  void modified(EngineConfig config) {
    restarted = config.restartUnhealthy();
  }

  /** Unless a container says otherwise. */
  boolean areRestarted() {
    return restarted;
  }
}
