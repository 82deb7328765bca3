# Networks, published ports and names on this machine: while the service restarts and stops, and after a reboot. Sourced by suite.sh.
# shellcheck shell=bash

# address NAME: addresses and MAC addresses of a container, network by network
address() {
  docker inspect -f '{{range $n, $e := .NetworkSettings.Networks}}{{$n}} {{$e.IPAddress}} {{$e.GlobalIPv6Address}} {{$e.MacAddress}} {{$e.Gateway}},{{end}}' "$1"
}

addresses() { for each in web client plain; do echo "$each $(address $each)"; done; }

# What the engine has set: all there is, since nobody else sets rules here. Elements of sets come in any order.
rules() { nft -s list ruleset | tr -s ' \t,' '\n' | sort; }

# A page from a web server of a container, whoever asks.
page() { wget_or_curl "$@" | grep -qx "page of $PAGE"; }
wget_or_curl() { curl -s -m 5 "$1"; }

served() {
  PAGE=web page http://127.0.0.1:8080/ && PAGE=web page http://192.0.2.1:8080/ && PAGE=web page 'http://[::1]:8080/' &&
    PAGE=plain page http://192.0.2.1:8081/ && PAGE=web page http://10.90.0.50/
}

named() {
  is "$(docker exec client timeout 5 wget -qO- http://web/)" 'page of web' &&
    is "$(docker exec client timeout 5 wget -qO- http://www.alias/)" 'page of web' &&
    is "$(docker exec web nslookup client 127.0.0.11 | sed -n 's/^Address: *\(10\.[0-9.]*\)$/\1/p')" "$(docker inspect -f '{{.NetworkSettings.Networks.inner.IPAddress}}' client)"
}

# httpd NAME [options]: a container with a web server
httpd() {
  local name=$1
  shift
  docker run -d --name "$name" --restart always "$@" busybox sh -c "mkdir -p /www; echo page of $name >/www/index.html; exec httpd -f -p 80 -h /www" >/dev/null
}

an_address_of_the_machine() {
  ip link show outside >/dev/null 2>&1 || ip link add outside type veth peer name outside-peer
  ip addr replace 192.0.2.1/24 dev outside
  ip link set outside up
  ip link set outside-peer up
  ip link set lo up
}

networks_give_addresses_ports_and_names() {
  an_address_of_the_machine
  docker network create --subnet 10.90.0.0/24 --ipv6 --subnet fd00:90::/64 inner
  docker network create --internal closed
  httpd web --network inner --ip 10.90.0.50 --network-alias www.alias -p 8080:80
  httpd plain -p 8081:80
  docker run -d --name client --restart unless-stopped --network inner --network closed busybox sleep 100000 >/dev/null
  eventually served
  named
  has "$(docker port web)" '80/tcp -> 0.0.0.0:8080'
  addresses >addresses.before
  cat addresses.before
  rules >rules.before
  grep -q 8080 rules.before
}

stats_count_networks() {
  docker exec client wget -qO- http://web/ >/dev/null
  curl -s --unix-socket /run/gantry/docker.sock 'http://gantry/containers/web/stats?stream=false&one-shot=true' >stats
  has "$(cat stats)" '"networks":{"eth0":{'
  grep -q '"rx_packets":[1-9]' stats
}

a_restart_of_the_service_keeps_networks() {
  local before
  before="$(pid web) $(pid client) $(pid plain)"
  systemctl restart gantry
  eventually docker version >/dev/null
  is "$(pid web) $(pid client) $(pid plain)" "$before"
  is "$(addresses)" "$(cat addresses.before)"
  served
  named
  docker network connect closed web
  docker exec client nslookup web 127.0.0.11
  docker network disconnect closed web
}

a_stopped_service_serves_ports_and_names() {
  local into
  into=$(pid client)
  systemctl stop gantry.socket gantry.service
  served
  is "$(nsenter -t "$into" -n -m timeout 5 wget -qO- http://web/)" 'page of web'
  systemctl start gantry.socket gantry.service
  eventually docker version >/dev/null
  is "$(addresses)" "$(cat addresses.before)"
  served
}

a_reboot_brings_networks_back() {
  an_address_of_the_machine
  eventually eval '[ "$(docker ps -q --filter name=web --filter name=client --filter name=plain | wc -l)" = 3 ]'
  eventually served
  named
  docker network inspect inner closed bridge >/dev/null
  is "$(address web)" "$(sed -n 's/^web //p' addresses.before)"
  is "$(addresses)" "$(cat addresses.before)"
  rules >rules.after
  diff rules.before rules.after
  docker rm -f web client plain
  docker network rm inner closed
}
