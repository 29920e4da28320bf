#!/usr/bin/env python3
"""kill -9 under load: what was acknowledged is there afterwards, and the audit log holds.

Threads make every kind of change (mixed_load.py) and note each one that was answered. The process
is killed at a random moment and started again. LATCHKEY_KILLS is how often (50), LATCHKEY_SEED
repeats a run's moments. `./dev kills` runs the long one; docs/operating/faults.md has its numbers.
"""

import os
import random
import time
import unittest

import harness
import mixed_load

KILLS = int(os.environ.get("LATCHKEY_KILLS", "50"))
SEED = int(os.environ.get("LATCHKEY_SEED", "0")) or random.SystemRandom().getrandbits(32)
READY_SECONDS_MAX = 15
CHECKED_OLD = 40  # things of earlier rounds that are looked at again after each start
REPORT_EVERY = 25


class Kill(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)
        self.server.start().set_up()
        self.acknowledged = {}
        self.slowest = 0.0

    def verify(self, kill):
        verified = self.server.run("audit", "verify", "--data", self.server.data)
        self.assertEqual(verified.returncode, 0, f"kill {kill}: {verified}")

    def start_again(self, kill):
        """Until it is ready, which must not take long."""
        began = time.monotonic()
        self.server.start()
        while self.server.operations("/health/ready").status != 200:
            self.assertLess(time.monotonic() - began, READY_SECONDS_MAX, f"kill {kill}")
            time.sleep(0.005)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def note(self, load, kill):
        for name, count in load.acknowledged().items():
            self.acknowledged[name] = self.acknowledged.get(name, 0) + count
        if (kill + 1) % REPORT_EVERY == 0:
            print(f"{kill + 1} kills, {sum(self.acknowledged.values())} steps answered, slowest "
                  f"start {self.slowest:.2f} s", flush=True)

    def test_loses_nothing_that_was_acknowledged(self):
        print(f"kills: {KILLS}, LATCHKEY_SEED={SEED}", flush=True)
        rng = random.Random(SEED)
        members = mixed_load.add_members(self.server)
        old = []
        for kill in range(KILLS):
            load = mixed_load.Load(self.server, rng, members)
            time.sleep(rng.uniform(0.05, 0.6))
            self.server.kill()
            load.join()
            self.assertEqual(load.failures, [], f"kill {kill}")
            self.note(load, kill)
            if kill % 2 == 0:  # at rest, before anything repaired it; else at the running server
                self.verify(kill)
            self.start_again(kill)
            if kill % 2 == 1:
                self.verify(kill)
            made = list(load.things())
            for thing in made + rng.sample(old, min(CHECKED_OLD, len(old))):
                with self.subTest(kill=kill, kind=type(thing).__name__):
                    mixed_load.check(self.server, thing)
            mixed_load.check_roles(self.server, members)
            # Of a person's sessions the hundred-and-first ends the one that was idle for longest.
            old += [thing for thing in made if not getattr(thing, "may_be_replaced", False)
                    and not isinstance(thing, mixed_load.Session)]
        print(f"acknowledged: {self.acknowledged}; slowest start: {self.slowest:.2f} s", flush=True)
        self.assertGreater(sum(self.acknowledged.values()), KILLS, "there was no load")


if __name__ == "__main__":
    unittest.main()
