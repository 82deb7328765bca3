package io.gantry.rest;

import static io.gantry.spi.GantryException.Kind.UNAVAILABLE;

import io.gantry.api.Containers;
import io.gantry.api.Drivers;
import io.gantry.api.Engine;
import io.gantry.api.Events;
import io.gantry.api.Images;
import io.gantry.api.Networks;
import io.gantry.api.Ports;
import io.gantry.api.Transfers;
import io.gantry.api.Volumes;
import io.gantry.api.trust.TlsFiles;
import io.gantry.rest.http.ApiServer;
import io.gantry.rest.http.Router;
import io.gantry.rest.http.TcpAccess;
import io.gantry.rest.route.ApiRoutes;
import io.gantry.spi.GantryException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.Designate;

/** The edge that Docker's clients speak to: opens when the engine's services are there. */
@Component(
    name = "io.gantry.rest",
    service = {},
    immediate = true)
@Designate(ocd = RestConfig.class)
public final class RestServer {

  private static final Logger log = System.getLogger(RestServer.class.getName());
  private static final String DEFAULT_HOST = "unix:///run/gantry/docker.sock";

  private final ApiServer server;

  /** It may be replaced, or lacking, without the API's connections noticing. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable Transfers transfers;

  @Activate
  public RestServer(
      RestConfig config,
      @Reference Containers containers,
      @Reference Images images,
      @Reference Volumes volumes,
      @Reference Networks networks,
      @Reference Ports ports,
      @Reference Events events,
      @Reference Drivers drivers,
      @Reference Engine engine,
      @Reference(
              target = "(gantry.role=api)",
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.GREEDY)
          @Nullable ServerSocketChannel inherited,
      @Reference(
              target = "(gantry.role=unable)",
              cardinality = ReferenceCardinality.OPTIONAL,
              policyOption = ReferencePolicyOption.RELUCTANT)
          @Nullable Consumer<String> unable) {
    var clock = InstantSource.system();
    var routes =
        ApiRoutes.of(
            containers,
            images,
            this::transfers,
            volumes,
            networks,
            ports,
            events,
            drivers,
            engine,
            clock);
    server = new ApiServer(new Router(routes), engine, config.corsHeaders(), access(config));
    try {
      listen(config, inherited, unable);
      server.start();
    } catch (GantryException e) {
      server.close();
      throw e;
    }
    tellReady();
  }

  private Transfers transfers() {
    Transfers now = transfers;
    if (now == null) {
      throw new GantryException(UNAVAILABLE, "the registry client does not run");
    }
    return now;
  }

  private static TcpAccess access(RestConfig config) {
    TlsFiles files = null;
    if (config.tls() || config.tlsVerify()) {
      files =
          new TlsFiles(
              config.tlsVerify() ? pem(config.tlsCaCert(), "ca.pem") : null,
              pem(config.tlsCert(), "cert.pem"),
              pem(config.tlsKey(), "key.pem"));
    }
    return new TcpAccess(files, config.tcpWithoutAuthentication());
  }

  /** Where dockerd looks, too. */
  private static Path pem(String configured, String name) {
    if (!configured.isEmpty()) {
      return Path.of(configured).toAbsolutePath();
    }
    String folder = System.getenv("DOCKER_CERT_PATH");
    return folder == null || folder.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".docker", name)
        : Path.of(folder, name).toAbsolutePath();
  }

  /** Clients count on every address: at the start one that cannot be had ends the engine. */
  private void listen(
      RestConfig config,
      @Nullable ServerSocketChannel inherited,
      @Nullable Consumer<String> unable) {
    int serving = 0;
    if (inherited != null) {
      serving += opens(() -> server.serve(inherited), unable);
    }
    List<String> hosts = List.of(config.hosts());
    if (hosts.isEmpty() && inherited == null) {
      hosts = List.of(DEFAULT_HOST);
    }
    for (String host : hosts) {
      if (inherited != null && host.equals(address(inherited))) {
        continue; // the gate listens there for us
      }
      serving += opens(() -> server.listen(host, config.group()), unable);
    }
    if (serving == 0 && unable == null) {
      throw new GantryException(UNAVAILABLE, "the API listens nowhere: see the errors above");
    }
  }

  private static int opens(Runnable address, @Nullable Consumer<String> unable) {
    try {
      address.run();
      return 1;
    } catch (GantryException e) {
      if (unable == null) {
        log.log(Level.ERROR, e.getMessage());
      } else {
        unable.accept(e.getMessage());
      }
      return 0;
    }
  }

  private static String address(ServerSocketChannel channel) {
    try {
      return channel.getLocalAddress() instanceof UnixDomainSocketAddress unix
          ? "unix://" + unix.getPath()
          : "";
    } catch (IOException e) {
      throw new GantryException(UNAVAILABLE, "the inherited socket is closed", e);
    }
  }

  /** One byte for the gate, which until then takes a failure of ours as final. */
  private static void tellReady() {
    String descriptor = System.getenv("GANTRY_READY_FD");
    if (descriptor == null || !descriptor.matches("\\d{1,4}")) {
      return;
    }
    try (var ready = new FileOutputStream("/proc/self/fd/" + descriptor)) {
      ready.write(1);
    } catch (IOException e) {
      log.log(Level.WARNING, "cannot tell the gate that the API is ready: {0}", e.getMessage());
    }
  }

  @Deactivate
  void stop() {
    server.close();
  }
}
