"""Keys of a running server: rotation under load, what retiring one ends, kills, the commands."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import stat
import threading
import time
import unittest

import harness

SEED = int(os.environ.get("LATCHKEY_SEED", random.SystemRandom().randrange(2**32)))
DIGEST_ROTATIONS = 5


class Load:
    """Creates, checks, revokes, lists and signs in until it is told to stop; what went wrong."""

    def __init__(self, server, seed):
        self.server = server
        self.failures = []
        self.counts = {"check": 0, "create": 0, "revoke": 0, "sign-in": 0}
        self.tokens = [server.create_token("kept")["token"]]  # texts that must work
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.repeat, args=(what, random.Random(seed + n)))
                        for n, what in enumerate([self.check, self.check, self.change,
                                                  self.sign_in])]
        for thread in self.threads:
            thread.start()

    def repeat(self, what, rng):
        while not self.stopped.is_set():
            try:
                what(rng)
            except Exception as error:  # pylint: disable=broad-except
                self.failures.append(f"{what.__name__}: {error!r}")
                return

    def check(self, rng):
        text = rng.choice(self.tokens)
        answer = self.server.use(text)
        if answer.status != 200:
            raise AssertionError(f"a good token was refused: {answer}")
        self.counts["check"] += 1

    def change(self, rng):
        made = self.server.create_token("made under load")
        self.counts["create"] += 1
        if self.server.use(made["token"]).status != 200:
            raise AssertionError("a new token was refused")
        if rng.random() < 0.5:
            self.tokens.append(made["token"])
            return
        self.server.revoke_token(made["authorizationId"])
        if self.server.use(made["token"]).status != 401:
            raise AssertionError("a revoked token was let through")
        self.counts["revoke"] += 1

    def sign_in(self, _):
        self.server.sign_in(harness.EMAIL, harness.PASSWORD)
        self.counts["sign-in"] += 1
        time.sleep(0.8)  # as many as one address may try, on a quick machine too

    def end(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)
        return self.failures


class KeysTest(unittest.TestCase):
    """Each test has a server of its own."""

    def setUp(self):
        print(f"LATCHKEY_SEED={SEED}", flush=True)
        self.server = harness.Server()
        self.addCleanup(self.server.close)
        self.server.start().set_up()

    def key(self, *arguments, code=0):
        ended = self.server.run("key", *arguments, "--data", self.server.data)
        self.assertEqual(ended.returncode, code, ended)
        return ended

    def list_keys(self, kind="digest"):
        keys = json.loads(self.key("list", "--json").stdout)["value"]
        return {key["id"]: key for key in keys if key["kind"] == kind}

    def files(self):
        return sorted(os.listdir(os.path.join(self.server.data, "keys")))

    def verify(self):
        ended = self.server.run("audit", "verify", "--data", self.server.data)
        self.assertEqual(ended.returncode, 0, ended)

    def load_until(self, load, *wanted, seconds=60):
        """Waits until the load has done some more of each."""
        goals = {what: load.counts[what] + 3 for what in wanted}
        deadline = time.monotonic() + seconds
        while any(load.counts[what] < goal for what, goal in goals.items()):
            if load.failures or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        self.assertEqual(load.failures, [])


class DigestKeys(KeysTest):
    def test_rotate_under_load_with_no_failed_check(self):
        load = Load(self.server, SEED)
        self.load_until(load, "check", "create")
        for number in range(DIGEST_ROTATIONS):
            told = self.key("rotate", "digest")
            self.assertIn("is the current one", told.stderr)
            self.load_until(load, "check", "create")
            if number % 2:
                self.verify()
        self.load_until(load, "check", "create", "revoke", "sign-in")
        self.assertEqual(load.end(), [])
        print(load.counts, flush=True)
        self.assertEqual(len(self.list_keys()), DIGEST_ROTATIONS + 1)
        # The tokens of every key work, before and after a restart.
        used = {text[60:62] for text in load.tokens}
        self.assertGreater(len(used), 2, used)
        for _ in range(2):
            for text in load.tokens:
                self.assertEqual(self.server.use(text).status, 200)
            self.verify()
            self.server.stop()
            self.verify()
            self.server.start()

    def test_retiring_ends_exactly_what_it_said(self):
        old = [self.server.create_token(f"old {n}") for n in range(3)]
        revoked = self.server.create_token("revoked before")
        self.server.revoke_token(revoked["authorizationId"])
        self.key("rotate", "digest")
        new = self.server.create_token("new")

        said = json.loads(self.key("retire", "AA", "--dry-run", "--json").stdout)
        self.assertEqual(said["count"], 3)
        self.assertEqual({token["id"] for token in said["value"]},
                         {token["authorizationId"] for token in old})
        self.assertEqual({token["owner"] for token in said["value"]}, {harness.EMAIL})
        for words in ("ends 3 tokens", old[0]["authorizationId"], "old 0", harness.EMAIL):
            self.assertIn(words, self.key("retire", "AA", "--dry-run").stderr)
        # Without a terminal and without --yes nothing ends, and it says what to type.
        self.assertIn("--yes", self.key("retire", "AA", code=2).stderr)
        self.assertEqual([self.server.use(token["token"]).status for token in old], [200] * 3)

        load = Load(self.server, SEED)
        load.tokens[:] = [new["token"]]
        self.load_until(load, "check")
        self.assertIn("3 tokens were revoked", self.key("retire", "AA", "--yes").stderr)
        self.load_until(load, "check", "create")
        self.assertEqual(load.end(), [])
        self.assertEqual([self.server.use(token["token"]).status for token in old], [401] * 3)
        states = {token["authorizationId"]: token["status"] for token in self.server.list_tokens()}
        for token in old + [revoked]:
            self.assertEqual(states[token["authorizationId"]], "revoked")
        self.assertEqual(states[new["authorizationId"]], "active")
        self.wait_for_mails('"old', 3)
        self.assertNotIn("digest-AA.key", self.files())
        self.assertEqual(set(self.list_keys()), {"AB"})
        self.verify()
        self.server.stop()
        self.verify()
        self.server.start()
        self.assertEqual([self.server.use(token["token"]).status for token in old], [401] * 3)
        self.assertEqual(self.server.use(new["token"]).status, 200)
        # The id is spent.
        self.key("rotate", "digest")
        self.assertEqual(set(self.list_keys()), {"AB", "AC"})

    def wait_for_mails(self, name, wanted):
        """Waits until as many tokens with this in their name are told as revoked."""
        deadline = time.monotonic() + 30
        told = []
        while len(told) < wanted and time.monotonic() < deadline:
            mails = self.server.must(200, "GET", "/_latchkey/me/outbox").json()["value"]
            told = [mail["subject"] for mail in mails
                    if "was revoked" in mail["subject"] and name in mail["subject"]]
            time.sleep(0.1)
        self.assertEqual(len(told), wanted, told)

    def test_a_key_without_tokens_ends_nothing_and_is_not_asked_about(self):
        self.key("rotate", "digest")
        ended = self.key("retire", "AA")
        self.assertIn("ends no token", ended.stderr)
        self.assertEqual(set(self.list_keys()), {"AB"})

    def test_refusals(self):
        current = self.key("retire", "AA", "--yes", code=1)
        self.assertIn("key rotate digest", current.stderr)
        self.assertIn("key list", self.key("retire", "ZZ", code=1).stderr)
        self.assertIn("two letters", self.key("retire", "no-such", code=1).stderr)
        self.key("rotate", "nothing", code=2)
        self.assertEqual(set(self.list_keys()), {"AA"})
        self.server.stop()
        for command in (["list"], ["rotate", "digest"], ["retire", "AA"]):
            self.assertIn("latchkey serve", self.key(*command, code=3).stderr.replace(
                harness.BINARY, "latchkey"))

    def test_what_the_list_says(self):
        token = self.server.create_token("one")
        key = self.list_keys()["AA"]
        self.assertEqual(key["state"], "current")
        self.assertEqual(key["liveTokens"], 1)
        self.assertEqual(key["latestExpiry"][:19], token["validTo"][:19])
        self.assertIn("AA", self.key("list").stdout)
        self.key("rotate", "digest")
        keys = self.list_keys()
        self.assertEqual(keys["AA"]["state"], "old")
        self.assertEqual(keys["AB"], {**keys["AB"], "state": "current", "liveTokens": 0,
                                      "latestExpiry": None})
        metrics = self.server.operations("/metrics").text
        self.assertIn('latchkey_keys{kind="digest"} 2', metrics)
        self.assertIn('latchkey_key_age_seconds{kind="digest"}', metrics)

    def test_no_byte_of_a_key_is_told(self):
        self.key("rotate", "digest")
        folder = os.path.join(self.server.data, "keys")
        said = (self.key("list", "--json").stdout + self.server.log_text() +
                self.server.operations("/metrics").text +
                self.server.console("GET", "/keys").text)
        for name in self.files():
            path = os.path.join(folder, name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, name)
            if name.endswith(".key"):
                with open(path, encoding="ascii") as file:
                    text = file.read().strip()
                for at in range(0, 64, 8):
                    self.assertNotIn(text[at:at + 8], said, name)

    def test_kills_during_rotations_and_retirements(self):
        rng = random.Random(SEED)
        texts = [self.server.create_token("kept")["token"]]
        for kill in range(6):
            command = ["rotate", "digest"]
            old = [key for key, facts in self.list_keys().items()
                   if facts["state"] == "old" and facts["liveTokens"] == 0]
            if kill % 2 and old:
                command = ["retire", old[0], "--yes"]
            thread = threading.Thread(target=self.server.run, args=(
                "key", *command, "--data", self.server.data))
            thread.start()
            time.sleep(rng.uniform(0.0, 0.15))
            self.server.kill()
            thread.join(60)
            self.verify()
            self.server.start()
            keys = self.list_keys()
            self.assertEqual([facts["state"] for facts in keys.values()].count("current"), 1)
            texts.append(self.server.create_token("after a kill")["token"])
            for text in texts:
                self.assertEqual(self.server.use(text).status, 200, f"kill {kill}, {command}")
            self.verify()


class RowKeys(KeysTest):
    def wait_for_one_row_key(self, seconds=60):
        deadline = time.monotonic() + seconds
        while len(self.list_keys("row")) > 1:
            self.assertLess(time.monotonic(), deadline, self.server.log_text()[-2000:])
            time.sleep(0.05)

    def actions(self):
        with contextlib.closing(sqlite3.connect(
                f"file:{self.server.data}/latchkey.db?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute(
                "SELECT action FROM events WHERE action LIKE 'Key.%' ORDER BY revision")]

    def test_rotate_under_load_with_nothing_failing(self):
        self.server.add_person("ben@example.com")
        load = Load(self.server, SEED)
        self.load_until(load, "check", "create")
        for number in range(2, 6):
            told = self.key("rotate", "row")
            self.assertIn(f"signed with row key {number}", told.stderr)
            self.assertEqual(set(self.list_keys("row")), {str(number)})
            self.verify()
            self.key("rotate", "digest")
            self.load_until(load, "check", "create", "revoke", "sign-in")
        self.assertEqual(load.end(), [])
        print(load.counts, flush=True)
        self.assertIn("row-5.key", self.files())
        self.assertNotIn("row.key", self.files())
        self.verify()
        self.server.stop()
        self.verify()
        self.server.start()
        for text in load.tokens:
            self.assertEqual(self.server.use(text).status, 200)
        self.server.sign_in(harness.EMAIL, harness.PASSWORD)
        self.assertEqual(self.server.metric("latchkey_token_rows_refused_total"), 0)
        self.assertNotIn("store.row_refused", self.server.log_text())

    def test_kills_during_a_rotation_and_going_on(self):
        rng = random.Random(SEED)
        texts = [self.server.create_token(f"kept {n}")["token"] for n in range(40)]
        for kill in range(8):
            newest = max(int(key) for key in self.list_keys("row"))
            thread = threading.Thread(target=self.server.run, args=(
                "key", "rotate", "row", "--data", self.server.data))
            thread.start()
            time.sleep(rng.uniform(0.0, 0.25))
            self.server.kill()
            thread.join(60)
            self.verify()
            self.server.start()
            texts.append(self.server.create_token("after a kill")["token"])
            self.wait_for_one_row_key()
            key = int(next(iter(self.list_keys("row"))))
            self.assertIn(key, (newest, newest + 1), f"kill {kill}")
            self.verify()
            for text in texts:
                self.assertEqual(self.server.use(text).status, 200, f"kill {kill}")
        # Each change of keys is in the log, once.
        actions = self.actions()
        key = int(next(iter(self.list_keys("row"))))
        self.assertEqual(actions.count("Key.RowRotateEvent"), key - 1)
        self.assertGreaterEqual(actions.count("Key.RowRetireEvent"), key - 1)

    def test_a_database_under_the_old_key_needs_the_old_key(self):
        text = self.server.create_token("kept")["token"]
        self.server.stop()
        backup = os.path.join(self.server.folder, "backup.db")
        shutil.copy(os.path.join(self.server.data, "latchkey.db"), backup)
        old_key = os.path.join(self.server.folder, "row.key")
        shutil.copy(os.path.join(self.server.data, "keys/row.key"), old_key)
        self.server.start()
        self.key("rotate", "row")
        self.server.stop()
        for name in os.listdir(self.server.data):
            if name.startswith("latchkey.db"):
                os.remove(os.path.join(self.server.data, name))
        shutil.copy(backup, os.path.join(self.server.data, "latchkey.db"))
        os.chmod(os.path.join(self.server.data, "latchkey.db"), 0o600)
        ended = self.server.run("audit", "verify", "--data", self.server.data)
        self.assertEqual(ended.returncode, 5, ended)
        self.assertIn("not signed with a row key that is here (2)", ended.stderr)
        # With its key it works, and is signed anew.
        shutil.copy(old_key, os.path.join(self.server.data, "keys/row.key"))
        os.chmod(os.path.join(self.server.data, "keys/row.key"), 0o600)
        self.verify()
        self.server.start()
        self.assertEqual(self.server.use(text).status, 200)
        self.wait_for_one_row_key()
        self.assertNotIn("row.key", self.files())
        self.verify()
        self.assertEqual(self.server.use(text).status, 200)


if __name__ == "__main__":
    unittest.main()
