# Published ports of SCTP, a protocol that this kernel has as a module. Sourced by suite.sh.
# shellcheck shell=bash

# associated ADDRESS PORT: what a server of one association says
associated() { timeout 10 socat -u "SCTP:$1:$2" STDOUT </dev/null; }

an_association_goes_through_a_published_port() {
  an_address_of_the_machine
  modprobe sctp
  docker network create --subnet 10.91.0.0/24 --ipv6 --subnet fd00:91::/64 streams
  docker run -d --name server --network streams --ip 10.91.0.7 -p 7000:7/sctp busybox sleep 100000
  is "$(docker port server)" '7/sctp -> 0.0.0.0:7000
7/sctp -> [::]:7000'
  nsenter -t "$(pid server)" -n socat -U SCTP6-LISTEN:7,fork,reuseaddr,ipv6only=0 SYSTEM:'echo from $SOCAT_PEERADDR' &
  local listener=$!
  eventually eval 'associated 10.91.0.7 7 | grep -q from'
  # By an address of the machine, as a client from elsewhere does.
  ip netns add elsewhere
  ip link set outside-peer netns elsewhere
  ip -n elsewhere addr add 192.0.2.2/24 dev outside-peer
  ip -n elsewhere link set outside-peer up
  ip -n elsewhere link set lo up
  has "$(ip netns exec elsewhere timeout 10 socat -u SCTP:192.0.2.1:7000 STDOUT)" 'from [0000:0000:0000:0000:0000:ffff:c000:0202]'
  has "$(associated 192.0.2.1 7000)" 'from [0000:0000:0000:0000:0000:ffff:c000:0201]'
  # Nobody else gets the port; it is free once the container is gone.
  if docker run -d --name second -p 7000:7/sctp busybox sleep 1000 2>refusal; then return 1; fi
  has "$(cat refusal)" 'port is already allocated'
  docker rm -f second
  docker rm -f server
  kill $listener 2>/dev/null || true
  wait
  if [ -n "$(associated 192.0.2.1 7000 2>/dev/null)" ]; then return 1; fi
  docker run -d --name server --network streams -p 7000:7/sctp busybox sleep 1000
  docker rm -f server
  docker network rm streams
  ip netns del elsewhere
  ip link del outside 2>/dev/null || true
  an_address_of_the_machine
}
