# AppArmor, which Debian's kernel has: who is confined by what, what Docker's default profile forbids, and what happens when it
# or its parser is missing. Sourced by suite.sh.
# shellcheck shell=bash

confinement() { cat "/proc/$(pid "$1")/attr/apparmor/current"; }

# confined CONTAINER COMMAND...: fails, for want of permission
confined() {
  local name=$1
  shift
  if docker exec "$name" "$@" 2>denied >&2; then return 1; fi
  has "$(cat denied)" 'ermission denied'
}

# free OPTIONS -- COMMAND...: in a container whose filter and masks are off and that has the capabilities, so that only a profile
# may stand in its way
free() {
  local options=()
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  docker run --rm --network none --cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined "${options[@]}" busybox "$@"
}

unload() { printf %s "$1" >/sys/kernel/security/apparmor/.remove; }

loaded() { grep -q "^$1 (" /sys/kernel/security/apparmor/profiles; }

containers_have_dockers_default_profile() {
  local self=/proc/self/attr/apparmor/current default='docker-default (enforce)'
  is "$(cat /sys/module/apparmor/parameters/enabled)" Y
  has "$(docker info -f '{{.SecurityOptions}}' 2>/dev/null)" name=apparmor
  up confined --health-cmd "cat $self >/health" --health-interval 1s
  loaded docker-default
  is "$(confinement confined)" "$default"
  is "$(docker inspect -f '{{.AppArmorProfile}}' confined)" docker-default
  for options in '' '--privileged' '-u 1000' '-t'; do
    # shellcheck disable=SC2086
    is "$(docker exec $options confined cat $self | tr -d '\r')" "$default"
  done
  eventually docker exec confined test -s /health
  is "$(docker exec confined cat /health)" "$default"
  docker restart -t 1 confined
  is "$(confinement confined)" "$default"
  is "$(docker run --rm --network none --init busybox cat /proc/1/attr/apparmor/current $self)" "$default
$default"
  is "$(docker run --rm --network none --init -u 1000 --security-opt no-new-privileges busybox cat $self)" "$default"
  docker run -d --network none --name reaped --init busybox sleep 1000
  docker exec reaped kill 1 || true # it may be killed with the container before it has ended
  is "$(docker wait reaped)" 143
  docker rm reaped
}

the_default_profile_forbids_what_dockers_does() {
  up allowed --cap-add ALL --security-opt seccomp=unconfined --security-opt systempaths=unconfined -v /sys:/sys
  confined allowed mount -t tmpfs tmpfs /tmp
  confined allowed sh -c 'echo 2 >/proc/sys/kernel/randomize_va_space'
  confined allowed sh -c 'echo 0 >/proc/sys/vm/swappiness'
  confined allowed sh -c 'echo h >/proc/sysrq-trigger'
  confined allowed sh -c 'echo ff >/proc/irq/default_smp_affinity'
  confined allowed head -c 1 /proc/kcore
  confined allowed sh -c 'echo 0 >/sys/kernel/mm/ksm/run'
  confined allowed sh -c 'echo 0 >/sys/module/printk/parameters/time'
  confined allowed ls /sys/firmware/acpi/
  confined allowed cat /sys/kernel/security/lsm
  # What belongs to the container and its processes goes on as before.
  docker exec allowed sh -c 'echo 1 >/proc/sys/kernel/shm_rmid_forced; echo 0 >/proc/self/oom_score_adj; echo name >/proc/self/comm'
  docker exec allowed sh -c 'cat /sys/class/net/lo/mtu; mkdir -p /a/b; echo x >/a/b/c; ln /a/b/c /d; chown 7:7 /d; mknod /e p'
  docker exec allowed sh -c 'sleep 1000 & kill -0 $! && kill -9 $!'
  docker exec allowed sh -c 'nc -l -p 7 >/f & for i in 1 2 3 4 5; do sleep 1; echo hello | nc -w 1 127.0.0.1 7; grep hello /f && exit; done; exit 1'
  docker pause allowed
  docker unpause allowed
  is "$(free --security-opt apparmor=unconfined -- sh -c 'mount -t tmpfs tmpfs /tmp && cat /proc/self/attr/apparmor/current')" unconfined
  # Whoever is not confined by it can neither be signalled nor looked into.
  if free --pid host -- kill -0 $$ 2>denied; then return 1; fi
  has "$(cat denied)" 'ermission denied'
  free --pid host --security-opt apparmor=unconfined -- kill -0 $$
  docker stop -t 1 allowed
  docker rm allowed
}

profiles_may_be_named() {
  printf '%s\n' 'profile itest flags=(attach_disconnected, mediate_deleted) {' \
    'file, network, capability, signal, ptrace, mount, umount,' 'deny /etc/passwd r,' '}' | apparmor_parser -r
  up named --security-opt apparmor=itest
  is "$(confinement named)" 'itest (enforce)'
  is "$(docker inspect -f '{{.AppArmorProfile}}' named)" itest
  confined named cat /etc/passwd
  confined named busybox cat /etc/passwd
  docker exec named cat /proc/mounts >/dev/null
  up loose --security-opt apparmor=unconfined
  up free --privileged --security-opt apparmor=itest
  for name in loose free; do
    is "$(confinement $name)" unconfined
    is "$(docker inspect -f '{{.AppArmorProfile}}' $name)" unconfined
    is "$(docker exec $name cat /proc/self/attr/apparmor/current)" unconfined
  done
  docker create --network none --name unknown --security-opt apparmor=nosuch busybox true
  is "$(docker inspect -f '{{.AppArmorProfile}}' unknown)" nosuch
  if docker start unknown 2>refusal; then return 1; fi
  has "$(cat refusal)" 'unable to apply apparmor profile: apparmor failed to apply profile: write /proc/thread-self/attr/apparmor/exec: no such file or directory'
  is "$(docker inspect -f '{{.State.Status}}' unknown)" created
  docker rm -f named loose free unknown
  unload itest
}

a_profile_that_was_unloaded_comes_back() {
  unload docker-default
  is "$(docker exec confined cat /proc/self/attr/apparmor/current)" 'docker-default (enforce)'
  loaded docker-default
  unload docker-default
  is "$(docker run --rm --network none busybox cat /proc/self/attr/apparmor/current)" 'docker-default (enforce)'
  unload docker-default
  mv /sbin/apparmor_parser /sbin/apparmor_parser.away
  is "$(docker run --rm --network none busybox cat /proc/self/attr/apparmor/current)" unconfined
  docker info >info 2>&1
  mv /sbin/apparmor_parser.away /sbin/apparmor_parser
  has "$(cat info)" 'AppArmor is on, but containers that name no profile are not confined: there is no apparmor_parser'
  is "$(docker run --rm --network none busybox cat /proc/self/attr/apparmor/current)" 'docker-default (enforce)'
}

a_restart_of_the_service_keeps_profiles() {
  docker restart -t 1 confined
  systemctl restart gantry
  eventually docker version >/dev/null
  is "$(confinement confined)" 'docker-default (enforce)'
  is "$(docker exec confined cat /proc/self/attr/apparmor/current)" 'docker-default (enforce)'
  is "$(docker inspect -f '{{.AppArmorProfile}}' confined)" docker-default
}

profiles_are_there_after_a_reboot() {
  docker start confined
  is "$(confinement confined)" 'docker-default (enforce)'
  docker rm -f confined
}
