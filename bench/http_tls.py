#!/usr/bin/env python3
"""What TLS costs a kept request, beside what it costs nginx: CPU per request, both ways.

Four servers of one thread on core 0 (ours and nginx `return 200` with the same text, plain and TLS
1.3 with one ECDSA certificate), wrk with 64 connections on core 1, in turns. wrk, since our loader
speaks no TLS; it decrypts on the other core, so nothing is said of requests a second.
usage: bench/http_tls.py [--quick]
"""

import statistics
import subprocess

import loader
import support

NGINX = """
  ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3; default_type application/json;
  server {{ listen 127.0.0.1:{plain}; location / {{ return 200 '{{"status":"ok"}}'; }} }}
  server {{ listen 127.0.0.1:{tls} ssl; location / {{ return 200 '{{"status":"ok"}}'; }} }}
"""


def emit(name, values, reference_name, reference):
    support.emit(name, statistics.median(values), "us CPU/request", reference=reference_name,
                 reference_value=statistics.median(reference),
                 **support.ratio_fields([a / b for a, b in zip(values, reference)]))


def main():
    rounds, seconds = (3, 2) if support.QUICK else (5, 4)
    with support.Rig() as rig:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", rig.folder / "key.pem", "-out",
                        rig.folder / "chain.pem"], check=True, capture_output=True)
        plain, tls, ours_plain, ours_tls = (support.free_port() for _ in range(4))
        worker = rig.nginx(NGINX.format(folder=rig.folder, plain=plain, tls=tls), tls)
        hello = support.BUILD / "bench/http_hello"
        servers = {
            "ours": rig.start([hello, ours_plain, 1], port=ours_plain).pid,
            "ours with TLS": rig.start([hello, ours_tls, 1, rig.folder / "chain.pem",
                                        rig.folder / "key.pem"], port=ours_tls).pid,
            "nginx": worker, "nginx with TLS": worker}
        urls = {"ours": f"http://127.0.0.1:{ours_plain}/", "nginx": f"http://127.0.0.1:{plain}/",
                "ours with TLS": f"https://127.0.0.1:{ours_tls}/",
                "nginx with TLS": f"https://127.0.0.1:{tls}/"}
        seen = {name: [] for name in urls}
        for number in range(rounds):
            for name, url in urls.items():
                seen[name].append(loader.wrk(url, seconds, [servers[name]])["cpu"])
            support.say(f"  round {number + 1}: "
                        + ", ".join(f"{name} {all_[-1]:.2f} us" for name, all_ in seen.items()))
    emit("TLS 1.3, a kept request", seen["ours with TLS"], "ours without TLS", seen["ours"])
    emit("TLS 1.3 of nginx, a kept request", seen["nginx with TLS"], "nginx without TLS",
         seen["nginx"])
    emit("TLS 1.3, a kept request, to nginx", seen["ours with TLS"], "nginx with TLS",
         seen["nginx with TLS"])
    emit("a small answer, to nginx", seen["ours"], "nginx return 200", seen["nginx"])


if __name__ == "__main__":
    main()
