#!/usr/bin/env bash
# What `./dev fresh --only package` does on its machine: without_systemd | with_systemd
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
TRY=/srv/try
DATA=/var/lib/latchkey
URL=http://127.0.0.1:8080

fail() {
  printf 'package: FAILED: %s\n' "$*"
  exit 1
}

# same WHAT WANTED FOUND
same() {
  [[ $2 == "$3" ]] || fail "$1 is '$3', not '$2'"
  printf 'package: %s: %s\n' "$1" "$3"
}

mode_of() { stat -c '%U:%G %a' "$1"; }

# All files but what the system itself writes, and this test; and who there is.
snapshot() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \
    -o -path "$TRY" -o -path /root -o -name try.service \
    -o -path /var/cache -o -path /var/log -o -path /var/lib/apt -o -path /var/lib/dpkg \
    -o -path /var/lib/systemd -o -path '/etc/*-' -o -path /etc/.pwd.lock -o -path /var/tmp \) \
    -prune -o -print | sort
  getent passwd
  getent group
}

check_nothing_left() {
  snapshot >$TRY/after.txt
  diff $TRY/before.txt $TRY/after.txt || fail "purging left what is above"
  printf 'package: purged, nothing is left of %s files\n' \
    "$(dpkg-deb -c $TRY/latchkey.deb | grep -vc '/$')"
}

check_modes() {
  same "mode of the data folder" "latchkey:latchkey 700" "$(mode_of "$DATA")"
  same "mode of the configuration" "root:root 644" "$(mode_of /etc/latchkey/latchkey.toml)"
  same "mode of the program" "root:root 755" "$(mode_of /usr/bin/latchkey)"
  same "mode of the unit" "root:root 644" "$(mode_of /lib/systemd/system/latchkey.service)"
  same "the user" "/var/lib/latchkey:/usr/sbin/nologin" "$(getent passwd latchkey | cut -d: -f6-)"
}

# Installs, runs as the unit would, removes and purges where no systemd runs.
without_systemd() {
  local process
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends systemd systemd-sysv dbus curl >/dev/null
  apt-get satisfy -qq -y --no-install-recommends \
    "$(dpkg-deb -f $TRY/latchkey.deb Depends)" >/dev/null
  apt-get clean
  snapshot >$TRY/before.txt
  apt-get install -qq -y $TRY/latchkey.deb >$TRY/install.txt 2>&1 ||
    { cat $TRY/install.txt && fail "apt-get install"; }
  check_modes
  same "enabled" /etc/systemd/system/multi-user.target.wants/latchkey.service \
    "$(echo /etc/systemd/system/multi-user.target.wants/latchkey*)"
  same "version" "latchkey $(dpkg-deb -f $TRY/latchkey.deb Version)" "$(latchkey version)"
  for file in /usr/share/man/man1/latchkey.1.gz /usr/share/man/man5/latchkey.toml.5.gz; do
    gzip -dc "$file" | grep '^\.SH NAME' >/dev/null || fail "no manual page in $file"
  done
  grep -q 'complete -F _latchkey' /usr/share/bash-completion/completions/latchkey ||
    fail "no completion of bash"
  # Other ports: this machine shares those of the host.
  LATCHKEY_LISTEN_PORT=0 LATCHKEY_OPERATIONS_PORT=0 setpriv --reuid latchkey --regid latchkey \
    --init-groups /usr/bin/latchkey serve --config /etc/latchkey/latchkey.toml >$TRY/serve.txt &
  process=$!
  for _ in {1..60}; do
    grep -q '^Open' $TRY/serve.txt && break
    sleep 1
  done
  same "answer of the server" 200 \
    "$(curl -s -o /dev/null -w '%{http_code}' "$(sed -n 's/^Open //p' $TRY/serve.txt)")"
  same "mode of a key" "latchkey:latchkey 600" "$(mode_of "$DATA/keys/row.key")"
  kill -TERM "$process"
  wait "$process" || fail "the server ended with $?"
  apt-get remove -qq -y latchkey >/dev/null 2>&1
  [[ -e $DATA/latchkey.db ]] || fail "removing took the data"
  apt-get purge -qq -y latchkey >/dev/null 2>&1
  check_nothing_left
  printf 'without_systemd: done\n'
}

