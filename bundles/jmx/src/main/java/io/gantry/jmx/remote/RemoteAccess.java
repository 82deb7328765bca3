package io.gantry.jmx.remote;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import io.gantry.api.trust.TlsFiles;
import io.gantry.spi.GantryException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.nio.file.Path;
import java.rmi.AlreadyBoundException;
import java.rmi.NoSuchObjectException;
import java.rmi.registry.LocateRegistry;
import java.rmi.registry.Registry;
import java.rmi.server.UnicastRemoteObject;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.management.remote.JMXConnectorServer;
import javax.management.remote.JMXConnectorServerFactory;
import javax.management.remote.JMXServiceURL;
import javax.management.remote.rmi.RMIConnectorServer;
import javax.rmi.ssl.SslRMIClientSocketFactory;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Opens JMX to the network where the configuration says so: registry and connector on one port.
 * Nothing of it is loaded otherwise, and nobody's start waits for it.
 */
@Component(
    name = RemoteConfig.PID,
    service = {},
    immediate = true)
@Designate(ocd = RemoteConfig.class)
public final class RemoteAccess {

  private static final Logger log = System.getLogger(RemoteAccess.class.getName());
  private static final String HOSTNAME = "java.rmi.server.hostname";
  private static final long CLOSE_SECONDS = 10;

  /** A step that is undone at the end, the last one first. */
  private interface Step {
    void undo() throws IOException;
  }

  private final ExecutorService thread;
  private final Deque<Step> done = new ArrayDeque<>(); // only on the thread

  @Activate
  public RemoteAccess(BundleContext context, RemoteConfig config) {
    thread =
        Executors.newSingleThreadExecutor(
            task -> {
              var daemon = new Thread(task, "gantry-jmx-remote");
              daemon.setDaemon(true);
              return daemon;
            });
    if (config.enabled()) {
      String etc = context.getProperty("gantry.etc");
      Path folder = Path.of(etc == null ? "etc" : etc, "jmx").toAbsolutePath();
      thread.execute(() -> open(config, folder));
    }
  }

  private void open(RemoteConfig config, Path folder) {
    try {
      listen(config, folder);
    } catch (GantryException e) {
      log.log(ERROR, "JMX cannot be reached over the network: {0}", e.getMessage());
      undo();
    } catch (IOException | AlreadyBoundException e) {
      log.log(
          ERROR,
          "JMX cannot be reached over the network: {0}:{1}: {2}",
          config.address(),
          Integer.toString(config.port()),
          root(e));
      undo();
    } catch (RuntimeException e) { // whatever it is, no port stays open half-way
      log.log(ERROR, "JMX cannot be reached over the network", e);
      undo();
    }
  }

  private void listen(RemoteConfig config, Path folder) throws IOException, AlreadyBoundException {
    var users = new Users(file(config.users(), folder, "users"));
    users.check();
    Path ca = config.clientCa().isEmpty() ? null : Path.of(config.clientCa()).toAbsolutePath();
    var files =
        new TlsFiles(
            ca,
            file(config.certificate(), folder, "cert.pem"),
            file(config.key(), folder, "key.pem"));
    var sockets = new Sockets(InetAddress.getByName(config.address()), files);
    String host = config.hostname().isEmpty() ? config.address() : config.hostname();
    callThisHost(host);

    int port = config.port();
    var clients = new SslRMIClientSocketFactory();
    Registry registry = LocateRegistry.createRegistry(port, clients, sockets);
    done.push(() -> unexport(registry));
    var beans = ManagementFactory.getPlatformMBeanServer();
    Map<String, Object> settings = new HashMap<>();
    settings.put(JMXConnectorServer.AUTHENTICATOR, new Gate(users, ca != null));
    settings.put(RMIConnectorServer.CREDENTIALS_FILTER_PATTERN, Arguments.CREDENTIALS);
    settings.put(
        JMXConnectorServerFactory.DEFAULT_CLASS_LOADER, ClassLoader.getPlatformClassLoader());
    var server = new GuardedServer(port, clients, sockets, settings, beans);
    var url = new JMXServiceURL("rmi", host, port);
    var connector = new RMIConnectorServer(url, settings, server, beans);
    connector.start();
    done.push(connector::stop);
    registry.bind("jmxrmi", server.toStub());
    log.log(
        INFO,
        "JMX on service:jmx:rmi:///jndi/rmi://{0}:{1}/jmxrmi for users in {2}",
        host,
        Integer.toString(port),
        file(config.users(), folder, "users"));
  }

  private static Path file(String configured, Path folder, String name) {
    return configured.isEmpty() ? folder.resolve(name) : Path.of(configured).toAbsolutePath();
  }

  /** RMI tells clients by this where to go on; without it, by what the host calls itself. */
  private void callThisHost(String name) {
    String before = System.getProperty(HOSTNAME);
    System.setProperty(HOSTNAME, name);
    done.push(
        () -> {
          if (before == null) {
            System.clearProperty(HOSTNAME);
          } else {
            System.setProperty(HOSTNAME, before);
          }
        });
  }

  private static void unexport(Registry registry) {
    try {
      UnicastRemoteObject.unexportObject(registry, true);
    } catch (NoSuchObjectException e) {
      // somebody was faster: that is where it should be
    }
  }

  private void undo() {
    while (!done.isEmpty()) {
      try {
        done.pop().undo();
      } catch (IOException | RuntimeException e) { // the other steps are no less needed
        log.log(WARNING, "JMX over the network did not end in order: {0}", e.toString());
      }
    }
  }

  private static String root(Throwable thrown) {
    Throwable root = thrown;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  /** Waits, so that what is opened next finds the port free. */
  @Deactivate
  void close() throws InterruptedException {
    thread.execute(this::undo);
    thread.shutdown();
    if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
      log.log(WARNING, "JMX over the network takes long to end");
    }
  }
}
