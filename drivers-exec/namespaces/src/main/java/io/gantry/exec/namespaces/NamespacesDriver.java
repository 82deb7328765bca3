package io.gantry.exec.namespaces;

import io.gantry.exec.namespaces.seccomp.Seccomp;
import io.gantry.linux.IdMap;
import io.gantry.monitor.program.OpProgram;
import io.gantry.spi.Driver;
import io.gantry.spi.Recovery;
import io.gantry.spi.Support;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.exec.Launch;
import io.gantry.spi.exec.ProcessSpec;
import io.gantry.spi.exec.TaskSpec;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Containers straight on the kernel's namespaces: a task becomes an op program for Gantry's own
 * init, without a runtime in between. Keeps nothing, neither in memory nor on disk.
 */
@Component(name = "io.gantry.exec.namespaces", property = Driver.NAME + "=namespaces")
public final class NamespacesDriver implements ExecDriver {

  private static final Set<String> FEATURES =
      Set.of("seccomp", "devices", "init", "exec", "namespace-paths", "userns");

  private final Kernel kernel;
  private final ProcessProgram process;

  @Activate
  public NamespacesDriver() {
    this(Kernel.running());
  }

  NamespacesDriver(Kernel kernel) {
    this.kernel = kernel;
    this.process = new ProcessProgram(kernel, new Seccomp());
  }

  @Override
  public Support probe() {
    return kernel.support();
  }

  @Override
  public Map<String, String> status() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Kernel", kernel.release());
    facts.put("Seccomp profile", "builtin");
    return facts;
  }

  @Override
  public Set<String> features() {
    return FEATURES;
  }

  @Override
  public Launch create(TaskSpec spec) {
    return new TaskProgram(spec, kernel, process).plan();
  }

  @Override
  public Launch exec(TaskSpec spec, ProcessSpec further) {
    OpProgram program = new OpProgram();
    var maps = spec.idMaps();
    boolean mapped = !maps.isEmpty();
    if (mapped) {
      program
          .owner(IdMap.parse(maps.users()).root(), IdMap.parse(maps.groups()).root())
          .append(process.limits(further).build())
          .enter(0);
    }
    process.add(further, program, mapped);
    return new Launch(program.build(), 0);
  }

  @Override
  public void delete(String id) {
    // a plan leaves nothing behind
  }

  @Override
  public Recovery recover(Set<String> expected) {
    return new Recovery(expected, Set.of());
  }
}
