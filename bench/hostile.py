#!/usr/bin/env python3
"""What hostile traffic does to good clients: latency, memory, processor. `./dev hostile` runs it.

usage: bench/hostile.py LATCHKEY HOSTILE_LOAD [SECONDS]

Starts the server, has a good client ask 200 times a second, and sends each kind of hostile traffic
beside it, each after a measurement without. Prints a table for docs/hostile.md.
"""

import json
import os
import random
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "e2e"))
os.environ["LATCHKEY_BINARY"] = os.path.abspath(sys.argv[1])

import forged_tokens  # noqa: E402  pylint: disable=wrong-import-position
import harness        # noqa: E402  pylint: disable=wrong-import-position

LOAD = os.path.abspath(sys.argv[2])
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 10
GOOD_RATE = 200
TICKS = os.sysconf("SC_CLK_TCK")


def request(path, *headers, body=b"", method="GET"):
    lines = [f"{method} {path} HTTP/1.1", "Host: h", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Bench:
    def __init__(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.server = harness.Server()
        self.server.start().set_up()
        self.port = self.server.url.rsplit(":", 1)[1]
        self.token = self.server.make_token("vso.project")

    def good_requests(self):
        for path in ("/fabrikam/_apis/projects?api-version=7.1", "/fabrikam/_apis/tokens/self",
                     "/fabrikam/_apis/connectionData"):
            yield request(path, "Authorization: " + harness.basic(self.token))

    def wrong_tokens(self):
        rng = random.Random(1)
        for number in range(5000):
            text = forged_tokens.forge(rng, self.token)
            if number % 2:
                text = text[:-1] + ("A" if text[-1] != "A" else "B")
            yield request("/fabrikam/_apis/projects?api-version=7.1",
                          "Authorization: " + harness.basic(text))

    def largest_file(self):
        page = self.server.request("GET", "/_latchkey/signin").text
        files = re.findall(r'(?:src|href)="(/_latchkey/static/[^"]+)"', page)
        return max(files, key=lambda path: len(self.server.request("GET", path).body))

    def kinds(self):
        """Name, mode, count, requests."""
        bomb = ["X: " + "y" * 1000] * 64
        half_body = request("/fabrikam/_apis/projects", "Content-Length: 1000000",
                            body=b"a" * 6000, method="POST")
        smuggled = [request("/", *headers, body=b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n", method="POST")
                    for headers in (["Content-Length: 5", "Transfer-Encoding: chunked"],
                                    ["Transfer-Encoding: chunked", "Content-Length: 5"],
                                    ["Content-Length: 5", "Content-Length: 6"],
                                    ["Transfer-Encoding: xchunked"], ["X: y", " z"])]
        return [
            ("10^6 wrong tokens a minute", "flood", 16_700, list(self.wrong_tokens())),
            ("10,000 kept connections, 5,000 requests a second", "active", 10_000,
             list(self.good_requests())[1:2]),
            ("connections made and closed as fast as they are taken", "churn", 256,
             [request("/nowhere")]),
            ("10,000 idle connections", "hold", 10_000, [request("/nowhere")]),
            ("2,000 slow heads", "drip", 2_000, [b"GET / HTTP/1.1\r\nHost: h\r\nX: "]),
            ("2,000 slow bodies", "drip", 2_000, [half_body]),
            ("500 readers that do not read", "refuse", 500, [request(self.largest_file()) * 20]),
            ("500 header bombs a second", "hold", 500, [request("/", *bomb)]),
            ("500 smuggling forms a second", "hold", 500, smuggled),
        ]

    def file_of(self, name, requests):
        path = os.path.join(self.server.folder, name)
        with open(path, "wb") as file:
            for one in requests:
                file.write(b"%d\n" % len(one) + one)
        return path

    def start_load(self, mode, seconds, count, path):
        # The good client measures, so it goes first where there are few processors.
        nice = [] if mode == "good" else ["nice", "-n", "5"]
        return subprocess.Popen([*nice, LOAD, mode, self.port, str(seconds), str(count), path],
                                stdout=subprocess.PIPE, text=True)

    def resident_mib(self):
        status = Path(f"/proc/{self.server.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def cpu_seconds(self):
        stat = Path(f"/proc/{self.server.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def good(self, path):
        """What the good client saw, with the server's processor time a second."""
        began, before = time.monotonic(), self.cpu_seconds()
        load = self.start_load("good", SECONDS, GOOD_RATE, path)
        seen = json.loads(load.communicate()[0])
        seen["cpu"] = (self.cpu_seconds() - before) / (time.monotonic() - began)
        if set(seen["statuses"]) - {"200"} or seen["failures"]:
            print(f"good client: {seen}", file=sys.stderr)
        return seen

    def measure(self, kind, good_path):
        name, mode, count, requests = kind
        rest = self.good(good_path)
        before = self.resident_mib()
        load = self.start_load(mode, SECONDS + 4, count, self.file_of(mode, requests))
        most, done = [before], threading.Event()

        def watch():
            while not done.wait(0.1):
                most[0] = max(most[0], self.resident_mib())

        watcher = threading.Thread(target=watch)
        watcher.start()
        time.sleep(2)  # until it is in full swing
        under = self.good(good_path)
        hostile = json.loads(load.communicate()[0])
        done.set()
        watcher.join()
        time.sleep(3)
        print(f"| {name} | {rest['p50_us']} | {under['p50_us']} | {rest['p99_us']} "
              f"| {under['p99_us']} | {under['p99_us'] / max(rest['p99_us'], 1):.1f} "
              f"| {under['cpu']:.2f} | {before:.0f} | {most[0]:.0f} | {self.resident_mib():.0f} |",
              flush=True)
        print(f"{name}: {hostile}; good client {under['statuses']}, late {under['late']}",
              file=sys.stderr, flush=True)

    def run(self):
        good_path = self.file_of("good", self.good_requests())
        self.good(good_path)  # warm
        print("| hostile traffic | p50 without, us | with | p99 without, us | with | ratio of p99 "
              "| CPU, cores | RSS before, MiB | most | after |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for kind in self.kinds():
            self.measure(kind, good_path)
        verified = self.server.run("audit", "verify", "--data", self.server.data)
        print(verified.stdout.strip(), file=sys.stderr)
        self.server.close()


if __name__ == "__main__":
    Bench().run()
