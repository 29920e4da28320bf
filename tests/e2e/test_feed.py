"""The change feed: what a gate hears, how fast, and that it refuses when it does not hear."""

import os
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse

import certificates
import harness

FOLLOWER = os.environ.get("LATCHKEY_FEED_FOLLOWER", "build/dev/tests/feed_follower")
BOUND_MS = 1000  # of staleness
# What the machine of the test may be late with when it looks at its clock.
SLACK_MS = 250


class Follower:
    """tests/support/feed_follower: a gate that is asked over its stdin."""

    def __init__(self, folder, url, secret, ca_file=None, name="gate.secret"):
        path = os.path.join(folder, name)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w",
                  encoding="ascii") as file:
            file.write(secret + "\n")
        self.credential = path
        self.process = subprocess.Popen([FOLLOWER, url, path, *([ca_file] if ca_file else [])],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first = self.process.stdout.readline().strip()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def check(self, text):
        return self.ask("check " + text)

    def status(self):
        revision, age, tokens, keys = map(int, self.ask("status").split())
        return {"revision": revision, "age": age, "tokens": tokens, "keys": keys}

    def last_granted(self):
        return int(self.ask("last"))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


class Cut:
    """A TCP proxy in front of a server that can stop to carry anything, without closing."""

    def __init__(self, url):
        host = urllib.parse.urlsplit(url)
        self.target = (host.hostname, host.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_cut = threading.Event()
        self.ended = threading.Event()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.ended.is_set():
            try:
                here, _ = self.listener.accept()
            except OSError:
                return
            if self.is_cut.is_set():
                threading.Thread(target=self.swallow, args=(here,), daemon=True).start()
                continue
            try:
                there = socket.create_connection(self.target)
            except OSError:  # what it stands before is down
                here.close()
                continue
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def swallow(self, here):
        while self.is_cut.is_set():
            time.sleep(0.05)
        here.close()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                while self.is_cut.is_set() and not self.ended.is_set():
                    time.sleep(0.02)
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()  # each is the source of one of the two threads

    def close(self):
        self.ended.set()
        self.listener.close()


def start_at(server, port):
    """Starts it anew where gates look for it."""
    command = server.start_command()
    command[command.index("--port") + 1] = str(port)
    server.start_command = lambda: command
    server.start()


def now_ms():
    return int(time.time() * 1000)


class FeedTest(unittest.TestCase):
    """Each test has a server of its own."""

    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)
        self.server.start().set_up()

    def client(self, name, *options, may="feed"):
        return self.server.cli("client", "add", name, "--may", may, "--data", self.server.data,
                               *options).strip()

    def follow(self, secret=None, url=None, name="gate"):
        follower = Follower(self.server.folder, url or self.server.url,
                            secret or self.client(name), name=name + ".secret")
        self.addCleanup(follower.close)
        self.assertEqual(follower.first, "loaded")
        return follower

    def feed(self, secret, path):
        return self.server.request("GET", "/_latchkey/feed/" + path,
                                   {"Authorization": "Bearer " + secret})

    def eventually(self, expected, question, seconds=10):
        deadline = time.monotonic() + seconds
        while (found := question()) != expected:
            self.assertLess(time.monotonic(), deadline, f"{found} instead of {expected}")
            time.sleep(0.01)


class Feed(FeedTest):
    """A gate that follows."""

    def test_hears_of_every_change(self):
        before = self.server.create_token("before")
        follower = self.follow()
        self.assertEqual(follower.check(before["token"]), "granted")
        self.assertEqual(follower.check(before["token"][:-1] + "_"), "token_malformed")
        after = self.server.create_token("after")
        self.eventually("granted", lambda: follower.check(after["token"]))
        answer = self.server.as_person("POST", self.server.pats().replace(
            "/pats?", f"/pats/{after['authorizationId']}/regenerate?"))
        self.assertEqual(answer.status, 200, answer)
        self.eventually("token_revoked", lambda: follower.check(after["token"]))
        self.assertEqual(follower.check(answer.json()["patToken"]["token"]), "granted")
        self.server.revoke_token(before["authorizationId"])
        self.eventually("token_revoked", lambda: follower.check(before["token"]))
        self.assertEqual(follower.ask("reach " + str(follower.status()["revision"])), "reached")

    def test_a_revocation_is_there_within_the_bound_and_mostly_at_once(self):
        follower = self.follow()
        late = []
        for number in range(20):
            token = self.server.create_token(f"number {number}")
            self.eventually("granted", lambda text=token["token"]: follower.check(text))
            follower.ask("hammer " + token["token"])
            time.sleep(0.03)
            self.server.revoke_token(token["authorizationId"])
            acknowledged = now_ms()
            self.eventually("token_revoked", lambda text=token["token"]: follower.check(text))
            last = follower.last_granted()
            self.assertGreater(last, 0)
            late.append(max(0, last - acknowledged))
            self.assertLessEqual(late[-1], BOUND_MS)
        print(f"last granted after the acknowledgement: {sorted(late)} ms", flush=True)
        self.assertLess(sorted(late)[len(late) // 2], 200)

    def test_a_key_is_there_before_its_tokens(self):
        follower = self.follow()
        for number in range(5):
            self.server.cli("key", "rotate", "digest", "--data", self.server.data)
            token = self.server.create_token(f"of key {number}")
            self.assertEqual(follower.ask("reach " + str(self.revision())), "reached")
            self.assertEqual(follower.check(token["token"]), "granted")
        self.assertEqual(follower.status()["keys"], 6)
        self.server.cli("key", "retire", "AA", "--yes", "--data", self.server.data)
        self.eventually(5, lambda: follower.status()["keys"])

    def revision(self):
        return self.server.console("GET", "/status").json()["revision"]

    def test_a_client_hears_of_its_organizations_only(self):
        self.server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
        ours = self.server.create_token("ours")
        theirs = self.server.create_token("theirs", organization="contoso")
        limited = self.follow(self.client("limited", "--organization", "contoso"), name="limited")
        self.assertEqual(limited.check(theirs["token"]), "granted")
        self.assertEqual(limited.check(ours["token"]), "token_unknown")
        more = self.server.create_token("more")
        also = self.server.create_token("also", organization="contoso")
        self.eventually("granted", lambda: limited.check(also["token"]))
        self.assertEqual(limited.check(more["token"]), "token_unknown")
        self.assertEqual(limited.status()["tokens"], 2)

    def test_a_removed_client_is_cut_off(self):
        token = self.server.create_token()
        follower = self.follow(name="short")
        follower.ask("hammer " + token["token"])
        self.server.cli("client", "remove", "short", "--yes", "--data", self.server.data)
        acknowledged = now_ms()
        time.sleep((BOUND_MS + SLACK_MS) / 1000)
        self.assertEqual(follower.check(token["token"]), "index_stale")
        self.assertLessEqual(follower.last_granted(), acknowledged + BOUND_MS + SLACK_MS)
        # A new secret in its file, and it goes on by itself.
        with open(follower.credential, "w", encoding="ascii") as file:
            file.write(self.client("short-2") + "\n")
        self.eventually("granted", lambda: follower.check(token["token"]))

    def test_needs_a_client_that_may(self):
        secret = self.client("reporter", may="report")
        for path in ("keys", "catalog", "snapshot", "changes?epoch=&after=0"):
            self.assertEqual(self.feed(secret, path).status, 403, path)
            for header in ({}, {"Authorization": "Bearer " + self.server.session},
                           {"Authorization": harness.basic(self.server.create_token()["token"])}):
                answer = self.server.request("GET", "/_latchkey/feed/" + path, header)
                self.assertEqual(answer.status, 401, (path, header))

    def test_bad_questions_name_the_field(self):
        secret = self.client("curious")
        for path, field in (("snapshot?after=x", "after"), ("snapshot?after=t.1", "after"),
                            ("snapshot?after=m.1.2", "after"), ("snapshot?after=r.-1", "after"),
                            ("snapshot?keys=" + "A" * 257, "keys"),
                            ("changes?after=1", "epoch"),
                            (f"changes?epoch={'0' * 8}-0000-0000-0000-{'0' * 12}", "after"),
                            (f"changes?epoch={'0' * 8}-0000-0000-0000-{'0' * 12}&after=1&wait=x",
                             "wait")):
            answer = self.feed(secret, path)
            self.assertEqual((answer.status, answer.json()["field"]), (400, field), path)

    def test_what_is_not_here_any_more_is_told(self):
        secret = self.client("lost")
        nowhere = self.feed(secret, f"changes?epoch={'0' * 8}-0000-0000-0000-{'0' * 12}&after=1")
        self.assertEqual(nowhere.status, 410)
        epoch = self.server.console("GET", "/status").json()["epoch"]
        # The log in memory begins at the start of the server.
        self.assertEqual(self.feed(secret, f"changes?epoch={epoch}&after=0").status, 200)
        self.server.create_token()
        self.server.stop()
        self.server.start()
        self.assertEqual(self.feed(secret, f"changes?epoch={epoch}&after=0").status, 410)
        self.assertEqual(self.feed(secret, f"changes?epoch={epoch}&after=99999").status, 410)

    def test_keys_are_never_kept_and_never_logged(self):
        answer = self.feed(self.client("reader"), "keys")
        self.assertEqual(answer.status, 200)
        self.assertIn("no-store", answer.headers["cache-control"])
        path = os.path.join(self.server.data, "keys", "digest-AA.key")
        with open(path, encoding="ascii") as file:
            key = bytes.fromhex(file.readline().strip())
        self.assertIn(key, answer.body)
        self.assertNotIn(key.hex(), self.server.log_text())

    def test_many_that_wait_hold_no_thread(self):
        secret = self.client("crowd")
        status = self.server.console("GET", "/status").json()
        path = f"changes?epoch={status['epoch']}&after={self.revision()}&wait=5000"
        keys = self.feed(secret, path.replace("wait=5000", "wait=0"))
        self.assertEqual(keys.status, 200)
        path += "&keys=AA:AA"
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.feed(secret, path)))
                   for _ in range(60)]
        for thread in threads:
            thread.start()
        self.eventually(60.0, lambda: self.server.metric("latchkey_feed_gates_waiting"))
        began = time.monotonic()
        self.server.create_token("while they wait")  # needs the workers, and wakes them all
        for thread in threads:
            thread.join(30)
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual({answer.status for answer in answers}, {200})
        # But for how long ago each of them asked.
        self.assertEqual(len({answer.body[:53] + answer.body[57:] for answer in answers}), 1)


