"""`latchkey gate`: a gate as its own process, fed by a server."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import gate_world
import harness
from gate_world import HOST

ENDPOINT = "/_latchkey/forward-auth"
CONFIG = """
[[gate.api]]
name = "things"
hosts = ["api.example.com"]
organization = "fabrikam"
[[gate.api.rules]]
methods = ["GET"]
path = "/things"
scopes = ["vso.work"]
"""


class FixedPort(harness.Server):
    """A server that comes back at its address."""

    def __init__(self):
        super().__init__()
        self.port = gate_world.free_port()

    def start_command(self):
        command = super().start_command()
        command[command.index("--port") + 1] = str(self.port)
        return command


class Gate:
    """One `latchkey gate` of its own."""

    def __init__(self, server_url, secret, *options, change=None):
        self.folder = Path(tempfile.mkdtemp(prefix="latchkey-gate-"))
        self.config = self.folder / "gate.toml"
        self.config.write_text(CONFIG)
        self.credential = self.folder / "secret"
        self.credential.write_text(secret)
        self.credential.chmod(0o600)
        if change:
            change(self)
        self.log = open(self.folder / "log.txt", "ab")
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("LATCHKEY_")}
        self.operations_port = gate_world.free_port()
        self.process = subprocess.Popen(
            [harness.BINARY, "--server", server_url, "gate", "--credential-file",
             str(self.credential), "--config", str(self.config), "--gate-listen-port", "0",
             "--operations-port", str(self.operations_port), *options],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        self.url = None

    def wait(self):
        """Until it says that it serves."""
        line = self.process.stdout.readline()
        found = re.match(r"The gate serves (\S+) \(health and metrics: (\S+)\)\.$", line)
        if not found:
            raise AssertionError(f"{line!r}\n{self.log_text()}")
        self.url = found.group(1)
        return self

    def log_text(self):
        return (self.folder / "log.txt").read_text()

    def ask(self, token, headers=None):
        connection = http.client.HTTPConnection(self.url.split("//")[1], timeout=30)
        return harness.send(connection, "GET", ENDPOINT, {
            "X-Original-Method": "GET", "X-Original-URI": "/things", "X-Original-Host": HOST,
            "Authorization": harness.basic(token), **(headers or {})})

    def operations(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.operations_port, timeout=30)
        return harness.send(connection, "GET", path)

    def until(self, status, token, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            answer = self.ask(token)
            if answer.status == status or time.monotonic() > deadline:
                return answer
            time.sleep(0.02)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
        self.log.close()
        text = self.log_text()
        shutil.rmtree(self.folder, ignore_errors=True)
        if "runtime error:" in text or "Sanitizer:" in text:
            raise AssertionError(text[-4000:])


class GateProcess(unittest.TestCase):
    def setUp(self):
        self.server = FixedPort()
        self.addCleanup(self.server.close)
        self.server.start().set_up()
        self.secret = self.server.cli("client", "add", "gate-1", "--may", "feed,report", "--data",
                                      self.server.data)

    def start_gate(self, *options):
        gate = Gate(self.server.url, self.secret, *options)
        self.addCleanup(gate.close)
        return gate

    def test_it_decides_as_the_server_does(self):
        gate = self.start_gate().wait()
        token = self.server.create_token(scope="vso.work")
        other = self.server.create_token(scope="vso.wiki")
        answer = gate.until(200, token["token"])
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["x-latchkey-token"], token["authorizationId"])
        self.assertEqual(gate.until(403, other["token"]).status, 403)
        self.assertEqual(gate.ask("nonsense").status, 401)
        revoked = self.server.revoke_token(token["authorizationId"])
        answer = gate.ask(token["token"], {
            "X-Latchkey-Min-Revision": revoked.headers["x-latchkey-revision"]})
        self.assertEqual(answer.headers["x-latchkey-error"], "token_revoked", answer)
        text = gate.operations("/metrics").text
        self.assertRegex(text, r"latchkey_ready 1\n")
        self.assertRegex(text, r"latchkey_index_revision [1-9]")
        self.assertRegex(text, r"latchkey_index_age_seconds \d+\.\d{3}\n")
        self.assertRegex(text, r'latchkey_gate_decisions_total\{outcome="allowed"\} [1-9]')
        self.assertNotIn("latchkey_mails_unsent", text)
        self.assertNotIn(token["token"], gate.log_text())
        self.assertNotIn(self.secret.strip(), gate.log_text())
        gate.process.send_signal(signal.SIGTERM)
        self.assertEqual(gate.process.wait(20), 0, gate.log_text())

    def test_it_reports_how_tokens_were_used(self):
        gate = self.start_gate().wait()
        token = self.server.create_token(scope="vso.work")
        other = self.server.create_token(scope="vso.wiki")
        self.assertEqual(gate.until(200, token["token"]).status, 200)
        self.assertEqual(gate.until(403, other["token"]).status, 403)
        for _ in range(3):
            gate.ask(token["token"])
        self.server.revoke_token(token["authorizationId"])
        self.assertEqual(gate.until(401, token["token"]).status, 401)

        def usage(of):
            days = self.server.must(200, "GET", "/_latchkey/organizations/" + harness.ORGANIZATION +
                                    f"/tokens/{of['authorizationId']}/usage").json()["days"]
            return (sum(day["allowed"] for day in days), sum(day["refused"] for day in days))
        gate.process.send_signal(signal.SIGTERM)  # it tells the rest at its end
        self.assertEqual(gate.process.wait(20), 0, gate.log_text())
        allowed, refused = usage(token)
        self.assertGreaterEqual(allowed, 4)
        self.assertGreaterEqual(refused, 1)
        self.assertGreaterEqual(usage(other)[1], 1)
        row = next(row for row in self.server.list_tokens()
                   if row["authorizationId"] == token["authorizationId"])
        self.assertEqual(row["lastUsedFrom"], "127.0.0.1")

    def test_it_refuses_what_it_cannot_know_and_goes_on(self):
        gate = self.start_gate().wait()
        token = self.server.create_token(scope="vso.work")["token"]
        self.assertEqual(gate.until(200, token).status, 200)
        self.server.stop()
        answer = gate.until(503, token, seconds=10)
        self.assertEqual(answer.status, 503, answer)
        self.assertEqual(answer.headers["x-latchkey-error"], "index_stale")
        ready = gate.operations("/health/ready")
        self.assertEqual(ready.status, 503)
        self.assertIn("old", ready.text)
        self.server.start()
        self.assertEqual(gate.until(200, token).status, 200, gate.log_text())
        self.assertEqual(gate.operations("/health/ready").status, 200)

    def test_a_server_that_comes_later_is_found(self):
        self.server.stop()
        gate = self.start_gate()
        gate_world.wait_for_port(gate.operations_port, gate.process)
        self.assertEqual(gate.operations("/health/ready").status, 503)
        self.assertEqual(gate.operations("/health/live").status, 200)
        self.server.start()
        gate.wait()
        token = self.server.create_token(scope="vso.work")["token"]
        self.assertEqual(gate.until(200, token).status, 200)

    def test_its_apis_are_read_anew(self):
        gate = self.start_gate().wait()
        token = self.server.create_token(scope="vso.wiki")["token"]
        self.assertEqual(gate.until(403, token).status, 403)
        gate.config.write_text(CONFIG.replace("vso.work", "vso.wiki"))
        gate.process.send_signal(signal.SIGHUP)
        self.assertEqual(gate.until(200, token).status, 200)
        gate.config.write_text("[[gate.api]]\n")
        gate.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while "latchkey_gate_files_current 0" not in gate.operations("/metrics").text:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual(gate.ask(token).status, 200)

    def test_what_cannot_come_right_ends_it(self):
        gate = self.start_gate("--gate-listen-address", "0.0.0.0")
        self.assertEqual(gate.process.wait(20), 2)
        self.assertIn("gate.listen_address", gate.log_text())
        for change, words in [(lambda g: g.credential.chmod(0o644), "chmod"),
                              (lambda g: g.credential.write_text("nonsense\n"), "secret"),
                              (lambda g: g.config.write_text(""), "gate.enabled")]:
            gate = Gate(self.server.url, self.secret, change=change)
            self.addCleanup(gate.close)
            self.assertEqual(gate.process.wait(20), 2, gate.log_text())
            self.assertIn(words, gate.log_text())


if __name__ == "__main__":
    unittest.main()
