#!/usr/bin/env bash
# A machine in a folder: Debian's base and nothing else. Sourced by tools/fresh.sh.
#
# Mirrors, proxies and own roots of trust are those of the host at that moment. Whatever is mounted
# into the folder is mounted in a namespace that ends with the command, so that nothing is left
# mounted after a failure or a kill, and removing the folder can reach nothing else.

machine_root=$PWD/build/fresh
base_packages=(debootstrap mount util-linux curl)

# Prints "URI SUITE COMPONENT" for each of Debian's own sources that the host uses.
debian_sources() {
  # shellcheck disable=SC2016  # apt expands these
  apt-get indextargets --format '$(ORIGIN)|$(REPO_URI) $(CODENAME) $(COMPONENT)' \
    'Created-By: Packages' | sed -n 's/^Debian|//p' | sort -u
}

# Makes build/fresh/base.tar, unless it is there.
make_base() {
  local uri suite folder=$machine_root/base.new
  [[ ! -e $machine_root/base.tar ]] || return 0
  read -r uri suite _ < <(debian_sources | awk '$2 !~ /-/' | head -n 1) || true
  if [[ -z ${suite-} ]]; then
    say "The sources of apt name no mirror of Debian: nothing to take a base from."
    exit 1
  fi
  say "Making a base of $suite from $uri; it is kept in build/fresh/base.tar."
  remove_machine base.new
  mkdir -p "$machine_root"
  debootstrap --variant=minbase "$suite" "$folder" "$uri" >"$machine_root/debootstrap.log" ||
    { tail -n 5 "$machine_root/debootstrap.log" >&2 && exit 1; }
  debian_sources | sed 's/^/deb /' >"$folder/etc/apt/sources.list"
  rm -f "$folder"/var/cache/apt/archives/*.deb
  tar -C "$folder" --numeric-owner -cf "$machine_root/base.tar.new" .
  mv "$machine_root/base.tar.new" "$machine_root/base.tar"
  remove_machine base.new
}

# Makes the machine build/fresh/$1 anew from the base.
make_machine() {
  local folder=$machine_root/$1
  make_base
  remove_machine "$1"
  mkdir -p "$folder"
  tar -C "$folder" --numeric-owner -xf "$machine_root/base.tar"
  # How this host reaches the network, which an installer would have asked for.
  cp -L /etc/resolv.conf /etc/hosts "$folder/etc/"
  apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' \
    >"$folder/etc/apt/apt.conf.d/90host" || true
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    mkdir -p "$folder/usr/local/share/ca-certificates"
    cp -L /usr/local/share/ca-certificates/*.crt "$folder/usr/local/share/ca-certificates/"
  fi
}

# Removes build/fresh/$1, and refuses if something is mounted in it.
remove_machine() {
  local folder=$machine_root/$1
  [[ -n $1 && -e $folder ]] || return 0
  if awk '{ print $2 }' /proc/mounts | grep -E "^$folder(/|$)" >/dev/null; then
    say "Something is mounted in $folder, so it is not removed: see /proc/mounts."
    exit 1
  fi
  rm -rf --one-file-system "$folder"
}

# The variables of the host that say how it reaches the network, as NAME=VALUE.
network_variables() {
  local name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY \
    npm_config_registry; do
    [[ -z ${!name-} ]] || printf '%s=%s\n' "$name" "${!name}"
  done
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    printf 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt\n'
  fi
}

# Runs the further arguments as root in the machine build/fresh/$1. All that they start ends with
# them, and with leave_machine, which belongs into the caller's trap for EXIT.
in_machine() {
  unshare --mount --pid --ipc --fork --kill-child \
    bash "$machine_root/../../tools/machine.sh" "$machine_root" "$@" &
  machine_process=$!
  wait "$machine_process"
}

# Unshare heeds no gentler signal; its child, the first process in there, then ends with all others.
leave_machine() {
  if [[ ${machine_process-} ]] && kill -KILL "$machine_process" 2>/dev/null; then
    sleep 1  # until the rest has ended too
  fi
  machine_process=
}

# The first process of the namespaces: mounts what programs expect, and goes in.
enter_machine() {
  local folder=$1/$2 name
  mount --bind "$folder" "$folder"  # a root that is no mount point allows no mount namespace within
  mount -t proc proc "$folder/proc"
  mount -t sysfs -o ro sysfs "$folder/sys"
  mount -t tmpfs -o mode=755,size=1m,nosuid dev "$folder/dev"
  for name in null zero full random urandom tty; do
    : >"$folder/dev/$name"
    mount --bind "/dev/$name" "$folder/dev/$name"
  done
  mkdir "$folder/dev/pts" "$folder/dev/shm"
  mount -t devpts -o newinstance,mode=620,ptmxmode=666,gid=5 devpts "$folder/dev/pts"
  mount -t tmpfs -o mode=1777 shm "$folder/dev/shm"
  ln -s pts/ptmx "$folder/dev/ptmx"
  ln -s /proc/self/fd "$folder/dev/fd"
  # What was fetched and compiled once serves the next time.
  mkdir -p "$1/archives/partial" "$1/ccache" "$folder/root/.cache/ccache"
  mount --bind "$1/archives" "$folder/var/cache/apt/archives"
  mount --bind "$1/ccache" "$folder/root/.cache/ccache"
  mapfile -t variables < <(network_variables)
  cd /
  exec chroot "$folder" /usr/bin/env -i HOME=/root TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" "${@:3}"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  enter_machine "$@"
fi