token_answers() {
  curl -s -o /dev/null -w '%{http_code}' -u ":$TOKEN" "$URL/fabrikam/_apis/projects?api-version=7.1"
}

wait_until_active() {
  for _ in {1..120}; do
    [[ $(systemctl is-active latchkey) != active ]] || return 0
    sleep 1
  done
  journalctl --no-pager -u latchkey | tail -n 30
  fail "latchkey.service is $(systemctl is-active latchkey)"
}

main_process() { systemctl show --value -p MainPID latchkey; }

status_field() { sed -n "s/^$1:\t//p" "/proc/$(main_process)/status"; }

check_hardening() {
  same "NoNewPrivs" 1 "$(status_field NoNewPrivs)"
  same "Seccomp" 2 "$(status_field Seccomp)"
  same "CapBnd" 0000000000000000 "$(status_field CapBnd)"
  same "core files" "0 0" "$(awk '/^Max core/ { print $5, $6 }' "/proc/$(main_process)/limits")"
  # What docs/operating/install.md says.
  same "exposure by systemd-analyze" "1.1" "$(systemd-analyze security --no-pager latchkey.service |
    sed -n 's/.*Overall exposure level for latchkey.service: \([0-9.]*\) .*/\1/p')"
}

install_package() {
  dpkg -i "$TRY/$1" >"$TRY/dpkg.txt" 2>&1 || { cat "$TRY/dpkg.txt" && fail "dpkg -i $1"; }
}

# Installs, starts, upgrades, removes and purges on a booted machine.
with_systemd() {
  local before
  install_package latchkey.deb
  wait_until_active
  same "is-enabled" enabled "$(systemctl is-enabled latchkey)"
  check_modes
  check_hardening
  same "mode of the console" "latchkey:latchkey 600" "$(mode_of "$DATA/latchkey.sock")"
  printf 'correct horse battery staple\n' | latchkey setup --data "$DATA" --organization fabrikam \
    --email ada@example.com --name Ada --password-stdin
  TOKEN=$(latchkey token create --name build --scope vso.project 2>/dev/null)
  same "a token" 200 "$(token_answers)"
  latchkey doctor --config /etc/latchkey/latchkey.toml || fail "doctor ended with $?"
  ! journalctl --no-pager | grep 'lkl_' >/dev/null || fail "the set-up link is in the journal"

  before=$(main_process)
  systemctl reload latchkey
  sleep 1
  same "after a reload" "active $before" "$(systemctl is-active latchkey) $(main_process)"
  kill -KILL "$before"
  sleep 3
  wait_until_active
  same "a token after a crash" 200 "$(token_answers)"

  echo '# changed by the operator' >>/etc/latchkey/latchkey.toml
  before=$(main_process)
  install_package upgrade.deb
  wait_until_active
  [[ $(main_process) != "$before" ]] || fail "the upgrade did not restart the server"
  same "version after the upgrade" "$(dpkg-deb -f $TRY/upgrade.deb Version)" \
    "$(dpkg-query -W -f '${Version}' latchkey)"
  same "a token after the upgrade" 200 "$(token_answers)"
  grep -q 'changed by the operator' /etc/latchkey/latchkey.toml ||
    fail "the configuration was replaced"

  dpkg -r latchkey >/dev/null 2>&1
  same "after removing" inactive "$(systemctl is-active latchkey || true)"
  [[ -e $DATA/latchkey.db && -e /etc/latchkey/latchkey.toml ]] || fail "removing took the data"
  install_package upgrade.deb
  wait_until_active
  same "a token after removing and installing" 200 "$(token_answers)"
  latchkey audit verify --data "$DATA"

  dpkg -P latchkey >/dev/null 2>&1
  systemctl daemon-reload
  check_nothing_left
  printf 'with_systemd: done\n'
}

"$1"
