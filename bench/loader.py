#!/usr/bin/env python3
"""Is our loader right? The same server under it and under wrk, in turns.

Two servers: nginx `return 200`, which is about as fast as wrk, and the same behind a second nginx,
which is slower than both. On the second, requests a second, CPU a request and the median latency
should agree within 5 %; what does not is told as a warning.
usage: bench/loader.py [--quick]
"""

import os
import re
import statistics
import subprocess

import support

AGREEMENT = 0.05


def wrk(url, seconds, pids):
    """The same numbers as ours() gives, by wrk."""
    before = [cpu_seconds(pid) for pid in pids]
    process = subprocess.Popen(
        ["taskset", "-c", str(support.LOADER_CORE), "wrk", "-t1", f"-c{support.CONNECTIONS}",
         f"-d{seconds}s", "--latency", "-H", "User-Agent: bench/1", "-H", "Accept: */*", url],
        stdout=subprocess.PIPE, text=True)
    text = process.communicate()[0]
    used = sum(cpu_seconds(pid) - was for pid, was in zip(pids, before))
    requests, duration = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
    return {"per_second": int(requests) / float(duration), "cpu": used * 1e6 / int(requests),
            "p50": microseconds(re.search(r"^ +50% +(\S+)", text, re.M).group(1)),
            "p99": microseconds(re.search(r"^ +99% +(\S+)", text, re.M).group(1))}


def microseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ours(target, seconds):
    seen = support.load(target, seconds)
    return {"per_second": seen["per_second"], "cpu": support.cpu_of(seen),
            "p50": seen["latency_us"]["p50"], "p99": seen["latency_us"]["p99"],
            "bottleneck": support.bottleneck(seen)}


def compare(name, target, rounds, seconds):
    url = f"http://127.0.0.1:{target.port}/"
    pairs = [(ours(target, seconds), wrk(url, seconds, target.pids)) for _ in range(rounds)]
    units = {"per_second": "requests/s", "cpu": "us CPU/request", "p50": "us", "p99": "us"}
    for field, unit in units.items():
        ratios = [a[field] / b[field] for a, b in pairs]
        ratio = statistics.median(ratios)
        title = {"per_second": "requests a second", "cpu": "CPU a request",
                 "p50": "median latency", "p99": "99th percentile"}[field]
        note = None
        if abs(ratio - 1) > AGREEMENT:
            note = (f"apart by more than {AGREEMENT:.0%}; at its limit: "
                    + pairs[-1][0]["bottleneck"])
            support.say(f"  warning: {name}, {title}: load says {ratio:.3f} of what wrk says")
        support.emit(f"load against wrk, {name}: {title}",
                     statistics.median(a[field] for a, _ in pairs), unit, reference="wrk",
                     reference_value=statistics.median(b[field] for _, b in pairs),
                     **support.ratio_fields(ratios), note=note)


def main():
    rounds, seconds = (3, 2) if support.QUICK else (5, 4)
    with support.Rig() as rig:
        port, proxy_port = support.free_port(), support.free_port()
        plain = rig.nginx(support.RETURN_200 % port, port)
        proxy = rig.nginx(f"""
  upstream plain {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{proxy_port}; location / {{
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://plain; }} }}""",
                          proxy_port)
        requests = rig.requests([support.get("/")])
        compare("nginx return 200", support.Target(port, [plain], requests), rounds, seconds)
        compare("nginx proxy_pass", support.Target(proxy_port, [proxy, plain], requests), rounds,
                seconds)


if __name__ == "__main__":
    main()
