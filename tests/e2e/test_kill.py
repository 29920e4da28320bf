#!/usr/bin/env python3
"""kill -9 under load: what was acknowledged is there afterwards, and the audit log holds.

Threads make, change, regenerate and revoke tokens, and note each change that was answered. The
process is killed at a random moment and started again. LATCHKEY_KILLS is how often (50),
LATCHKEY_SEED repeats a run's moments.
"""

import http.client
import os
import random
import threading
import time
import unittest

import harness

KILLS = int(os.environ.get("LATCHKEY_KILLS", "50"))
SEED = int(os.environ.get("LATCHKEY_SEED", "0")) or random.SystemRandom().getrandbits(32)
THREADS = 3
READY_SECONDS_MAX = 15
CHECKED_OLD = 40  # tokens of earlier rounds that are looked at again after each start


class Token:
    """What is known for sure of a token. A change sent and not answered makes it unsure."""

    def __init__(self, answer, name):
        self.id = answer["authorizationId"]
        self.text = answer["token"]
        self.names = {name}
        self.dead = []  # texts that a regeneration ended for sure
        self.may_be_dead = False  # the text in `text` may be gone
        self.is_revoked = False
        self.may_be_revoked = False


class Load:
    """Threads that change tokens until the server is gone."""

    def __init__(self, server, rng):
        self.server = server
        self.tokens = []
        self.acknowledged = 0
        self.failures = []
        self.threads = [threading.Thread(target=self.run, args=(random.Random(rng.random()),))
                        for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def join(self):
        for thread in self.threads:
            thread.join()

    def run(self, rng):
        mine = []
        connection = http.client.HTTPConnection("127.0.0.1", self.port(), timeout=30)
        try:
            while True:
                live = [token for token in mine if not token.is_revoked]
                if not live or rng.random() < 0.4:
                    self.create(connection, mine, rng)
                else:
                    token = rng.choice(live)
                    rng.choice([self.update, self.regenerate, self.revoke])(connection, token, rng)
                self.acknowledged += 1
        except (OSError, http.client.HTTPException):
            pass  # killed
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(error)
        finally:
            self.tokens += mine
            connection.close()

    def port(self):
        return int(self.server.url.rsplit(":", 1)[1])

    def call(self, connection, method, path, body=None):
        """An answer that was read whole, or an exception of the connection."""
        headers = {"Authorization": "Bearer " + self.server.session}
        if body is not None:
            body = harness.json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        answer = harness.Answer.of(connection.getresponse())
        if answer.status not in (200, 204):
            raise AssertionError(f"{method} {path}: {answer}")
        return answer

    def create(self, connection, mine, rng):
        name = f"created {rng.getrandbits(64):x}"
        answer = self.call(connection, "POST", self.server.pats(),
                           {"displayName": name, "scope": "vso.project"})
        mine.append(Token(answer.json()["patToken"], name))

    def update(self, connection, token, rng):
        name = f"renamed {rng.getrandbits(64):x}"
        before = set(token.names)
        token.names.add(name)
        answer = self.call(connection, "PUT", self.server.pats(),
                           {"authorizationId": token.id, "displayName": name}).json()
        if answer["patTokenError"] == "none":
            token.names = {name}
        else:
            token.names = before

    def regenerate(self, connection, token, rng):
        token.may_be_dead = True
        path = self.server.pats().replace("pats?", f"pats/{token.id}/regenerate?")
        answer = self.call(connection, "POST", path).json()
        if answer["patTokenError"] != "none":
            raise AssertionError(answer)
        token.dead.append(token.text)
        token.text = answer["patToken"]["token"]
        token.may_be_dead = False

    def revoke(self, connection, token, rng):
        token.may_be_revoked = True
        self.call(connection, "DELETE", self.server.pats() + "&authorizationId=" + token.id)
        token.is_revoked = True


class Kill(unittest.TestCase):
    def check(self, token):
        """The token as the restarted server has it, against what was acknowledged."""
        status = self.server.use(token.text).status
        if token.is_revoked:
            self.assertEqual(status, 401, "a revoked token works again")
        elif not token.may_be_revoked and not token.may_be_dead:
            self.assertEqual(status, 200, "an acknowledged token is lost")
        else:
            self.assertIn(status, (200, 401))
        for text in token.dead:
            self.assertEqual(self.server.use(text).status, 401, "a replaced secret works again")
        path = self.server.pats() + "&authorizationId=" + token.id
        row = self.server.must(200, "GET", path).json()["patToken"]
        self.assertIsNotNone(row, "an acknowledged token is lost")
        self.assertIn(row["displayName"], token.names, "an acknowledged name is lost")
        # From here on what the server says is certain.
        token.names = {row["displayName"]}
        token.is_revoked = token.may_be_revoked = row["status"] == "revoked"

    def test_loses_nothing_that_was_acknowledged(self):
        print(f"kills: {KILLS}, LATCHKEY_SEED={SEED}", flush=True)
        rng = random.Random(SEED)
        self.server = server = harness.Server()
        self.addCleanup(server.close)
        server.start().set_up()
        old, acknowledged, slowest = [], 0, 0.0
        for kill in range(KILLS):
            load = Load(server, rng)
            time.sleep(rng.uniform(0.05, 0.6))
            server.kill()
            load.join()
            self.assertEqual(load.failures, [], f"kill {kill}")
            acknowledged += load.acknowledged
            if kill % 2 == 0:  # at rest, before anything repaired it; else at the running server
                verified = server.run("audit", "verify", "--data", server.data)
                self.assertEqual(verified.returncode, 0, f"kill {kill}: {verified}")
            began = time.monotonic()
            server.start()
            while server.operations("/health/ready").status != 200:
                self.assertLess(time.monotonic() - began, READY_SECONDS_MAX)
                time.sleep(0.005)
            slowest = max(slowest, time.monotonic() - began)
            if kill % 2 == 1:
                verified = server.run("audit", "verify", "--data", server.data)
                self.assertEqual(verified.returncode, 0, f"kill {kill}: {verified}")
            again = load.tokens + rng.sample(old, min(CHECKED_OLD, len(old)))
            for token in again:
                with self.subTest(kill=kill, token=token.id):
                    self.check(token)
            old += [token for token in load.tokens if not token.may_be_dead]
        print(f"acknowledged changes: {acknowledged}, slowest start: {slowest:.2f} s", flush=True)
        self.assertLess(slowest, READY_SECONDS_MAX)
        self.assertGreater(acknowledged, KILLS, "there was no load")


if __name__ == "__main__":
    unittest.main()
