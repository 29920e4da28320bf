#!/usr/bin/env bash
# What `./dev fresh` types on the clean machine: fresh_inside.sh run | test
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

START_SECONDS_MAX=5400  # installing and building included

fail() {
  printf 'fresh: %s\n' "$*" >&2
  exit 1
}

# Starts ./run on free ports, asks at the address that it prints, and stops it.
try_run() {
  local process url status waited=0 output=/tmp/run.txt
  LATCHKEY_LISTEN_PORT=0 LATCHKEY_OPERATIONS_PORT=0 ./run >"$output" &
  process=$!
  until grep -q '^Open http' "$output"; do
    kill -0 "$process" 2>/dev/null || fail "./run ended before it printed an address"
    ((++waited < START_SECONDS_MAX)) || fail "./run printed no address in $START_SECONDS_MAX s"
    sleep 1
  done
  cat "$output"
  node --version
  url=$(sed -n 's/^Open //p' "$output")
  apt-get install -qq -y --no-install-recommends curl >/dev/null
  status=$(curl -sS -o /tmp/page.html -w '%{http_code}' "$url")
  [[ $status == 200 ]] || fail "$url answered $status"
  grep -q '<title>' /tmp/page.html || fail "$url answered without a page"
  curl -fsS -o /tmp/openapi.json "${url}openapi.json" || fail "there is no openapi.json"
  grep -q '"openapi"' /tmp/openapi.json || fail "openapi.json is something else"
  kill -TERM "$process"
  wait "$process" || fail "./run ended with $? when it was stopped"
  printf 'fresh: ./run answered at %s after %s s and stopped cleanly\n' "$url" "$waited"
}

try_test() {
  ./test
}

"try_$1"
