#!/usr/bin/env python3
"""A failover of the database under three nodes and a gate: changes are refused and never lost,
checks are answered 503 and never wrongly, until the new primary confirms. How long that was is
printed.

Two servers with synchronous replication; the test promotes the standby itself, as Patroni would.
LATCHKEY_FAILOVER=all also stops the primary (SIGSTOP), which wakes as one that was replaced.
"""
import os
import signal
import time
import unittest
from pathlib import Path

import nodes_world
import postgres

LEASE_SECONDS = 1.5  # from the end of the primary to the promotion


class Standby(postgres.Cluster):
    """A synchronous standby of `primary`, started."""

    def __init__(self, primary):
        super().__init__(start=False)
        self.run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "-d",
                 f"host=127.0.0.1 port={primary.port} user={postgres.USER} "
                 f"password='{postgres.PASSWORD}' application_name=standby")
        # Once it is the primary it goes on without one.
        self.configure(port=self.port, unix_socket_directories=self.folder,
                       synchronous_standby_names="")
        self.start()

    def promote(self):
        self.run("pg_ctl", "promote", "-s", "-w", "-D", self.data)


def processes_of(cluster):
    number = cluster.process_id()
    children = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
    return [number, *map(int, children.split())]


class Failover(nodes_world.World):
    def setUp(self):
        self.primary = postgres.Cluster()
        self.addCleanup(self.primary.close)
        self.primary.create_database("nodes")
        self.standby = Standby(self.primary)
        self.addCleanup(self.standby.close)
        self.primary.configure(synchronous_standby_names="standby")
        self.primary.reload()
        self.wait_for_standby()
        url = self.primary.url("nodes").replace(
            f"127.0.0.1:{self.primary.port}",
            f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}")
        self.start_nodes([url] * 3)

    def wait_for_standby(self):
        nodes_world.wait_until(lambda: self.primary.sql(
            "SELECT sync_state FROM pg_stat_replication", "postgres") == "sync", 20)

    def test_the_primary_is_killed(self):
        def body():
            time.sleep(3)
            began = time.monotonic()
            self.primary.kill()
            time.sleep(LEASE_SECONDS)
            self.standby.promote()
            self.measure(began)
            time.sleep(2)
        self.run_under_load(body)

    @unittest.skipUnless(os.environ.get("LATCHKEY_FAILOVER") == "all", "./dev failover runs it")
    def test_the_primary_is_stopped_and_wakes_as_an_old_one(self):
        def body():
            time.sleep(3)
            began = time.monotonic()
            processes = processes_of(self.primary)
            for number in processes:
                os.kill(number, signal.SIGSTOP)
            time.sleep(LEASE_SECONDS)
            self.standby.promote()
            # It is neither ended nor answers: nobody waits long for it.
            self.measure(began, 15)
            for number in processes:
                os.kill(number, signal.SIGCONT)
            # It believes that it is the primary, and no commit of it is acknowledged.
            time.sleep(4)
            self.primary.kill()
            time.sleep(2)
        self.run_under_load(body)


if __name__ == "__main__":
    unittest.main(verbosity=2)
