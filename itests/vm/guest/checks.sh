# What is checked in the guest; sourced by suite.sh. A function fails when one of its commands does.
# shellcheck shell=bash

checks() {
  case $1 in
  before)
    echo the_layout_is_the_one_asked_for helpers_are_outside_the_unit limits_are_in_the_files update_is_live \
      the_kernels_refusal_changes_nothing devices_are_filtered pause_stops_all_processes kill_takes_all_and_leaves_no_group \
      out_of_memory_is_told the_group_is_the_root_inside stats_are_counted a_parent_may_be_named \
      systemd_takes_no_limits_away joining_may_be_made_fast the_journal_gets_lines_with_their_fields \
      docker_logs_works_while_it_ships volumes_on_an_nfs_server an_nfs_server_that_lacks_the_folder_is_told \
      networks_give_addresses_ports_and_names stats_count_networks an_association_goes_through_a_published_port \
      containers_have_dockers_default_profile the_default_profile_forbids_what_dockers_does profiles_may_be_named \
      a_profile_that_was_unloaded_comes_back
    ;;
  restart)
    echo no_line_is_lost_by_a_restart a_restart_of_the_service_keeps_containers a_crash_of_the_engine_keeps_containers a_stopped_service_keeps_containers \
      a_restart_of_the_service_keeps_networks a_stopped_service_serves_ports_and_names a_restart_of_the_service_keeps_profiles
    ;;
  after) echo a_reboot_applies_restart_policies limits_are_there_after_a_reboot a_reboot_brings_networks_back profiles_are_there_after_a_reboot ;;
  esac
}

eventually() {
  local end=$((SECONDS + 180))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.5
  done
}

is() {
  [ "$1" = "$2" ] || {
    echo "'$1' is not '$2'" >&2
    return 1
  }
}

has() {
  case $1 in *"$2"*) ;; *)
    echo "'$1' has no '$2'" >&2
    return 1
    ;;
  esac
}

layout() { sed 's/.*gantry.layout=\([^ ]*\).*/\1/' /proc/cmdline; }

v2() { [ "$(layout)" = v2 ]; }

pid() { docker inspect -f '{{.State.Pid}}' "$1"; }

# group NAME CONTROLLER: the directory of a container's control group on the host
group() {
  local line
  if v2; then
    line=$(sed -n 's/^0:://p' "/proc/$(pid "$1")/cgroup")
    echo "/sys/fs/cgroup$line"
  else
    line=$(sed -n "s/^[0-9]*:\\([^:]*,\\)*$2\\(,[^:]*\\)*:\\(.*\\)/\\3/p" "/proc/$(pid "$1")/cgroup")
    echo "/sys/fs/cgroup/$2$line"
  fi
}

# value NAME CONTROLLER V2FILE V1FILE
value() { if v2; then cat "$(group "$1" "$2")/$3"; else cat "$(group "$1" "$2")/$4"; fi; }

up() {
  local name=$1
  shift
  docker run -d --network none --name "$name" "$@" busybox sleep 100000 >/dev/null
}

install_engine() {
  mkdir -p /opt /var/log/journal
  systemctl restart systemd-journald
  cp -a /payload/gantry /opt/gantry
  chown -R root:root /opt/gantry
  cp /opt/gantry/systemd/gantry.s* /etc/systemd/system/
  # Under emulation the better compiler costs more than it brings, and all takes its time.
  mkdir -p /etc/systemd/system/gantry.service.d
  printf '[Service]\nEnvironment=GANTRY_JAVA_OPTS=-XX:TieredStopAtLevel=1\n' >/etc/systemd/system/gantry.service.d/emulated.conf
  printf '{"recoverSeconds": 300, "awaySeconds": 120}\n' >/opt/gantry/etc/io.gantry.engine.json
  systemctl daemon-reload
  systemctl enable gantry.socket gantry.service
  systemctl start --no-block gantry.socket gantry.service
  eventually docker version
  mkdir -p root/bin root/dev root/etc root/proc root/root root/sys root/tmp root/var
  cp /payload/bin/busybox root/bin/
  for applet in $(root/bin/busybox --list); do [ -e "root/bin/$applet" ] || ln root/bin/busybox "root/bin/$applet"; done
  echo root:x:0:0:root:/root:/bin/sh >root/etc/passwd
  tar -C root -c . | docker import - busybox
}

