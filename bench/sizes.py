#!/usr/bin/env python3
"""What docs/operating/sizing.md says of a server: disk, connections, and bytes to gates.

The real server and a real gate between which a relay counts. Tokens are made and revoked over the
API: what the database grew by, and what the gate was sent, is divided by their number.
usage: bench/sizes.py [--quick]
"""

import os
import resource
import socket
import sqlite3
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import support

TOKENS = 500 if support.QUICK else 3_000
CONNECTIONS = 1_000 if support.QUICK else 10_000
IDLE_SECONDS = 5 if support.QUICK else 20
GATE = """
[[gate.api]]
name = "bench"
organization = "fabrikam"
[[gate.api.rules]]
methods = ["GET"]
path = "/things/{id}"
scopes = ["vso.project"]
"""


class Relay:
    """Passes connections on to a port and counts the bytes of both ways."""

    def __init__(self, port):
        self.port, self.bytes = port, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            try:
                other = socket.create_connection(("127.0.0.1", self.port))
            except OSError:  # the server has ended
                peer.close()
                continue
            for pair in ((peer, other), (other, peer)):
                threading.Thread(target=self.copy, args=pair, daemon=True).start()

    def copy(self, source, target):
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.bytes += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def resident_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no process {pid}")


def measure_connections(server):
    """Bytes of memory of a kept connection that has had one answer and waits."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    host = urllib.parse.urlsplit(server.url)
    before = resident_bytes(server.process.pid)
    sockets = []
    for _ in range(min(CONNECTIONS, limit - 200)):
        one = socket.create_connection((host.hostname, host.port))
        one.sendall(support.get("/nowhere"))
        one.recv(4096)
        sockets.append(one)
    grown = resident_bytes(server.process.pid) - before
    support.emit("memory of a kept connection", grown / len(sockets), "bytes",
                 note=f"{len(sockets):,} connections; the kernel's buffers are not in it")
    for one in sockets:
        one.close()


def database_bytes(server):
    """Bytes of the database that are in use, with all of the log of writes in it."""
    path = os.path.join(server.data, "latchkey.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        pages, = database.execute("PRAGMA page_count").fetchone()
        free, = database.execute("PRAGMA freelist_count").fetchone()
        size, = database.execute("PRAGMA page_size").fetchone()
    return (pages - free) * size


def wait_for_gate(gate_metrics, server):
    deadline = time.monotonic() + 30
    while gate_metrics("latchkey_index_revision") < server.metric("latchkey_index_revision"):
        if time.monotonic() > deadline:
            raise RuntimeError("the gate does not follow")
        time.sleep(0.05)


def start_gate(rig, server, relay, name="gate-1"):
    """A gate behind the relay; a function that reads its metrics."""
    secret = server.cli("client", "add", name, "--may", "feed,report", "--data", server.data)
    credential = rig.file(name, secret)
    credential.chmod(0o600)
    port = support.free_port()
    rig.start([support.LATCHKEY, "--server", f"http://127.0.0.1:{relay.own_port}", "gate",
               "--credential-file", credential, "--config", rig.file("gate.toml", GATE),
               "--gate-listen-port", "0", "--operations-port", port],
              ready="The gate serves", core=support.LOADER_CORE)

    def metric(name):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(name + " "):
                    return float(line.split()[1])
        raise RuntimeError(f"no metric {name}")

    return metric


def change(name, server, relay, gate, work):
    """What the database and the gate's connection take for each of TOKENS changes."""
    disk, sent = database_bytes(server), relay.bytes
    for number in range(TOKENS):
        work(number)
    wait_for_gate(gate, server)
    note = "row, indexes, event and its context" if name == "create" else "the event"
    support.emit(f"disk of a token {name}d", (database_bytes(server) - disk) / TOKENS, "bytes",
                 note=f"SQLite; {note}")
    support.emit(f"sent to a gate for a token {name}d", (relay.bytes - sent) / TOKENS, "bytes",
                 note="HTTP both ways, one change at a time")


def main():
    with support.Rig() as rig:
        server = rig.latchkey()
        support.emit("memory of a server without tokens",
                     resident_bytes(server.process.pid) / 2 ** 20, "MiB")
        measure_connections(server)
        relay = Relay(urllib.parse.urlsplit(server.url).port)
        gate = start_gate(rig, server, relay)
        wait_for_gate(gate, server)
        began = relay.bytes
        time.sleep(IDLE_SECONDS)
        support.emit("sent to a gate when nothing changes", (relay.bytes - began) / IDLE_SECONDS,
                     "bytes/s")
        made = []
        change("create", server, relay, gate, lambda number: made.append(
            server.create_token(name=f"pipeline {number}", scope="vso.code vso.project")))
        began = relay.bytes
        wait_for_gate(start_gate(rig, server, relay, "gate-2"), server)
        support.emit("sent to a gate at its start, a token", (relay.bytes - began) / TOKENS,
                     "bytes", note="with all that comes beside the tokens")
        rig.processes[-1].terminate()
        rig.processes[-1].wait()
        change("revoke", server, relay, gate, lambda number: server.revoke_token(
            made[number]["authorizationId"]))


if __name__ == "__main__":
    main()
