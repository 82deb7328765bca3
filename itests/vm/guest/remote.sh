# Volumes of the driver local on file systems of servers: this machine's own, on loopback. Sourced by suite.sh.
# shellcheck shell=bash

at() { findmnt -n -o FSTYPE,OPTIONS "$(docker volume inspect -f '{{.Mountpoint}}' "$1")"; }

# on_a_server VOLUME TYPE FOLDER [restart]: what a volume has to do wherever its files lie; also across a restart of the engine
on_a_server() {
  local type=$2 folder=$3
  echo "from the server" >"$folder/file"
  if at "$1"; then return 1; fi
  is "$(docker run --rm --network none -v "$1:/v" busybox cat /v/file)" 'from the server'
  docker run -d --network none --name remote -v "$1:/v" busybox sleep 100000 >/dev/null
  has "$(at "$1")" "$type"
  docker exec remote sh -c 'echo "from inside" >/v/new && sync'
  is "$(cat "$folder/new")" 'from inside'
  docker run --rm --network none -v "$1:/v:ro" busybox touch /v/refused 2>refusal && return 1
  has "$(cat refusal)" 'Read-only'
  if [ "${4-}" = restart ]; then
    systemctl restart gantry
    eventually docker version >/dev/null
    has "$(at "$1")" "$type"
  fi
  docker exec remote cat /v/new
  docker cp remote:/v/new copied
  is "$(cat copied)" 'from inside'
  docker volume rm "$1" 2>refusal && return 1
  has "$(cat refusal)" 'volume is in use'
  docker rm -f remote
  if at "$1"; then return 1; fi
  is "$(docker run --rm --network none -v "$1:/v" busybox cat /v/new)" 'from inside'
  docker volume rm "$1"
  is "$(ls "$folder")" $'file\nnew'
}

volumes_on_an_nfs_server() {
  mkdir -p /srv/nfs
  echo '/srv 127.0.0.1(rw,fsid=0,no_root_squash,insecure,no_subtree_check)' >/etc/exports
  systemctl start nfs-server
  exportfs -ra
  docker volume create --opt type=nfs --opt o=addr=localhost,rw,nfsvers=4.2 --opt device=:/nfs four
  on_a_server four nfs4 /srv/nfs restart
  rm /srv/nfs/*
  docker volume create --opt type=nfs --opt o=addr=127.0.0.1,vers=3,nolock,soft,timeo=50,noatime --opt device=:/srv/nfs three
  on_a_server three nfs /srv/nfs
}

an_nfs_server_that_lacks_the_folder_is_told() {
  docker volume create --opt type=nfs --opt o=addr=127.0.0.1,nfsvers=4.2 --opt device=:/nosuch nosuch
  docker run --rm --network none -v nosuch:/v busybox true 2>refusal && return 1
  cat refusal
  has "$(cat refusal)" "failed to mount local volume: mount :/nosuch:"
  has "$(cat refusal)" 'no such file or directory'
  docker volume rm nosuch
  docker volume create --opt type=nfs --opt o=addr=nobody.invalid --opt device=:/nfs unnamed
  docker run --rm --network none -v unnamed:/v busybox true 2>refusal && return 1
  has "$(cat refusal)" 'error resolving passed in network volume address'
  docker volume rm unnamed
}
