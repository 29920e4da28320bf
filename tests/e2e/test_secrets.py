#!/usr/bin/env python3
"""No secret is written down: database, WAL, logs, metrics and what the process shows are searched
after 1,000 tokens were made and used, with sessions, links and passwords beside them."""

import base64
import os
import re
import stat
import unittest
from pathlib import Path

import harness

TOKENS = 1000
WINDOW = 20  # a piece of a secret of so many characters is a find
RUN = re.compile(rb"[a-z0-9+/_=-]{%d,}" % WINDOW)


class Secrets:
    """Texts to look for. Random ones are found in part and in any case, the others whole."""

    def __init__(self):
        self.pieces = {}
        self.phrases = set()
        self.count = 0

    def add(self, text):
        """A random text: `lks_...`, `lkl_...`, or the first 52 characters of a token."""
        self.count += 1
        raw = text.encode()
        secret = raw[:52] if len(raw) == 84 else raw
        forms = [secret, raw[::-1][-52:], secret.hex().encode()]
        # As Basic sends it, and wherever else the three ways to cut it into threes put it.
        forms += [base64.b64encode(before + secret)[4:-4] for before in (b":", b"x:", b"xy:")]
        forms += [base64.b64encode(secret + b":")]
        for form in forms:
            lowered = form.lower()
            for start in range(len(lowered) - WINDOW + 1):
                self.pieces[lowered[start:start + WINDOW]] = text[:8]

    def add_phrase(self, text):
        self.count += 1
        self.phrases.update((text.encode(), text.encode().hex().encode(),
                             base64.b64encode(text.encode())[:-4]))

    def find(self, data):
        """The beginning of each secret that is in `data`."""
        found = {phrase.decode() for phrase in self.phrases if phrase in data}
        for run in RUN.finditer(data.lower()):
            text = run.group()
            for start in range(len(text) - WINDOW + 1):
                if text[start:start + WINDOW] in self.pieces:
                    found.add(self.pieces[text[start:start + WINDOW]])
        return found