the_layout_is_the_one_asked_for() {
  docker info >info 2>&1
  if v2; then has "$(cat info)" 'Cgroup Version: 2'; else has "$(cat info)" 'Cgroup Version: 1'; fi
  case $(layout) in
  v2) is "$(stat -fc %T /sys/fs/cgroup)" cgroup2fs ;;
  hybrid) is "$(stat -fc %T /sys/fs/cgroup/unified)" cgroup2fs ;;
  v1) is "$(stat -fc %T /sys/fs/cgroup/systemd)" cgroupfs ;;
  esac
  is "$(docker info -f '{{.MemoryLimit}} {{.PidsLimit}} {{.CPUSet}}' 2>/dev/null)" 'true true true'
}

helpers_are_outside_the_unit() {
  up helped
  local helpers
  helpers=$(pgrep -f gantry | while read -r each; do
    case $(cat "/proc/$each/comm" 2>/dev/null) in gantry-*) echo "$each" ;; esac
  done)
  [ -n "$helpers" ]
  for each in $helpers; do
    if grep -q gantry.service "/proc/$each/cgroup"; then
      tr '\0' ' ' <"/proc/$each/cmdline"
      cat "/proc/$each/comm" "/proc/$each/cgroup"
      return 1
    fi
  done
  docker rm -f helped
}

limits_are_in_the_files() {
  up limits -m 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 30
  is "$(value limits memory memory.max memory.limit_in_bytes)" 67108864
  is "$(value limits memory memory.low memory.soft_limit_in_bytes)" 33554432
  if v2; then
    is "$(value limits memory memory.swap.max '')" 33554432
    is "$(value limits cpu cpu.max '')" '50000 100000'
    is "$(value limits cpu cpu.weight '')" 20
  else
    is "$(value limits cpu '' cpu.cfs_quota_us)" 50000
    is "$(value limits cpu '' cpu.shares)" 512
  fi
  is "$(value limits cpuset cpuset.cpus cpuset.cpus)" 0
  is "$(value limits pids pids.max pids.max)" 30
  docker exec limits sh -c 'for i in $(seq 40); do sleep 2 & done; wait' 2>forks || true
  has "$(cat forks)" "can't fork"
}

update_is_live() {
  is "$(docker update -m 96m --memory-swap 128m --cpus 0.25 --pids-limit 40 --cpu-shares 2048 limits)" limits
  is "$(value limits memory memory.max memory.limit_in_bytes)" 100663296
  is "$(value limits pids pids.max pids.max)" 40
  if v2; then is "$(value limits cpu cpu.max '')" '25000 100000'; else is "$(value limits cpu '' cpu.cfs_quota_us)" 25000; fi
}

the_kernels_refusal_changes_nothing() {
  if docker update --cpuset-cpus 7 limits 2>refusal; then return 1; fi
  has "$(cat refusal)" 'equested CPUs are not available'
  is "$(value limits cpuset cpuset.cpus cpuset.cpus)" 0
  is "$(docker inspect -f '{{.HostConfig.CpusetCpus}} {{.HostConfig.Memory}}' limits)" '0 100663296'
}

devices_are_filtered() {
  up devices
  docker exec devices sh -c 'echo x >/dev/null; dd if=/dev/zero of=/dev/null count=1 bs=1'
  docker exec devices mknod /tmp/vda b 254 0
  docker exec devices dd if=/tmp/vda of=/dev/null count=1 bs=512 2>denied && return 1
  has "$(cat denied)" 'not permitted'
  docker run --rm --network none --device-cgroup-rule 'b 254:0 r' busybox sh -c 'mknod /tmp/vda b 254 0 && dd if=/tmp/vda of=/dev/null count=1 bs=512'
  docker run --rm --network none --privileged busybox sh -c 'mknod /tmp/vda b 254 0 && dd if=/tmp/vda of=/dev/null count=1 bs=512'
  docker rm -f devices
}

