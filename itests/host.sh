# Sourced by quickstart, verify and .ci/run: what a Debian host lacks, a docker client, an engine on the side.
# shellcheck shell=sh

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# has_jdk: a compiler of Java 17 or newer is on the path
has_jdk() {
  version=$(javac -version 2>/dev/null) || return 1
  version=${version#javac }
  [ "${version%%.*}" -ge 17 ]
}

# missing PACKAGE...: prints those that are not installed
missing() {
  for package; do
    case $package in
    openjdk-*-jdk-headless) has_jdk && continue ;;
    maven) command -v mvn >/dev/null && continue ;;
    esac
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
  done
}

# install PACKAGE...
install() {
  [ $# -gt 0 ] || return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

# docker_client DIR: makes sure that there is a docker command; where there is none, the client alone is unpacked from
# Debian's docker.io package into DIR. No engine is installed or started.
docker_client() {
  if ! command -v docker >/dev/null; then
    if [ ! -x "$1/usr/bin/docker" ]; then
      mkdir -p "$1"
      (
        cd "$1"
        # From trixie on the client is a package of its own.
        apt-get download -q docker-cli >/dev/null 2>&1 || apt-get download -q docker.io >/dev/null 2>&1 ||
          die "cannot fetch Debian's docker.io package; a docker command on the path will do too"
        dpkg-deb -x ./docker*.deb .
        rm -f ./docker*.deb
      ) || return 1
    fi
    PATH=$1/usr/bin:$PATH
    export PATH
  fi
}

# firewalld DIR: unpacks Debian's firewalld into DIR, for tests that run it in a network namespace of theirs. To install it would start it
# with the host, and close the host's ports.
firewalld() {
  [ ! -x "$1/usr/sbin/firewalld" ] || return 0
  mkdir -p "$1"
  (
    cd "$1"
    apt-get download -q firewalld python3-firewall >/dev/null 2>&1 || die "cannot fetch Debian's firewalld package"
    for package in ./*.deb; do dpkg-deb -x "$package" .; done
    rm -f ./*.deb
  )
}

# busybox_tar FILE: a root file system of the host's static busybox
busybox_tar() {
  root=$(mktemp -d)
  chmod 755 "$root"
  mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/root" "$root/sys" "$root/tmp" "$root/var"
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet in $(busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
  echo root:x:0: >"$root/etc/group"
  chmod 1777 "$root/tmp"
  tar -C "$root" --sort=name --mtime=@0 --numeric-owner --owner=0 --group=0 -cf "$1" .
  rm -rf "$root"
}

# answers SOCKET: an engine answers there within 30 s, while process $2 lives
answers() {
  tries=300
  until [ "$(curl -s --max-time 5 --unix-socket "$1" http://gantry/_ping 2>/dev/null)" = OK ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] && kill -0 "$2" 2>/dev/null || return 1
    sleep 0.1
  done
}

# ended PID: the process has ended within 30 s
ended() {
  tries=300
  while kill -0 "$1" 2>/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.1
  done
}

# forget_networks DATA_ROOT: takes from the host what an engine that will not come back has left there of networks
forget_networks() {
  instance=$(cat "$1/instance" 2>/dev/null) || return 0
  for link in /sys/class/net/*; do
    case $(cat "$link/ifalias" 2>/dev/null) in "gantry-$instance "*) ip link delete "${link##*/}" 2>/dev/null ;; esac
  done
  nft list tables | sed -n "s/^table \(.* gantry-$instance-.*\)/\1/p" | while read -r table; do nft "delete table $table"; done
}
