#!/usr/bin/env python3
"""What checks notice when more ordinary work comes than can be served. `./dev hostile` runs it.

usage: bench/overload.py LATCHKEY HOSTILE_LOAD [SECONDS]

A good client has 200 requests a second checked by forward-auth. Beside it 4,000 connections ask for
lists of projects, each again as soon as it has its answer; with shedding and without. Prints the
rows of a table of docs/hostile.md.
"""

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "e2e"))
os.environ["LATCHKEY_BINARY"] = os.path.abspath(sys.argv[1])

import harness  # noqa: E402  pylint: disable=wrong-import-position

LOAD = os.path.abspath(sys.argv[2])
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 8
GATE = """
[[gate.api]]
name = "things"
organization = "fabrikam"
upstream = ["http://127.0.0.1:9"]
[[gate.api.rules]]
methods = ["GET"]
path = "/things/{id}"
scopes = ["vso.project"]
"""


class Overload:
    def __init__(self, waited_max_ms):
        self.server = harness.Server("--limits-waited-max-ms", str(waited_max_ms))
        os.makedirs(self.server.data, mode=0o700)
        Path(self.server.data, "latchkey.toml").write_text(GATE, encoding="utf-8")
        self.server.start().set_up()
        self.port = self.server.url.rsplit(":", 1)[1]
        self.token = self.server.make_token("vso.project")

    def start(self, mode, count, *lines):
        path = os.path.join(self.server.folder, mode)
        head = "\r\n".join([*lines, "Authorization: " + harness.basic(self.token)]).encode()
        with open(path, "wb") as file:
            file.write(b"%d\n" % (len(head) + 4) + head + b"\r\n\r\n")
        seconds = SECONDS if mode == "good" else SECONDS + 4
        nice = [] if mode == "good" else ["nice", "-n", "5"]
        return subprocess.Popen([*nice, LOAD, mode, self.port, str(seconds), str(count), path],
                                stdout=subprocess.PIPE, text=True)

    def good(self):
        return json.loads(self.start(
            "good", 200, "GET /_latchkey/forward-auth HTTP/1.1", "Host: h",
            "X-Original-Method: GET", "X-Original-URI: /things/1",
            "X-Original-Host: api.example.com").communicate()[0])

    def shed(self):
        text = self.server.operations("/metrics").text
        return re.findall(r'latchkey_http_shed_total\{work="(\w+)"\} (\d+)', text)

    def run(self, name):
        self.good()
        rest = self.good()
        load = self.start("again", 4_000, "GET /fabrikam/_apis/projects?api-version=7.1 HTTP/1.1",
                          "Host: h")
        time.sleep(2)
        under = self.good()
        seen = json.loads(load.communicate()[0])
        print(f"| {name} | {rest['p50_us']} | {under['p50_us']} | {rest['p99_us']} "
              f"| {under['p99_us']} | {under['statuses']} | {seen['statuses']} |", flush=True)
        print(f"{name}: {self.shed()}, late {under['late']}", file=sys.stderr, flush=True)
        self.server.close()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("| ordinary work beyond what can be served | p50 of checks without, us | with "
          "| p99 without, us | with | checks | ordinary |")
    print("|---|---|---|---|---|---|---|")
    Overload(0).run("not shed")
    Overload(100).run("shed (the default)")