pause_stops_all_processes() {
  docker run -d --network none --name paused busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.1; done' >/dev/null
  docker pause paused
  is "$(docker inspect -f '{{.State.Status}}' paused)" paused
  if v2; then has "$(value paused freezer cgroup.events '')" 'frozen 1'; else is "$(value paused freezer '' freezer.state)" FROZEN; fi
  local before
  before=$(docker logs paused | tail -n 1)
  sleep 2
  is "$(docker logs paused | tail -n 1)" "$before"
  docker unpause paused
  eventually eval '[ "$(docker logs paused | tail -n 1)" -gt '"$before"' ]'
  docker pause paused
  docker rm -f paused
}

kill_takes_all_and_leaves_no_group() {
  docker run -d --network none --name many busybox sh -c 'for i in $(seq 20); do sh -c "trap : TERM; while :; do sleep 1000; done" & done; wait' >/dev/null
  local directory
  directory=$(group many pids)
  eventually eval '[ "$(wc -l <'"$directory"'/cgroup.procs)" -gt 20 ]'
  docker kill many
  eventually eval '[ ! -e '"$directory"' ]'
  is "$(docker inspect -f '{{.State.ExitCode}}' many)" 137
  docker rm many
}

out_of_memory_is_told() {
  docker events --filter event=oom --format '{{.Actor.Attributes.name}}' >oom &
  local listener=$!
  docker run --network none --name hungry -m 16m --memory-swap 16m busybox tail /dev/zero || is $? 137
  is "$(docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hungry)" 'true 137'
  eventually grep -qx hungry oom
  docker run -d --network none --name parent -m 16m --memory-swap 16m busybox sh -c 'tail /dev/zero; echo "child $?"; sleep 1000'
  eventually grep -qx parent oom
  is "$(docker inspect -f '{{.State.OOMKilled}} {{.State.Running}}' parent)" 'true true'
  kill $listener
  docker rm -f hungry parent
}

the_group_is_the_root_inside() {
  is "$(docker run --rm --network none --cgroupns private busybox cut -d : -f 3 /proc/self/cgroup | sort -u)" /
  docker run --rm --network none --cgroupns host busybox cat /proc/self/cgroup >paths
  has "$(cat paths)" gantry-
  if v2; then
    has "$(docker run --rm --network none -m 64m busybox cat /sys/fs/cgroup/memory.max)" 67108864
    docker run --rm --network none busybox sh -c 'echo 1 >/sys/fs/cgroup/pids.max' 2>denied && return 1
    has "$(cat denied)" 'Read-only'
  fi
}

stats_are_counted() {
  docker run -d --network none --name busy -m 64m busybox sh -c 'sleep 1000 & while :; do :; done' >/dev/null
  eventually docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}} {{.CPUPerc}}' busy >line
  has "$(cat line)" 'busy 2 '
  has "$(cat line)" '/ 64MiB'
  curl -s --unix-socket /run/gantry/docker.sock 'http://gantry/containers/busy/stats?stream=false' >stats
  # Two samples, of which the later has used more; then what the kernel counts on this layout.
  is "$(grep -o '"total_usage":[1-9][0-9]*' stats | sort -u | wc -l)" 2
  has "$(cat stats)" '"pids_stats":{"current":2'
  has "$(cat stats)" '"limit":67108864'
  has "$(cat stats)" '"pgfault":'
  if v2; then has "$(cat stats)" '"anon":'; else has "$(cat stats)" '"percpu_usage":['; fi
  if grep -q '"networks"' stats; then return 1; fi
  docker rm -f busy
}

