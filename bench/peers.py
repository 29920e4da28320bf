#!/usr/bin/env python3
"""P8: checks a second and core over HTTP, beside token services and the do-it-yourself way.

Ours three times: P1's server among a million tokens, the gate of `latchkey serve`, and its
introspection. Theirs: Glewlwyd and oidc-provider, asked by introspection, and nginx with Lua that
looks digests up among a million in Redis. Each is set up as its documentation has it (bench/peers),
and all of it stands on core 0; the loader (64 connections) is on core 1. In turns. What counts is
the CPU of all processes of a way, in checks a second of one core.
usage: bench/peers.py [--quick]
"""

import statistics
import sys
from pathlib import Path

import check_http
import support

sys.path.insert(0, str(Path(__file__).parent / "peers"))
import glewlwyd       # noqa: E402  pylint: disable=wrong-import-position
import oidc_provider  # noqa: E402  pylint: disable=wrong-import-position
import redis_lookup   # noqa: E402  pylint: disable=wrong-import-position

GATE = """
[gate]
enabled = true
listen_port = 0
[[gate.api]]
name = "bench"
organization = "fabrikam"
[[gate.api.rules]]
methods = ["GET"]
path = "/fabrikam/_apis/projects/{id}"
scopes = ["vso.project"]
"""
OWN_TOKENS = 200
SERVICES = {"Glewlwyd 2.7, introspection": glewlwyd.start,
            "oidc-provider 8.8, introspection": oidc_provider.start}
DO_IT_YOURSELF = "nginx with Lua and Redis"


def port_of(url):
    return url.rsplit(":", 1)[1]


def latchkey(rig):
    """The real server: as forward-auth, asked in the form of Envoy, and as introspection."""
    server = rig.latchkey("--config", rig.file("gate.toml", GATE))
    secret = server.cli("client", "add", "bench", "--may", "introspect", "--data",
                        server.data).strip()
    asks, checks = [], []
    for number in range(OWN_TOKENS):
        text = server.create_token(name=f"token {number}", scope="vso.project")["token"]
        checks.append(support.get("/_latchkey/forward-auth/fabrikam/_apis/projects/one",
                                  f"Authorization: {support.basic('', text)}"))
        asks.append(support.introspection("/_latchkey/introspect", text,
                                          support.basic("bench", secret)))
    pids = [server.process.pid]
    return (support.Target(port_of(server.gate_url), pids, rig.requests(checks)),
            support.Target(port_of(server.url), pids, rig.requests(asks)))


def start_peers(rig, tokens):
    peers = {name: start(rig) for name, start in SERVICES.items()}
    return {**peers, DO_IT_YOURSELF: redis_lookup.start(rig, tokens)}


def measure(targets, rounds, seconds):
    """CPU a request of each target and round."""
    seen = {name: [] for name in targets}
    for target in targets.values():
        support.load(target, seconds)  # warm; Node.js compiles meanwhile
    for number in range(rounds):
        for name, target in targets.items():
            seen[name].append(support.load(target, seconds))
        support.say(f"  round {number + 1}: " + ", ".join(
            f"{name} {support.cpu_of(all_[-1]):.1f} us" for name, all_ in seen.items()))
    return seen


def emit_ways(seen):
    for name, all_ in seen.items():
        calm = {key: statistics.median(one["latency_us"][key] for one in all_)
                for key in ("p50", "p99")}
        support.emit(f"checks, {name}", statistics.median(map(support.cpu_of, all_)),
                     "us CPU/request", **calm, percentile_unit="us",
                     per_second=statistics.median(one["per_second"] for one in all_),
                     bottleneck=support.bottleneck(all_[-1]))


def emit_ratio(name, ours, theirs_name, theirs, goal):
    """How many more checks a second and core ours makes."""
    own, other = [1e6 / support.cpu_of(one) for one in ours], \
        [1e6 / support.cpu_of(one) for one in theirs]
    support.emit(name, statistics.median(own), "checks/s and core", reference=theirs_name,
                 reference_value=statistics.median(other),
                 **support.ratio_fields([a / b for a, b in zip(own, other)]), goal=goal,
                 goal_is="at least" if goal else None)


def main():
    tokens = 100_000 if support.QUICK else 1_000_000
    rounds, seconds = (3, 2) if support.QUICK else (5, 3)
    with support.Rig() as rig:
        gate, introspection = latchkey(rig)
        check = check_http.start(rig, tokens)[1]
        own = {"P1's server": check, "the gate of latchkey serve": gate,
               "latchkey serve, introspection": introspection}
        seen = measure({**own, **start_peers(rig, tokens)}, rounds, seconds)
        emit_ways(seen)
        best = min(SERVICES, key=lambda name: statistics.median(map(support.cpu_of, seen[name])))
        for way in ("P1's server", "the gate of latchkey serve"):
            emit_ratio(f"P8 checks by {way}, to the best service", seen[way], best, seen[best], 20)
            emit_ratio(f"P8 checks by {way}, to the do-it-yourself way", seen[way], DO_IT_YOURSELF,
                       seen[DO_IT_YOURSELF], 4.5)
        way = "latchkey serve, introspection"
        emit_ratio("introspection beside introspection", seen[way], best, seen[best], None)


if __name__ == "__main__":
    main()
