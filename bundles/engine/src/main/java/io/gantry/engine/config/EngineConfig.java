package io.gantry.engine.config;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/** What {@code etc/io.gantry.engine.json} may hold. */
@ObjectClassDefinition(
    id = EngineConfig.PID,
    name = "Gantry engine",
    description = "Default drivers, time limits and logging of the engine")
public @interface EngineConfig {

  String PID = "io.gantry.engine";

  @AttributeDefinition(
      description = "Level of Gantry's own loggers",
      options = {
        @Option(label = "error", value = "error"),
        @Option(label = "warn", value = "warn"),
        @Option(label = "info", value = "info"),
        @Option(label = "debug", value = "debug")
      })
  String logLevel() default "info";

  @AttributeDefinition(description = "Storage driver of new containers and images")
  String storageDriver() default "overlay";

  @AttributeDefinition(
      description = "Storage drivers to try, in this order, when this host cannot run the default")
  String[] storageFallback() default {"vfs"};

  @AttributeDefinition(description = "Exec driver of new containers")
  String execDriver() default "namespaces";

  @AttributeDefinition(
      description = "Exec drivers to try, in this order, when this host cannot run the default")
  String[] execFallback() default {"namespaces"};

  @AttributeDefinition(
      description = "Network driver of new networks and of the default network, bridge")
  String networkDriver() default "bridge";

  @AttributeDefinition(
      description = "Port mapper of containers that are started; the other one where it cannot run")
  String portMapper() default "nat";

  @AttributeDefinition(
      description =
          "Name of the default network's bridge on the host; none: there is no default network;"
              + " empty: gantry0, or the next one that is free")
  String bridge() default "";

  @AttributeDefinition(
      description = "Address of that bridge with the length of its prefix; empty: chosen")
  String bip() default "";

  @AttributeDefinition(description = "The same of IPv6")
  String bip6() default "";

  @AttributeDefinition(
      description = "Part of the default network's subnet that containers get addresses from")
  String fixedCidr() default "";

  @AttributeDefinition(description = "The same of IPv6")
  String fixedCidr6() default "";

  @AttributeDefinition(
      description = "Gateway of containers in the default network; empty: its bridge")
  String defaultGateway() default "";

  @AttributeDefinition(description = "The same of IPv6")
  String defaultGateway6() default "";

  @AttributeDefinition(
      description = "Bytes of the largest packet in the default network; 0: 1500",
      min = "0",
      max = "65535")
  int mtu() default 0;

  @AttributeDefinition(description = "Containers in the default network reach each other")
  boolean icc() default true;

  @AttributeDefinition(
      description = "What leaves the host from the default network has the host's address")
  boolean ipMasq() default true;

  @AttributeDefinition(description = "Address of the host that ports are published on")
  String ip() default "";

  @AttributeDefinition(description = "The default network has IPv6")
  boolean ipv6() default false;

  @AttributeDefinition(
      description =
          "Blocks that networks without subnets get theirs from, as base=172.30.0.0/16,size=24;"
              + " none: Docker's")
  String[] defaultAddressPools() default {};

  @AttributeDefinition(
      description = "Resolvers of containers that ask for none; none here: the host's")
  String[] dns() default {};

  @AttributeDefinition(description = "Domains that their look-ups are completed with")
  String[] dnsSearch() default {};

  @AttributeDefinition(description = "Options in their resolv.conf")
  String[] dnsOptions() default {};

  @AttributeDefinition(description = "Log driver of new containers that ask for none")
  String logDriver() default "json-file";

  @AttributeDefinition(
      description =
          "Options (NAME=VALUE) of that log driver, for containers that do not say otherwise")
  String[] logOptions() default {};

  @AttributeDefinition(
      description =
          "A json-file log that says nothing of max-size is rotated when it reaches this; empty:"
              + " never. Containers that run rotate by it at once")
  String logMaxSize() default "100m";

  @AttributeDefinition(
      description = "So many files of such a log are kept, the current one included",
      min = "1",
      max = "1000")
  int logMaxFiles() default 5;

  @AttributeDefinition(
      description = "Log what containers are given on standard input, too, as stream stdin")
  boolean logStdin() default false;

  @AttributeDefinition(
      description = "Seconds that a driver's running calls get to end before it is let go",
      min = "1",
      max = "3600")
  int drainSeconds() default 10;

  @AttributeDefinition(
      description = "Seconds after which a driver's call counts as hung and the driver as degraded",
      min = "1",
      max = "86400")
  int callSeconds() default 60;

  @AttributeDefinition(
      description = "Seconds that a call waits for a driver that is away",
      min = "0",
      max = "3600")
  int awaySeconds() default 10;

  @AttributeDefinition(
      description = "Seconds that a driver gets to start, probe and recover when it takes over",
      min = "1",
      max = "3600")
  int recoverSeconds() default 30;

  @AttributeDefinition(
      description =
          "Switch on the kernel's favordynmods: starts and execs are faster, for every engine of the"
              + " host, and some kernels do not go back before they are booted")
  boolean favordynmods() default false;

  @AttributeDefinition(
      description =
          "Compressed layers of loaded images are kept as they came, beside their files, while at"
              + " least this many percent of the disk are free; 100 keeps none",
      min = "0",
      max = "100")
  int keepBlobsPercent() default 20;

  @AttributeDefinition(
      description =
          "Layers are decompressed and compressed by igzip and zstd of the host, in a box without"
              + " rights, where they are (packages isal and zstd); off: by Java alone",
      options = {@Option(label = "auto", value = "auto"), @Option(label = "off", value = "off")})
  String nativeCodecs() default "auto";

  @AttributeDefinition(
      description =
          "Containers whose health check says unhealthy are stopped and started again, unless their"
              + " label io.gantry.restart-unhealthy is false")
  boolean restartUnhealthy() default false;

  @AttributeDefinition(
      description =
          "Users of containers are others on the host: those that /etc/subuid and /etc/subgid give to"
              + " this user (name or number, :group; default: dockremap). Empty: they are the host's")
  String usernsRemap() default "";

  @AttributeDefinition(
      description =
          "Absolute paths of the folders with vendors' device files (CDI, JSON); the later one counts"
              + " where two describe a device")
  String[] cdiSpecDirs() default {"/etc/cdi", "/var/run/cdi"};

  @AttributeDefinition(
      description =
          "Absolute path of the folder whose jars are taken in; empty: deploy in the data root")
  String deployFolder() default "";
}
