"""Starts the real binary on free ports with its data in a temporary folder, for end-to-end tests.

    import harness

    class MyTest(harness.ServerTest):          # a server that is set up, for the whole class
        def test_something(self):
            answer = self.server.request("GET", "/openapi.json")
            self.assertEqual(answer.status, 200)

The binary is the one that the variable LATCHKEY_BINARY names. A test that needs the server in
another state makes its own Server(), starts it, and calls close().
"""

import atexit
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"))
import postgres  # pylint: disable=wrong-import-position

BINARY = os.environ.get("LATCHKEY_BINARY", "build/dev/latchkey")
START_SECONDS = 30
EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
ORGANIZATION = "fabrikam"


class Answer:
    """Status, headers (names in lower case; `pairs` has them as sent) and body of one answer."""

    def __init__(self, status, pairs, body):
        self.status = status
        self.pairs = pairs
        self.headers = {name.lower(): value for name, value in pairs}
        self.body = body

    @classmethod
    def of(cls, response):
        return cls(response.status, response.getheaders(), response.read())

    @classmethod
    def of_bytes(cls, received):
        """The first answer in received bytes; None if there are none."""
        if not received:
            return None
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]
        return cls(int(first.split(" ")[1]), pairs, body)

    def values(self, name):
        return [value for key, value in self.pairs if key.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:800]!r}"


