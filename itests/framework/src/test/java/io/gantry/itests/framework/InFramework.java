package io.gantry.itests.framework;

import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.ops4j.pax.exam.ExamSystem;
import org.ops4j.pax.exam.TestAddress;
import org.ops4j.pax.exam.TestContainer;
import org.ops4j.pax.exam.spi.PaxExamRuntime;

/**
 * Runs every test method of a class inside Felix, through a probe bundle of Pax Exam, which has no
 * driver for JUnit 5 of its own. One framework per class; what is in it, {@link Platform} says.
 */
public final class InFramework
    implements BeforeAllCallback, AfterAllCallback, InvocationInterceptor {

  private final Map<Method, TestAddress> addresses = new HashMap<>();
  private TestContainer container;

  @Override
  public void beforeAll(ExtensionContext context) throws Exception {
    Class<?> tests = context.getRequiredTestClass();
    ExamSystem system = PaxExamRuntime.createTestSystem(Platform.options(tests));
    container = PaxExamRuntime.createContainer(system);
    container.start();
    var probe = system.createProbe();
    for (Method method : tests.getDeclaredMethods()) {
      if (method.isAnnotationPresent(Test.class)) {
        addresses.put(method, probe.addTest(tests, method.getName()));
      }
    }
    container.install(probe.build().getStream());
  }

  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    invocation.skip();
    try {
      container.call(addresses.get(method.getExecutable()));
    } catch (RuntimeException e) {
      throw rootCause(e);
    }
  }

  private static Throwable rootCause(Throwable thrown) {
    Throwable cause = thrown;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  @Override
  public void afterAll(ExtensionContext context) {
    if (container != null) {
      container.stop();
    }
  }
}
