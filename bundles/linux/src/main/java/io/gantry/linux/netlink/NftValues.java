package io.gantry.linux.netlink;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.gantry.spi.GantryException;
import io.gantry.spi.GantryException.Kind;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Values as sets have them: side by side, each filled up to 4 bytes. */
public final class NftValues {
  private static final int LONGEST_NAME = 15;
  private static final int NAME = 16;

  private final ByteBuffer bytes = ByteBuffer.allocate(64);

  /** Of an interface. */
  public NftValues interfaceName(String name) {
    bytes.put(name(name));
    return this;
  }

  public NftValues address(InetAddress address) {
    bytes.put(address.getAddress());
    return this;
  }

  /** Of a transport protocol. */
  public NftValues protocol(int number) {
    bytes.put((byte) number).put((byte) 0).putShort((short) 0);
    return this;
  }

  public NftValues port(int number) {
    bytes.putShort((short) number).putShort((short) 0);
    return this;
  }

  byte[] bytes() {
    return Arrays.copyOf(bytes.array(), bytes.position());
  }

  static byte[] name(String name) {
    if (name.isEmpty() || name.length() > LONGEST_NAME) {
      throw new GantryException(Kind.INVALID, "not a name of an interface: " + name);
    }
    return Arrays.copyOf(name.getBytes(ISO_8859_1), NAME);
  }
}
