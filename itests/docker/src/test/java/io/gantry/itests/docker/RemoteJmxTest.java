package io.gantry.itests.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.gantry.itests.harness.Command;
import io.gantry.itests.harness.Eventually;
import io.gantry.itests.harness.Instance;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.rmi.AccessException;
import java.rmi.registry.LocateRegistry;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.Attribute;
import javax.management.MBeanServerConnection;
import javax.management.MalformedObjectNameException;
import javax.management.Notification;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import javax.rmi.ssl.SslRMIClientSocketFactory;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * JMX over the network of a running engine, on every Java of this host: the JDK's own client, in
 * each role, and what others try. Rows of SECURITY: CVE-2016-3427, 2020-11980, 2020-13946,
 * 2022-41678.
 */
@Tag("root")
@Timeout(300)
@ParameterizedClass
@MethodSource("io.gantry.itests.docker.EveryJavaTest#homes")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RemoteJmxTest {

  private static final Pattern USER = Pattern.compile("(?m)^  (view|operate|admin) +(\\S+)$");
  private static final Pattern AUTHENTICATION = Pattern.compile("authentication failed");

  @TempDir static Path folder;
  @Parameter Path java;

  private static Path etc;
  private static Instance engine;
  private static String enabled;
  private static int port;
  private static final Map<String, String> passwords = new HashMap<>();

  @BeforeParameterizedClassInvocation
  static void start(Path home) throws Exception {
    etc = Files.createTempDirectory(folder, "etc");
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      port = free.getLocalPort();
    }
    Files.writeString(
        etc.resolve("io.gantry.jmx.json"),
        "// mine\n{\n  // \"enabled\": false,\n  \"port\": " + port + "\n}\n");
    engine = Instance.startIn(Map.of("JAVA_HOME", home.toString()), "--etc", etc.toString());
    assertThrows(IOException.class, () -> new Socket("127.0.0.1", port).close(), "off by default");
    enabled = gantryd("enable");
    Matcher user = USER.matcher(enabled);
    while (user.find()) {
      passwords.put(user.group(1), user.group(2));
    }
    RemoteClient.trust(etc.resolve("jmx/truststore.p12"));
  }

  @AfterParameterizedClassInvocation
  static void stop() {
    engine.close();
  }

  private static String gantryd(String... words) {
    List<String> command = new ArrayList<>();
    command.addAll(List.of(Instance.home() + "/bin/gantryd", "jmx", "--etc", etc.toString()));
    command.addAll(List.of(words));
    return Command.run(Map.of(), Duration.ofSeconds(60), command, new byte[0]).ok();
  }

  private static JMXServiceURL url() throws IOException {
    return new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + port + "/jmxrmi");
  }

  @SuppressWarnings("BanJNDI") // a client of JMX looks the connector up there
  private static JMXConnector connect(Object credentials) throws IOException {
    Map<String, Object> settings = new HashMap<>();
    settings.put("com.sun.jndi.rmi.factory.socket", new SslRMIClientSocketFactory());
    if (credentials != null) {
      settings.put(JMXConnector.CREDENTIALS, credentials);
    }
    return JMXConnectorFactory.connect(url(), settings);
  }

  private static JMXConnector as(String role) throws IOException {
    return connect(new String[] {role, passwords.get(role)});
  }

  private static ObjectName name(String text) {
    try {
      return new ObjectName(text);
    } catch (MalformedObjectNameException e) {
      throw new AssertionError(e);
    }
  }

  private static final ObjectName DRIVERS = name("io.gantry:type=Drivers");
  private static final ObjectName ENGINE = name("io.gantry:type=Engine");
  private static final ObjectName COMMANDS = name("com.sun.management:type=DiagnosticCommand");
  private static final String STRING = String.class.getName();

  private static Object setDefault(MBeanServerConnection beans) throws Exception {
    return beans.invoke(
        DRIVERS,
        "setDefault",
        new Object[] {"StorageDriver", "vfs"},
        new String[] {STRING, STRING});
  }

  private static void install(MBeanServerConnection beans) throws Exception {
    beans.invoke(DRIVERS, "install", new Object[] {"/nowhere.jar"}, new String[] {STRING});
  }

  private static void refused(Executable call) {
    var refusal = assertThrows(SecurityException.class, call);
    assertTrue(refusal.getMessage().contains("may not"), refusal.getMessage());
  }

  @Test
  @Order(1)
  void enableSaysHowToConnectAndKeepsSecretsToRoot() throws IOException {
    assertTrue(enabled.contains("JMX over the network is on."), enabled + engine.log());
    assertTrue(enabled.contains(url().toString()), enabled);
    assertTrue(enabled.contains("jconsole -J-Djavax.net.ssl.trustStore="), enabled);
    assertEquals(Set.of("view", "operate", "admin"), passwords.keySet());
    for (String secret : List.of("key.pem", "users")) {
      var permissions = Files.getPosixFilePermissions(etc.resolve("jmx").resolve(secret));
      assertEquals("rw-------", PosixFilePermissions.toString(permissions));
    }
    String users = Files.readString(etc.resolve("jmx/users"));
    passwords.values().forEach(password -> assertFalse(users.contains(password)));
    assertTrue(Files.readString(etc.resolve("io.gantry.jmx.json")).startsWith("// mine\n"));
    assertTrue(gantryd("status").contains("it answers"));
    assertFalse(gantryd("enable").contains("made "), "what is there stays");
  }

  @Test
  void aViewerReadsAndNothingElse() throws Exception {
    try (JMXConnector connector = as("view")) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      assertEquals("info", beans.getAttribute(ENGINE, "LogLevel"));
      assertTrue(((Object[]) beans.invoke(DRIVERS, "list", null, null)).length >= 3);
      assertTrue(beans.getMBeanInfo(DRIVERS).getOperations().length > 3);
      assertTrue((long) beans.getAttribute(name("java.lang:type=Runtime"), "Uptime") > 0);
      refused(() -> setDefault(beans));
      refused(() -> install(beans));
      refused(() -> beans.setAttribute(ENGINE, new Attribute("LogLevel", "debug")));
      refused(() -> beans.invoke(name("java.lang:type=Memory"), "gc", null, null));
      refused(
          () -> beans.setAttribute(name("java.lang:type=Memory"), new Attribute("Verbose", true)));
      refused(() -> beans.createMBean("javax.management.timer.Timer", name("io.gantry:type=T")));
      refused(() -> beans.createMBean("javax.management.loading.MLet", name("x:type=MLet")));
      refused(() -> beans.unregisterMBean(ENGINE));
      refused(() -> beans.getMBeanInfo(COMMANDS));
      refused(() -> beans.getObjectInstance(COMMANDS));
      refused(() -> beans.invoke(COMMANDS, "vmFlags", null, null));
      refused(() -> beans.addNotificationListener(COMMANDS, (n, h) -> {}, null, null));
      refused(() -> beans.addNotificationListener(ENGINE, DRIVERS, null, null));
      assertFalse(beans.isRegistered(COMMANDS));
      Set<String> domains = new TreeSet<>();
      beans.queryNames(null, null).forEach(found -> domains.add(found.getDomain()));
      assertEquals(Set.of("JMImplementation", "io.gantry", "java.lang"), domains);
      assertEquals(domains, new TreeSet<>(List.of(beans.getDomains())));
      assertEquals(beans.queryNames(null, null).size(), beans.getMBeanCount());
      assertEquals(Set.of(), beans.queryMBeans(name("com.sun.management:*"), null));
      assertEquals(Set.of(ENGINE), beans.queryNames(name("io.*:type=Eng*,*"), null));
      assertEquals(Set.of(), beans.queryNames(COMMANDS, null));
    }
  }

  @Test
  void anOperatorSwapsDriversAndSetsLevelsButBringsNothingIn() throws Exception {
    try (JMXConnector connector = as("operate")) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      setDefault(beans);
      beans.setAttribute(ENGINE, new Attribute("LogLevel", "info"));
      Object[] update = {
        "StorageDriver", "vfs", Instance.sample("io.gantry.storage.vfs").toString()
      };
      beans.invoke(DRIVERS, "update", update, new String[] {STRING, STRING, STRING});
      beans.invoke(
          DRIVERS,
          "rollback",
          new Object[] {"StorageDriver", "vfs"},
          new String[] {STRING, STRING});
      refused(() -> install(beans));
      refused(() -> beans.invoke(name("java.lang:type=Memory"), "gc", null, null));
      refused(() -> beans.createMBean("javax.management.loading.MLet", name("x:type=MLet")));
      refused(() -> beans.invoke(COMMANDS, "vmFlags", null, null));
    }
    assertTrue(
        engine.log().contains("JMX: operate (operate) at 127.0.0.1: update() of " + DRIVERS));
    assertTrue(
        engine
            .log()
            .contains("JMX: operate (operate) at 127.0.0.1 may not: install() of " + DRIVERS));
  }

  @Test
  void anAdministratorMayEverything() throws Exception {
    try (JMXConnector connector = as("admin")) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      assertTrue(beans.queryNames(null, null).contains(COMMANDS));
      beans.invoke(name("java.lang:type=Memory"), "gc", null, null);
      ObjectName timer = name("test:type=Timer");
      beans.createMBean("javax.management.timer.Timer", timer);
      beans.unregisterMBean(timer);
      Exception none = assertThrows(Exception.class, () -> install(beans));
      assertFalse(none instanceof SecurityException, none.toString());
      assertTrue(engine.log().contains("JMX: admin (admin) at 127.0.0.1: install() of " + DRIVERS));
    }
  }

  @Test
  void notificationsReachWhoMayListen() throws Exception {
    try (JMXConnector connector = as("view");
        JMXConnector operator = as("operate")) {
      var heard = new CopyOnWriteArrayList<Notification>();
      NotificationListener listener = (notification, handback) -> heard.add(notification);
      connector.getMBeanServerConnection().addNotificationListener(DRIVERS, listener, null, null);
      engine
          .http()
          .call(
              "POST",
              "/gantry/v1/drivers/ExecDriver/namespaces/update",
              "{\"jar\": \"%s\"}".formatted(Instance.sample("io.gantry.exec.namespaces")));
      Eventually.eventually("a notification of the swap", () -> !heard.isEmpty());
    }
  }

  @Test
  void whoIsNotKnownIsNotLetIn() {
    Object[] all = {
      null,
      new String[] {"admin", "wrong"},
      new String[] {"nobody", passwords.get("admin")},
      new String[] {"admin", null},
      new String[] {"admin"},
      new String[] {"view", passwords.get("admin")},
    };
    for (Object credentials : all) {
      var refusal = assertThrows(SecurityException.class, () -> connect(credentials));
      assertTrue(AUTHENTICATION.matcher(refusal.getMessage()).find(), refusal.getMessage());
    }
    assertTrue(engine.log().contains("JMX: nobody at 127.0.0.1 is not let in"));
  }

  /** CVE-2016-3427. */
  @Test
  void credentialsOfAnotherTypeAreNotUnpacked() {
    for (Object credentials : new Object[] {bomb(), Map.of("a", "b")}) {
      long begun = System.nanoTime();
      Exception refusal = assertThrows(Exception.class, () -> connect(credentials));
      assertTrue(refusal.toString().contains("REJECTED"), refusal.toString());
      assertTrue(System.nanoTime() - begun < Duration.ofSeconds(30).toNanos());
    }
  }

  /** The JDK filters credentials only: a viewer could have a thread work for ever. */
  @Test
  void aSerialisedBombInArgumentsIsRefusedAtOnce() throws Exception {
    for (String role : List.of("view", "operate", "admin")) {
      try (JMXConnector connector = as(role)) {
        MBeanServerConnection beans = connector.getMBeanServerConnection();
        long begun = System.nanoTime();
        Exception refusal =
            assertThrows(
                Exception.class,
                () -> beans.invoke(DRIVERS, "list", new Object[] {bomb()}, new String[0]));
        assertTrue(refusal.toString().contains("REJECTED"), refusal.toString());
        assertThrows(
            Exception.class, () -> beans.setAttribute(ENGINE, new Attribute("LogLevel", bomb())));
        assertTrue(System.nanoTime() - begun < Duration.ofSeconds(30).toNanos());
        beans.getAttribute(ENGINE, "Id");
      }
    }
  }

  /** Sets in sets: small to send, and 2^100 steps to unpack. */
  private static Object bomb() {
    Set<Object> root = new HashSet<>();
    Set<Object> left = root;
    Set<Object> right = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      Set<Object> first = new HashSet<>();
      Set<Object> second = new HashSet<>();
      first.add("x");
      left.add(first);
      left.add(second);
      right.add(first);
      right.add(second);
      left = first;
      right = second;
    }
    return root;
  }

  /** CVE-2020-13946: a process of this host takes the name over and collects passwords. */
  @Test
  @SuppressWarnings("BanJNDI")
  void theRegistrysEntryCannotBeReplacedOrTakenAway() throws Exception {
    var registry = LocateRegistry.getRegistry("127.0.0.1", port, new SslRMIClientSocketFactory());
    assertEquals(List.of("jmxrmi"), List.of(registry.list()));
    var stub = registry.lookup("jmxrmi");
    assertInstanceOf(
        AccessException.class,
        root(assertThrows(Exception.class, () -> registry.rebind("jmxrmi", stub))));
    assertInstanceOf(
        AccessException.class,
        root(assertThrows(Exception.class, () -> registry.bind("other", stub))));
    assertInstanceOf(
        AccessException.class,
        root(assertThrows(Exception.class, () -> registry.unbind("jmxrmi"))));
    as("view").close();
  }

  private static Throwable root(Throwable thrown) {
    return thrown.getCause() == null ? thrown : root(thrown.getCause());
  }

  @Test
  void withoutTlsNobodyIsServed() {
    assertThrows(IOException.class, () -> LocateRegistry.getRegistry("127.0.0.1", port).list());
  }

  @Test
  void whoNeverLogsInKeepsNobodyOut() throws Exception {
    var strangers = new ArrayList<Socket>();
    try (var before = as("view")) {
      for (int i = 0; i < 80; i++) {
        var stranger = new Socket("127.0.0.1", port);
        strangers.add(stranger);
        stranger.getOutputStream().write(0x16); // a handshake of TLS begins with it
      }
      try (var connector = as("view")) {
        assertEquals(1, connector.getMBeanServerConnection().queryNames(ENGINE, null).size());
      }
      assertEquals(1, before.getMBeanServerConnection().queryNames(ENGINE, null).size());
    } finally {
      for (Socket stranger : strangers) {
        stranger.close();
      }
    }
  }

  @Test
  void aLocalProcessOfRootConnectsAsBefore() throws IOException {
    try (JMXConnector connector = engine.jmx()) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      assertTrue(assertQuiet(() -> beans.getAttribute(ENGINE, "Id")).matches("[0-9a-f]{8}"));
      assertTrue(beans.isRegistered(COMMANDS));
    }
  }

  private interface Reading {
    Object get() throws Exception;
  }

  private static String assertQuiet(Reading reading) {
    try {
      return reading.get().toString();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  @Order(Integer.MAX_VALUE - 1)
  void aClientsCertificateSaysWhoItIs() throws Exception {
    Path pki = Files.createTempDirectory(folder, "pki");
    String script =
        """
        cd "$0"
        request() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "$@"; }
        for ca in ca stranger; do
          request -x509 -days 2 -keyout $ca.key -out $ca.pem -subj /CN=$ca
          request -keyout $ca-alice.key -out $ca-alice.csr -subj /CN=alice
          openssl x509 -req -in $ca-alice.csr -CA $ca.pem -CAkey $ca.key -days 2 -out $ca-alice.pem
          openssl pkcs12 -export -inkey $ca-alice.key -in $ca-alice.pem -passout pass:gantry -out $ca.p12
        done
        """;
    Command.run(
            Map.of(), Duration.ofSeconds(30), List.of("sh", "-ec", script, "" + pki), new byte[0])
        .ok();
    Path users = etc.resolve("jmx/users");
    Files.writeString(users, Files.readString(users) + "alice operate certificate\n");
    configure("\"clientCa\": \"" + pki.resolve("ca.pem") + "\"");
    RemoteClient.show(pki.resolve("ca.p12"));
    Eventually.within(
        Duration.ofSeconds(60), "certificates are asked for", RemoteJmxTest::isAnswered);
    Eventually.within(Duration.ofSeconds(60), "alice is let in", () -> isLetIn(null));
    try (JMXConnector connector = connect(null)) {
      MBeanServerConnection beans = connector.getMBeanServerConnection();
      setDefault(beans);
      refused(() -> install(beans));
    }
    assertTrue(engine.log().contains("JMX: alice (operate) at 127.0.0.1: setDefault()"));
    for (Path other : new Path[] {null, pki.resolve("stranger.p12")}) {
      RemoteClient.show(other);
      assertFalse(isAnswered(), "a password does not do any more");
    }
  }

  @Test
  @Order(Integer.MAX_VALUE)
  void itIsSwitchedOffAndOnWhileTheEngineRuns() throws Exception {
    gantryd("disable");
    Eventually.eventually(
        "the port is closed",
        () -> {
          try (Socket socket = new Socket("127.0.0.1", port)) {
            return !socket.isConnected();
          } catch (IOException e) {
            return true;
          }
        });
    assertTrue(gantryd("status").contains("is off"));
    assertEquals("", engine.docker("ps", "-q").ok());
    Path users = etc.resolve("jmx/users");
    Files.setPosixFilePermissions(users, PosixFilePermissions.fromString("rw-r--r--"));
    configure("\"address\": \"127.0.0.1\"");
    Eventually.eventually(
        "a file that others may read is refused",
        () -> engine.log().contains(users + " may be read by others"));
  }

  private static boolean isAnswered() {
    try {
      return RemoteClient.isAnswered(port);
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isLetIn(Object credentials) {
    try (JMXConnector connector = connect(credentials)) {
      return connector != null;
    } catch (IOException | SecurityException e) {
      return false;
    }
  }

  private static void configure(String more) throws IOException {
    Path next = etc.resolve("next");
    Files.writeString(next, "{\"enabled\": true, \"port\": " + port + ", " + more + "}");
    Files.move(
        next,
        etc.resolve("io.gantry.jmx.json"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }
}
