#!/usr/bin/env python3
"""Idempotency-Key on create and regenerate: a retry after a lost answer makes no second token."""

import json
import os
import re
import socket
import threading
import time
import unittest
import urllib.parse
import uuid
from pathlib import Path

import harness

VECTORS = Path(__file__).resolve().parents[2] / "spec/vectors/idempotency.json"
AT_ONCE = 32
WAIT_SECONDS = 30


def new_key():
    return str(uuid.uuid4())


class KeyedTest(harness.ServerTest):
    def keyed(self, path, body, key, person=None):
        session = person.session if person else self.server.session
        return self.server.request("POST", path, {"Authorization": "Bearer " + session,
                                                  "Idempotency-Key": key}, body)

    def create(self, key, name="build", person=None):
        return self.keyed(self.server.pats(), {"displayName": name, "scope": "vso.project"}, key,
                          person)

    def regenerate(self, identifier, key, body=None):
        path = self.server.pats().replace("pats?", f"pats/{identifier}/regenerate?")
        return self.keyed(path, body or {}, key)

    def called(self, name):
        return [token for token in self.server.list_tokens() if token["displayName"] == name]

    def assert_gone(self, answer, identifier, *words):
        self.assert_error(answer, 409, "TokenSecretGoneException", identifier, *words)
        self.assertEqual(answer.json()["authorizationId"], identifier)
        self.assertEqual(answer.json()["field"], "Idempotency-Key")


