#!/usr/bin/env python3
"""Backup and restore: the drill that docs/operating/backup.md describes, on the real binary.

LATCHKEY_FILL_MB is how large the copied database is made (100), LATCHKEY_KILLS how often a restore
is killed at a random moment (12), LATCHKEY_SEED repeats a run's moments.
"""

import base64
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import unittest
from pathlib import Path

import harness

FILL_MB = int(os.environ.get("LATCHKEY_FILL_MB", "100"))
KILLS = int(os.environ.get("LATCHKEY_KILLS", "12"))
SEED = int(os.environ.get("LATCHKEY_SEED", "0")) or random.SystemRandom().getrandbits(32)
WRITE_SECONDS_MAX = 15  # what a write may wait for at most (S7)


def fill(server):
    """Makes the database of a stopped server so large that a copy takes a while."""
    with sqlite3.connect(os.path.join(server.data, "latchkey.db")) as database:
        database.execute("CREATE TABLE filler (bytes BLOB)")
        for _ in range(FILL_MB):
            database.execute("INSERT INTO filler VALUES (randomblob(1000000))")
    database.close()


def head_of(folder):
    """The head in a database that nobody uses: (epoch, revision)."""
    database = sqlite3.connect(f"file:{folder}/latchkey.db?mode=ro", uri=True)
    try:
        epoch, revision = database.execute("SELECT hex(epoch), revision FROM log_head").fetchone()
        return epoch.lower(), revision
    finally:
        database.close()


