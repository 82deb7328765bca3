package io.gantry.jmx.remote;

import java.io.ObjectInputFilter;

/**
 * What may come serialised, in credentials and in arguments of operations: data of the JDK and of
 * JMX, and not much of it. The JDK itself filters credentials only: a viewer could have a thread
 * work for ever on nested sets (measured on 17). Patterns of queries are left out: the JDK tries
 * each way to divide a text between stars, and four stars over a class path take hours.
 */
final class Arguments {

  static final String CREDENTIALS = "maxdepth=2;maxarray=2;maxbytes=4096;java.lang.String;!*";

  /** Of Subject only null comes through: what one is made of is not in the list. */
  static final ObjectInputFilter FILTER =
      ObjectInputFilter.Config.createFilter(
          "maxdepth=12;maxrefs=5000;maxbytes=1048576;maxarray=100000;"
              + "java.lang.String;java.lang.Boolean;java.lang.Character;java.lang.Number;"
              + "java.lang.Byte;java.lang.Short;java.lang.Integer;java.lang.Long;java.lang.Float;"
              + "java.lang.Double;java.lang.Object;java.math.BigInteger;java.math.BigDecimal;"
              + "java.util.Date;java.util.ArrayList;java.util.Vector;java.util.TreeMap;"
              + "java.util.HashMap;java.util.LinkedHashMap;java.util.Map$Entry;"
              + "java.rmi.MarshalledObject;javax.security.auth.Subject;!javax.management.MatchQueryExp;javax.management.*;javax.management.openmbean.*;!*");

  private Arguments() {}
}
