#!/usr/bin/env python3
"""Three nodes and a gate on one PostgreSQL, with faults: nothing revoked is let through beyond the
bound, nothing acknowledged is lost (docs/spec/verification.md, "Many nodes").

LATCHKEY_NODES_SECONDS is how long it runs, LATCHKEY_SEED repeats the order of faults and changes.
"""
import os
import random
import signal
import time
import unittest
import urllib.parse

import nodes_world
import postgres
from test_feed import Cut

SECONDS = float(os.environ.get("LATCHKEY_NODES_SECONDS", "14"))


class Nodes(nodes_world.World):
    def setUp(self):
        self.random = random.Random(nodes_world.SEED)
        self.cluster = postgres.Cluster()
        self.addCleanup(self.cluster.close)
        url = self.cluster.create_database("nodes")
        self.cut = Cut("http://127.0.0.1:%d" % self.cluster.port)
        self.addCleanup(self.cut.close)
        cut_port = urllib.parse.urlsplit(self.cut.url).port
        # The gate is behind the node that is going to be cut off.
        self.start_nodes([url, url, url.replace(f":{self.cluster.port}/", f":{cut_port}/")])

    def node_cut_off(self):
        self.cut.is_cut.set()
        time.sleep(self.random.uniform(1.5, 2.5))
        self.cut.is_cut.clear()

    def database_restarted(self):
        self.cluster.restart()

    def database_killed(self):
        self.cluster.kill()
        time.sleep(self.random.uniform(0, 1.5))
        self.cluster.start()

    def node_stopped(self):
        """For longer than the bound: it wakes with an old index."""
        node = self.random.choice(self.nodes)
        node.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(1.2, 2))
        node.process.send_signal(signal.SIGCONT)

    def gate_stopped(self):
        with self.gate_lock:
            self.gate.process.send_signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(1.2, 1.6))
            self.gate.process.send_signal(signal.SIGCONT)

    def clock_stepped(self):
        self.nodes[1].set(clock_offset_ms=self.random.choice([-600_000, -3000, 3000, 600_000, 0]))

    def node_killed(self):
        node = self.nodes[self.random.randrange(2)]
        port = urllib.parse.urlsplit(node.url).port
        node.kill()
        command = node.start_command()
        command[command.index("--port") + 1] = str(port)
        node.start_command = lambda: command
        node.start()

    def test_nothing_is_let_through_beyond_the_bound_and_nothing_is_lost(self):
        self.run_under_load(self.make_faults)
        checks = sum(n for name, n in self.answers.items() if name.startswith("check"))
        self.assertGreater(checks, 30 * SECONDS)

    def make_faults(self):
        faults = [self.node_cut_off, self.database_restarted, self.node_stopped,
                  self.database_killed, self.clock_stepped, self.gate_stopped, self.node_killed]
        until = time.monotonic() + SECONDS
        time.sleep(1)
        while True:
            self.random.shuffle(faults)
            for fault in faults:  # each at least once
                print(f"{SECONDS - (until - time.monotonic()):.1f} s: {fault.__name__}", flush=True)
                fault()
                time.sleep(self.random.uniform(0.3, 1.5))
            if time.monotonic() > until:
                return


if __name__ == "__main__":
    unittest.main(verbosity=2)
