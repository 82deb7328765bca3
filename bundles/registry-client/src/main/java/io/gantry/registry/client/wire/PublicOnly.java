package io.gantry.registry.client.wire;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.util.Promise;
import org.eclipse.jetty.util.SocketAddressResolver;

/**
 * Looks up the address that is connected to, and refuses one in a private network: a name server
 * may say another one than it said before. A proxy's own name is looked up as any.
 */
final class PublicOnly implements SocketAddressResolver {

  private final String host;
  private final SocketAddressResolver resolver;

  /**
   * @param client with a scheduler and threads
   */
  PublicOnly(String host, HttpClient client) {
    this.host = host;
    this.resolver =
        new SocketAddressResolver.Async(
            client.getExecutor(), client.getScheduler(), client.getAddressResolutionTimeout());
  }

  @Override
  public void resolve(
      String name,
      int port,
      Map<String, Object> context,
      Promise<List<InetSocketAddress>> promise) {
    if (!Host.bare(name).equals(host)) {
      resolver.resolve(name, port, context, promise);
      return;
    }
    resolver.resolve(
        name,
        port,
        context,
        new Promise<>() {
          @Override
          public void succeeded(List<InetSocketAddress> found) {
            for (InetSocketAddress address : found) {
              InetAddress ip = address.getAddress();
              if (ip == null || Host.isLocal(ip)) {
                failed(refused(name));
                return;
              }
            }
            promise.succeeded(found);
          }

          @Override
          public void failed(Throwable reason) {
            promise.failed(reason);
          }
        });
  }

  private static GantryException refused(String name) {
    return new GantryException(
        Kind.FORBIDDEN,
        name + " is in a private network and the registry is not: nothing is sent there");
  }
}
