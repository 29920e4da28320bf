"""The index's snapshot beside the store: used, gone on from, and never believed when it is not as
it was written. And `latchkey bench seed`, which makes the store that it is tried on.

Rules: docs/spec/index-snapshot.md.
"""

import os
import signal
import time
import unittest

import harness

TOKENS = 5_000


class Snapshot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.start().set_up()
        cls.server.stop()
        cls.sample = os.path.join(cls.server.folder, "sample.tsv")
        cls.server.cli("bench", "seed", str(TOKENS), "--add", "--data", cls.server.data, "--sample",
                       cls.sample, "--sample-size", "20")
        cls.file = os.path.join(cls.server.data, "index.snapshot")

    def setUp(self):
        if self.server.process.poll() is None:
            self.server.stop()

    def start(self):
        """Starts the server and says whether it used the snapshot."""
        self.server.start()
        return self.server.metric("latchkey_index_snapshot_used") == 1

    def write(self):
        """A snapshot of now, and a token made before it."""
        self.start()
        token = self.server.create_token()
        self.server.stop()
        self.assertTrue(os.path.exists(self.file))
        return token

    def test_a_start_uses_it_and_what_changed_since(self):
        kept, revoked = self.write(), self.write()
        self.assertTrue(self.start())
        self.assertEqual(self.server.use(kept["token"]).status, 200)
        self.server.revoke_token(revoked["authorizationId"])
        later = self.server.create_token()
        tokens = self.server.metric("latchkey_index_tokens")
        self.server.kill()  # so that the snapshot is of before
        self.assertTrue(self.start())
        self.assertEqual(self.server.use(kept["token"]).status, 200)
        self.assertEqual(self.server.use(revoked["token"]).status, 401)
        self.assertEqual(self.server.use(later["token"]).status, 200)
        self.assertEqual(self.server.metric("latchkey_index_tokens"), tokens)
        self.assertIn("index.snapshot_used", self.server.log_text())

    def test_seeded_tokens_work_from_rows_and_from_the_snapshot(self):
        self.write()
        with open(self.sample, encoding="ascii") as file:
            lines = [line.rstrip("\n").split("\t") for line in file]
        self.assertEqual(len(lines), 20)
        self.assertEqual(os.stat(self.sample).st_mode & 0o777, 0o600)
        for remove in (False, True):
            if remove:
                os.remove(self.file)
            self.assertEqual(self.start(), not remove)
            for text, organization in lines:
                answer = self.server.use(text, path=f"/{organization}/_apis/tokens/self")
                self.assertEqual(answer.status, 200, answer)
            self.server.stop()

    def test_it_is_private_and_holds_no_text_of_a_token(self):
        token = self.write()
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        with open(self.file, "rb") as file:
            self.assertNotIn(token["token"][:52].encode(), file.read())

    def test_a_changed_byte_ends_the_trust(self):
        token = self.write()
        with open(self.file, "rb") as file:
            whole = file.read()
        for at in (0, 9, 40, 100, 350, 383, 400, len(whole) // 2, len(whole) - 1):
            with open(self.file, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            self.assertFalse(self.start(), f"byte {at}")
            self.assertEqual(self.server.use(token["token"]).status, 200)
            self.server.kill()
        self.assertIn("index.snapshot_ignored", self.server.log_text())

    def test_a_kill_while_it_is_written_leaves_one_that_is_good(self):
        kept = self.write()
        for round_number in range(12):
            self.assertTrue(self.start(), f"round {round_number}")
            self.assertFalse(os.path.exists(self.file + ".new"))
            self.assertEqual(self.server.use(kept["token"]).status, 200)
            self.server.create_token()
            self.server.process.send_signal(signal.SIGTERM)
            time.sleep(0.004 * round_number)
            self.server.kill()

    def test_another_row_key_ends_the_trust_until_the_next(self):
        self.write()
        self.assertTrue(self.start())
        self.server.cli("key", "rotate", "row", "--data", self.server.data)
        self.server.kill()
        self.assertFalse(self.start())
        self.server.stop()
        self.assertTrue(self.start())

    def test_a_new_digest_key_is_no_matter(self):
        before = self.write()
        self.assertTrue(self.start())
        self.server.cli("key", "rotate", "digest", "--data", self.server.data)
        after = self.server.create_token()
        self.server.kill()
        self.assertTrue(self.start())
        self.assertEqual(self.server.use(before["token"]).status, 200)
        self.assertEqual(self.server.use(after["token"]).status, 200)

    def test_the_seeded_store_holds_before_the_audit(self):
        self.write()
        said = self.server.cli("audit", "verify", "--data", self.server.data)
        self.assertIn("The log is intact", said)


class Seed(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)

    def seed(self, *options):
        return self.server.run("bench", "seed", *options, "--data", self.server.data)

    def test_a_store_with_people_is_refused_unless_asked(self):
        self.assertEqual(self.seed("100").returncode, 0)
        again = self.seed("100")
        self.assertEqual(again.returncode, 1)
        self.assertIn("--add", again.stderr)
        self.assertEqual(self.seed("100", "--add").returncode, 0)
        said = self.server.cli("audit", "verify", "--data", self.server.data)
        self.assertIn("tokens 200", said)

    def test_a_store_that_is_in_use_is_refused(self):
        self.server.start()
        refused = self.seed("10")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("another process", refused.stderr)

    def test_a_sample_is_never_written_over(self):
        path = os.path.join(self.server.folder, "kept")
        with open(path, "w", encoding="ascii") as file:
            file.write("kept")
        self.assertNotEqual(self.seed("10", "--sample", path).returncode, 0)
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "kept")
        self.assertFalse(os.path.exists(os.path.join(self.server.data, "latchkey.db")))

    def test_sizes_are_bounded(self):
        for options in (("0",), ("x",), ("10", "--people", "0"),
                        ("10", "--people", "2", "--organizations", "3")):
            self.assertEqual(self.seed(*options).returncode, 2, options)


if __name__ == "__main__":
    unittest.main(verbosity=2)
