#!/bin/bash
# Figures of the engine itself, from outside: time from exec to the first answer on the socket (with the archive of classes), memory
# after 300 requests, bundles, and how long an update of the storage driver takes while clients run containers.
#   itests/benchmarks/engine.sh [INSTALL]      default: the unpacked distribution of this build; needs root, busybox-static, a docker CLI
set -eu
here=$(dirname "$(readlink -f "$0")")
install=${1:-$(ls -d "$here"/../../distribution/target/gantry-*/gantry-*/)}
work=$(mktemp -d /tmp/gyb.XXXX)
socket=$work/docker.sock
export DOCKER_HOST=unix://$socket DOCKER_CONFIG=$work/config
api() { curl -sS --max-time 30 --unix-socket "$socket" "http://engine$1" "${@:2}"; }
now() { date +%s%N; }
median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)] " (min " v[1] ", max " v[NR] ")"}'; }
stop() {
  kill "$gate" 2>/dev/null || return 0
  wait "$gate" 2>/dev/null || true
}
trap 'stop; rm -rf "$work"' EXIT
start() {
  "$install/bin/gantryd" -g "$work/data" --exec-root "$work/run" -H "unix://$socket" >>"$work/log" 2>&1 </dev/null &
  gate=$!
}

"$install/bin/gantryd" --optimize >/dev/null
for _ in 1 2 3 4 5 6; do
  begin=$(now)
  start
  # The gate binds the socket at once; a client that came early is answered when the JVM is there.
  until [ -S "$socket" ]; do :; done
  api /_ping >/dev/null
  echo $((($(now) - begin) / 1000000)) >>"$work/starts"
  api /info >/dev/null
  stop
done
echo "first answer on the socket after exec, ms:       $(tail -n +2 "$work/starts" | median)"

start
until [ -S "$socket" ]; do :; done
api /info >/dev/null
for _ in $(seq 100); do api /_ping; api /info; api /containers/json; done >/dev/null
java=$(pgrep -P "$gate" java)
echo "resident memory after 300 requests, MiB:         $(($(sed -n 's/VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$java/status") / 1024))"

mkdir -p "$work/root/bin"
cp "$(command -v busybox)" "$work/root/bin/"
for applet in sh true sleep seq; do ln -s busybox "$work/root/bin/$applet"; done
tar -C "$work/root" -c . | docker import - bench:latest >/dev/null
# Two clients that run one container after the other without a pause.
clients=
mkdir "$work/classes"
javac -d "$work/classes" "$here"/src/*.java
for _ in 1 2; do
  java -cp "$work/classes" Benchmarks /dev/null load -- "gantry=$socket=$java=" >/dev/null 2>>"$work/failed" &
  clients="$clients $!"
done
until [ "$(api /events?since=0\&until="$(date +%s)" | grep -c '"Action":"destroy"')" -gt 20 ]; do sleep 0.2; done
for driver in "StorageDriver overlay storage.overlay" "ExecDriver namespaces exec.namespaces"; do
  # shellcheck disable=SC2086
  set -- $driver
  for i in $(seq 20); do
    case $((i % 2)) in
    1) jar=$(ls "$install"/samples/io.gantry."$3"-*.jar) ;;
    0) jar=$(ls "$install"/bundles/io.gantry."$3"-*.jar) ;;
    esac
    api "/gantry/v1/drivers/$1/$2/update" -H 'Content-Type: application/json' -d "{\"jar\": \"$jar\"}" --fail-with-body \
      -o /dev/null -w '%{time_total}\n' | awk '{print int($1 * 1000)}' >>"$work/$2"
  done
  echo "update of the $1 $2 under load, ms:  $(median <"$work/$2")"
done
# shellcheck disable=SC2086
kill $clients
echo "calls that failed meanwhile:                     $(wc -l <"$work/failed")"
ids=$(docker ps -aq)
# shellcheck disable=SC2086
[ -z "$ids" ] || docker rm -f $ids >/dev/null