class Person:
    """Who signed in, was invited or was set up: ids, address, password and an open session."""

    def __init__(self, body, password):
        self.id = body["person"]["id"]
        self.email = body["person"]["email"]
        self.session = body["session"]["token"]
        self.password = password


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket: the console."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def send(connection, method, path, headers=None, body=None):
    """One request on `connection`, which is closed after. Neither text nor bytes: sent as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body=body, headers=headers)
        return Answer.of(connection.getresponse())
    finally:
        connection.close()


def basic(token, user=""):
    """The Authorization header of a token as git and curl send it."""
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


def date_time(seconds_from_now):
    """A date-time of so many seconds from now, as the lifecycle API takes it."""
    at = time.time() + seconds_from_now
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at * 1000) % 1000:03d}Z"


def new_postgres_database():
    """The URL of an empty database on a PostgreSQL server that ends with this process."""
    cluster = getattr(new_postgres_database, "cluster", None)
    if cluster is None:
        cluster = new_postgres_database.cluster = postgres.Cluster()
        atexit.register(cluster.close)
    return cluster.create_database("latchkey" + os.urandom(4).hex())


class Server:
    """One `latchkey serve` and a command line of its own (its saved session is in the folder)."""

    def __init__(self, *options, environment=None):
        self.folder = tempfile.mkdtemp(prefix="latchkey-")
        self.data = os.path.join(self.folder, "data")
        self.options = options
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith("LATCHKEY_")}
        self.environment.update(XDG_CONFIG_HOME=os.path.join(self.folder, "config"))
        if os.environ.get("LATCHKEY_TEST_STORE") == "postgres":
            self.environment["LATCHKEY_STORE_URL"] = new_postgres_database()
        self.environment.update(environment or {})
        self.process = None
        self.url = self.operations_url = self.setup_code = self.gate_url = None
        self.out = ""
        self.session = None
        self.organization, self.email, self.password = ORGANIZATION, EMAIL, PASSWORD

    def start_command(self):
        # --port 0: the system chooses; what it chose is on stdout.
        return [BINARY, "serve", "--data", self.data, "--port", "0", "--operations-port", "0",
                *self.options]

    def start(self):
        """Starts it and waits until it says that it is ready."""
        self.log = open(os.path.join(self.folder, "log.txt"), "ab")
        self.process = subprocess.Popen(self.start_command(), stdout=subprocess.PIPE,
                                        stderr=self.log, env=self.environment, text=True)
        self.out = ""
        deadline = time.monotonic() + START_SECONDS
        for line in self.process.stdout:
            self.out += line
            if line.startswith("Open ") or time.monotonic() > deadline:
                break
        served = re.search(r"^Latchkey serves (\S+) \(health and metrics: (\S+)\)", self.out, re.M)
        if not served:
            self.process.wait(5)
            raise AssertionError(f"the server did not start:\n{self.out}\n{self.log_text()}")
        self.url = self.reached = served.group(1)
        self.operations_url = served.group(2)
        gate = re.search(r"^The gate serves (\S+)\.$", self.out, re.M)
        self.gate_url = gate.group(1) if gate else None
        code = re.search(r"#(lkl_\S+)", self.out)
        self.setup_code = code.group(1) if code else None
        return self

    def set_up(self):
        """Makes the first person and organization, and signs the command line in."""
        self.cli("setup", "--data", self.data, "--organization", ORGANIZATION, "--email", EMAIL,
                 "--name", "Ada Lovelace", "--password-stdin", stdin=PASSWORD + "\n")
        profile = json.loads(Path(self.folder, "config/latchkey/session.json").read_text())
        self.session = profile["session"]
        return self

    def stop(self, number=signal.SIGTERM):
        """Ends it with a signal; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process.stdout.close()
        self.log.close()
        return code

    def kill(self):
        """As a power cut does: no chance to tidy up."""
        return self.stop(signal.SIGKILL)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        log = self.log_text() if self.process else ""
        shutil.rmtree(self.folder, ignore_errors=True)
        # A binary that was built with sanitizers tells here what no answer shows.
        if "runtime error:" in log or "Sanitizer:" in log:
            raise AssertionError(log[-4000:])

    def log_text(self):
        return Path(self.folder, "log.txt").read_text(encoding="utf-8")

    def request(self, method, path, headers=None, body=None):
        """A request without a credential of its own."""
        host = urllib.parse.urlsplit(self.url)
        return send(http.client.HTTPConnection(host.hostname, host.port, timeout=30), method, path,
                    headers, body)

    def as_person(self, method, path, body=None, session=None):
        """A request of the signed-in person (Bearer session)."""
        return self.request(method, path,
                            {"Authorization": f"Bearer {session or self.session}"}, body)

    def with_token(self, token, method, path, body=None):
        """A request with a personal access token, as Basic."""
        return self.request(method, path, {"Authorization": basic(token)}, body)

    def operations(self, path):
        host = urllib.parse.urlsplit(self.operations_url)
        return send(http.client.HTTPConnection(host.hostname, host.port, timeout=30), "GET", path)

    def console(self, method, path, body=None):
        return send(UnixConnection(os.path.join(self.data, "latchkey.sock")), method, path,
                    body=body)

    def run(self, *arguments, stdin="", environment=None):
        """The command line as it ends: .returncode, .stdout, .stderr."""
        return subprocess.run([BINARY, *arguments], input=stdin, capture_output=True, text=True,
                              timeout=60, env={**self.environment, **(environment or {})},
                              cwd=self.folder)

    def cli(self, *arguments, stdin=""):
        """Runs the command line, which must succeed; its stdout."""
        ended = self.run(*arguments, stdin=stdin)
        if ended.returncode != 0:
            raise AssertionError(f"latchkey {' '.join(arguments)}: {ended.returncode}\n"
                                 f"{ended.stderr}")
        return ended.stdout

    def raw(self, pieces, pause=0):
        """Sends bytes as they are (a list: piece by piece, `pause` seconds between) until the peer
        closes; the answer, or None. Requests that are well-formed need `Connection: close`."""
        host = urllib.parse.urlsplit(self.url)
        received = b""
        with socket.create_connection((host.hostname, host.port), timeout=30) as peer:
            try:
                for number, piece in enumerate(pieces if isinstance(pieces, list) else [pieces]):
                    time.sleep(pause if number else 0)
                    peer.sendall(piece)
            except OSError:
                pass  # refused before all was sent: the answer is what counts
            try:
                while chunk := peer.recv(65536):
                    received += chunk
            except ConnectionResetError:
                pass
        return Answer.of_bytes(received)

    def metric(self, name):
        """The value of a metric; `name` has its labels, as they are written."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.operations("/metrics").text, re.M)
        if not found:
            raise AssertionError(f"there is no metric {name}")
        return float(found.group(1))

    def must(self, status, method, path, body=None, person=None):
        """A request of `person`, the owner if None, that is answered with this status."""
        answer = self.as_person(method, path, body, person.session if person else None)
        if answer.status != status:
            raise AssertionError(f"{method} {path}: {answer} instead of {status}")
        return answer

    def organization_id(self):
        return self.must(200, "GET", "/_latchkey/organizations/" + self.organization).json()["id"]

    def sign_in(self, email, password):
        answer = self.request("POST", "/_latchkey/sessions",
                              body={"email": email, "password": password})
        if answer.status != 201:
            raise AssertionError(f"sign-in: {answer}")
        return Person(answer.json(), password)

    def add_person(self, email, role="member", organization=None):
        """Who accepts an invitation of the owner."""
        path = f"/_latchkey/organizations/{organization or self.organization}/invitations"
        invited = self.must(201, "POST", path, {"email": email, "role": role}).json()
        password = "battery staple of " + email
        answer = self.request("POST", "/_latchkey/invitations/accept", body={
            "code": invited["link"].split("#")[1], "displayName": "Somebody", "password": password})
        if answer.status != 201:
            raise AssertionError(f"accept: {answer}")
        return Person(answer.json(), password)

    def pats(self, organization=None, version="7.1-preview.1"):
        return f"/{organization or self.organization}/_apis/tokens/pats?api-version={version}"

    def create_token(self, name="a token", scope="vso.project", person=None, **fields):
        """The token of the answer, with its text as "token". Fields may have `organization`."""
        path = self.pats(fields.pop("organization", None))
        result = self.must(200, "POST", path, {"displayName": name, "scope": scope, **fields},
                           person).json()
        if result["patTokenError"] != "none":
            raise AssertionError(f"create: {result}")
        return result["patToken"]

    def revoke_token(self, authorization_id, person=None):
        return self.must(204, "DELETE", self.pats() + "&authorizationId=" + authorization_id,
                         None, person)

    def list_tokens(self, query="&displayFilterOption=all", person=None):
        """All tokens, over all pages."""
        tokens, after = [], ""
        while True:
            page = self.must(200, "GET", self.pats() + query + "&continuationToken=" + after, None,
                             person).json()
            tokens += page["patTokens"]
            after = page["continuationToken"]
            if not after:
                return tokens

    def use(self, token, method="GET", path="", headers=None):
        """A request with a token as the password; without a path, what it tells about itself."""
        return self.request(method, path or f"/{self.organization}/_apis/tokens/self",
                            {"Authorization": basic(token), **(headers or {})})

    def make_token(self, scope="vso.project", name="a token"):
        """The text of a new token of the signed-in person."""
        return self.cli("token", "create", "--name", name, "--scope", scope).strip()


class ServerTest(unittest.TestCase):
    """Tests that share one server, which is set up: self.server."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)
        cls.addClassCleanup(cls.server.close)
        cls.server.start().set_up()

    def state(self):
        """What a refused request leaves as it was: the log's head and the owner's tokens."""
        tokens = [{key: value for key, value in token.items() if not key.startswith("lastUsed")}
                  for token in self.server.list_tokens()]
        return self.server.metric("latchkey_index_revision"), tokens

    def assert_error(self, answer, status, type_key, *words):
        """A refusal: its status, its body's form, its typeKey, and words of its message."""
        self.assertIsNotNone(answer, "no answer came")
        self.assertEqual(answer.status, status, answer)
        body = answer.json()
        self.assertEqual(list(body)[:7], ["$id", "innerException", "message", "typeName", "typeKey",
                                          "errorCode", "eventId"], answer)
        self.assertEqual(body["typeKey"], type_key, answer)
        for word in words:
            self.assertIn(word, body["message"])
