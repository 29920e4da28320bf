#!/usr/bin/env python3
"""Failovers that Patroni makes, with etcd, under three nodes and a gate: changes are refused and
never lost, checks are answered 503 and never wrongly, and then all goes on by itself.

Two nodes have both members in their URL, the third comes through HAProxy. LATCHKEY_FAILOVER=all
runs the other ways for a primary to end too. How long each took is printed.
"""
import os
import signal
import time
import unittest

import nodes_world
import patroni

ALL = unittest.skipUnless(os.environ.get("LATCHKEY_FAILOVER") == "all", "./dev failover runs it")


@unittest.skipUnless(patroni.FOLDER, "LATCHKEY_PATRONI names the unpacked packages")
class Patroni(nodes_world.World):
    def setUp(self):
        self.cluster = patroni.Cluster()
        self.addCleanup(self.cluster.close)
        self.primary = self.cluster.primary()
        self.primary.create_database("nodes")
        url = self.cluster.url("nodes")
        self.start_nodes([url, url, self.cluster.url("nodes", self.cluster.start_haproxy())])

    def fail_over(self, end, seconds=40):
        """Ends the primary by `end` under load; back when another one is and all goes on."""
        time.sleep(3)
        began = time.monotonic()
        end()
        self.cluster.wait_for_primary(other_than=self.primary)
        self.measure(began, seconds)
        time.sleep(2)

    def test_the_machine_of_the_primary_is_lost_and_comes_back(self):
        def body():
            self.fail_over(self.primary.kill_machine)
            self.primary.start()
            self.cluster.wait_for_standby()
            time.sleep(2)
        self.run_under_load(body)

    @ALL
    def test_the_server_of_the_primary_crashes(self):
        self.run_under_load(lambda: self.fail_over(self.primary.kill))

    @ALL
    def test_the_machine_of_the_primary_hangs_and_wakes(self):
        def body():
            self.fail_over(lambda: self.primary.signal_machine(signal.SIGSTOP), 15)
            self.primary.signal_machine(signal.SIGCONT)
            # It learns that it was replaced, and follows.
            self.cluster.wait_for_standby()
            time.sleep(2)
        self.run_under_load(body)

    @ALL
    def test_the_primary_hands_over_as_planned(self):
        self.run_under_load(lambda: self.fail_over(self.cluster.switch_over), outage=False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
