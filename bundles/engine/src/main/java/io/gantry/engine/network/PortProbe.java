package io.gantry.engine.network;

import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SocketChannel;

/** Asks the kernel whether another program has a port, at this moment. */
final class PortProbe {

  private PortProbe() {}

  /** Nobody hears of it: what is asked with listens for nothing. */
  static boolean isFree(String protocol, String address, int port) {
    if (protocol.equals("sctp")) {
      return true; // Java has no sockets of it everywhere: the monitor finds out
    }
    var family =
        address.indexOf(':') < 0 ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6;
    try {
      var at = new InetSocketAddress(InetAddress.getByName(address), port);
      if (protocol.equals("udp")) {
        try (var channel = DatagramChannel.open(family)) {
          channel.bind(at);
        }
      } else {
        try (var channel = SocketChannel.open(family)) {
          channel.setOption(StandardSocketOptions.SO_REUSEADDR, true); // as the monitor's
          channel.bind(at);
        }
      }
      return true;
    } catch (BindException e) {
      return String.valueOf(e.getMessage()).contains("assign"); // no such address: the monitor says
    } catch (IOException e) {
      return false;
    }
  }
}
