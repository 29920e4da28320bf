#!/bin/bash
# P1: CPU per request of a forward-auth check among ten million tokens, beside nginx `return 200`.
#
# Both servers run one thread on core 0, the loader (wrk, 64 connections) on core 1, in turns and
# with the same requests. CPU is the user and system time of the server's process. Prints each round
# and the median ratio. Needs nginx and wrk.
# usage: [PORT=18480] bench/check_http.sh CHECK_HTTP_PROGRAM [TOKENS] [ROUNDS] [SECONDS]
set -euo pipefail

program=$1
tokens=${2:-10000000}
rounds=${3:-5}
seconds=${4:-6}
port=${PORT:-18480}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export SAMPLE_FILE=$work/tokens
server=
nginx_master=
trap 'kill $server $nginx_master 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

cat > "$work/nginx.conf" <<CONF
daemon off;
worker_processes 1;
pid $work/nginx.pid;
error_log $work/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
  uwsgi_temp_path $work; scgi_temp_path $work;
  server {
    listen 127.0.0.1:$((port + 1));
    location / { return 200; }
  }
}
CONF

taskset -c 0 "$program" $port "$tokens" "$SAMPLE_FILE" > "$work/out" &
server=$!
until grep -q ready "$work/out"; do
  kill -0 $server
  sleep 0.2
done
taskset -c 0 nginx -p "$work" -c "$work/nginx.conf" 2> /dev/null &
nginx_master=$!
until worker=$(pgrep -P $nginx_master); do sleep 0.1; done

cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# measure PID PORT: microseconds of CPU per request.
measure() {
  local before after requests report
  before=$(cpu_ticks "$1")
  report=$(taskset -c 1 wrk -t1 -c64 -d"${seconds}s" -s "$here/check_http.lua" \
    "http://127.0.0.1:$2")
  after=$(cpu_ticks "$1")
  if grep -q 'Non-2xx' <<< "$report"; then
    echo "$report" >&2
    exit 1
  fi
  requests=$(awk '/requests in/ {print $1}' <<< "$report")
  awk -v t=$((after - before)) -v n="$requests" -v hz="$(getconf CLK_TCK)" \
    'BEGIN {printf "%.3f %.0f", t / hz * 1e6 / n, n}'
}

measure $server $port > /dev/null  # warm
for ((round = 0; round < rounds; ++round)); do
  read -r ours our_requests <<< "$(measure $server $port)"
  read -r theirs their_requests <<< "$(measure "$worker" $((port + 1)))"
  ratio=$(awk -v a="$ours" -v b="$theirs" 'BEGIN {printf "%.3f", a / b}')
  echo "$ratio" >> "$work/ratios"
  echo "round $round: check $ours us ($our_requests requests), nginx $theirs us" \
    "($their_requests requests), ratio $ratio"
done
echo "median ratio $(sort -n "$work/ratios" | sed -n "$((rounds / 2 + 1))p") (goal P1: 0.85)"
