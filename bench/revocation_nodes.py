#!/usr/bin/env python3
"""P6: from "revoked" until each of three nodes on one PostgreSQL refuses, beside NOTIFY itself.

A PostgreSQL server, three nodes of `latchkey serve` with the same keys, and tokens made over the
API; what measures is revocation.cc.
usage: bench/revocation_nodes.py [--quick]
"""

import os
import shutil
import subprocess
import sys
import urllib.parse

import support

sys.path[:0] = [str(support.ROOT / "tests/support"), str(support.ROOT / "tests/e2e")]
os.environ["LATCHKEY_BINARY"] = str(support.LATCHKEY)
import harness   # noqa: E402  pylint: disable=wrong-import-position
import postgres  # noqa: E402  pylint: disable=wrong-import-position

NODES = 3
TOKENS = 120 if support.QUICK else 1_020


def start_nodes(url):
    """Servers on one store; the first is set up, and the others have its keys."""
    nodes = []
    for number in range(NODES):
        node = harness.Server("--store", url, "--log-access", "false")
        node.environment["LATCHKEY_STORE_URL"] = url  # for its command line
        if number > 0:
            os.makedirs(node.data, 0o700)
            shutil.copytree(os.path.join(nodes[0].data, "keys"), os.path.join(node.data, "keys"))
        nodes.append(node)
        node.start()
        if number == 0:
            node.set_up()
    return nodes


def requests(node):
    """For each token: the request that revokes it, and one that checks it."""
    made = []
    for number in range(TOKENS):
        token = node.create_token(name=f"token {number}")
        revoke = f"{node.pats()}&authorizationId={token['authorizationId']}"
        made.append(support.request("DELETE", revoke, f"Authorization: Bearer {node.session}"))
        made.append(support.get(f"/{node.organization}/_apis/tokens/self",
                                f"Authorization: {harness.basic(token['token'])}"))
    return made


def main():
    cluster = postgres.Cluster(on_disk=True)
    nodes = []
    try:
        with support.Rig() as rig:
            nodes = start_nodes(cluster.create_database("nodes", host=None))
            file = rig.requests(requests(nodes[0]))
            ports = [str(urllib.parse.urlsplit(node.url).port) for node in nodes]
            subprocess.run([support.BUILD / "bench/revocation",
                            cluster.create_database("reference", host=None), file, *ports],
                           check=True)
    finally:
        for node in nodes:
            node.close()
        cluster.close()


if __name__ == "__main__":
    main()
