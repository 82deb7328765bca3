# The log driver journald against this machine's own journal; journalctl tells what came. Sourced by suite.sh.
# shellcheck shell=bash

# journal NAME [journalctl's arguments]: what the journal holds of a container
journal() { journalctl --no-pager -q -a "CONTAINER_NAME=$1" "${@:2}"; }

# field NAME FIELD [MATCH]...: a field of its entries, in order
field() { journal "$1" -o export "${@:3}" | sed -n "s/^$2=//p"; }

shipped_lines() { [ "$(journal "$1" -o export | grep -ac ^CONTAINER_LOG_ORDINAL=)" -ge "$2" ]; }

the_journal_gets_lines_with_their_fields() {
  docker run -d --network none --name shipped --log-driver journald --log-opt tag='{{.Name}}/{{.ID}}' --log-opt labels=team \
    --log-opt env=STAGE --label team=red -e STAGE=dev busybox \
    sh -c 'echo out; printf "two\twords  \n\n"; echo err >&2; printf "\377\n"; head -c 40000 /dev/zero | tr "\0" x; echo; printf rest' >/dev/null
  docker wait shipped
  eventually shipped_lines shipped 9
  local id
  id=$(docker inspect -f '{{.Id}}' shipped)
  is "$(field shipped MESSAGE PRIORITY=3)" err
  is "$(field shipped PRIORITY | sort | uniq -c | xargs)" '1 3 8 6'
  is "$(field shipped MESSAGE PRIORITY=6 | sed -n 1,3p | cat -A)" $'out$\ntwo^Iwords  $\n$'
  is "$(field shipped MESSAGE | grep -a -n x | awk -F: '{print length($2)}' | xargs)" '16384 16384 7232'
  is "$(field shipped MESSAGE | tail -n 1)" rest
  # The last line has no end: dockerd, too, says that it goes on.
  is "$(field shipped CONTAINER_PARTIAL_MESSAGE | xargs)" 'true true true'
  is "$(field shipped CONTAINER_PARTIAL_ORDINAL | xargs)" '1 2 3 1'
  is "$(field shipped CONTAINER_PARTIAL_LAST | xargs)" 'false false true false'
  is "$(field shipped CONTAINER_PARTIAL_ID | sort | uniq -c | awk '{print $1}' | sort | xargs)" '1 3'
  is "$(field shipped CONTAINER_ID_FULL | sort -u)" "$id"
  is "$(field shipped CONTAINER_ID | sort -u)" "${id:0:12}"
  is "$(field shipped CONTAINER_TAG | sort -u)" "shipped/${id:0:12}"
  is "$(field shipped SYSLOG_IDENTIFIER | sort -u)" "shipped/${id:0:12}"
  is "$(field shipped IMAGE_NAME | sort -u)" busybox
  is "$(field shipped TEAM | sort -u) $(field shipped STAGE | sort -u)" 'red dev'
  is "$(field shipped _COMM | sort -u)" java
  field shipped SYSLOG_TIMESTAMP | while read -r each; do date -d "$each" >/dev/null; done
  # Nothing of it is dropped for coming too fast.
  is "$(systemctl show -P LogRateLimitIntervalUSec gantry)" 0
  # The order of the streams to each other is the order of writing, as docker logs has it.
  is "$(docker logs shipped 2>&1 | sha256sum)" "$( (journal shipped -o export | counted_message) | sha256sum)"
  docker rm shipped
}

# The messages of entries in export format, as bytes: each with a newline, but those that go on.
counted_message() {
  LC_ALL=C awk '
    /^CONTAINER_PARTIAL_MESSAGE=/ {partial = 1}
    /^MESSAGE=/ {message = substr($0, 9); there = 1}
    /^MESSAGE$/ {getline message; message = substr(message, 9); there = 1}
    /^$/ {if (there) {printf "%s%s", message, partial ? "" : "\n"}; there = partial = 0}'
}

docker_logs_works_while_it_ships() {
  docker run -d --network none --name both --log-driver journald busybox sh -c 'for i in $(seq 20); do echo $i; sleep 0.1; done' >/dev/null
  docker logs -f both >followed
  is "$(cat followed)" "$(seq 20)"
  eventually shipped_lines both 20
  is "$(field both MESSAGE)" "$(seq 20)"
  is "$(docker logs --tail 2 both)" $'19\n20'
  docker rm both
}

# every_line NAME COUNT: the numbers up to COUNT came in order, each at least once; what came twice has its own number again
every_line() {
  eventually eval '[ "$(field '"$1"' MESSAGE | tail -n 1)" = '"$2"' ]'
  is "$(journal "$1" -o export | counted_message | sort -n -u)" "$(seq "$2")"
  is "$(field "$1" CONTAINER_LOG_ORDINAL | sort -u | wc -l)" "$2"
  echo "$(field "$1" MESSAGE | wc -l) came of $2"
}

no_line_is_lost_by_a_restart() {
  docker run -d --network none --name counting --log-driver journald busybox \
    sh -c 'i=0; while [ ! -e /enough ]; do i=$((i + 1)); echo $i; usleep 100000; done' >/dev/null
  eventually shipped_lines counting 20
  systemctl restart gantry
  eventually docker version >/dev/null
  eventually shipped_lines counting "$(($(docker logs counting | wc -l) + 1))"
  kill -9 "$(systemctl show -P MainPID gantry)"
  eventually docker version >/dev/null
  systemctl restart systemd-journald
  eventually shipped_lines counting "$(($(docker logs counting | wc -l) + 1))"
  docker exec counting touch /enough
  docker wait counting
  every_line counting "$(docker logs --tail 1 counting)"
  docker rm counting
}
