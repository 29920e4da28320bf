#!/bin/bash
# What TLS costs a kept request, beside what it costs nginx: CPU per request, both ways.
#
# Four servers of one thread on core 0 (ours and nginx `return 200` with the same text, plain and
# TLS 1.3 with one ECDSA certificate), the loader (wrk, 64 connections) on core 1, in turns. CPU is
# the user and system time of the server's process. Prints each round and the median ratios. Needs
# nginx, wrk and openssl.
# usage: [PORT=18490] bench/http_tls.sh HTTP_HELLO_PROGRAM [ROUNDS] [SECONDS]
set -euo pipefail

program=$1
rounds=${2:-5}
seconds=${3:-5}
port=${PORT:-18490}
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 \
  -subj /CN=localhost -keyout "$work/key.pem" -out "$work/chain.pem" 2> /dev/null
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
  ssl_certificate $work/chain.pem;
  ssl_certificate_key $work/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  default_type application/json;
  server { listen 127.0.0.1:$((port + 2)); location / { return 200 '{"status":"ok"}'; } }
  server { listen 127.0.0.1:$((port + 3)) ssl; location / { return 200 '{"status":"ok"}'; } }
}
CONF
taskset -c 0 "$program" $port 1 & pids+=($!)
ours=$!
taskset -c 0 "$program" $((port + 1)) 1 "$work/chain.pem" "$work/key.pem" & pids+=($!)
ours_tls=$!
taskset -c 0 nginx -p "$work" -c "$work/nginx.conf" 2> /dev/null & pids+=($!)
until worker=$(pgrep -P $!); do sleep 0.1; done
sleep 1

cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# measure PID URL: microseconds of CPU per request.
measure() {
  local before after requests report
  before=$(cpu_ticks "$1")
  report=$(taskset -c 1 wrk -t1 -c64 -d"${seconds}s" "$2")
  after=$(cpu_ticks "$1")
  requests=$(awk '/requests in/ {print $1}' <<< "$report")
  awk -v t=$((after - before)) -v n="$requests" -v hz="$(getconf CLK_TCK)" \
    'BEGIN {printf "%.3f", t / hz * 1e6 / n}'
}
median() { sort -n "$1" | sed -n "$((rounds / 2 + 1))p"; }

for ((round = 0; round < rounds; ++round)); do
  plain=$(measure $ours http://127.0.0.1:$port/)
  tls=$(measure $ours_tls https://127.0.0.1:$((port + 1))/)
  nginx_plain=$(measure "$worker" http://127.0.0.1:$((port + 2))/)
  nginx_tls=$(measure "$worker" https://127.0.0.1:$((port + 3))/)
  awk -v a="$tls" -v b="$plain" 'BEGIN {printf "%.3f\n", a / b}' >> "$work/ours"
  awk -v a="$nginx_tls" -v b="$nginx_plain" 'BEGIN {printf "%.3f\n", a / b}' >> "$work/nginx"
  awk -v a="$tls" -v b="$nginx_tls" 'BEGIN {printf "%.3f\n", a / b}' >> "$work/both"
  awk -v a="$plain" -v b="$nginx_plain" 'BEGIN {printf "%.3f\n", a / b}' >> "$work/both_plain"
  echo "round $round: plain $plain us, TLS $tls us; nginx: plain $nginx_plain us, TLS $nginx_tls us"
done
echo "median TLS to plain: ours $(median "$work/ours"), nginx $(median "$work/nginx")"
echo "median ours to nginx: TLS $(median "$work/both"), plain $(median "$work/both_plain")"
