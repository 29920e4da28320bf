#!/usr/bin/env python3
"""Disks, descriptors and clocks that fail under the real server (docs/operating/faults.md).

While a fault is on: what was acknowledged stays, a change is refused with 503 and leaves nothing,
checks go on from memory. Afterwards: changes go on by themselves where that is safe, else after a
restart; the audit log holds.
"""

import concurrent.futures
import errno
import http.client
import random
import resource
import time
import unittest

import faulty
import harness
import mixed_load

STORE = "StoreUnavailableException"
HOUR = 3600


class Faults(unittest.TestCase):
    def start(self, server=None):
        self.server = server or faulty.Server()
        self.addCleanup(self.server.close)
        self.server.start().set_up()
        self.kept = self.server.create_token("kept")
        self.revoked = self.server.create_token("revoked")
        self.server.revoke_token(self.revoked["authorizationId"])
        return self.server

    def tokens(self):
        return [(token["authorizationId"], token["displayName"], token["status"])
                for token in self.server.list_tokens()]

    def assert_checks_go_on(self):
        self.assertEqual(self.server.use(self.kept["token"]).status, 200)
        self.assertEqual(self.server.use(self.revoked["token"]).status, 401)
        self.assertEqual(self.server.operations("/health/ready").status, 200)

    def assert_changes_are_refused(self):
        """503 that says what is wrong, for each kind of change."""
        pats = self.server.pats()
        one = "&authorizationId=" + self.kept["authorizationId"]
        session = {"email": self.server.email, "password": self.server.password}
        for method, path, body in [
                ("POST", pats, {"displayName": "x", "scope": "vso.project"}),
                ("PUT", pats, {"authorizationId": self.kept["authorizationId"],
                               "displayName": "y"}),
                ("DELETE", pats + one, None),
                ("POST", "/_latchkey/organizations", {"name": "contoso"}),
                ("POST", "/_latchkey/sessions", session)]:
            with self.subTest(f"{method} {path}"):
                answer = self.server.as_person(method, path, body)
                self.assertEqual(answer.status, 503, answer)
                self.assertEqual(answer.json()["typeKey"], STORE, answer)
                self.assertNotIn(self.server.folder, answer.text)

    def assert_sound(self):
        verified = self.server.run("audit", "verify", "--data", self.server.data)
        self.assertEqual(verified.returncode, 0, verified)

    def assert_works(self):
        self.assert_checks_go_on()
        made = self.server.create_token("made after")
        self.assertEqual(self.server.use(made["token"]).status, 200)
        self.server.revoke_token(made["authorizationId"])
        self.assertEqual(self.server.use(made["token"]).status, 401)
        self.assert_sound()

    def restart(self):
        self.server.stop()
        self.server.start()
        self.assert_works()


