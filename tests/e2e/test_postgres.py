#!/usr/bin/env python3
"""Latchkey on a real PostgreSQL: serving, moving from SQLite, going back in time, a crash."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

import harness
import postgres

ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("LATCHKEY_")}
SEED = int(os.environ.get("LATCHKEY_SEED", "0")) or random.SystemRandom().getrandbits(32)


class PostgresTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = postgres.Cluster()
        cls.addClassCleanup(cls.cluster.close)

    def database(self):
        return self.cluster.create_database("db" + os.urandom(4).hex())

    def server(self, *options, **environment):
        server = harness.Server(*options, environment=environment)
        self.addCleanup(server.close)
        return server

    def assert_works(self, server, token):
        self.assertEqual(server.use(token).status, 200)


class Serve(PostgresTest):
    def test_a_server_with_a_flag(self):
        """And nothing that it says has the password in it."""
        url = self.database()
        server = self.server("--store", url).start()
        server.environment["LATCHKEY_STORE_URL"] = url  # for the command line
        server.set_up()
        token = server.make_token()
        self.assert_works(server, token)
        self.assertFalse(os.path.exists(os.path.join(server.data, "latchkey.db")))
        self.assertIn("events",
                      server.cli("audit", "verify", "--data", server.data))
        refused = server.run("backup", "--data", server.data, os.path.join(server.folder, "b"))
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("pg_basebackup", refused.stderr)
        self.assertEqual(server.stop(), 0)
        for command in (["backup", os.path.join(server.folder, "b")],
                        ["restore", server.folder, "--since-backup", "keep"]):
            refused = server.run(*command, "--data", server.data)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("PostgreSQL", refused.stderr)
        at_rest = server.cli("audit", "verify", "--data", server.data)
        self.assertIn("events", at_rest)
        doctor = server.run("doctor", "--data", server.data)
        self.assertRegex(doctor.stdout, r"events is signed; schema")
        printed = server.cli("serve", "--print-config", "--data", server.data)
        self.assertIn("postgres://latchkey@127.0.0.1", printed)
        server.start()
        self.assert_works(server, token)
        said = server.log_text() + server.out + printed + doctor.stdout + doctor.stderr
        self.assertNotIn(postgres.PASSWORD, said)
        self.assertNotIn(postgres.PASSWORD.replace(" ", "%20"), said)

    def test_a_password_of_a_file(self):
        url = self.database().replace(":" + postgres.PASSWORD.replace(" ", "%20"), "")
        server = self.server(LATCHKEY_STORE_URL=url)
        os.makedirs(server.data, 0o700)
        path = os.path.join(server.folder, "password")
        Path(path).write_text("another\n", encoding="utf-8")
        os.chmod(path, 0o600)
        server.environment["LATCHKEY_STORE_PASSWORD_FILE"] = path
        with self.assertRaises(AssertionError) as refused:
            server.start()
        self.assertIn("password authentication failed", str(refused.exception))
        self.assertNotIn("another", str(refused.exception))
        Path(path).write_text(postgres.PASSWORD + "\n", encoding="utf-8")
        server.start().set_up()

    def test_a_database_that_is_not_there(self):
        server = self.server("--store", self.cluster.url("nowhere"))
        with self.assertRaises(AssertionError) as refused:
            server.start()
        self.assertIn('database "nowhere" does not exist', str(refused.exception))
        self.assertEqual(server.process.returncode, 1, refused.exception)

    def test_nodes_share_keys_or_are_refused(self):
        url = self.database()
        first = self.server(LATCHKEY_STORE_URL=url).start().set_up()
        token = first.make_token()
        second = self.server(LATCHKEY_STORE_URL=url)
        with self.assertRaises(AssertionError) as refused:
            second.start()
        self.assertIn("not signed with a row key that is here", str(refused.exception))
        shutil.rmtree(os.path.join(second.data, "keys"))
        shutil.copytree(os.path.join(first.data, "keys"), os.path.join(second.data, "keys"))
        second.start()
        self.assert_works(second, token)
        # What one revokes the other refuses.
        made = first.create_token()
        deadline = time.monotonic() + 10
        while second.use(made["token"]).status != 200:
            self.assertLess(time.monotonic(), deadline)
        first.revoke_token(made["authorizationId"])
        while second.use(made["token"]).status != 401:
            self.assertLess(time.monotonic(), deadline)
        # A key that only one of them has would end the other.
        for kind in ("digest", "row"):
            refused = first.run("key", "rotate", kind, "--data", first.data)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("1 other node serves", refused.stderr)
        self.assertEqual(second.stop(), 0)
        deadline = time.monotonic() + 30
        while first.run("key", "rotate", "digest", "--data", first.data).returncode != 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.5)
        self.assert_works(first, token)

    def test_a_crash_of_the_database_under_load(self):
        """What was acknowledged is there; what was refused may be; the server comes back itself."""
        server = self.server(LATCHKEY_STORE_URL=self.database()).start().set_up()
        stop, kept, ended = threading.Event(), [], []

        def write():
            while not stop.is_set():
                answer = server.as_person("POST", server.pats(),
                                          {"displayName": "x", "scope": "vso.project"})
                if answer.status == 200:
                    kept.append(answer.json()["patToken"]["authorizationId"])
                else:
                    ended.append(answer.status)
                    time.sleep(0.05)

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        for _ in range(2):
            time.sleep(1)
            self.cluster.kill()
            time.sleep(0.5)
            self.cluster.start()
            acknowledged = len(kept)
            deadline = time.monotonic() + 30
            while len(kept) <= acknowledged:
                self.assertLess(time.monotonic(), deadline, "no change after the database is back")
                time.sleep(0.05)
        stop.set()
        for writer in writers:
            writer.join()
        self.assertLessEqual(set(ended), {503})
        listed = {token["authorizationId"] for token in server.list_tokens()}
        self.assertLessEqual(set(kept), listed)
        server.cli("audit", "verify", "--data", server.data)


class Migrate(PostgresTest):
    ROWS = 60_000

    def test_all_moves_through_kills(self):
        print(f"LATCHKEY_SEED={SEED}")
        moments = random.Random(SEED)
        server = self.server().start().set_up()
        token = server.make_token(name="kept")
        revoked = server.create_token("gone")
        server.revoke_token(revoked["authorizationId"])
        for _ in range(20):
            server.create_token("one of many")
        epoch = server.console("GET", "/status").json()["epoch"]
        url = self.database()
        command = [harness.BINARY, "migrate", "sqlite-to-postgres", "--data", server.data,
                   "--to", url, "--json"]
        running = subprocess.run(command, capture_output=True, text=True, check=False,
                                 env=server.environment)
        self.assertNotEqual(running.returncode, 0)
        self.assertIn("stop the server", running.stderr)
        server.stop()
        self.fill(server)
        before = self.hash_of(server)
        for third in range(3):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, env=server.environment)
            wanted = moments.randrange(self.ROWS // 4) + third * self.ROWS // 4
            while self.rows_there(url) < wanted:
                self.assertIsNone(process.poll(), "it ended before it was killed")
            process.kill()
            process.communicate()
            half = self.server(LATCHKEY_STORE_URL=url)
            shutil.copytree(os.path.join(server.data, "keys"), os.path.join(half.data, "keys"))
            os.chmod(half.data, 0o700)
            if self.cluster.sql("SELECT to_regclass('schema_version')", url.rsplit("/", 1)[1]):
                with self.assertRaises(AssertionError) as refused:
                    half.start()
                self.assertRegex(str(refused.exception),
                                 "half filled|offline tool has the database")
        moved = subprocess.run(command, capture_output=True, text=True, check=False,
                               env=server.environment)
        out, err = moved.stdout, moved.stderr
        self.assertEqual(moved.returncode, 0, err)
        report = json.loads(out)
        self.assertLess(report["rowsCopied"], report["rows"])
        self.assertEqual(report["sourceEpoch"], epoch)
        self.assertEqual(self.hash_of(server), before)
        again = subprocess.run(command, capture_output=True, text=True, check=False,
                               env=server.environment)
        self.assertIn("is in the target already", again.stderr)
        self.assertNotIn(postgres.PASSWORD, err + again.stderr + out)

        server.environment["LATCHKEY_STORE_URL"] = url
        server.start()
        self.assert_works(server, token)
        self.assertEqual(server.use(revoked["token"]).status, 401)
        self.assertEqual(server.console("GET", "/status").json()["epoch"], report["epoch"])
        self.assertNotEqual(report["epoch"], epoch)
        self.assertEqual(len(server.list_tokens()), 22)  # the session goes on too
        server.cli("audit", "verify", "--data", server.data)

    @staticmethod
    def hash_of(server):
        return hashlib.sha256(Path(server.data, "latchkey.db").read_bytes()).hexdigest()

    def rows_there(self, url):
        database = url.rsplit("/", 1)[1]
        if not self.cluster.sql("SELECT to_regclass('token_days')", database):
            return 0
        return int(self.cluster.sql("SELECT count(*) FROM token_days", database))

    @classmethod
    def fill(cls, server):
        """Rows of a side table, so that the copy takes a while."""
        subprocess.run(["sqlite3", os.path.join(server.data, "latchkey.db"), f"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {cls.ROWS})
            INSERT INTO token_days SELECT randomblob(16), i, 1, 0 FROM n"""], check=True)


