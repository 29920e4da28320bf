#!/bin/bash
# P7: CPU per small request of our proxy, beside nginx proxy_pass to the same upstream; and memory
# while 1 GB streams through it both ways.
#
# Both proxies run one thread on core 0, the loader (wrk, 64 connections) and the upstream (nginx,
# `return 200`) on core 1, in turns and with the same requests. CPU is the user and system time of
# the proxy's process. nginx keeps 64 connections to its upstream and sets the same headers.
# Prints each round and the median ratio. Needs nginx, wrk and python3.
# usage: [PORT=18490] bench/proxy_http.sh PROXY_HTTP_PROGRAM [ROUNDS] [SECONDS] [MEGABYTES]
set -euo pipefail

program=$1
rounds=${2:-5}
seconds=${3:-5}
megabytes=${4:-1024}
port=${PORT:-18490}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

common() {
  cat <<CONF
daemon off;
worker_processes 1;
pid $work/$1.pid;
error_log $work/$1.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
  uwsgi_temp_path $work; scgi_temp_path $work;
CONF
}
{
  common upstream
  echo "server { listen 127.0.0.1:$((port + 2)); location / { return 200 'hello'; } } }"
} > "$work/upstream.conf"
{
  common proxy
  cat <<CONF
  upstream api { server 127.0.0.1:$((port + 2)); keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:$((port + 1));
    location / {
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "";
      proxy_set_header X-Forwarded-For \$remote_addr;
      proxy_set_header X-Real-IP \$remote_addr;
      proxy_set_header X-Forwarded-Proto \$scheme;
      proxy_set_header X-Forwarded-Host \$http_host;
      proxy_set_header Forwarded "for=\$remote_addr;proto=\$scheme;host=\$http_host";
      proxy_set_header X-Latchkey-Owner ada@example.com;
      proxy_set_header X-Latchkey-Scopes vso.code;
      proxy_set_header X-Latchkey-Organization fabrikam;
      proxy_set_header X-Latchkey-Token-Id 00000000-0000-4000-8000-000000000000;
    }
  }
}
CONF
} > "$work/proxy.conf"

taskset -c 1 nginx -p "$work" -c "$work/upstream.conf" 2> /dev/null & pids+=($!)
taskset -c 0 nginx -p "$work" -c "$work/proxy.conf" 2> /dev/null & pids+=($!)
nginx_master=$!
taskset -c 0 "$program" $port "http://127.0.0.1:$((port + 2))" > "$work/out" & pids+=($!)
ours_pid=$!
until worker=$(pgrep -P $nginx_master); do sleep 0.1; done
until grep -q ready "$work/out"; do sleep 0.1; done

cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# measure PID PORT: microseconds of CPU per request.
measure() {
  local before after requests report
  before=$(cpu_ticks "$1")
  report=$(taskset -c 1 wrk -t1 -c64 -d"${seconds}s" -H 'Authorization: Basic Ong=' \
    -H 'Accept: application/json' -H 'User-Agent: bench/1' "http://127.0.0.1:$2/fabrikam/x?y=z")
  after=$(cpu_ticks "$1")
  if grep -q 'Non-2xx' <<< "$report"; then
    echo "$report" >&2
    exit 1
  fi
  requests=$(awk '/requests in/ {print $1}' <<< "$report")
  awk -v t=$((after - before)) -v n="$requests" -v hz="$(getconf CLK_TCK)" \
    'BEGIN {printf "%.3f %.0f", t / hz * 1e6 / n, n}'
}

measure $ours_pid $port > /dev/null  # warm
for ((round = 0; round < rounds; ++round)); do
  read -r ours our_requests <<< "$(measure $ours_pid $port)"
  read -r theirs their_requests <<< "$(measure "$worker" $((port + 1)))"
  ratio=$(awk -v a="$ours" -v b="$theirs" 'BEGIN {printf "%.3f", a / b}')
  echo "$ratio" >> "$work/ratios"
  echo "round $round: ours $ours us ($our_requests requests), nginx $theirs us" \
    "($their_requests requests), ratio $ratio"
done
echo "median ratio $(sort -n "$work/ratios" | sed -n "$((rounds / 2 + 1))p") (goal P7: 1.0)"

if ((megabytes > 0)); then
  /usr/bin/python3 "$here/proxy_stream.py" "$program" $((port + 3)) "$megabytes"
fi