class Disk(Faults):
    def test_writes_that_fail(self):
        """A full disk, one that was remounted read-only, one that breaks: over when it is over."""
        server = self.start()
        for number in (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT):
            with self.subTest(errno.errorcode[number]):
                before = self.tokens()
                with server.faults(write_errno=number):
                    self.assert_changes_are_refused()
                    time.sleep(1.2)  # longer than an index may be old
                    self.assert_checks_go_on()
                    self.assertEqual(self.tokens(), before, "half a change")
                self.assertEqual(self.tokens(), before)
                self.assert_works()
        self.restart()

    def test_writes_that_take_half(self):
        """A short write is no failure: the rest follows."""
        server = self.start()
        with server.faults(write_halves=1):
            self.assert_works()
        self.restart()

    def test_a_sync_that_fails(self):
        """What it covered may be lost though later syncs succeed: no more changes until a restart,
        and what the next process finds is synced before it changes anything (S24)."""
        server = self.start()
        before = self.tokens()
        self.assertEqual(server.metric("latchkey_store_needs_restart"), 0)
        with server.faults(sync_errno=errno.EIO):
            answer = server.as_person("POST", server.pats(),
                                      {"displayName": "lost or not", "scope": "vso.project"})
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("started again", answer.json()["message"])
            self.assertIn('latchkey_unavailable_answers_total{reason="store"} 1\n',
                          server.operations("/metrics").text)
            self.assert_checks_go_on()
        self.assert_changes_are_refused()  # the disk is well again
        time.sleep(1.2)
        self.assert_checks_go_on()
        self.assertEqual(self.tokens(), before)
        self.assertEqual(server.metric("latchkey_store_needs_restart"), 1)
        self.assertIn("a sync of the database failed", server.log_text())
        server.kill()
        self.assert_sound()
        server.start()
        self.assert_works()
        self.assertLessEqual(len(self.tokens()), len(before) + 2)

    def test_files_that_cannot_be_opened(self):
        """Without a descriptor for the database the requests that need one are refused."""
        server = self.start()
        with server.faults(open_errno=errno.EMFILE):
            deadline = time.monotonic() + 30
            while server.injected() == 0:  # until more read at once than did before
                self.assertLess(time.monotonic(), deadline, "nothing was opened")
                with concurrent.futures.ThreadPoolExecutor(12) as pool:
                    answers = list(pool.map(
                        lambda _: server.as_person("GET", "/_latchkey/people").status, range(48)))
                self.assertLessEqual(set(answers), {200, 503})
            self.assert_checks_go_on()
        self.assert_works()

    def test_a_start_on_a_full_disk(self):
        """Is refused with what to look at; when there is room it starts with all there was."""
        server = self.start()
        before = self.tokens()
        server.kill()
        server.set(write_errno=errno.ENOSPC)
        with self.assertRaises(AssertionError) as refused:
            server.start()
        self.assertIn("disk is full, read-only or failing", str(refused.exception))
        self.assertEqual(server.process.returncode, 1)
        server.set(write_errno=0)
        server.start()
        self.assertEqual(self.tokens(), before)
        self.assert_works()

    def test_faults_that_come_and_go_under_load(self):
        """No acknowledged change is lost, none that was refused for sure is there."""
        server = self.start()
        members = mixed_load.add_members(server)
        rng = random.Random(1)
        load = mixed_load.Load(server, rng, members)
        for number in (errno.ENOSPC, errno.EIO, errno.EROFS) * 3:
            time.sleep(rng.uniform(0.1, 0.4))
            server.set(write_errno=number)
            time.sleep(rng.uniform(0.1, 0.3))
            server.set(write_errno=0)
        load.end()
        self.assertEqual(load.failures, [])
        self.assertGreater(load.acknowledged().get("answered 503", 0), 0)
        for again in range(2):
            for thing in load.things():
                with self.subTest(again=again, kind=type(thing).__name__):
                    mixed_load.check(server, thing)
            mixed_load.check_roles(server, members)
            self.restart()

    def test_a_real_full_disk(self):
        if faulty.ServerOnSmallDisk.namespace() is None:
            self.skipTest("no mount namespace is to be had; test_writes_that_fail covers the rule")
        server = self.start(faulty.ServerOnSmallDisk(8 * 1024 * 1024))
        server.fill()
        refused = None
        for number in range(2_000):  # until the write-ahead file has to grow
            refused = server.as_person("POST", server.pats(), {
                "displayName": f"filling {number}", "scope": "vso.project"})
            if refused.status != 200:
                break
        self.assertEqual(refused.status, 503, refused)
        self.assertEqual(refused.json()["typeKey"], STORE)
        time.sleep(1.2)
        self.assert_checks_go_on()
        before = self.tokens()
        with open(server.inside("filler"), "wb"):
            pass  # empty again
        self.assert_checks_go_on()
        made = server.create_token("made after")
        self.assertEqual(server.use(made["token"]).status, 200)
        self.assertEqual(len(self.tokens()), len(before) + 1)
        self.assert_sound()


class Descriptors(Faults):
    def kept_connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", int(self.server.url.split(":")[2]),
                                                timeout=30)
        self.addCleanup(connection.close)
        return connection

    def use_on(self, connection):
        connection.request("GET", "/fabrikam/_apis/tokens/self",
                           headers={"Authorization": harness.basic(self.kept["token"])})
        return harness.Answer.of(connection.getresponse()).status

    def test_accept_that_fails(self):
        """Open connections are served, the server does not spin, and new ones come in after."""
        server = self.start()
        connection = self.kept_connection()
        self.assertEqual(self.use_on(connection), 200)
        for number in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS):
            with self.subTest(errno.errorcode[number]):
                waiting = self.kept_connection()
                with server.faults(accept_errno=number):
                    waiting.connect()
                    before = server.cpu_seconds()
                    time.sleep(1)
                    self.assertLess(server.cpu_seconds() - before, 0.5, "it spins")
                    self.assertEqual(self.use_on(connection), 200)
                self.assertEqual(self.use_on(waiting), 200)
        self.assertIn("http.accept_failed", server.log_text())
        self.assert_works()

    def test_out_of_descriptors(self):
        server = self.start()
        connection = self.kept_connection()
        self.assertEqual(self.use_on(connection), 200)
        soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (64, hard))
        more = [self.kept_connection() for _ in range(80)]
        for one in more:
            one.connect()
        deadline = time.monotonic() + 20
        while "http.accept_failed" not in server.log_text():
            self.assertLess(time.monotonic(), deadline, "the descriptors did not run out")
            time.sleep(0.05)
        before = server.cpu_seconds()
        time.sleep(1)
        self.assertLess(server.cpu_seconds() - before, 0.5, "it spins")
        self.assertEqual(self.use_on(connection), 200)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        for one in more[-3:]:
            self.assertEqual(self.use_on(one), 200)
        self.assert_works()


