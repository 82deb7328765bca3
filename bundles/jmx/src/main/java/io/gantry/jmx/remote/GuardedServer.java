package io.gantry.jmx.remote;

import java.io.IOException;
import java.rmi.server.RMIClientSocketFactory;
import java.rmi.server.UnicastRemoteObject;
import java.util.Map;
import javax.management.MBeanServer;
import javax.management.remote.rmi.RMIConnection;
import javax.management.remote.rmi.RMIJRMPServerImpl;
import javax.security.auth.Subject;

/**
 * Gives each user a connection that knows his role. The other way, a forwarder in front of the
 * MBean server, has to find the caller by the thread's Subject: where that is kept differs between
 * Java 17 and 24, and parts of the JDK's connector call without one.
 */
final class GuardedServer extends RMIJRMPServerImpl {

  private final int port;
  private final RMIClientSocketFactory clients;
  private final Sockets sockets;
  private final Map<String, ?> settings;
  private final MBeanServer beans;

  GuardedServer(
      int port,
      RMIClientSocketFactory clients,
      Sockets sockets,
      Map<String, ?> settings,
      MBeanServer beans)
      throws IOException {
    super(port, clients, sockets, settings);
    this.port = port;
    this.clients = clients;
    this.sockets = sockets;
    this.settings = settings;
    this.beans = beans;
  }

  @Override
  protected RMIConnection makeClient(String connectionId, Subject subject) throws IOException {
    RemoteUser user = subject.getPrincipals(RemoteUser.class).iterator().next();
    var connection = new GuardedConnection(this, connectionId, subject, settings, user, beans);
    UnicastRemoteObject.exportObject(connection, port, clients, sockets, Arguments.FILTER);
    return connection;
  }
}
