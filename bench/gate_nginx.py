#!/usr/bin/env python3
"""Forward-auth through nginx beside nginx alone: CPU per request of nginx and of the gate.

One nginx proxies to an upstream that answers 200, with and without the ready files of deploy/nginx
in the way; the gate is `latchkey serve` with one thread. All run on core 0, the loader (32
connections) on core 1, in turns.
usage: bench/gate_nginx.py [--quick]
"""

import statistics

import support

GATE = """
[gate]
enabled = true
listen_port = 0
[[gate.api]]
name = "bench"
organization = "fabrikam"
[[gate.api.rules]]
methods = ["GET"]
path = "/guarded/{id}"
scopes = ["vso.code"]
"""

NGINX = """
  include {folder}/latchkey-http.conf;
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{upstream}; location / {{ return 200 "ok"; }} }}
  server {{
    listen 127.0.0.1:{port};
    include {folder}/latchkey-server.conf;
    location /plain/ {{
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://api;
    }}
    location /guarded/ {{ include {folder}/latchkey-location.conf; proxy_pass http://api; }}
  }}
"""


def main():
    rounds, seconds = (3, 2) if support.QUICK else (5, 4)
    with support.Rig() as rig:
        server = rig.latchkey("--config", rig.file("latchkey.toml", GATE))
        gate_port = server.gate_url.rsplit(":", 1)[1]
        for name in ("http", "server", "location"):
            text = (support.ROOT / f"deploy/nginx/latchkey-{name}.conf").read_text()
            rig.file(f"latchkey-{name}.conf", text.replace("127.0.0.1:8090",
                                                           f"127.0.0.1:{gate_port}"))
        port, upstream = support.free_port(), support.free_port()
        worker = rig.nginx(NGINX.format(folder=rig.folder, port=port, upstream=upstream), port)
        bearer = f"Authorization: Bearer {server.make_token('vso.code')}"
        plain = support.Target(port, [worker],
                               rig.requests([support.get("/plain/7", bearer)]))
        guarded = support.Target(port, [worker, server.process.pid],
                                 rig.requests([support.get("/guarded/7", bearer)]))
        seen = support.compare("forward-auth through nginx, nginx and gate", guarded, "nginx alone",
                               plain, rounds, seconds, connections=32)
        gate = [one["cpu"][str(server.process.pid)]["us_per_request"] for one, _ in seen]
        support.emit("the gate's part of it", statistics.median(gate), "us CPU/request")


if __name__ == "__main__":
    main()
