"""oidc-provider (npm): the OpenID Connect server of Node.js, with introspection of opaque tokens.

Its tokens are in its own memory, which holds a thousand; a database would only be slower.
"""

import http.client
import json
import os
import urllib.parse

import support

CLIENT, SECRET = "bench", "a-secret-of-the-bench"
TOKENS = 200


def call(port, path, body, authorization):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", path, urllib.parse.urlencode(body),
                       {"Content-Type": "application/x-www-form-urlencoded",
                        "Authorization": authorization})
    answer = connection.getresponse()
    received = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"oidc-provider: {path}: {answer.status} {received[:500]!r}")
    return json.loads(received)


def start(rig):
    """The server with TOKENS tokens, ready to be asked about them."""
    port = support.free_port()
    process = rig.start(["node", support.ROOT / "bench/peers/oidc_provider.mjs", port],
                        ready="ready", env={**os.environ, "NODE_ENV": "production"})
    basic = support.basic(CLIENT, SECRET)
    requests = []
    for _ in range(TOKENS):
        token = call(port, "/token", {"grant_type": "client_credentials", "scope": "read"},
                     basic)["access_token"]
        requests.append(support.introspection("/token/introspection", token, basic))
    seen = call(port, "/token/introspection", {"token": token}, basic)
    if seen.get("active") is not True:
        raise RuntimeError(f"oidc-provider calls its own token {seen}")
    return support.Target(port, [process.pid], rig.requests(requests))
