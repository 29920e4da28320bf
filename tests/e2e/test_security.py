#!/usr/bin/env python3
"""Checks of docs/security.md that need the whole server: randomness that fails, headers that lie
about who asks, and logs that an attacker writes into."""

import contextlib
import json
import random
import re
import subprocess
import time
import unittest
from pathlib import Path

import harness

EVIL = "203.0.113.66"


@contextlib.contextmanager
def failing_randomness(process):
    """While it lasts, getrandom() gives EIO in every thread of `process`."""
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(process), "-e", "trace=getrandom",
         "-e", "inject=getrandom:error=EIO"], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not all("TracerPid:\t0\n" not in Path(task, "status").read_text("utf-8")
                      for task in Path(f"/proc/{process}/task").iterdir()):
            if tracer.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"strace did not attach: {tracer.stderr.read()}")
            time.sleep(0.02)
        yield
    finally:
        tracer.terminate()
        tracer.communicate(timeout=60)


class Randomness(harness.ServerTest):
    def test_without_randomness_nothing_is_made(self):
        token = self.server.create_token()
        regenerate = self.server.pats().replace("pats?",
                                                f"pats/{token['authorizationId']}/regenerate?")
        sign_in = {"email": self.server.email, "password": self.server.password}
        invite = {"email": "bob@example.com", "role": "member"}
        made = [("POST", self.server.pats(), {"displayName": "x", "scope": "vso.project"}),
                ("POST", regenerate, None),
                ("POST", "/_latchkey/sessions", sign_in),
                ("POST", "/_latchkey/organizations/fabrikam/invitations", invite)]
        before = self.state()
        with failing_randomness(self.server.process.pid):
            for method, path, body in made:
                with self.subTest(path):
                    answer = self.server.as_person(method, path, body)
                    self.assertEqual(answer.status, 500, answer)
                    self.assertNotIn(b"lks_", answer.body)
        self.assertEqual(self.state(), before)
        self.assertEqual(self.server.use(token["token"]).status, 200)
        for method, path, body in made:
            answer = self.server.as_person(method, path, body)
            self.assertIn(answer.status, (200, 201), answer)
        self.assertEqual(self.server.use(token["token"]).status, 401, "it was regenerated")


class Forwarded(harness.ServerTest):
    """No proxy is configured, so what a client says about itself counts for nothing."""

    HEADERS = {
        "X-Forwarded-For": EVIL, "X-Real-IP": EVIL, "X-Client-IP": EVIL, "True-Client-IP": EVIL,
        "CF-Connecting-IP": EVIL, "X-Original-Forwarded-For": EVIL,
        "Forwarded": f"for={EVIL};proto=https;host=evil.example;by={EVIL}",
        "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "443", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Server": "evil",
        "X-Original-URL": "/_latchkey/people", "X-Rewrite-URL": "/_latchkey/people",
        "X-Forwarded-User": "ada@example.com", "Remote-User": "ada@example.com",
        "X-Remote-User": "ada@example.com", "X-Auth-Request-User": "ada@example.com",
        "X-Auth-Request-Email": "ada@example.com", "X-Latchkey-Owner": "ada@example.com",
        "X-Latchkey-Scopes": "app_token", "X-Latchkey-Organization": "fabrikam",
        "X-Latchkey-Token-Id": "00000000-0000-4000-8000-000000000000"}

    def heads(self):
        """Each header alone, then all of them."""
        return [{name: value} for name, value in self.HEADERS.items()] + [self.HEADERS]

    def seen(self, answer):
        return answer.status, answer.body, sorted(
            (name, value) for name, value in answer.pairs
            if name.lower() not in ("activityid", "x-vss-e2eid", "date"))

    def test_they_change_no_answer(self):
        token = self.server.create_token(scope="vso.wiki")["token"]
        session = "Bearer " + self.server.session
        for path in ("/fabrikam/_apis/tokens/self", "/fabrikam/_apis/projects",
                     "/_latchkey/people", "/_latchkey/me", "/fabrikam/_apis/connectiondata"):
            for authorization in (None, harness.basic(token), session):
                credential = {"Authorization": authorization} if authorization else {}
                plain = self.server.request("GET", path, credential)
                self.assertNotIn(b"evil", plain.body)
                for head in self.heads():
                    with self.subTest(path, head=head):
                        answer = self.server.request("GET", path, {**credential, **head})
                        self.assertEqual(self.seen(answer), self.seen(plain))

    def test_they_are_written_nowhere(self):
        token = self.server.create_token(name="used with lies")
        self.assertEqual(self.server.use(token["token"], headers=self.HEADERS).status, 200)
        made = self.server.request("POST", self.server.pats(), {
            "Authorization": "Bearer " + self.server.session, **self.HEADERS},
            {"displayName": "made with lies", "scope": "vso.project"})
        self.assertEqual(made.json()["patTokenError"], "none", made)
        signed_in = self.server.request(
            "POST", "/_latchkey/sessions", self.HEADERS,
            {"email": self.server.email, "password": self.server.password})
        self.assertEqual(signed_in.status, 201, signed_in)
        used = next(each for each in self.server.list_tokens()
                    if each["authorizationId"] == token["authorizationId"])
        self.assertEqual(used["lastUsedFrom"], "127.0.0.1")
        sessions = self.server.must(200, "GET", "/_latchkey/sessions")
        self.assertNotIn(EVIL, sessions.text)
        self.server.stop()  # writes the last use
        for path in Path(self.server.folder).rglob("*"):
            if path.is_file():
                data = path.read_bytes()
                self.assertNotIn(EVIL.encode(), data, path)
                self.assertNotIn(b"evil", data, path)
        self.server.start()

    def test_they_do_not_make_another_source_of_attempts(self):
        server = harness.Server()
        self.addCleanup(server.close)
        server.start()
        statuses = [server.request("POST", "/_latchkey/links/inspect",
                                   {"X-Forwarded-For": f"203.0.113.{number}",
                                    "X-Real-IP": f"203.0.113.{number}"},
                                   {"code": "lkl_" + "A" * 43}).status for number in range(80)]
        self.assertEqual(statuses[0], 404, statuses)
        self.assertIn(429, statuses)