class NoSecretIsWrittenDown(unittest.TestCase):
    def setUp(self):
        self.secrets = Secrets()
        self.server = harness.Server("--log-level", "debug", "--log-access", "true",
                                     "--log-format", "text")
        self.addCleanup(self.server.close)
        self.server.start()
        self.stdout = self.server.out
        self.setup_code = self.server.setup_code
        self.server.set_up()
        self.secrets.add(self.server.session)
        self.secrets.add_phrase(self.server.password)

    def make_and_use(self, count):
        for number in range(count):
            token = self.server.create_token(name=f"token-{number}", scope="vso.project")
            text = token["token"]
            self.secrets.add(text)
            authorization = [harness.basic(text), "Bearer " + text, harness.basic("", text),
                             harness.basic(text, "somebody")][number % 4]
            path = ["/fabrikam/_apis/projects", "/fabrikam/_apis/tokens/self",
                    "/fabrikam/_apis/nothing", self.server.pats(),
                    "/nowhere/_apis/projects"][number % 5]
            self.server.request("GET", path, {"Authorization": authorization})
            if number % 10 == 0:
                self.end(token, number)
            if number % 50 == 0:
                self.mistakes(text)

    def end(self, token, number):
        identifier = token["authorizationId"]
        if number % 20:
            self.server.revoke_token(identifier)
        else:
            path = self.server.pats().replace("pats?", f"pats/{identifier}/regenerate?")
            self.secrets.add(self.server.must(200, "POST", path).json()["patToken"]["token"])
        self.server.use(token["token"])

    def mistakes(self, text):
        """What people do wrong with a token in their hands."""
        request, session = self.server.request, "Bearer " + self.server.session
        for path in ("/?access_token=", "/fabrikam/_apis/projects?token=", "/nothing?x="):
            request("GET", path + text)
        request("POST", self.server.pats(), {"Authorization": session}, {"token": text})
        request("POST", self.server.pats(), {"Authorization": session}, {"displayName": [text]})
        request("POST", self.server.pats(), {"Authorization": session}, {"scope": text,
                                                                        "displayName": "x"})
        request("POST", "/_latchkey/sessions", None, {"email": text, "password": text})
        request("POST", "/_latchkey/sessions", None, {text: text})
        request("POST", "/_latchkey/links/inspect", None, {"code": text})
        request("GET", "/", {"Authorization": "Digest " + text})
        request("GET", "/", {"Authorization": "Basic " + text})
        request("GET", "/", {"Cookie": "__Host-latchkey-session=" + text})
        self.server.raw(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer " + text.encode()
                        + b"\r\n\r\n")

    def people(self, name):
        person = self.server.add_person(name + "@example.com")
        self.secrets.add(person.session)
        self.secrets.add_phrase(person.password)
        invited = self.server.must(201, "POST", "/_latchkey/organizations/fabrikam/invitations",
                                   {"email": name + "2@example.com", "role": "reader"}).json()
        self.secrets.add(invited["link"].split("#")[1])
        made = self.server.must(201, "POST", f"/_latchkey/people/{person.id}/reset-link").json()
        code = made["link"].split("#")[1]
        self.secrets.add(code)
        new = f"a new password of {name}, long"
        self.secrets.add_phrase(new)
        answer = self.server.request("POST", "/_latchkey/password/reset",
                                     body={"code": code, "newPassword": new})
        self.assertEqual(answer.status, 204, answer)
        signed_in = self.server.sign_in(person.email, new)
        self.secrets.add(signed_in.session)
        newer = f"the newest password of {name}"
        self.secrets.add_phrase(newer)
        self.server.must(204, "POST", "/_latchkey/me/password",
                         {"oldPassword": new, "newPassword": newer}, signed_in)
        wrong = f"a mistyped password of {name}"
        self.secrets.add_phrase(wrong)
        for body in ({"email": person.email, "password": wrong}, {"email": wrong, "password": "x"}):
            self.server.request("POST", "/_latchkey/sessions", body=body)
        link = self.server.cli("user", "reset-link", person.email, "--data", self.server.data)
        self.secrets.add(link.strip().split("#")[1])

    def places(self):
        """Everything that is written or shown, by name."""
        places = {str(path): path.read_bytes() for path in Path(self.server.data).rglob("*")
                  if path.is_file()}
        self.assertIn("latchkey.db-wal", " ".join(places))
        places["log"] = self.server.log_text().encode()
        places["stdout"] = self.stdout.encode()
        places["metrics"] = self.server.operations("/metrics").body
        for name in ("cmdline", "environ"):
            places[name] = Path(f"/proc/{self.server.process.pid}/{name}").read_bytes()
        outbox = self.server.must(200, "GET", "/_latchkey/me/outbox")
        places["outbox"] = outbox.body
        return places

    def search(self):
        for name, data in self.places().items():
            with self.subTest(name):
                self.assertEqual(self.secrets.find(data), set(), "a secret is written down")

    def assert_private(self):
        for path in [Path(self.server.data), *Path(self.server.data).rglob("*")]:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            self.assertEqual(mode & 0o077, 0, f"{path}: {mode:o}")

    def test_search(self):
        self.make_and_use(TOKENS // 2)
        self.people("alice")
        self.search()
        self.assert_private()
        # What is looked at is what was written, and in it a secret would be found.
        places = self.places()
        database = b"".join(data for name, data in places.items() if "latchkey.db" in name)
        self.assertIn(b"token-7", database)
        self.assertIn(b"alice@example.com", database)
        self.assertGreater(places["log"].count(b"/fabrikam/_apis/projects"), 50)
        self.assertEqual(places["stdout"].count(self.setup_code.encode()), 1)
        self.assertNotIn(self.setup_code, self.server.log_text())

        self.server.stop()
        self.search_files()
        self.server.options = ("--log-level", "debug", "--log-access", "true", "--log-format",
                               "json")
        self.server.start()
        self.stdout += self.server.out
        self.make_and_use(TOKENS // 2)
        self.people("bob")
        self.search()
        self.assert_private()
        self.assertIn('{"', self.server.log_text())
        self.server.kill()
        self.search_files()
        self.assertGreater(self.secrets.count, TOKENS)

    def search_files(self):
        """What a stop leaves behind."""
        for path in Path(self.server.data).rglob("*"):
            if path.is_file():
                self.assertEqual(self.secrets.find(path.read_bytes()), set(), path)

    def test_that_the_search_finds(self):
        text = self.server.create_token()["token"]
        self.secrets.add(text)
        for form in (text, text[:52], text[:30], text[10:40].lower(), text.encode().hex(),
                     harness.basic(text), harness.basic(text, "anybody"), harness.basic("", text),
                     harness.basic(text, "it"), self.server.session, self.server.password):
            data = b"\0some page\0" + form.encode() + b"\1more"
            self.assertEqual(len(self.secrets.find(data)), 1, form)
        self.assertEqual(self.secrets.find(b"nothing of it here" * 10), set())


if __name__ == "__main__":
    unittest.main()
