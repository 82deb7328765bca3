#!/bin/bash
# Boots Debian's cloud kernel in qemu, under software emulation, with the engine installed as a systemd service, and
# runs guest/suite.sh there: on pure cgroup v2, on hybrid and on v1, with a restart of the service and a reboot in between.
#   itests/vm/run.sh [v2 | hybrid | v1 | short]...      without arguments: the first three; short: what no other test has, on v2
# Needs: qemu-system-x86, mmdebstrap, e2fsprogs, busybox-static, a docker command, and a built distribution (mvn package).
#   GANTRY_VM_CACHE     where the root file system is kept (made once, from this host's apt sources; 2 GB)
#   GANTRY_VM_OUT       where the serial logs go
#   GANTRY_VM_ACCEL     tcg, the default, or kvm where it works
#   GANTRY_VM_ONLY      names of checks, with commas between: only these are run, and nothing is rebooted
#   GANTRY_VM_SECONDS   at most, for each layout (default 2400)
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${GANTRY_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gantry-vm}
out=${GANTRY_VM_OUT:-$here/target}
seconds=${GANTRY_VM_SECONDS:-2400}
short=limits_are_in_the_files,devices_are_filtered,containers_have_dockers_default_profile,the_default_profile_forbids_what_dockers_does
short=$short,profiles_may_be_named,a_profile_that_was_unloaded_comes_back,an_association_goes_through_a_published_port
packages=systemd,systemd-sysv,udev,dbus,kmod,initramfs-tools,zstd,linux-image-cloud-amd64,openjdk-17-jre-headless,procps,curl,iproute2,nfs-kernel-server,apparmor,socat,nftables

die() {
  printf '%s\n' "$*" >&2
  exit 1
}
for tool in qemu-system-x86_64 mmdebstrap mke2fs docker busybox; do
  command -v $tool >/dev/null || die "$tool is missing"
done
archive=$(ls -t "$top"/distribution/target/gantry-*.tar.gz 2>/dev/null | head -n 1) || true
[ -n "$archive" ] || die "no distribution: mvn -Dquick package -DskipTests"
mkdir -p "$cache" "$out"

# The root file system knows nothing of the engine: it is made again only when its packages or its unit change.
base() {
  local key
  key=$(printf '%s' "$packages" | cat - "$here"/guest/gantry-itest.service | sha256sum | cut -c 1-12)
  image=$cache/root-$key.img kernel=$cache/kernel-$key initrd=$cache/initrd-$key
  [ ! -f "$image" ] || return 0
  local root=$cache/root-$key.$$
  trap 'rm -rf --one-file-system "$root" "$image.part"' EXIT
  # In a mount namespace of its own: what it mounts into the tree (proc, sys) is nowhere on this host, whatever ends it.
  # Java's package wants the folder for manual pages.
  unshare --mount --propagation private mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
    --essential-hook='mkdir -p "$1/usr/share/man/man1"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$root"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  echo vm >"$root/etc/hostname"
  printf '%s\n' 'LABEL=root / ext4 defaults 0 1' 'LABEL=payload /payload ext4 ro 0 0' >"$root/etc/fstab"
  install -m 644 "$here/guest/gantry-itest.service" "$root/etc/systemd/system/"
  ln -s ../gantry-itest.service "$root/etc/systemd/system/multi-user.target.wants/gantry-itest.service"
  ln -sf /dev/null "$root/etc/systemd/system/getty.target"
  mkdir "$root/payload"
  cp "$root"/vmlinuz "$kernel"
  cp "$root"/initrd.img "$initrd"
  mke2fs -q -t ext4 -d "$root" -L root "$image.part" 3G
  mv "$image.part" "$image"
  rm -rf --one-file-system "$root"
  trap - EXIT
}

payload() {
  payload=$out/payload.img
  local folder=$out/payload
  rm -rf "$folder" "$payload"
  mkdir -p "$folder/bin" "$folder/gantry"
  tar -xzf "$archive" -C "$folder/gantry" --strip-components=1 --no-same-owner
  cp "$(readlink -f "$(command -v docker)")" "$folder/bin/docker"
  cp "$(command -v busybox)" "$folder/bin/busybox"
  cp "$here"/guest/*.sh "$folder/"
  mke2fs -q -t ext4 -d "$folder" -L payload "$payload" 600M
  rm -rf "$folder"
}

# boot LAYOUT: what the guest writes goes into a scratch copy that outlives its reboots, but not qemu
boot() {
  local log=$out/$1.log append='' layout=$1 only=${GANTRY_VM_ONLY-}
  case $1 in
  v2) ;;
  short) layout=v2 only=${only:-$short} ;;
  hybrid) append='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0' ;;
  v1) append='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1' ;;
  *) die "usage: $0 [v2 | hybrid | v1 | short]..." ;;
  esac
  echo "== $1: booting, log in $log"
  rm -f "$log"
  timeout "$seconds" nice -n 5 qemu-system-x86_64 -nodefaults -machine "q35,accel=${GANTRY_VM_ACCEL:-tcg}" -cpu max -smp 1 -m 1536 -display none \
    -serial "file:$log" -kernel "$kernel" -initrd "$initrd" -snapshot \
    -append "console=ttyS0 root=LABEL=root rw quiet panic=10 systemd.show_status=0 gantry.layout=$layout ${only:+gantry.only=$only} $append" \
    -drive "file=$image,if=virtio,format=raw" -drive "file=$payload,if=virtio,format=raw" \
    -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng -nic none || true
  tr -d '\r' <"$log" | sed -n 's/^.*gantry-vm: //p'
  tr -d '\r' <"$log" | grep -q 'gantry-vm: passed [0-9]*, failed 0$'
}

base
payload
failed=
for layout in "${@:-v2 hybrid v1}"; do
  for each in $layout; do boot "$each" || failed="$failed $each"; done
done
rm -f "$payload"
[ -z "$failed" ] || die "failed on:$failed"
