package io.gantry.jmx;

import io.gantry.api.Engine;
import io.gantry.api.Events;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** The engine as an MBean. */
@Component(service = EngineMXBean.class, property = MBeanWhiteboard.NAME + "=io.gantry:type=Engine")
public final class EngineBean extends EventEmitter implements EngineMXBean {

  private final Engine engine;

  @Activate
  public EngineBean(
      @Reference Engine engine,
      @Reference(
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.GREEDY)
          @Nullable Events events) {
    super("container", "io.gantry:type=Engine", events);
    this.engine = engine;
  }

  @Override
  @Deactivate
  public void close() {
    super.close();
  }

  @Override
  public String getId() {
    return engine.view().id();
  }

  @Override
  public String getVersion() {
    return engine.view().version();
  }

  @Override
  public String getCommit() {
    return engine.view().commit();
  }

  @Override
  public String getBuilt() {
    return engine.view().built();
  }

  @Override
  public String getDataRoot() {
    return engine.view().dataRoot();
  }

  @Override
  public String getExecRoot() {
    return engine.view().execRoot();
  }

  @Override
  public String getStarted() {
    return engine.view().started().toString();
  }

  @Override
  public long getUptimeSeconds() {
    return TimeUnit.MILLISECONDS.toSeconds(ManagementFactory.getRuntimeMXBean().getUptime());
  }

  @Override
  public String getLogLevel() {
    return engine.view().logLevel();
  }

  @Override
  public void setLogLevel(String level) {
    Plain.run(() -> engine.setLogLevel(level));
  }

  @Override
  public int getContainers() {
    return engine.view().containers();
  }

  @Override
  public int getRunning() {
    return engine.view().running();
  }

  @Override
  public int getPaused() {
    return engine.view().paused();
  }

  @Override
  public int getStopped() {
    return engine.view().stopped();
  }

  @Override
  public int getImages() {
    return engine.view().images();
  }

  @Override
  public List<String> getWarnings() {
    return engine.view().warnings();
  }

  @Override
  public Map<String, String> getFacts() {
    return engine.view().facts();
  }
}