class Writers:
    """Threads that make and revoke tokens until told to stop; how long each answer took."""

    def __init__(self, server, threads=3):
        self.server = server
        self.took, self.failures, self.made = [], [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        try:
            while not self.stopping.is_set():
                began = time.monotonic()
                token = self.server.create_token("under load")
                self.made.append((time.monotonic(), token["token"]))
                self.took.append(time.monotonic() - began)
                if len(self.made) % 3 == 0:
                    self.server.revoke_token(self.server.create_token()["authorizationId"])
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(error)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        return self


class BackupTest(unittest.TestCase):
    def new_server(self):
        server = harness.Server()
        self.addCleanup(server.close)
        return server

    def refused(self, ended, code, *words):
        self.assertEqual(ended.returncode, code, ended)
        for word in words:
            self.assertIn(word, ended.stderr)

    def restore(self, server, backup, *options, stdin=""):
        return server.run("restore", backup, "--data", server.data, *options, stdin=stdin)

    def must_restore(self, server, backup, *options):
        """Restores and verifies; the report."""
        ended = self.restore(server, backup, *options, "--json")
        self.assertEqual(ended.returncode, 0, ended)
        server.cli("audit", "verify", "--data", server.data)
        return json.loads(ended.stdout)


class UnderLoad(BackupTest):
    def test_writers_go_on_and_what_was_acknowledged_is_in_it(self):
        server = self.new_server()
        server.start().set_up()
        server.stop()
        fill(server)
        server.start()
        quiet = Writers(server)
        time.sleep(2)
        quiet.stop()
        writers = Writers(server)
        time.sleep(0.5)
        folder = os.path.join(server.folder, "backup")
        began = time.monotonic()
        told = server.run("backup", folder, "--data", server.data)
        ended = time.monotonic()
        time.sleep(0.3)
        writers.stop()
        self.assertEqual(told.returncode, 0, told)
        self.assertEqual(quiet.failures + writers.failures, [])
        during = sum(1 for at, _ in writers.made if began < at < ended)
        print(f"backup of {FILL_MB} MB: {ended - began:.2f} s, {during} tokens made meanwhile; "
              f"slowest write {max(writers.took) * 1000:.0f} ms, "
              f"without a backup {max(quiet.took) * 1000:.0f} ms", flush=True)
        self.assertGreater(during, 0, "nothing was written while the backup was made")
        self.assertLess(max(writers.took), WRITE_SECONDS_MAX)
        server.stop()
        before = [token for at, token in quiet.made + writers.made if at < began]
        other = self.new_server()
        self.must_restore(other, folder, "--keys", server.data + "/keys", "--since-backup", "keep")
        other.start()
        for token in random.sample(before, min(30, len(before))):
            self.assertEqual(other.use(token).status, 200, "acknowledged before the backup")

    def test_a_killed_server_leaves_no_folder_that_looks_whole(self):
        server = self.new_server()
        server.start().set_up()
        server.stop()
        fill(server)
        folder = os.path.join(server.folder, "backup")
        partial = Path(folder + ".latchkey-partial")
        for _ in range(3):
            server.start()
            answer = server.console("POST", "/backup", {"folder": folder})
            self.assertEqual(answer.status, 202, answer)
            deadline = time.monotonic() + 30
            while not (partial / "latchkey.db").exists() and time.monotonic() < deadline:
                time.sleep(0.002)
            time.sleep(random.uniform(0, 0.03))
            self.assertFalse(os.path.exists(folder), "it was whole before it could be killed")
            server.kill()
            self.assertTrue((partial / "latchkey.db").exists())
            self.assertFalse((partial / "manifest.json").exists())
        server.start()
        server.cli("backup", folder, "--data", server.data)
        self.assertFalse(partial.exists(), "what was left is replaced")
        self.assertEqual(sorted(os.listdir(folder)), ["latchkey.db", "manifest.json"])


class Folder(BackupTest):
    """What a backup is."""

    def test_online_and_at_rest_without_and_with_keys(self):
        server = self.new_server()
        server.start().set_up()
        token = server.make_token()
        made = {}
        for state in ("online", "at rest"):
            if state == "at rest":
                server.stop()
            for option in ("--without-keys", "--with-keys", None):
                folder = os.path.join(server.folder, f"{state} {option}")
                told = server.run("backup", folder, "--data", server.data,
                                  *([option] if option else []))
                self.assertEqual(told.returncode, 0, told)
                made[state, option] = folder
                with_keys = option == "--with-keys"
                self.assertIn("The keys are IN it" if with_keys else "The keys are NOT in it",
                              told.stderr)
                self.check_folder(server, folder, with_keys)
        secrets = [token, base64.b64encode((":" + token).encode()).decode(), server.session,
                   harness.PASSWORD]
        keys = []
        for file in Path(server.data, "keys").glob("*.key"):
            text = file.read_text(encoding="ascii").strip()
            keys += [text, bytes.fromhex(text)]
        self.assertGreaterEqual(len(keys), 4)
        for (_, option), folder in made.items():
            stored = b"".join(f.read_bytes() for f in Path(folder).rglob("*") if f.is_file())
            self.assertGreater(len(stored), 10_000)
            for secret in secrets + (keys if option != "--with-keys" else []):
                secret = secret if isinstance(secret, bytes) else secret.encode()
                self.assertNotIn(secret, stored)
            if option == "--with-keys":
                self.assertIn(keys[0].encode(), stored, "the search finds what is there")

    def check_folder(self, server, folder, with_keys):
        manifest = json.loads(Path(folder, "manifest.json").read_text(encoding="ascii"))
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        names = {str(f.relative_to(folder)) for f in Path(folder).rglob("*") if f.is_file()}
        self.assertEqual(set(manifest["sha256"]) | {"manifest.json"}, names)
        self.assertEqual(any(name.startswith("keys/") for name in names), with_keys)
        self.assertEqual(manifest["withKeys"], with_keys)
        for name in names:
            self.assertEqual(os.stat(os.path.join(folder, name)).st_mode & 0o777, 0o600, name)
        epoch, revision = head_of(folder)
        self.assertEqual(manifest["epoch"].replace("-", ""), epoch)
        self.assertEqual(manifest["revision"], revision)
        self.assertEqual(manifest["digestKeys"], ["AA"])
        deployment = json.loads(Path(server.data, "keys/deployment.json").read_text("ascii"))
        self.assertEqual(manifest["deploymentId"], deployment["deploymentId"])

    def test_what_cannot_be_done_is_said_and_leaves_nothing(self):
        server = self.new_server()
        server.start().set_up()
        taken = os.path.join(server.folder, "taken")
        os.mkdir(taken)
        missing = os.path.join(server.folder, "none/backup")
        for state in ("online", "at rest"):
            if state == "at rest":
                server.stop()
                code = 2
            else:
                code = 1
            self.refused(server.run("backup", taken, "--data", server.data), code, "must not exist")
            self.refused(server.run("backup", missing, "--data", server.data), code,
                         "none is not")
        self.assertEqual(os.listdir(taken), [])
        both = server.run("backup", missing, "--with-keys", "--without-keys")
        self.assertEqual(both.returncode, 2, both)

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        full = os.path.join(server.folder, "full")
        ended = subprocess.run([harness.BINARY, "backup", full, "--data", server.data],
                               env=server.environment, capture_output=True, text=True, timeout=60,
                               preexec_fn=small_files, restore_signals=False, check=False)
        self.assertEqual(ended.returncode, 1, ended)
        self.assertIn("free space", ended.stderr)
        self.assertFalse([name for name in os.listdir(server.folder) if name.startswith("full")])

    def test_the_console_takes_an_absolute_path_and_one_backup_at_a_time(self):
        server = self.new_server()
        server.start().set_up()
        self.assertEqual(server.console("POST", "/backup", {"folder": 1}).status, 400)
        self.assertEqual(server.console("POST", "/backup", {"folder": "/x", "more": 1}).status, 400)
        answer = server.console("POST", "/backup", {"folder": "relative"})
        self.assertEqual(answer.status, 202, answer)
        deadline = time.monotonic() + 30
        while server.console("GET", "/backup").json()["state"] == "running":
            self.assertLess(time.monotonic(), deadline)
        told = server.console("GET", "/backup").json()
        self.assertEqual(told["state"], "failed")
        self.assertIn("absolute", told["message"])


class Drill(BackupTest):
    """A backup, changes after it, and three restores on another machine."""

    @classmethod
    def setUpClass(cls):
        cls.server = server = harness.Server()
        cls.addClassCleanup(server.close)
        server.start().set_up()
        cls.people = {name: server.add_person(f"{name}@example.com")
                      for name in ("disabled", "removed", "demoted", "renewed")}
        cls.people["boss"] = server.add_person("boss@example.com", "administrator")
        make = server.create_token
        cls.tokens = {name: make(name) for name in ("kept", "revoked", "renewed", "edited")}
        for name, person in cls.people.items():
            cls.tokens["of " + name] = make("of " + name, person=person)
        cls.early = server.create_token("revoked before")
        server.revoke_token(cls.early["authorizationId"])
        invited = server.must(201, "POST", f"/_latchkey/organizations/{server.organization}"
                              "/invitations", {"email": "late@example.com", "role": "member"})
        cls.invitation = invited.json()["link"].split("#")[1]
        cls.folder = os.path.join(server.folder, "backup")
        server.cli("backup", cls.folder, "--data", server.data)
        cls.change_much(server)
        server.stop()

    @classmethod
    def change_much(cls, server):
        server.revoke_token(cls.tokens["revoked"]["authorizationId"])
        path = server.pats()
        renewed = path.replace("pats?", f"pats/{cls.tokens['renewed']['authorizationId']}"
                               "/regenerate?")
        server.must(200, "POST", renewed)
        server.must(200, "PUT", path, {"authorizationId": cls.tokens["edited"]["authorizationId"],
                                       "displayName": "edited since"})
        answer = server.console("POST", f"/people/{cls.people['disabled'].id}/state",
                                {"state": "disabled"})
        assert answer.status == 200, answer
        members = f"/_latchkey/organizations/{server.organization}/members/"
        server.must(204, "DELETE", members + cls.people["removed"].id)
        server.must(200, "PATCH", members + cls.people["boss"].id, {"role": "reader"})
        server.must(200, "PATCH", members + cls.people["demoted"].id, {"role": "reader"})
        cls.change_password(server, cls.people["renewed"])
        cls.lost = server.create_token("made since")

    @staticmethod
    def change_password(server, person):
        answer = server.as_person("POST", "/_latchkey/me/password", {
            "oldPassword": person.password, "newPassword": "another battery staple"},
                                  person.session)
        assert answer.status < 300, answer

    def sign_in_status(self, server, person):
        return server.request("POST", "/_latchkey/sessions",
                              body={"email": person.email, "password": person.password}).status

    def statuses(self, server):
        return {name: server.use(token["token"]).status for name, token in self.tokens.items()}

    def check_always(self, server, report):
        """What holds after each restore."""
        before = json.loads(Path(self.folder, "manifest.json").read_text("ascii"))
        status = server.console("GET", "/status").json()
        self.assertEqual(status["epoch"], report["epoch"])
        self.assertNotEqual(status["epoch"], before["epoch"])
        self.assertEqual(report["backupEpoch"], before["epoch"])
        self.assertGreater(status["revision"], before["revision"])
        self.assertEqual(server.use(self.early["token"]).status, 401)
        self.assertEqual(server.use(self.lost["token"]).status, 401)
        session = server.as_person("GET", server.pats(), session=self.server.session)
        self.assertEqual(session.status, 401, "a session of before")
        accept = server.request("POST", "/_latchkey/invitations/accept", body={
            "code": self.invitation, "displayName": "Late", "password": "battery staple of late"})
        self.assertGreaterEqual(accept.status, 400, "a link of before")
        database = sqlite3.connect(os.path.join(server.data, "latchkey.db"))
        data = database.execute("SELECT data FROM events WHERE action = 'Store.RestoreEvent'")
        told = json.loads(data.fetchone()[0])
        database.close()
        self.assertEqual((told["backupEpoch"], told["backupRevision"], told["epoch"]),
                         (before["epoch"], before["revision"], report["epoch"]))
        verified = server.run("audit", "verify", "--data", server.data)
        self.assertEqual(verified.returncode, 0, verified)

    def test_keep_brings_back_what_was(self):
        other = self.new_server()
        report = self.must_restore(other, self.folder, "--keys", self.server.data + "/keys",
                                   "--since-backup", "keep")
        other.start()
        self.check_always(other, report)
        self.assertEqual(self.statuses(other), {name: 200 for name in self.tokens})
        for person in self.people.values():
            self.assertEqual(self.sign_in_status(other, person), 201, person.email)
        epoch = other.sign_in(harness.EMAIL, harness.PASSWORD)
        answer = other.as_person("POST", other.pats(), {"displayName": "new", "scope": "vso.code"},
                                 epoch.session)
        self.assertTrue(answer.headers["x-latchkey-revision"].startswith(report["epoch"] + "."))

    def test_revoke_follows_the_log_of_the_time_since(self):
        other = self.new_server()
        ended = self.restore(other, self.folder, "--keys", self.server.data + "/keys",
                             "--log-of", self.server.data, "--since-backup", "revoke")
        self.assertEqual(ended.returncode, 0, ended)
        self.assertIn("made since", ended.stdout)
        self.assertIn("Tokens revoked: 7", ended.stdout)
        other.cli("audit", "verify", "--data", other.data)
        shutil.rmtree(other.data)
        report = self.must_restore(other, self.folder, "--keys", self.server.data + "/keys",
                                   "--log-of", self.server.data, "--since-backup", "revoke")
        other.start()
        self.check_always(other, report)
        works = {"kept", "of renewed"}
        self.assertEqual(self.statuses(other),
                         {name: 200 if name in works else 401 for name in self.tokens})
        gone = [token for name, token in self.tokens.items() if name not in works]
        self.assertEqual(set(report["tokensRevoked"]), {t["authorizationId"] for t in gone})
        self.assertEqual(report["tokensLost"], [self.lost["authorizationId"]])
        self.assertEqual(report["peopleDisabled"], [self.people["disabled"].id])
        self.assertEqual(report["passwordsRemoved"], [self.people["renewed"].id])
        self.assertEqual(len(report["membersRemoved"]), 1)
        self.assertEqual(len(report["rolesChanged"]), 2)
        self.assertEqual(report["organizationsWithoutOwner"], [])
        may = {name: self.sign_in_status(other, person) for name, person in self.people.items()}
        self.assertEqual(may, {"disabled": 401, "removed": 201, "demoted": 201, "renewed": 401,
                               "boss": 201})
        owner = other.sign_in(harness.EMAIL, harness.PASSWORD)
        members = other.must(200, "GET", f"/_latchkey/organizations/{other.organization}/members",
                             person=owner).json()["value"]
        roles = {m["person"]["email"].split("@")[0]: m["role"] for m in members}
        self.assertEqual(roles, {"ada": "owner", "boss": "reader", "demoted": "reader",
                                 "disabled": "member", "renewed": "member"})

    def test_revoke_without_a_log_revokes_all(self):
        other = self.new_server()
        options = ("--keys", self.server.data + "/keys", "--since-backup", "revoke")
        self.refused(self.restore(other, self.folder, *options), 2, "EVERY token", "--yes")
        self.assertFalse(os.path.exists(other.data + "/latchkey.db"), "nothing was done")
        report = self.must_restore(other, self.folder, *options, "--yes")
        self.assertFalse(report["logFollowed"])
        other.start()
        self.check_always(other, report)
        self.assertEqual(set(self.statuses(other).values()), {401})
        for person in self.people.values():
            self.assertEqual(self.sign_in_status(other, person), 401)
        people = other.console("GET", "/people").json()["value"]
        ada = next(person for person in people if person["email"] == harness.EMAIL)
        link = other.console("POST", f"/people/{ada['id']}/reset-link").json()["link"]
        answer = other.request("POST", "/_latchkey/password/reset", body={
            "code": link.split("#")[1], "newPassword": "yet another battery staple"})
        self.assertLess(answer.status, 300, answer)
        other.sign_in(harness.EMAIL, "yet another battery staple")

    def test_a_log_that_is_not_of_this_backup_does_not_count(self):
        stranger = self.new_server()
        stranger.start().set_up()
        stranger.stop()
        other = self.new_server()
        ended = self.restore(other, self.folder, "--keys", self.server.data + "/keys", "--log-of",
                             stranger.data, "--since-backup", "revoke", "--yes")
        self.refused(ended, 1, "--log-of")


class Refusals(BackupTest):
    @classmethod
    def setUpClass(cls):
        cls.server = server = harness.Server()
        cls.addClassCleanup(server.close)
        server.start().set_up()
        cls.token = server.make_token()
        cls.whole = os.path.join(server.folder, "backup")
        server.cli("backup", cls.whole, "--data", server.data, "--with-keys")
        server.stop()

    def copy(self):
        target = os.path.join(self.server.folder, "copy")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.whole, target)
        return target

    def expect(self, code, backup, *words, options=("--since-backup", "keep")):
        other = self.new_server()
        self.refused(self.restore(other, backup, *options), code, *words)
        left = os.listdir(other.data) if os.path.exists(other.data) else []
        self.assertEqual([name for name in left if not name.endswith(".lock")], [])

    def edit_manifest(self, folder, **fields):
        path = Path(folder, "manifest.json")
        path.write_text(json.dumps({**json.loads(path.read_text("ascii")), **fields}), "ascii")

    def test_a_changed_file_is_named(self):
        for name in ("latchkey.db", "keys/row.key", "keys/digest-AA.key"):
            folder = self.copy()
            path = Path(folder, name)
            bytes_ = bytearray(path.read_bytes())
            bytes_[len(bytes_) // 2] ^= 1
            path.write_bytes(bytes_)
            self.expect(2, folder, name, "SHA-256")
            folder = self.copy()
            os.truncate(os.path.join(folder, name), len(bytes_) // 2)
            self.expect(2, folder, name, "SHA-256")
            os.unlink(os.path.join(folder, name))
            self.expect(2, folder, name, "missing")

    def test_a_manifest_that_is_not_one(self):
        folder = self.copy()
        self.edit_manifest(folder, format=2)
        self.expect(2, folder, "newer version")
        folder = self.copy()
        Path(folder, "manifest.json").write_text("{", "ascii")
        self.expect(2, folder, "manifest.json is damaged")
        folder = self.copy()
        self.edit_manifest(folder, revision=1)
        self.expect(5, folder, "does not describe")
        folder = self.copy()
        self.edit_manifest(folder, sha256={"../x": "", "latchkey.db": ""})
        self.expect(2, folder, "sha256")
        os.unlink(os.path.join(folder, "manifest.json"))
        self.expect(2, folder, "no whole backup")
        self.expect(2, "/nowhere", "no backup")

    def hash_again(self, folder):
        hashed = subprocess.run(["sha256sum", folder + "/latchkey.db"], capture_output=True,
                                text=True, check=True).stdout.split()[0]
        manifest = json.loads(Path(folder, "manifest.json").read_text("ascii"))
        self.edit_manifest(folder, sha256={**manifest["sha256"], "latchkey.db": hashed})

    def test_a_newer_schema_and_a_row_that_was_changed(self):
        for sql, code, words in (
                ("UPDATE schema_version SET version = version + 1", 2, ("newer version",)),
                ("UPDATE tokens SET scope = 'vso.code'", 5, ("does not verify", "token")),
                ("UPDATE people SET is_operator = 0", 5, ("does not verify", "person"))):
            folder = self.copy()
            with sqlite3.connect(folder + "/latchkey.db") as database:
                database.execute(sql)
            database.close()
            self.hash_again(folder)
            self.expect(code, folder, *words)

    def test_wrong_keys(self):
        stranger = self.new_server()
        stranger.start().stop()
        keep = ("--since-backup", "keep")
        self.expect(2, self.whole, "not those of this backup", "--keys",
                    options=(*keep, "--keys", stranger.data + "/keys"))
        mixed = os.path.join(self.server.folder, "mixed")
        shutil.rmtree(mixed, ignore_errors=True)
        shutil.copytree(self.server.data + "/keys", mixed)
        shutil.copy(stranger.data + "/keys/row.key", mixed)
        self.expect(2, self.whole, "not those of this backup", "not signed",
                    options=(*keep, "--keys", mixed))
        without = os.path.join(self.server.folder, "without")
        self.server.cli("backup", without, "--data", self.server.data)
        self.expect(2, without, "without keys", "--keys")

    def test_what_is_there_and_what_is_not_said(self):
        server = self.new_server()
        server.start().set_up()
        keep = ("--since-backup", "keep")
        self.refused(self.restore(server, self.whole, *keep), 1, "in use", "stop")
        server.stop()
        self.refused(self.restore(server, self.whole, *keep), 1, "--replace")
        self.refused(self.restore(server, self.whole), 2, "--since-backup")
        self.refused(self.restore(server, self.whole, "--since-backup", "yes"), 2, "no choice")
        self.refused(self.restore(server, self.whole, *keep, "--replace"), 2, "not those of this")


class Replace(BackupTest):
    def setUp(self):
        self.server = server = self.new_server()
        server.start().set_up()
        self.old = server.make_token()
        self.folder = os.path.join(server.folder, "backup")
        server.cli("backup", self.folder, "--data", server.data)
        self.new = server.make_token()
        server.kill()  # so that there is a write-ahead file
        self.command = [harness.BINARY, "restore", self.folder, "--data", server.data,
                        "--since-backup", "revoke", "--replace"]

    def replaced(self):
        return sorted(Path(self.server.data).glob("replaced-*"))

    def test_what_was_there_is_moved_aside_whole(self):
        before = head_of(self.server.data)
        report = self.must_restore(self.server, self.folder, "--since-backup", "revoke",
                                   "--replace")
        self.assertTrue(report["logFollowed"])
        self.assertEqual(len(report["tokensLost"]), 1)
        self.assertEqual([str(path) for path in self.replaced()], [report["replaced"]])
        self.assertEqual(head_of(report["replaced"]), before)
        self.server.start()
        self.assertEqual(self.server.use(self.old).status, 200)
        self.assertEqual(self.server.use(self.new).status, 401)

    def test_a_kill_leaves_the_old_or_the_new(self):
        print(f"kills: {KILLS}, LATCHKEY_SEED={SEED}", flush=True)
        rng = random.Random(SEED)
        began = time.monotonic()
        self.must_restore(self.server, self.folder, "--since-backup", "keep", "--replace")
        took = time.monotonic() - began
        outcomes = {"old": 0, "new": 0, "finished": 0}
        for kill in range(KILLS):
            epoch, asides = head_of(self.server.data)[0], len(self.replaced())
            process = subprocess.Popen(self.command, env=self.server.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, took))
            process.kill()
            process.wait()
            if Path(self.server.data, "restore-staging/commit.json").exists():
                ended = subprocess.run(self.command, env=self.server.environment, check=False,
                                       capture_output=True, text=True, timeout=60)
                self.assertEqual(ended.returncode, 0, ended)
                self.assertIn("finished", ended.stdout)
                outcomes["finished"] += 1
            self.server.cli("audit", "verify", "--data", self.server.data)
            is_new = head_of(self.server.data)[0] != epoch
            outcomes["new" if is_new else "old"] += 1
            self.assertEqual(len(self.replaced()), asides + is_new, f"kill {kill}")
        print(outcomes, flush=True)
        self.must_restore(self.server, self.folder, "--since-backup", "keep", "--replace")
        self.assertFalse(Path(self.server.data, "restore-staging").exists())
        self.server.start()
        self.assertEqual(self.server.use(self.old).status, 200)

    def test_every_state_between_is_finished(self):
        """The moves of a restore that was begun for good, cut after each."""
        data = Path(self.server.data)
        report = self.must_restore(self.server, self.folder, "--since-backup", "keep", "--replace")
        new, old = head_of(data), head_of(report["replaced"])
        saved = Path(self.server.folder, "saved")
        saved.mkdir()
        shutil.copy(data / "latchkey.db", saved / "new.db")
        for moves in range(3):
            for finisher in ("restore", "serve"):
                with self.subTest(moves=moves, finisher=finisher):
                    aside = data / f"replaced-{moves}-{finisher}"
                    staging = data / "restore-staging"
                    staging.mkdir(mode=0o700)
                    (staging / "commit.json").write_text(json.dumps({"replaced": aside.name}))
                    for name in ("latchkey.db", "latchkey.db-wal", "latchkey.db-shm"):
                        if (data / name).exists():
                            (data / name).unlink()
                    shutil.copy(saved / "new.db",
                                (data if moves == 2 else staging) / "latchkey.db")
                    if moves:
                        aside.mkdir()
                    for file in Path(report["replaced"]).iterdir():
                        shutil.copy(file, (aside if moves else data) / file.name)
                    refused = self.server.run("audit", "verify", "--data", self.server.data)
                    self.refused(refused, 2, "interrupted")
                    backup = self.server.run("backup", "x", "--data", self.server.data)
                    self.refused(backup, 2, "interrupted")
                    if finisher == "restore":
                        ended = self.server.run(*self.command[1:])
                        self.assertIn("is finished", ended.stdout)
                    else:
                        self.server.start().stop()
                    self.assertEqual(head_of(data)[0], new[0])
                    self.assertEqual(head_of(aside), old)
                    self.assertFalse(staging.exists())
                    self.server.cli("audit", "verify", "--data", self.server.data)

    def test_keys_are_replaced_with_it(self):
        stranger = self.new_server()
        stranger.start().set_up()
        token = stranger.make_token()
        folder = os.path.join(stranger.folder, "backup")
        stranger.cli("backup", folder, "--data", stranger.data, "--with-keys")
        before = Path(self.server.data, "keys/row.key").read_bytes()
        report = self.must_restore(self.server, folder, "--keys", folder + "/keys", "--replace",
                                   "--since-backup", "keep")
        self.assertFalse(report["logFollowed"])
        self.assertEqual(Path(report["replaced"], "keys/row.key").read_bytes(), before)
        self.server.start()
        self.assertEqual(self.server.use(token).status, 200)
        self.assertEqual(self.server.use(self.old).status, 401)


if __name__ == "__main__":
    unittest.main()
