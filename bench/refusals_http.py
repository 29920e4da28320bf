#!/usr/bin/env python3
"""Check 6 of docs/security.md over HTTP: what the time of an answer tells an unknown token from a
known one that is refused. Requests of all kinds come in random order over one kept connection.

usage: LATCHKEY_BINARY=build/release/latchkey bench/refusals_http.py [REQUESTS]
"""

import http.client
import math
import random
import statistics
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "e2e"))
import harness  # noqa: E402

PATH = "/fabrikam/_apis/tokens/self"


def make_kinds(server, other):
    """A token's text for each kind of refusal."""
    server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
    revoked = server.create_token(name="revoked")
    server.revoke_token(revoked["authorizationId"])
    expired = server.create_token(name="expired", validTo=harness.date_time(1))
    elsewhere = server.create_token(name="elsewhere", organization="contoso")
    member = server.add_person("gone@example.com")
    orphan = server.create_token(name="orphan", person=member)
    server.must(204, "DELETE", "/_latchkey/organizations/fabrikam/members/" + member.id)
    unknown = other.create_token()["token"]
    time.sleep(1.5)
    return {"unknown": unknown, "malformed": unknown[:-1] + "!", "revoked": revoked["token"],
            "expired": expired["token"], "of another organization": elsewhere["token"],
            "of a former member": orphan["token"]}


def measure(server, kinds, requests):
    """Microseconds from request to answer, by kind."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
    times = {kind: [] for kind in kinds}
    source = random.Random(6)
    heads = {kind: {"Authorization": harness.basic(text)} for kind, text in kinds.items()}
    for _ in range(requests):
        kind = source.choice(list(kinds))
        begin = time.perf_counter_ns()
        connection.request("GET", PATH, headers=heads[kind])
        answer = connection.getresponse()
        answer.read()
        times[kind].append((time.perf_counter_ns() - begin) / 1000)
        assert answer.status == 401, (kind, answer.status)
    return times


def trimmed(values):
    """Without the slowest tenth, which other programs caused."""
    return sorted(values)[:len(values) * 9 // 10]


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 60_000
    server, other = harness.Server(), harness.Server()
    try:
        server.start().set_up()
        other.start().set_up()
        times = measure(server, make_kinds(server, other), requests)
    finally:
        server.close()
        other.close()
    base = trimmed(times["unknown"])
    for kind, values in times.items():
        kept = trimmed(values)
        mean, deviation = statistics.mean(kept), statistics.stdev(kept)
        error = math.sqrt(deviation ** 2 / len(kept) + statistics.variance(base) / len(base))
        difference = mean - statistics.mean(base)
        print(f"{kind:24} {mean:8.2f} us, deviation {deviation:6.2f}, {len(kept)} requests; "
              f"{difference:+.2f} us to unknown, |t| {abs(difference) / error:.1f}")


if __name__ == "__main__":
    main()
