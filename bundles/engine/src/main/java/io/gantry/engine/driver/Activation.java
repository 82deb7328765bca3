package io.gantry.engine.driver;

import java.util.Objects;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;

/** Finds out why a component could not be activated: the framework only hands out a null. */
final class Activation {

  private Activation() {}

  static String failure(BundleContext context, ServiceReference<?> service) {
    var runtime = context.getServiceReference(ServiceComponentRuntime.class);
    var components = runtime == null ? null : context.getService(runtime);
    if (components == null) {
      return "its service cannot be had; the log may say why";
    }
    try {
      Object name = service.getProperty("component.name");
      return components.getComponentDescriptionDTOs(service.getBundle()).stream()
          .filter(component -> Objects.equals(component.name, name))
          .flatMap(component -> components.getComponentConfigurationDTOs(component).stream())
          .filter(component -> component.state == ComponentConfigurationDTO.FAILED_ACTIVATION)
          .map(component -> rootCause(component.failure))
          .findFirst()
          .orElse("its service cannot be had; the log may say why");
    } finally {
      context.ungetService(runtime);
    }
  }

  /** The innermost cause of a printed stack trace. */
  private static String rootCause(String trace) {
    String cause = trace.lines().findFirst().orElse("");
    for (String line : trace.lines().toList()) {
      if (line.startsWith("Caused by: ")) {
        cause = line.substring("Caused by: ".length());
      }
    }
    return cause;
  }
}
