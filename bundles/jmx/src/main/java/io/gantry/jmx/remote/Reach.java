package io.gantry.jmx.remote;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.management.InstanceNotFoundException;
import javax.management.IntrospectionException;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanParameterInfo;
import javax.management.MBeanServer;
import javax.management.MBeanServerDelegate;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import javax.management.ReflectionException;
import org.jspecify.annotations.Nullable;

/**
 * The allow-list: what a role below admin sees, and which role an operation needs. An operation of
 * {@code io.gantry:*} says so in its descriptor ({@value #MARK}); what is not marked is admin's, so
 * a bean that forgets it is safe.
 */
final class Reach {

  static final String MARK = "gantry.role";

  private static final String OURS = "io.gantry";
  private static final Set<String> DOMAINS = Set.of(OURS, "java.lang");

  /** What JConsole shows threads with. */
  private static final Map<String, Set<String>> READING =
      Map.of(
          "java.lang:type=Threading",
          Set.of("getThreadInfo", "findDeadlockedThreads", "findMonitorDeadlockedThreads"));

  private Reach() {}

  static boolean isSeen(Role role, ObjectName name) {
    return role == Role.ADMIN
        || DOMAINS.contains(name.getDomain())
        || name.equals(MBeanServerDelegate.DELEGATE_NAME);
  }

  static boolean isOurs(ObjectName name) {
    return name.getDomain().equals(OURS);
  }

  /** The patterns that together match what the given one does and a role below admin sees. */
  static Set<ObjectName> within(@Nullable ObjectName pattern) {
    Set<ObjectName> seen = new LinkedHashSet<>();
    String keys = pattern == null ? "*" : keys(pattern);
    try {
      for (String domain : DOMAINS) {
        if (pattern == null || !pattern.isDomainPattern() && pattern.getDomain().equals(domain)) {
          seen.add(new ObjectName(domain + ":" + keys));
        } else if (pattern.isDomainPattern() && fits(pattern.getDomain(), domain)) {
          seen.add(new ObjectName(domain + ":" + keys));
        }
      }
    } catch (MalformedObjectNameException e) {
      throw new IllegalStateException("taken from a name: " + pattern, e);
    }
    if (pattern == null || pattern.apply(MBeanServerDelegate.DELEGATE_NAME)) {
      seen.add(MBeanServerDelegate.DELEGATE_NAME);
    }
    return seen;
  }

  private static String keys(ObjectName pattern) {
    String whole = pattern.toString();
    return whole.substring(whole.indexOf(':') + 1);
  }

  private static boolean fits(String pattern, String domain) throws MalformedObjectNameException {
    return new ObjectName(pattern + ":*").apply(new ObjectName(domain + ":type=Any"));
  }

  /** The role that an operation needs. */
  static Role needed(
      MBeanServer beans, ObjectName name, String operation, String @Nullable [] signature)
      throws InstanceNotFoundException, ReflectionException {
    if (READING.getOrDefault(name.getCanonicalName(), Set.of()).contains(operation)) {
      return Role.VIEW;
    }
    if (!isOurs(name)) {
      return Role.ADMIN;
    }
    List<String> types = signature == null ? List.of() : Arrays.asList(signature);
    try {
      for (MBeanOperationInfo info : beans.getMBeanInfo(name).getOperations()) {
        if (info.getName().equals(operation) && types(info).equals(types)) {
          return Role.of(info.getDescriptor().getFieldValue(MARK)).orElse(Role.ADMIN);
        }
      }
    } catch (IntrospectionException e) {
      return Role.ADMIN; // it does not say what it has
    }
    return Role.ADMIN;
  }

  private static List<String> types(MBeanOperationInfo info) {
    return Arrays.stream(info.getSignature()).map(MBeanParameterInfo::getType).toList();
  }
}