class Logs(harness.ServerTest):
    """Each line of the log is ours, whatever is sent."""

    options = ("--log-format", "json", "--log-level", "debug", "--log-access", "true")
    PIECES = ["\n", "\r\n", "\x1b[2J", "\u2028", "\u202e", "\x00", '"', "\\", "\\n", "}{", "%0a",
              "%0d%0a", "\x85", "\x7f", '{"event":"forged"}', "level=error event=forged", "é", "😀"]

    def hostile(self, source):
        return "".join(source.choice(self.PIECES) for _ in range(source.randrange(1, 8)))

    def send(self, source):
        text = self.hostile(source)
        as_header = re.sub(r"[\r\n\0]", " ", text).encode()
        as_path = b"".join(b"%%%02x" % byte if byte < 33 or byte > 126 or byte in b'%?#"\\'
                           else bytes([byte]) for byte in text.encode())
        wild = text.replace(" ", "").encode()
        session = {"Authorization": "Bearer " + self.server.session}
        self.server.raw(b"GET /" + as_path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        b"User-Agent: " + as_header + b"\r\n\r\n")
        self.server.raw(b"GET /" + wild + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.server.raw(b"GET / HTTP/1.1\r\nHost: x\r\n" + wild + b"\r\n\r\n")
        self.server.request("POST", self.server.pats(), session,
                            {"displayName": text, "scope": text, "validTo": text})
        self.server.request("POST", "/_latchkey/sessions", None, {"email": text, "password": text})
        self.server.request("GET", "/", {"Authorization": b"Basic " + as_header})

    def test_nothing_from_outside_begins_a_line_or_a_field(self):
        seed = random.randrange(1 << 30)
        source = random.Random(seed)
        for _ in range(40):
            self.send(source)
        raw = Path(self.server.folder, "log.txt").read_bytes()
        self.assertGreater(raw.count(b"http.request"), 100)
        for line in raw.split(b"\n")[:-1]:
            with self.subTest(line, seed=seed):
                self.assertNotRegex(line, rb"[\x00-\x1f\x7f]")
                entry = json.loads(line.decode("utf-8"))
                self.assertRegex(entry["event"], r"^[a-z_]+(\.[a-z_]+)+$")
                self.assertNotIn("forged", entry["event"])
                self.assertIn(entry["level"], ("debug", "info", "warning", "error"))
                self.assertFalse(set(entry) & set("\u2028\u202e"), entry)


if __name__ == "__main__":
    unittest.main()