a_parent_may_be_named() {
  up below --cgroup-parent /itest/deep -m 64m
  has "$(group below memory)" /itest/deep/
  is "$(value below memory memory.max memory.limit_in_bytes)" 67108864
  docker rm -f below
  up sliced --cgroup-parent gantryitest-deep.slice -m 64m
  has "$(group sliced memory)" /gantryitest.slice/gantryitest-deep.slice/
  is "$(value sliced memory memory.max memory.limit_in_bytes)" 67108864
  docker rm -f sliced
}

systemd_takes_no_limits_away() {
  systemctl daemon-reload
  systemd-run --wait -p CPUQuota=50% -p MemoryMax=100M -p TasksMax=50 -p IOWeight=50 true
  systemctl daemon-reexec
  systemd-run --wait true
  is "$(value limits memory memory.max memory.limit_in_bytes)" 100663296
  is "$(value limits pids pids.max pids.max)" 40
  is "$(value limits cpuset cpuset.cpus cpuset.cpus)" 0
  if v2; then is "$(value limits cpu cpu.max '')" '25000 100000'; else is "$(value limits cpu '' cpu.cfs_quota_us)" 25000; fi
  up another -m 32m --cpus 0.1 --cpuset-cpus 0
  is "$(value another memory memory.max memory.limit_in_bytes)" 33554432
  docker rm -f another
}

# The machine is the test's own: here the switch may be turned.
joining_may_be_made_fast() {
  printf '[Service]\nExecStart=\nExecStart=/opt/gantry/bin/gantryd -H fd:// --favordynmods\n' >/etc/systemd/system/gantry.service.d/favor.conf
  systemctl daemon-reload
  systemctl restart gantry
  eventually docker version >/dev/null
  if [ "$(layout)" != v1 ]; then eventually grep -q favordynmods /proc/mounts; fi
  docker run --rm --network none busybox true
}

running() {
  docker ps -a --format '{{.Names}} {{.State}}' | sort
}

a_restart_of_the_service_keeps_containers() {
  up always --restart always
  up unless --restart unless-stopped
  up stopped --restart unless-stopped
  up never
  docker stop -t 1 stopped
  docker run -d --network none --name ticker --restart always busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i; sleep 1; done' >/dev/null
  docker pause never
  local before engine
  before="$(pid always) $(pid unless) $(pid never) $(pid ticker) $(pid limits)"
  engine=$(systemctl show -P MainPID gantry)
  systemctl restart gantry
  eventually docker version >/dev/null
  is "$(pid always) $(pid unless) $(pid never) $(pid ticker) $(pid limits)" "$before"
  [ "$(systemctl show -P MainPID gantry)" != "$engine" ]
  is "$(docker inspect -f '{{.State.Status}}' never)" paused
  docker unpause never
  docker exec always true
  is "$(docker logs ticker | head -n 3 | tr '\n' ,)" 1,2,3,
}

a_crash_of_the_engine_keeps_containers() {
  local before engine
  before="$(pid always) $(pid ticker)"
  engine=$(systemctl show -P MainPID gantry)
  kill -9 "$engine"
  eventually eval '[ "$(systemctl show -P MainPID gantry)" != 0 ] && [ "$(systemctl show -P MainPID gantry)" != '"$engine"' ]'
  eventually docker version >/dev/null
  is "$(pid always) $(pid ticker)" "$before"
}

a_stopped_service_keeps_containers() {
  local before
  before=$(pid always)
  systemctl stop gantry.socket gantry.service
  kill -0 "$before"
  systemctl start gantry.socket gantry.service
  eventually docker version >/dev/null
  is "$(pid always)" "$before"
}

a_reboot_applies_restart_policies() {
  eventually eval '[ "$(docker ps -q --filter name=always --filter name=unless --filter name=ticker | wc -l)" = 3 ]'
  is "$(docker inspect -f '{{.State.Status}}' stopped)" exited
  is "$(docker inspect -f '{{.State.Status}}' never)" exited
  docker exec always true
}

limits_are_there_after_a_reboot() {
  docker start limits
  is "$(value limits memory memory.max memory.limit_in_bytes)" 100663296
  is "$(value limits pids pids.max pids.max)" 40
}