class GoBack(PostgresTest):
    def test_a_moment_of_before(self):
        """Point-in-time recovery as docs/operating/postgresql.md says, and the step after it."""
        archive = os.path.join(self.cluster.folder, "archive")
        base = os.path.join(self.cluster.folder, "base")
        self.cluster.run("psql", "--version")
        subprocess.run([*self.cluster.as_user, "mkdir", "-m", "700", archive], check=True)
        self.cluster.configure(archive_mode="on", archive_command=f"cp %p {archive}/%f",
                               archive_timeout="1s", max_wal_senders="4")
        self.cluster.restart()
        url = self.database()
        server = self.server(LATCHKEY_STORE_URL=url).start().set_up()
        kept = server.create_token("kept")
        self.cluster.run("pg_basebackup", "-h", self.cluster.folder, "-p", str(self.cluster.port),
                         "-U", postgres.USER, "-D", base, "-X", "stream", "-c", "fast")
        later = server.create_token("of after the backup")
        epoch = server.console("GET", "/status").json()["epoch"]
        time.sleep(1.1)
        moment = self.cluster.sql("SELECT now()", "postgres")
        time.sleep(1.1)
        server.revoke_token(kept["authorizationId"])
        lost = server.create_token("lost")
        revision = server.metric("latchkey_index_revision")
        self.cluster.sql("SELECT pg_switch_wal()", "postgres")
        server.stop()
        self.cluster.stop()
        shutil.rmtree(self.cluster.data)
        subprocess.run([*self.cluster.as_user, "mv", base, self.cluster.data], check=True)
        self.cluster.configure(restore_command=f"cp {archive}/%f %p", archive_mode="off",
                               recovery_target_time=moment, recovery_target_action="promote")
        subprocess.run([*self.cluster.as_user, "touch",
                        os.path.join(self.cluster.data, "recovery.signal")], check=True)
        self.cluster.start()
        deadline = time.monotonic() + 60
        while self.cluster.sql("SELECT pg_is_in_recovery()", "postgres") == "t":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)

        server.cli("audit", "verify", "--data", server.data)
        unsaid = server.run("store", "new-epoch", "--data", server.data)
        self.assertIn("--since-backup", unsaid.stderr)
        said = server.cli("store", "new-epoch", "--data", server.data, "--since-backup", "keep")
        new = re.search(r"the new epoch (\S+)\.", said).group(1)
        self.assertNotEqual(new, epoch)
        server.start()
        busy = server.run("store", "new-epoch", "--data", server.data, "--since-backup", "keep")
        self.assertIn("stop every node", busy.stderr)
        self.assertEqual(server.console("GET", "/status").json()["epoch"], new)
        self.assertLess(server.metric("latchkey_index_revision"), revision)
        self.assert_works(server, kept["token"])
        self.assert_works(server, later["token"])
        self.assertEqual(server.use(lost["token"]).status, 401)
        self.assertEqual(server.as_person("GET", server.pats()).status, 401, "sessions end")
        server.stop()
        server.cli("store", "new-epoch", "--data", server.data, "--since-backup", "revoke", "--yes")
        server.cli("audit", "verify", "--data", server.data)
        server.start()
        self.assertEqual(server.use(kept["token"]).status, 401)


if __name__ == "__main__":
    unittest.main()