class Staleness(FeedTest):
    """Nothing is let through once the server was not heard for longer than the bound."""

    def begin(self, url=None):
        token = self.server.create_token()
        follower = self.follow(url=url)
        self.assertEqual(follower.check(token["token"]), "granted")
        follower.ask("hammer " + token["token"])
        time.sleep(0.5)
        return token, follower

    def assert_silent_after(self, follower, token, moment):
        time.sleep((BOUND_MS + 2 * SLACK_MS) / 1000)
        self.assertEqual(follower.check(token["token"]), "index_stale")
        last = follower.last_granted()
        self.assertGreater(last, 0)
        self.assertLessEqual(last, moment + BOUND_MS + SLACK_MS)

    def test_a_server_that_was_killed_and_came_back(self):
        token, follower = self.begin()
        port = urllib.parse.urlsplit(self.server.url).port
        self.server.kill()
        self.assert_silent_after(follower, token, now_ms())
        start_at(self.server, port)
        self.eventually("granted", lambda: follower.check(token["token"]))

    def test_a_connection_that_carries_nothing(self):
        cut = Cut(self.server.url)
        self.addCleanup(cut.close)
        token, follower = self.begin(cut.url)
        cut.is_cut.set()
        moment = now_ms()
        self.server.revoke_token(token["authorizationId"])
        self.assert_silent_after(follower, token, moment)
        cut.is_cut.clear()
        self.eventually("token_revoked", lambda: follower.check(token["token"]))

    def test_a_process_that_was_stopped_and_wakes_with_an_old_index(self):
        token, follower = self.begin()
        os.kill(follower.process.pid, 19)
        time.sleep(0.3)
        self.server.revoke_token(token["authorizationId"])
        stopped = now_ms()
        time.sleep(2)
        os.kill(follower.process.pid, 18)
        self.eventually("token_revoked", lambda: follower.check(token["token"]))
        # What it knew was too old when it woke.
        self.assertLessEqual(follower.last_granted(), stopped)

    def test_a_restore_begins_another_epoch(self):
        token, follower = self.begin()
        kept = self.server.create_token("in the backup")
        backup = os.path.join(self.server.folder, "backup")
        self.server.cli("backup", backup, "--data", self.server.data)
        lost = self.server.create_token("made since")
        self.eventually("granted", lambda: follower.check(lost["token"]))
        port = urllib.parse.urlsplit(self.server.url).port
        self.server.stop()
        self.server.cli("restore", backup, "--data", self.server.data, "--replace",
                        "--since-backup", "keep", "--yes")
        start_at(self.server, port)
        self.eventually("token_unknown", lambda: follower.check(lost["token"]))
        self.assertEqual(follower.check(kept["token"]), "granted")
        self.assertEqual(follower.check(token["token"]), "granted")