class SameAgain(KeyedTest):
    def test_the_same_answer_and_nothing_more(self):
        key = new_key()
        first = self.create(key, "again")
        self.assertEqual(first.status, 200, first)
        self.assertNotIn("idempotency-replayed", first.headers)
        mails = self.mails(1, "again")
        before = self.state()
        for sent in (key, f'"{key}"'):
            again = self.create(sent, "again")
            self.assertEqual(again.status, 200, again)
            self.assertEqual(again.headers["idempotency-replayed"], "true")
            self.assertEqual(again.body, first.body)
            self.assertIn("x-latchkey-revision", again.headers)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.mails(1, "again"), mails)
        token = first.json()["patToken"]["token"]
        self.assertEqual(self.server.use(token).status, 200)

    def mails(self, least, word):
        """The mails about `word`, once there are so many."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            outbox = self.server.must(200, "GET", "/_latchkey/me/outbox").json()["value"]
            found = [mail for mail in outbox if f'"{word}"' in mail["subject"]]
            if len(found) >= least or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def test_regenerate(self):
        made = self.server.create_token("renewed")
        key = new_key()
        first = self.regenerate(made["authorizationId"], key)
        self.assertEqual(first.status, 200, first)
        before = self.state()
        again = self.regenerate(made["authorizationId"], key)
        self.assertEqual(again.body, first.body)
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertEqual(self.state(), before)
        self.assertEqual(self.server.use(made["token"]).status, 401)
        self.assertEqual(self.server.use(again.json()["patToken"]["token"]).status, 200)

    def test_many_at_once_make_one(self):
        for name, send in (("race", lambda key: self.create(key, "race")),
                           ("raced", self.regenerate_of(self.server.create_token("raced")))):
            with self.subTest(name):
                key, answers, barrier = new_key(), [], threading.Barrier(AT_ONCE)

                def run(send=send, key=key, answers=answers, barrier=barrier):
                    barrier.wait()
                    answers.append(send(key))

                threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual([answer.status for answer in answers], [200] * AT_ONCE, answers)
                self.assertEqual(len({answer.body for answer in answers}), 1)
                replays = [answer for answer in answers if "idempotency-replayed" in answer.headers]
                self.assertEqual(len(replays), AT_ONCE - 1)
                self.assertEqual(len(self.called(name)), 1)
                token = answers[0].json()["patToken"]["token"]
                self.assertEqual(self.server.use(token).status, 200)

    def regenerate_of(self, token):
        return lambda key: self.regenerate(token["authorizationId"], key)

    def test_an_answer_that_was_not_read(self):
        key = new_key()
        body = json.dumps({"displayName": "unread", "scope": "vso.project"}).encode()
        head = (f"POST {self.server.pats()} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\n"
                f"Authorization: Bearer {self.server.session}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        host = urllib.parse.urlsplit(self.server.url)
        with socket.create_connection((host.hostname, host.port), timeout=30) as peer:
            peer.sendall(head.encode() + body)
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.called("unread") and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(len(self.called("unread")), 1)
        again = self.create(key, "unread")
        self.assertEqual(again.headers["idempotency-replayed"], "true")
        self.assertEqual(self.server.use(again.json()["patToken"]["token"]).status, 200)
        self.assertEqual(len(self.called("unread")), 1)


class Refused(KeyedTest):
    def test_a_malformed_key(self):
        before = self.state()
        for vector in json.loads(VECTORS.read_text(encoding="utf-8"))["bad"]:
            if vector["header"] != vector["header"].strip():
                continue  # HTTP takes the spaces around a value away
            with self.subTest(vector["header"]):
                answer = self.create(vector["header"])
                self.assertEqual(answer.status, 400, answer)
                if "\u007f" not in vector["header"]:  # that one is no HTTP (H6)
                    self.assertEqual(answer.json()["field"], "Idempotency-Key")
                    self.assertIn("'Idempotency-Key' m", answer.json()["message"])
        identifier = self.server.create_token("kept")["authorizationId"]
        self.assertEqual(self.regenerate(identifier, "a b").status, 400)
        self.server.revoke_token(identifier)
        self.assertEqual(len(self.state()[1]), len(before[1]) + 1)

    def test_two_keys(self):
        before = self.state()
        body = b'{"displayName":"x","scope":"vso.project"}'
        head = (f"POST {self.server.pats()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                "Idempotency-Key: a\r\nIdempotency-Key: a\r\n"
                f"Authorization: Bearer {self.server.session}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        answer = self.server.raw(head.encode() + body)
        self.assert_error(answer, 400, "VssPropertyValidationException", "Idempotency-Key",
                          "must be given once")
        self.assertEqual(self.state(), before)

    def test_another_request_with_the_key(self):
        key = new_key()
        made = self.create(key, "one").json()["patToken"]["authorizationId"]
        first = self.regenerate(made, key)
        self.assertEqual(first.status, 200, "another operation, so another key")
        other = self.server.create_token("other")["authorizationId"]
        before = self.state()
        for answer in (self.create(key, "two"), self.regenerate(other, key),
                       self.regenerate(made, key, {"validTo": harness.date_time(86400)})):
            self.assert_error(answer, 422, "IdempotencyKeyReusedException")
            self.assertEqual(answer.json()["field"], "Idempotency-Key")
        self.assertEqual(self.state(), before)

    def test_a_business_error_uses_no_key_up(self):
        key = new_key()
        self.assertEqual(self.create(key, " ").json()["patTokenError"], "displayNameRequired")
        made = self.create(key, "after all")
        self.assertEqual(made.json()["patTokenError"], "none")
        self.assertNotIn("idempotency-replayed", made.headers)

    def test_a_dead_secret(self):
        key = new_key()
        made = self.create(key, "dead").json()["patToken"]["authorizationId"]
        self.assertEqual(self.regenerate(made, new_key()).status, 200)
        self.assert_gone(self.create(key, "dead"), made, "regenerated since")
        self.server.revoke_token(made)
        before = self.state()
        self.assert_gone(self.create(key, "dead"), made, "revoked since")
        self.assertEqual(self.state(), before)

    def test_who_is_no_member_any_more(self):
        person = self.server.add_person("carl@example.com")
        key = new_key()
        self.assertEqual(self.create(key, "carl's", person).status, 200)
        self.assertNotIn("idempotency-replayed", self.create(key, "ada's").headers)
        self.server.must(204, "DELETE", f"/_latchkey/organizations/fabrikam/members/{person.id}")
        self.assert_error(self.create(key, "carl's", person), 404, "OrganizationNotFoundException")


class Killed(KeyedTest):
    def test_after_a_kill_the_token_is_named(self):
        key, renewal = new_key(), new_key()
        made = self.create(key, "killed").json()["patToken"]
        other = self.server.create_token("renewed")["authorizationId"]
        self.assertEqual(self.regenerate(other, renewal).status, 200)
        self.server.kill()
        self.server.start()
        before = self.state()
        self.assert_gone(self.create(key, "killed"), made["authorizationId"],
                         "can no longer be shown", "regenerate", "revoke")
        self.assert_gone(self.regenerate(other, renewal), other, "can no longer be shown")
        self.assertEqual(self.create(key, "else").status, 422)
        self.assertEqual(self.state(), before)
        self.assertEqual(len(self.called("killed")), 1)
        self.assertEqual(self.server.use(made["token"]).status, 200)


class Proxy(threading.Thread):
    """Passes connections on, one after the other; what `lose` says of a POST is not answered."""

    def __init__(self, server, lose):
        super().__init__(daemon=True)
        self.server, self.lose, self.posts = server, lose, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(WAIT_SECONDS)
                while self.pass_on(peer):
                    pass

    def pass_on(self, peer):
        """One request and its answer; whether the connection goes on."""
        request = self.read_message(peer)
        if not request:
            return False
        host = urllib.parse.urlsplit(self.server.url)
        with socket.create_connection((host.hostname, host.port), timeout=WAIT_SECONDS) as inner:
            inner.sendall(request)
            answer = self.read_message(inner)
        if request.startswith(b"POST"):
            self.posts += 1
            if self.lose(self.posts):
                return False
        peer.sendall(answer)
        return True

    @staticmethod
    def read_message(peer):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = peer.recv(65536)
            if not chunk:
                return b""
            data += chunk
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", data)
        end = data.index(b"\r\n\r\n") + 4 + (int(length.group(1)) if length else 0)
        while len(data) < end:
            data += peer.recv(65536)
        return data


class CommandLine(KeyedTest):
    def through(self, lose):
        """The command line talks to a proxy that loses answers."""
        proxy = Proxy(self.server, lose)
        self.addCleanup(proxy.listener.close)
        proxy.start()
        path = Path(self.server.folder, "config/latchkey/session.json")
        saved = path.read_text(encoding="utf-8")
        self.addCleanup(path.write_text, saved)
        os.chmod(path, 0o600)
        path.write_text(json.dumps({**json.loads(saved), "server": proxy.url}), encoding="utf-8")
        return proxy

    def run_create(self, name):
        return self.server.run("token", "create", "--name", name, "--scope", "vso.project")

    def test_a_lost_answer_is_asked_for_again(self):
        proxy = self.through(lambda number: number % 2 == 1)
        ended = self.run_create("cli")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("The answer was lost; asking again", ended.stderr)
        self.assertEqual(proxy.posts, 2)
        self.assertEqual(self.server.use(ended.stdout.strip()).status, 200)
        [made] = self.called("cli")
        renewed = self.server.run("token", "regenerate", made["authorizationId"])
        self.assertEqual(renewed.returncode, 0, renewed.stderr)
        self.assertEqual(proxy.posts, 4)
        self.assertEqual(self.server.use(renewed.stdout.strip()).status, 200)
        self.assertEqual(self.server.use(ended.stdout.strip()).status, 401)

    def test_two_lost_answers_are_told(self):
        proxy = self.through(lambda number: True)
        ended = self.run_create("twice lost")
        self.assertEqual(ended.returncode, 3, ended.stderr)
        self.assertEqual(ended.stdout, "")
        self.assertRegex(ended.stderr, r"it may have been done all the same: see `latchkey token")
        self.assertEqual(proxy.posts, 2)
        self.assertEqual(len(self.called("twice lost")), 1)

    def test_a_server_that_was_killed_names_the_token(self):
        def lose(number):
            if number == 1:
                self.server.kill()
                self.server.start()
            return number == 1

        self.through(lose)
        ended = self.run_create("lost for good")
        self.assertEqual(ended.returncode, 1, ended.stderr)
        [made] = self.called("lost for good")
        self.assertIn(f"see `latchkey token show {made['authorizationId']}`", ended.stderr)
        self.assertIn("can no longer be shown", ended.stderr)


if __name__ == "__main__":
    unittest.main()
