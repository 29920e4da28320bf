#!/usr/bin/env python3
"""No secret is written down or left behind. Many tokens are made and used, with sessions, links and
passwords beside them; then database, WAL, logs, metrics, what the process shows, and the memory of
the idle process are searched. LATCHKEY_SECRETS_TOKENS says how many (`./dev secrets`: 10,000)."""

import base64
import http.client
import json
import os
import re
import stat
import time
import unittest
import urllib.parse
import uuid
from pathlib import Path

import harness

TOKENS = int(os.environ.get("LATCHKEY_SECRETS_TOKENS", "1000"))
WINDOW = 20  # a piece of a secret of so many characters is a find
GRAM = 10  # what is looked up; each piece of WINDOW characters has a whole one
RUN = re.compile(rb"[a-z0-9+/_=-]{%d,}" % WINDOW)
IDLE_SECONDS = 1
ASAN_SHADOW = (0x7fff7000, 0x10007fff8000)  # of the sanitizer: no memory of the program


class Secrets:
    """Texts to look for. Random ones are found in part and in any case, the others whole."""

    def __init__(self):
        self.grams = {}  # to the form that it is of, and where it stands there
        self.phrases = set()
        self.count = 0

    def add(self, text):
        """A random text: `lks_...`, `lkl_...`, or the first 52 characters of a token."""
        self.count += 1
        raw = text.encode()
        secret = raw[:52] if len(raw) == 84 else raw
        # As they are, backwards, in hexadecimal digits, and in the words that SHA-256 works with.
        words = b"".join(secret[i:i + 4][::-1] for i in range(0, len(secret) - 3, 4))
        forms = [secret, raw[::-1][-52:], secret.hex().encode(), words]
        # As Basic sends it, and wherever else the three ways to cut it into threes put it.
        forms += [base64.b64encode(before + secret)[4:-4] for before in (b":", b"x:", b"xy:")]
        forms += [base64.b64encode(secret + b":")]
        for form in forms:
            lowered = form.lower()
            for start in range(0, len(lowered) - GRAM + 1, GRAM):
                self.grams[lowered[start:start + GRAM]] = (lowered, start)

    def add_phrase(self, text):
        self.count += 1
        self.phrases.update(form.lower() for form in (
            text.encode(), text.encode().hex().encode(), base64.b64encode(text.encode())[:-4]))

    def find(self, data):
        """A piece of each secret that is in `data`."""
        lowered = data.lower()
        found = {phrase.decode() for phrase in self.phrases if phrase in lowered}
        grams = self.grams
        for run in RUN.finditer(lowered):
            text = run.group()
            for start in range(len(text) - GRAM + 1):
                if text[start:start + GRAM] in grams:
                    piece = self.piece(text, start)
                    if len(piece) >= WINDOW:
                        found.add(piece.decode())
        return found

    def piece(self, text, start):
        """As much of a form as stands in `text` around the gram at `start`."""
        form, place = self.grams[text[start:start + GRAM]]
        end, form_end = start + GRAM, place + GRAM
        while start > 0 and place > 0 and text[start - 1] == form[place - 1]:
            start, place = start - 1, place - 1
        while end < len(text) and form_end < len(form) and text[end] == form[form_end]:
            end, form_end = end + 1, form_end + 1
        return text[start:end]


def memory(process):
    """What a core file would hold: (name, bytes) of each region that the process can write to."""
    with open(f"/proc/{process}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{process}/mem", "rb", buffering=0) as bytes_of:
        for line in maps:
            span, rights, *_, name = (line.rstrip("\n").split(" ", 5) + [""])[:6]
            begin, end = (int(part, 16) for part in span.split("-"))
            in_shadow = begin < ASAN_SHADOW[1] and end > ASAN_SHADOW[0]
            if not rights.startswith("rw") or in_shadow and "heap" not in name:
                continue
            for at in range(begin, end, 1 << 24):
                # A piece that lies on a border is whole in one of the two.
                size = min((1 << 24) + WINDOW * 4, end - at)
                try:
                    yield f"memory {name.strip() or 'without a name'}", os.pread(
                        bytes_of.fileno(), size, at)
                except OSError:  # reserved by the sanitizer
                    break


class NoSecretIsWrittenDown(unittest.TestCase):
    def setUp(self):
        self.secrets = Secrets()
        self.keys = Secrets()  # of requests; not a secret, but the database has digests only
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
            token = self.make(number)
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
            if number % max(50, count // 10) == 0:  # few: attempts are limited
                self.mistakes(text)

    def make(self, number):
        """A new token; each third one with an Idempotency-Key, and asked for twice."""
        wish = {"displayName": f"token-{number}", "scope": "vso.project"}
        key = str(uuid.uuid4())
        headers = {"Authorization": "Bearer " + self.server.session}
        if number % 3 == 0:
            self.keys.add(key)
            headers["Idempotency-Key"] = key
        answers = [self.server.request("POST", self.server.pats(), headers, wish)
                   for _ in range(2 if number % 3 == 0 else 1)]
        self.assertEqual(len({answer.body for answer in answers}), 1, answers)
        return answers[0].json()["patToken"]

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
        newer = f"zQ7.wM2kd{name}"  # so short that a string keeps it in itself
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
                self.assertEqual(self.keys.find(data), set(), "a key is written down")
        self.search_memory()

    def search_memory(self):
        """The idle process: what it answered is gone, with a connection that is still open."""
        kept = http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc)
        self.addCleanup(kept.close)
        kept.request("POST", self.server.pats(), json.dumps({"displayName": "kept",
                                                             "scope": "vso.project"}),
                     {"Authorization": "Bearer " + self.server.session})
        text = json.loads(kept.getresponse().read())["patToken"]["token"]
        self.secrets.add(text)
        kept.request("GET", "/fabrikam/_apis/projects", headers={
            "Authorization": harness.basic(text)})
        self.assertEqual(kept.getresponse().read().decode()[:9], '{"count":')
        time.sleep(IDLE_SECONDS)
        finds, size = set(), 0
        for name, data in memory(self.server.process.pid):
            finds.update((name, piece) for piece in self.secrets.find(data))
            size += len(data)
        self.assertEqual(finds, set(), "a secret stayed in memory")
        self.assertGreater(size, 1 << 20)

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
        self.assertGreater(self.keys.count, TOKENS // 4)

    def search_files(self):
        """What a stop leaves behind."""
        for path in Path(self.server.data).rglob("*"):
            if path.is_file():
                self.assertEqual(self.secrets.find(path.read_bytes()), set(), path)
                self.assertEqual(self.keys.find(path.read_bytes()), set(), path)

    def test_that_the_search_finds(self):
        text = self.server.create_token()["token"]
        self.secrets.add(text)
        for form in (text, text[:52], text[:30], text[10:40].lower(), text.encode().hex(),
                     harness.basic(text), harness.basic(text, "anybody"), harness.basic("", text),
                     harness.basic(text, "it"), self.server.session, self.server.password):
            data = b"\0some page\0" + form.encode() + b"\1more"
            self.assertGreaterEqual(len(self.secrets.find(data)), 1, form)
        self.assertEqual(self.secrets.find(b"nothing of it here" * 10), set())


if __name__ == "__main__":
    unittest.main()
