package io.gantry.launcher;

import java.util.ArrayList;
import java.util.List;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** Components that do not run since something they need is not there, and what that is. */
final class Waiting {

  private Waiting() {}

  static List<String> components(BundleContext context) {
    ServiceReference<ServiceComponentRuntime> reference =
        context.getServiceReference(ServiceComponentRuntime.class);
    if (reference == null) {
      return List.of();
    }
    ServiceComponentRuntime runtime = context.getService(reference);
    List<String> waiting = new ArrayList<>();
    for (ComponentDescriptionDTO component : runtime.getComponentDescriptionDTOs()) {
      for (ComponentConfigurationDTO configuration :
          runtime.getComponentConfigurationDTOs(component)) {
        String reason = reason(configuration);
        if (!reason.isEmpty()) {
          waiting.add(component.name + reason);
        }
      }
    }
    context.ungetService(reference);
    return waiting;
  }

  private static String reason(ComponentConfigurationDTO configuration) {
    StringBuilder reason = new StringBuilder();
    if (configuration.failure != null) {
      reason.append(" failed: ").append(configuration.failure.lines().findFirst().orElse(""));
    }
    for (UnsatisfiedReferenceDTO missing : configuration.unsatisfiedReferences) {
      reason.append(reason.isEmpty() ? " waits for " : ", ").append(missing.name);
      if (missing.target != null) {
        reason.append(missing.target);
      }
    }
    return reason.toString();
  }
}
