#!/bin/bash
# Forward-auth through nginx beside nginx alone: CPU per request of nginx and of the gate.
#
# One nginx proxies to an upstream that answers 200, with and without the ready files of
# deploy/nginx in the way; the gate is `latchkey serve`, with one thread. All run on core 0, the
# loader (wrk, 32 connections) on core 1, in turns. Prints each round and the medians. Needs
# nginx and wrk.
# usage: [PORT=18580] bench/gate_nginx.sh LATCHKEY_PROGRAM [ROUNDS] [SECONDS]
set -euo pipefail

program=$1
rounds=${2:-5}
seconds=${3:-6}
port=${PORT:-18580}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
chmod 755 "$work"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

cat > "$work/latchkey.toml" <<CONF
[gate]
enabled = true
listen_port = $((port + 3))
[[gate.api]]
name = "bench"
organization = "fabrikam"
[[gate.api.rules]]
methods = ["GET"]
path = "/guarded/{id}"
scopes = ["vso.code"]
CONF
export XDG_CONFIG_HOME=$work/config
taskset -c 0 "$program" serve --config "$work/latchkey.toml" --data "$work/data" \
  --port $((port + 4)) --operations-port $((port + 5)) --listen-threads 1 \
  --log-access false > "$work/out" 2>&1 &
gate=$!
pids+=($gate)
until grep -q '^Open' "$work/out"; do kill -0 $gate; sleep 0.2; done
echo "correct horse battery staple" | "$program" setup --data "$work/data" --organization fabrikam \
  --email ada@example.com --name Ada --password-stdin > /dev/null
token=$("$program" token create --name bench --scope vso.code 2> /dev/null)

for file in http server location; do
  sed "s/127.0.0.1:8090/127.0.0.1:$((port + 3))/" "$here/deploy/nginx/latchkey-$file.conf" \
    > "$work/latchkey-$file.conf"
done
cat > "$work/nginx.conf" <<CONF
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
  uwsgi_temp_path $work; scgi_temp_path $work;
  include $work/latchkey-http.conf;
  upstream api { server 127.0.0.1:$((port + 1)); keepalive 64; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:$((port + 1)); location / { return 200 "ok"; } }
  server {
    listen 127.0.0.1:$port;
    include $work/latchkey-server.conf;
    location /plain/ {
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://api;
    }
    location /guarded/ { include $work/latchkey-location.conf; proxy_pass http://api; }
  }
}
CONF
taskset -c 0 nginx -p "$work" -c "$work/nginx.conf" 2> /dev/null &
master=$!
pids+=($master)
until worker=$(pgrep -P $master); do sleep 0.1; done

cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }

# measure PATH: microseconds of CPU per request, of nginx and of the gate.
measure() {
  local nginx_before gate_before report requests
  nginx_before=$(cpu_ticks "$worker")
  gate_before=$(cpu_ticks $gate)
  report=$(taskset -c 1 wrk -t1 -c32 -d"${seconds}s" -H "Authorization: Bearer $token" \
    "http://127.0.0.1:$port$1")
  if grep -q 'Non-2xx' <<< "$report"; then echo "$report" >&2; exit 1; fi
  requests=$(awk '/requests in/ {print $1}' <<< "$report")
  awk -v a=$(($(cpu_ticks "$worker") - nginx_before)) -v b=$(($(cpu_ticks $gate) - gate_before)) \
    -v n="$requests" -v hz="$(getconf CLK_TCK)" \
    'BEGIN {printf "%.3f %.3f", a / hz * 1e6 / n, b / hz * 1e6 / n}'
}

measure /guarded/7 > /dev/null  # warm
for ((round = 0; round < rounds; ++round)); do
  read -r plain _ <<< "$(measure /plain/7)"
  read -r nginx guard <<< "$(measure /guarded/7)"
  ratio=$(awk -v a="$nginx" -v b="$guard" -v c="$plain" 'BEGIN {printf "%.3f", (a + b) / c}')
  echo "nginx alone $plain us; guarded: nginx $nginx us, gate $guard us; ratio $ratio"
  echo "$ratio" >> "$work/ratios"
done
echo "median ratio of CPU a request: $(sort -n "$work/ratios" | sed -n "$(((rounds + 1) / 2))p")"