class FewDescriptors(harness.Server):
    """Started with a soft and a hard limit of descriptors."""

    def __init__(self, soft, hard):
        super().__init__()
        self.limit = f"{soft}:{hard}"

    def start_command(self):
        return ["prlimit", "--nofile=" + self.limit, "--", *super().start_command()]


class DescriptorLimits(Faults):
    def test_the_soft_limit_is_raised(self):
        """The usual 1,024 would let as many idle connections keep everybody out."""
        server = self.start(FewDescriptors(256, 2000))
        self.assertEqual(resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0], 2000)
        self.assertIn("serve.few_descriptors", server.log_text())
        idle = [http.client.HTTPConnection("127.0.0.1", int(server.url.split(":")[2]), timeout=30)
                for _ in range(400)]
        for one in idle:
            self.addCleanup(one.close)
            one.connect()
        self.assert_works()

    def test_few_descriptors_mean_few_connections(self):
        """Who is too many gets 503 at once, and the database has its files."""
        server = self.start(FewDescriptors(300, 300))
        idle = [http.client.HTTPConnection("127.0.0.1", int(server.url.split(":")[2]), timeout=30)
                for _ in range(160)]
        for one in idle:
            self.addCleanup(one.close)
            one.connect()
        deadline = time.monotonic() + 10  # until all of them were accepted
        while (answer := server.request("GET", "/openapi.json")).status != 503:
            self.assertLess(time.monotonic(), deadline, answer)
        self.assertEqual(answer.values("Retry-After"), ["1"])
        self.assertEqual(server.operations("/health/ready").status, 200)
        for one in idle:
            one.close()
        deadline = time.monotonic() + 20
        while server.request("GET", "/openapi.json").status != 200:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assert_works()


class Clock(Faults):
    """The wall clock steps; ages and deadlines are counted on another clock."""

    def at(self, seconds):
        self.server.set(clock_offset_ms=int(seconds * 1000))

    def test_expiry_when_the_clock_steps(self):
        server = self.start()
        token = server.create_token("an hour", validTo=harness.date_time(HOUR))["token"]
        for seconds, status in [
                (0, 200), (HOUR - 30, 200), (-HOUR / 2, 200),
                (HOUR + 1, 401),
                (HOUR / 2, 401), (2, 401),  # back by less than an hour: it stays expired (V8)
                (-HOUR, 200),               # back by more: it was wrong before
                (HOUR + 1, 401)]:
            with self.subTest(offset=seconds):
                self.at(seconds)
                answer = server.use(token)
                self.assertEqual(answer.status, status, answer)
                if status == 401:
                    self.assertIn("expired", answer.text)
        self.assertEqual(server.operations("/health/ready").status, 200)

    def test_sessions_when_the_clock_steps(self):
        server = self.start()
        me = "/_latchkey/me"
        self.at(11 * HOUR)
        self.assertEqual(server.as_person("GET", me).status, 200)
        self.at(23 * HOUR + 60)  # idle for more than 12 hours
        self.assertEqual(server.as_person("GET", me).status, 401)
        self.at(22.5 * HOUR)
        self.assertEqual(server.as_person("GET", me).status, 401, "revived by a step back")
        self.at(0)
        self.assertEqual(server.as_person("GET", me).status, 200, "the clock was wrong before")

    def test_events_when_the_clock_steps(self):
        """The log's order is by revision, whatever the clock says, and it holds."""
        server = self.start()
        for seconds in (5 * HOUR, -5 * HOUR, HOUR / 2, 0, 400 * 24 * HOUR, 0):
            self.at(seconds)
            answer = server.as_person("POST", server.pats(), {
                "displayName": "made", "scope": "vso.project"})
            self.assertIn(answer.status, (200, 401), answer)
        self.assertEqual(server.as_person("GET", "/_latchkey/me").status, 200)
        self.assert_works()

    def test_the_index_does_not_age_by_the_wall_clock(self):
        server = self.start()
        for seconds in (10 * 24 * HOUR, -10 * 24 * HOUR):
            self.at(seconds)
            for _ in range(5):
                self.assertEqual(server.use(self.kept["token"]).status, 200)
                time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
