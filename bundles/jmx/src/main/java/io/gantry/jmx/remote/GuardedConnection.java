package io.gantry.jmx.remote;

import java.io.IOException;
import java.rmi.MarshalledObject;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import javax.management.AttributeList;
import javax.management.AttributeNotFoundException;
import javax.management.InstanceAlreadyExistsException;
import javax.management.InstanceNotFoundException;
import javax.management.IntrospectionException;
import javax.management.InvalidAttributeValueException;
import javax.management.ListenerNotFoundException;
import javax.management.MBeanException;
import javax.management.MBeanInfo;
import javax.management.MBeanRegistrationException;
import javax.management.MBeanServer;
import javax.management.NotCompliantMBeanException;
import javax.management.ObjectInstance;
import javax.management.ObjectName;
import javax.management.ReflectionException;
import javax.management.remote.NotificationResult;
import javax.management.remote.rmi.RMIConnectionImpl;
import javax.security.auth.Subject;
import org.jspecify.annotations.Nullable;

/**
 * One user's connection: every call is held against his role before its arguments are even
 * unpacked. Overrides each method of {@code RMIConnection} that reaches a bean.
 */
@SuppressWarnings({"rawtypes", "removal"}) // the interface is the JDK's
final class GuardedConnection extends RMIConnectionImpl {

  private final RemoteUser user;
  private final MBeanServer beans;

  GuardedConnection(
      GuardedServer server,
      String connectionId,
      Subject subject,
      Map<String, ?> settings,
      RemoteUser user,
      MBeanServer beans) {
    super(server, connectionId, server.getDefaultClassLoader(), subject, settings);
    this.user = user;
    this.beans = beans;
  }

  private boolean isAdmin() {
    Arrival.admit();
    return user.role() == Role.ADMIN;
  }

  private void see(ObjectName name, String what) {
    Arrival.admit();
    if (!Reach.isSeen(user.role(), name)) {
      throw refused(what + " of " + name);
    }
  }

  private void need(Role role, String what) {
    Arrival.admit();
    if (!user.role().includes(role)) {
      throw refused(what);
    }
    if (role != Role.VIEW) {
      Audit.did(user.toString(), what);
    }
  }

  private SecurityException refused(String what) {
    Audit.refused(user.toString(), what);
    return new SecurityException("the role " + user.role() + " may not: " + what);
  }

  /** Comes over a connection of its own, where it waits. */
  @Override
  public NotificationResult fetchNotifications(long from, int most, long timeout)
      throws IOException {
    Arrival.admit();
    return super.fetchNotifications(from, most, timeout);
  }

  @Override
  public ObjectInstance createMBean(String type, ObjectName name, Subject delegate)
      throws ReflectionException,
          InstanceAlreadyExistsException,
          MBeanRegistrationException,
          MBeanException,
          NotCompliantMBeanException,
          IOException {
    need(Role.ADMIN, "create " + type + " as " + name);
    return super.createMBean(type, name, delegate);
  }

  @Override
  public ObjectInstance createMBean(
      String type, ObjectName name, ObjectName loader, Subject delegate)
      throws ReflectionException,
          InstanceAlreadyExistsException,
          MBeanRegistrationException,
          MBeanException,
          NotCompliantMBeanException,
          InstanceNotFoundException,
          IOException {
    need(Role.ADMIN, "create " + type + " as " + name);
    return super.createMBean(type, name, loader, delegate);
  }

  @Override
  public ObjectInstance createMBean(
      String type, ObjectName name, MarshalledObject values, String[] types, Subject delegate)
      throws ReflectionException,
          InstanceAlreadyExistsException,
          MBeanRegistrationException,
          MBeanException,
          NotCompliantMBeanException,
          IOException {
    need(Role.ADMIN, "create " + type + " as " + name);
    return super.createMBean(type, name, values, types, delegate);
  }

  @Override
  public ObjectInstance createMBean(
      String type,
      ObjectName name,
      ObjectName loader,
      MarshalledObject values,
      String[] types,
      Subject delegate)
      throws ReflectionException,
          InstanceAlreadyExistsException,
          MBeanRegistrationException,
          MBeanException,
          NotCompliantMBeanException,
          InstanceNotFoundException,
          IOException {
    need(Role.ADMIN, "create " + type + " as " + name);
    return super.createMBean(type, name, loader, values, types, delegate);
  }

  @Override
  public void unregisterMBean(ObjectName name, Subject delegate)
      throws InstanceNotFoundException, MBeanRegistrationException, IOException {
    need(Role.ADMIN, "unregister " + name);
    super.unregisterMBean(name, delegate);
  }

  @Override
  public ObjectInstance getObjectInstance(ObjectName name, Subject delegate)
      throws InstanceNotFoundException, IOException {
    see(name, "the class");
    return super.getObjectInstance(name, delegate);
  }

  @Override
  public Set<ObjectInstance> queryMBeans(
      @Nullable ObjectName pattern, MarshalledObject query, Subject delegate) throws IOException {
    if (isAdmin()) {
      return super.queryMBeans(pattern, query, delegate);
    }
    Set<ObjectInstance> found = new HashSet<>();
    for (ObjectName part : Reach.within(pattern)) {
      found.addAll(super.queryMBeans(part, query, delegate));
    }
    return found;
  }

