#!/bin/bash
# In the guest: installs the engine as a service at the first boot and runs the checks; a second boot looks at what came back.
# Each line that counts begins with "gantry-vm: ".
set -u
export PATH=/payload/bin:$PATH DOCKER_HOST=unix:///run/gantry/docker.sock HOME=/root
state=/var/lib/gantry-itest
mkdir -p $state
cd $state || exit 1
passed=$(cat passed 2>/dev/null || echo 0) failed=$(cat failed 2>/dev/null || echo 0)
. /payload/checks.sh
. /payload/journal.sh
. /payload/remote.sh
. /payload/network.sh
. /payload/sctp.sh
. /payload/apparmor.sh

say() { printf 'gantry-vm: %s\n' "$*"; }

finish() {
  say "passed $passed, failed $failed"
  sync
  systemctl poweroff --no-block
  exit
}

# check NAME: runs the function in a shell of its own that ends at the first failure
check() {
  local begin=$SECONDS status
  # Not as a condition: there the shell does not end at a failure.
  (
    set -euE
    trap 'echo "line $LINENO: $BASH_COMMAND" >&2' ERR
    "$1"
  ) >"$1.out" 2>&1 </dev/null
  status=$?
  if [ $status = 0 ]; then
    passed=$((passed + 1))
    say "ok    $1 ($((SECONDS - begin)) s)"
  else
    failed=$((failed + 1))
    say "FAIL  $1 ($((SECONDS - begin)) s)"
    tail -n 12 "$1.out" | sed 's/^/gantry-vm:       /'
  fi
}

if [ ! -e booted ]; then
  touch booted
  say "$(uname -r), systemd $(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p'), $(sed 's/.*gantry.layout=\([^ ]*\).*/\1/' /proc/cmdline)"
  install_engine >install.out 2>&1 || {
    failed=1
    say "the engine does not start"
    tail -n 30 install.out
    journalctl -u gantry --no-pager | tail -n 40
    finish
  }
  only=$(sed -n 's/.*gantry.only=\([^ ]*\).*/\1/p' /proc/cmdline)
  if [ -n "$only" ]; then
    for name in ${only//,/ }; do check "$name"; done
    finish
  fi
  for name in $(checks before); do check "$name"; done
  for name in $(checks restart); do check "$name"; done
  echo $passed >passed
  echo $failed >failed
  sync
  systemctl reboot --no-block
else
  eventually docker version >/dev/null 2>&1
  for name in $(checks after); do check "$name"; done
  [ "$failed" = 0 ] || journalctl -u gantry --no-pager | tail -n 60
  finish
fi
