"""Starts the real binary on free ports with its data in a temporary folder, for end-to-end tests.

    import harness

    class MyTest(harness.ServerTest):          # a server that is set up, for the whole class
        def test_something(self):
            answer = self.server.request("GET", "/openapi.json")
            self.assertEqual(answer.status, 200)

The binary is the one that the variable LATCHKEY_BINARY names. A test that needs the server in
another state makes its own Server(), starts it, and calls close().
"""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse
from pathlib import Path

BINARY = os.environ.get("LATCHKEY_BINARY", "build/dev/latchkey")
START_SECONDS = 30
EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
ORGANIZATION = "fabrikam"


class Answer:
    """Status, headers (names in lower case) and body of one answer."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode("utf-8")

    def json(self):
        return json.loads(self.body)


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
    """One request on `connection`, which is closed after it. A dict or list is sent as JSON."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body=body, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def basic(token, user=""):
    """The Authorization header of a token as git and curl send it."""
    return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()


class Server:
    """One `latchkey serve` and a command line of its own (its saved session is in the folder)."""

    def __init__(self, *options, environment=None):
        self.folder = tempfile.mkdtemp(prefix="latchkey-")
        self.data = os.path.join(self.folder, "data")
        self.options = options
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith("LATCHKEY_")}
        self.environment.update(XDG_CONFIG_HOME=os.path.join(self.folder, "config"),
                                **(environment or {}))
        self.process = None
        self.url = self.operations_url = self.setup_code = None
        self.out = ""
        self.session = None

    def start(self):
        """Starts it and waits until it says that it is ready."""
        # --port 0: the system chooses; what it chose is on stdout.
        self.log = open(os.path.join(self.folder, "log.txt"), "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.data, "--port", "0", "--operations-port", "0",
             *self.options],
            stdout=subprocess.PIPE, stderr=self.log, env=self.environment, text=True)
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
        shutil.rmtree(self.folder, ignore_errors=True)

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
