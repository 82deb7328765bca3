package io.gantry.engine.container;

import io.gantry.api.Events;
import io.gantry.api.HostSpec;
import io.gantry.api.Leased;
import io.gantry.engine.apparmor.AppArmor;
import io.gantry.engine.disk.SpareDisk;
import io.gantry.engine.log.LogDamages;
import io.gantry.engine.log.LogDefaults;
import io.gantry.engine.log.LogFollower;
import io.gantry.engine.network.NetworkKeeper;
import io.gantry.engine.spec.CdiEdits;
import io.gantry.engine.spec.HostFacts;
import io.gantry.engine.userns.Remapping;
import io.gantry.engine.volume.VolumeKeeper;
import io.gantry.linux.CgroupTree;
import io.gantry.monitor.MonitorLoop;
import io.gantry.spi.exec.ExecDriver;
import io.gantry.spi.log.LogDriver;
import io.gantry.spi.network.PortMapper;
import io.gantry.spi.storage.StorageDriver;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * What the steps of a container's life work with.
 *
 * @param workers may block
 * @param timer must not be blocked
 * @param restartUnhealthy whether containers that become so are started again unless they say
 *     otherwise
 */
public record Workshop(
    Place place,
    HostFacts facts,
    CgroupTree cgroups,
    ImageLayers images,
    Leased<StorageDriver> storage,
    Leased<ExecDriver> execs,
    NetworkKeeper networks,
    Leased<PortMapper> mappers,
    Events events,
    MonitorLoop loop,
    Zygote zygote,
    ExecutorService workers,
    ScheduledExecutorService timer,
    LogFollower follower,
    Leased<LogDriver> shippers,
    LogDefaults logs,
    LogDamages damages,
    SpareDisk spare,
    VolumeKeeper volumes,
    InstantSource clock,
    BooleanSupplier restartUnhealthy,
    Function<List<HostSpec.DriverRequest>, CdiEdits> cdi,
    Remapping remapping,
    AppArmor appArmor) {}
