#!/usr/bin/env python3
"""P7: CPU per small request of our proxy, beside nginx proxy_pass to the same upstream; and memory
while 1 GiB streams through it both ways.

Both proxies run one thread on core 0, the loader (64 connections) and the upstream (nginx, `return
200`) on core 1, in turns and with the same requests. nginx keeps 64 connections to its upstream and
sets the same headers.
usage: bench/proxy_http.py [--quick]
"""

import json
import subprocess
import sys
from pathlib import Path

import support

PROXY = """
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Authorization "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Forwarded "for=$remote_addr;proto=$scheme;host=$http_host";
      proxy_set_header X-Latchkey-Owner ada@example.com;
      proxy_set_header X-Latchkey-Scopes vso.code;
      proxy_set_header X-Latchkey-Organization fabrikam;
      proxy_set_header X-Latchkey-Token-Id 00000000-0000-4000-8000-000000000000;
    }}
  }}
"""


def stream(megabytes):
    done = subprocess.run([sys.executable, Path(__file__).parent / "proxy_stream.py",
                           support.BUILD / "bench/proxy_http", str(support.free_port()),
                           str(megabytes)], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        seen = json.loads(line)
        support.emit(f"proxy memory while {megabytes} MiB stream {seen['way']}",
                     seen["highest_kib"], "KiB resident at most",
                     note=f"{seen['before_kib']} KiB before; {seen['seconds']:.1f} s")


def main():
    rounds, seconds = (3, 2) if support.QUICK else (7, 4)
    with support.Rig() as rig:
        upstream, port, ours_port = (support.free_port() for _ in range(3))
        rig.nginx(f"server {{ listen 127.0.0.1:{upstream}; location / {{ return 200 'hello'; }} }}",
                  upstream, core=support.LOADER_CORE)
        worker = rig.nginx(PROXY.format(port=port, upstream=upstream), port)
        process = rig.start([support.BUILD / "bench/proxy_http", ours_port,
                             f"http://127.0.0.1:{upstream}"], ready="ready")
        requests = rig.requests([support.get("/fabrikam/x?y=z", "Authorization: Basic Ong=")])
        ours = support.Target(ours_port, [process.pid], requests)
        nginx = support.Target(port, [worker], requests)
        seen = support.compare("P7 proxy", ours, "nginx proxy_pass", nginx, rounds, seconds,
                               goal=1.0)
        support.latencies("our proxy", ours, seen[-1][0]["per_second"], seconds)
        support.latencies("nginx proxy_pass", nginx, seen[-1][1]["per_second"], seconds)
    stream(64 if support.QUICK else 1024)


if __name__ == "__main__":
    main()