  @Override
  public Set<ObjectName> queryNames(
      @Nullable ObjectName pattern, MarshalledObject query, Subject delegate) throws IOException {
    if (isAdmin()) {
      return super.queryNames(pattern, query, delegate);
    }
    Set<ObjectName> found = new HashSet<>();
    for (ObjectName part : Reach.within(pattern)) {
      found.addAll(super.queryNames(part, query, delegate));
    }
    return found;
  }

  @Override
  public boolean isRegistered(ObjectName name, Subject delegate) throws IOException {
    return Reach.isSeen(user.role(), name) && super.isRegistered(name, delegate);
  }

  private Set<ObjectName> names() {
    Set<ObjectName> names = new HashSet<>();
    Reach.within(null).forEach(part -> names.addAll(beans.queryNames(part, null)));
    return names;
  }

  @Override
  public Integer getMBeanCount(Subject delegate) throws IOException {
    return isAdmin() ? super.getMBeanCount(delegate) : Integer.valueOf(names().size());
  }

  @Override
  public String[] getDomains(Subject delegate) throws IOException {
    return isAdmin()
        ? super.getDomains(delegate)
        : names().stream().map(ObjectName::getDomain).distinct().toArray(String[]::new);
  }

  @Override
  public Object getAttribute(ObjectName name, String attribute, Subject delegate)
      throws MBeanException,
          AttributeNotFoundException,
          InstanceNotFoundException,
          ReflectionException,
          IOException {
    see(name, "read " + attribute);
    return super.getAttribute(name, attribute, delegate);
  }

  @Override
  public AttributeList getAttributes(ObjectName name, String[] attributes, Subject delegate)
      throws InstanceNotFoundException, ReflectionException, IOException {
    see(name, "read " + Arrays.toString(attributes));
    return super.getAttributes(name, attributes, delegate);
  }

  /** Attributes of our own beans are set by operators; which one is not unpacked yet. */
  private void needToSet(ObjectName name) {
    need(Reach.isOurs(name) ? Role.OPERATE : Role.ADMIN, "set attributes of " + name);
  }

  @Override
  public void setAttribute(ObjectName name, MarshalledObject attribute, Subject delegate)
      throws InstanceNotFoundException,
          AttributeNotFoundException,
          InvalidAttributeValueException,
          MBeanException,
          ReflectionException,
          IOException {
    needToSet(name);
    super.setAttribute(name, attribute, delegate);
  }

  @Override
  public AttributeList setAttributes(ObjectName name, MarshalledObject attributes, Subject delegate)
      throws InstanceNotFoundException, ReflectionException, IOException {
    needToSet(name);
    return super.setAttributes(name, attributes, delegate);
  }

  @Override
  public Object invoke(
      ObjectName name,
      String operation,
      MarshalledObject values,
      String @Nullable [] types,
      Subject delegate)
      throws InstanceNotFoundException, MBeanException, ReflectionException, IOException {
    String what = operation + "() of " + name;
    if (!Reach.isSeen(user.role(), name)) {
      throw refused(what);
    }
    need(Reach.needed(beans, name, operation, types), what);
    return super.invoke(name, operation, values, types, delegate);
  }

  @Override
  public MBeanInfo getMBeanInfo(ObjectName name, Subject delegate)
      throws InstanceNotFoundException, IntrospectionException, ReflectionException, IOException {
    see(name, "the description");
    return super.getMBeanInfo(name, delegate);
  }

  @Override
  public boolean isInstanceOf(ObjectName name, String type, Subject delegate)
      throws InstanceNotFoundException, IOException {
    see(name, "the class");
    return super.isInstanceOf(name, type, delegate);
  }

  @Override
  public Integer[] addNotificationListeners(
      ObjectName[] names, MarshalledObject[] filters, Subject[] delegates)
      throws InstanceNotFoundException, IOException {
    for (ObjectName name : names) {
      see(name, "notifications");
    }
    return super.addNotificationListeners(names, filters, delegates);
  }

  @Override
  public void addNotificationListener(
      ObjectName name,
      ObjectName listener,
      MarshalledObject filter,
      MarshalledObject handback,
      Subject delegate)
      throws InstanceNotFoundException, IOException {
    need(Role.ADMIN, "have " + listener + " listen to " + name);
    super.addNotificationListener(name, listener, filter, handback, delegate);
  }

  @Override
  public void removeNotificationListener(ObjectName name, ObjectName listener, Subject delegate)
      throws InstanceNotFoundException, ListenerNotFoundException, IOException {
    need(Role.ADMIN, "have " + listener + " listen to " + name + " no more");
    super.removeNotificationListener(name, listener, delegate);
  }

  @Override
  public void removeNotificationListener(
      ObjectName name,
      ObjectName listener,
      MarshalledObject filter,
      MarshalledObject handback,
      Subject delegate)
      throws InstanceNotFoundException, ListenerNotFoundException, IOException {
    need(Role.ADMIN, "have " + listener + " listen to " + name + " no more");
    super.removeNotificationListener(name, listener, filter, handback, delegate);
  }
}
