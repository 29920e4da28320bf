#!/usr/bin/env python3
"""P1: CPU per request of a forward-auth check among ten million tokens, beside nginx `return 200`.

Both servers run one thread on core 0, the loader (64 connections) on core 1, in turns and with the
same requests: 20,000 different tokens. Also the curve over the number of tokens stored, and the
latencies at rest and under load.
usage: bench/check_http.py [--quick] [--tokens N]
"""

import base64
import sys

import support

SAMPLED = 20_000
GOAL_TOKENS = 10_000_000


def requests_of(sample_file):
    """A request for each token that the server wrote down."""
    requests = []
    with open(sample_file, encoding="ascii") as lines:
        for line, _ in zip(lines, range(SAMPLED)):
            organization, token = line.split()
            credential = base64.b64encode(f":{token}".encode()).decode()
            requests.append(support.get(f"/{organization}/_apis/projects/one",
                                        f"Authorization: Basic {credential}"))
    return requests


def start(rig, tokens):
    """The server among so many tokens, ready to be loaded."""
    port = support.free_port()
    sample_file = rig.folder / f"tokens-{tokens}"
    support.say(f"  loading {tokens:,} tokens")
    process = rig.start([support.BUILD / "bench/check_http", port, tokens, sample_file],
                        ready="ready")
    return process, support.Target(port, [process.pid], rig.requests(requests_of(sample_file)))


def point(tokens, ours, nginx, seconds):
    """One point of the curves: throughput, CPU and latency at one rate among so many tokens."""
    support.load(ours, 1)
    full, reference = support.load(ours, seconds), support.load(nginx, seconds)
    support.emit("forward-auth checks a second, by tokens stored", full["per_second"], "1/s",
                 series="forward-auth checks a second", x=tokens,
                 bottleneck=support.bottleneck(full))
    support.emit("forward-auth CPU, by tokens stored", support.cpu_of(full), "us CPU/request",
                 reference="nginx return 200", reference_value=support.cpu_of(reference),
                 ratio=support.cpu_of(full) / support.cpu_of(reference),
                 series="forward-auth CPU", x=tokens)
    calm = support.load(ours, seconds, rate=20_000)
    support.emit("forward-auth latency at 20,000/s, by tokens stored", calm["latency_us"]["p50"],
                 "us", **support.percentiles(calm), series="forward-auth latency", x=tokens)


def main():
    tokens = GOAL_TOKENS if not support.QUICK else 1_000_000
    if "--tokens" in sys.argv:
        tokens = int(sys.argv[sys.argv.index("--tokens") + 1])
    rounds, seconds = (3, 2) if support.QUICK else (7, 4)
    with support.Rig() as rig:
        port = support.free_port()
        worker = rig.nginx(support.RETURN_200 % port, port)
        size = 1_000
        while size <= tokens:
            process, ours = start(rig, size)
            nginx = support.Target(port, [worker], ours.requests)
            point(size, ours, nginx, min(seconds, 3))
            if size < tokens:
                process.terminate()
                process.wait()
            size *= 10
        name = "P1 forward-auth check" if tokens == GOAL_TOKENS else "forward-auth check"
        seen = support.compare(name, ours, "nginx return 200", nginx, rounds, seconds, goal=0.85,
                               tokens=tokens)
        support.latencies("a forward-auth check", ours, seen[-1][0]["per_second"], seconds)
        support.latencies("nginx return 200", nginx, seen[-1][1]["per_second"], seconds)


if __name__ == "__main__":
    main()