class Refusals(unittest.TestCase):
    """What a gate does not begin with."""

    def refused(self, url, secret="lkc_" + "A" * 43, mode=0o600, ca_file=None):
        folder = harness.tempfile.mkdtemp(prefix="latchkey-")
        self.addCleanup(harness.shutil.rmtree, folder)
        path = os.path.join(folder, "secret")
        with open(path, "w", encoding="ascii") as file:
            file.write(secret)
        os.chmod(path, mode)
        ended = subprocess.run([FOLLOWER, url, path, *([ca_file] if ca_file else [])],
                               capture_output=True, text=True, timeout=60, input="")
        self.assertEqual(ended.returncode, 1)
        self.assertNotIn(secret[4:] or "?", ended.stdout)
        return ended.stdout

    def test_plain_http_to_another_machine(self):
        self.assertIn("https://", self.refused("http://tokens.example.com"))
        self.assertIn("https://", self.refused("http://127.0.0.1.example.com:80"))
        self.assertIn("https://", self.refused("ftp://127.0.0.1"))
        self.assertIn("without a slash", self.refused("https://tokens.example.com/path"))

    def test_a_proxy_must_have_heard_it_within_tls(self):
        server = harness.Server("--listen-trusted-proxies", "127.0.0.1")
        self.addCleanup(server.close)
        server.start()
        secret = server.cli("client", "add", "gate", "--may", "feed", "--data",
                            server.data).strip()
        for headers, status in (({"X-Forwarded-For": "203.0.113.9"}, 403), ({}, 403),
                                ({"X-Forwarded-Proto": "http"}, 403),
                                ({"X-Forwarded-For": "127.0.0.1"}, 403),
                                ({"X-Forwarded-Proto": "https"}, 200)):
            with self.subTest(headers):
                answer = server.request("GET", "/_latchkey/feed/keys",
                                        {"Authorization": "Bearer " + secret, **headers})
                self.assertEqual(answer.status, status)

    def test_a_credential_that_others_may_read_or_that_is_none(self):
        self.assertIn("chmod 600", self.refused("http://127.0.0.1:1", mode=0o640))
        self.assertIn("lkc_", self.refused("http://127.0.0.1:1", secret="lks_" + "A" * 43))

    def test_tls_is_verified(self):
        folder = harness.tempfile.mkdtemp(prefix="latchkey-")
        self.addCleanup(harness.shutil.rmtree, folder)
        root = certificates.Root(folder)
        chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
        root.issue(chain, key)
        server = harness.Server("--tls-certificate-file", chain, "--tls-key-file", key)
        self.addCleanup(server.close)
        server.start()
        url = server.url
        secret = server.cli("client", "add", "gate", "--may", "feed", "--data",
                            server.data).strip()
        self.assertIn("Cannot reach", self.refused(url, secret))
        follower = Follower(folder, url, secret, root.file)
        self.addCleanup(follower.close)
        self.assertEqual(follower.first, "loaded")


if __name__ == "__main__":
    unittest.main(verbosity=2)
