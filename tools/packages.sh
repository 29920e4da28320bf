#!/usr/bin/env bash
# What Latchkey needs of Debian 12, and how it gets there. Sourced by run, test and dev.
#
# A package is asked for with one dpkg-query, so nothing is fetched when nothing is missing. Nothing
# is ever removed (--no-remove), no service is started, and a Node.js of 18 or newer that is already
# there is taken as it is. As a program: `tools/packages.sh list` prints the packages.

build_packages=(
  g++ cmake ninja-build ccache pkg-config ca-certificates
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libboost-system1.81-dev
  libssl-dev libsodium-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev
  libspdlog-dev libfmt-dev libtomlplusplus-dev libcli11-dev libyaml-dev
)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev
  clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev
  python3 python3-aiosmtpd curl sqlite3 strace testssl.sh
  azure-cli python3-azext-devops git nginx-light caddy haproxy wrk
  chromium fonts-liberation
  zsh fish man-db mandoc libfaketime
  prometheus postgresql-15
)
# What runs beside Latchkey in the benchmarks. Unpacked by `./dev bench` and never installed, so
# that no service comes with them and nothing of the machine changes; libraries are named, since an
# unpacked package brings none.
bench_packages=(
  glewlwyd glewlwyd-common libconfig9 libhoel1.4 libiddawc1.1 liborcania2.3 librhonabwy1.1
  libulfius2.7 libyder2.0 libmicrohttpd12 liboath0 libmariadb3 libjansson4 libcbor0.8
  libldap-2.5-0 libpq5
  redis-server redis-tools liblzf1 libjemalloc2
  libnginx-mod-http-lua libnginx-mod-http-ndk lua-resty-core lua-resty-lrucache lua-nginx-redis
  lua-nginx-string libluajit2-5.1-2 libluajit2-5.1-common libpcre3
)

# What the failover of the tests runs on. Unpacked too, into build/patroni.
patroni_packages=(
  patroni etcd-server python3-etcd python3-dnspython python3-psycopg2 python3-cdiff python3-click
  python3-prettytable python3-wcwidth python3-psutil python3-dateutil python3-six python3-urllib3
  python3-yaml python3-pkg-resources
)

say() { printf '%s\n' "$*" >&2; }

# Prints those of its arguments that are not installed.
missing_packages() {
  local installed name
  installed=" $(dpkg-query -W -f '${Package}:${db:Status-Status} ' "$@" 2>/dev/null || true)"
  for name in "$@"; do
    [[ $installed == *" $name:installed "* ]] || printf '%s\n' "$name"
  done
}

has_node_18() {
  local version
  version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  ((${version%%.*} >= 18)) && command -v npm >/dev/null
}

# Installs its arguments. Runs as root.
install_packages() {
  local policy=/usr/sbin/policy-rc.d status=0 name fresh=()
  local no_cluster=/etc/postgresql-common/createcluster.d/none-for-latchkey.conf
  for name in nginx caddy haproxy prometheus; do
    command -v "$name" >/dev/null || fresh+=("$name")
  done
  [[ -d /usr/lib/postgresql ]] || fresh+=(postgresql)
  apt-get update -qq
  # Debian's PostgreSQL makes a database cluster when it is installed, unless told not to.
  mkdir -p "${no_cluster%/*}"
  echo "create_main_cluster = false" >"$no_cluster"
  # Debian starts a service when its package is installed, unless this file says no.
  if [[ ! -e $policy ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 \
    --no-install-recommends --no-remove "$@" ||
    status=$?
  rm -f "$no_cluster"
  # These are here for tests that start their own: they are not to come up with the machine.
  for name in "${fresh[@]}"; do
    [[ ! -e /etc/systemd/system/multi-user.target.wants/$name.service ]] ||
      systemctl --quiet disable "$name.service" 2>/dev/null || true
  done
  return "$status"
}

# Makes sure that the named packages are there, or says what to type and ends.
require_packages() {
  local missing command
  if ! command -v dpkg-query >/dev/null; then
    say "Latchkey is built on Debian 12; this system has no dpkg."
    exit 1
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  command="apt-get install --no-install-recommends ${missing[*]}"
  say "Missing, and to be installed from Debian: ${missing[*]}"
  if ((EUID == 0)); then
    bash tools/packages.sh install "${missing[@]}" >&2 && return 0
  elif command -v sudo >/dev/null; then
    sudo bash tools/packages.sh install "${missing[@]}" >&2 && return 0
  fi
  say "These packages could not be installed from here. As root, type:"
  say "  $command"
  exit 1
}

# Unpacks the Debian packages $2... into folder $1 without installing them, unless that was done.
unpack_packages() {
  local folder=$1 list archive
  shift
  list=$(printf '%s\n' "$@")
  [[ ! -e $folder/packages || $(<"$folder/packages") != "$list" ]] || return 0
  say "Fetching from Debian, to be unpacked into $folder: $*"
  rm -rf "$folder"
  mkdir -p "$folder/archives"
  if ! (cd "$folder/archives" && apt-get download -qq -o APT::Sandbox::User=root "$@" >&2); then
    say "These packages could not be fetched. As root, type first: apt-get update"
    return 1
  fi
  for archive in "$folder"/archives/*.deb; do
    dpkg-deb -x "$archive" "$folder"
  done
  rm -r "$folder/archives"
  printf '%s\n' "$list" >"$folder/packages"
}

# Makes sure of Node.js 18 or newer with npm. Debian's is taken only if there is none.
require_node() {
  if ! has_node_18; then require_packages nodejs npm; fi
}

# Installs the npm packages of folder $1, if its lock is newer than what is there.
require_npm() {
  [[ -e $1/package-lock.json ]] || return 0
  [[ $1/node_modules/.package-lock.json -nt $1/package-lock.json ]] && return 0
  require_node
  say "Installing from npm: $1"
  (cd "$1" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2)
  touch "$1/node_modules/.package-lock.json"
}

# Configures preset $1, with the further arguments as they are, unless that was done.
configure() {
  local preset=$1
  shift
  require_node  # builds the pages
  [[ ! -e build/$preset/build.ninja ]] || return 0
  say "Building for the first time (preset $preset); this takes some minutes."
  cmake --preset "$preset" "$@" >&2
}

# Builds the further arguments (all if none) in the folder of preset $1.
build() {
  local preset=$1 quiet=--quiet
  shift
  [[ ! -t 2 ]] || quiet=
  # Paths below this folder count as relative, so that what was compiled serves every clone.
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros  # what it asks for with precompiled headers
  ninja -C "build/$preset" -j "$(nproc)" $quiet "$@" >&2
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  case ${1-} in
    list) printf '%s\n' "${build_packages[@]}" "${test_packages[@]}" ;;
    install) shift && install_packages "$@" ;;
    *) say "usage: tools/packages.sh list | install PACKAGE..." && exit 2 ;;
  esac
fi
