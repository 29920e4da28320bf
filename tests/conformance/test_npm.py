"""npm through the gate's proxy to Verdaccio: install and publish with tokens as passwords.

npm and Verdaccio are unmodified; Verdaccio itself lets everybody do everything, so that what is
refused is refused by the gate. Run by ctest; LATCHKEY_BINARY names the binary.
"""
import base64
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402

NODE = shutil.which("node") or shutil.which("nodejs")
VERDACCIO = HERE / "node_modules" / "verdaccio" / "bin" / "verdaccio"
START_SECONDS = 60
VERDACCIO_CONFIG = """
storage: {folder}/storage
auth:
  htpasswd:
    file: {folder}/htpasswd
    max_users: -1
uplinks: {{}}
packages:
  '@*/*': {{access: $all, publish: $all, unpublish: $all}}
  '**': {{access: $all, publish: $all, unpublish: $all}}
web: {{enable: false}}
log: {{type: stdout, format: json, level: http}}
"""
LATCHKEY_CONFIG = """
[gate]
enabled = true
listen_port = 0

[[gate.api]]
name = "packages"
organization = "fabrikam"
ready = ["npm"]
upstream = ["http://127.0.0.1:{port}"]
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Verdaccio:
    """A registry that nobody is kept out of; `log_text` tells what reached it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="verdaccio-"))
        self.port = free_port()
        config = self.folder / "config.yaml"
        config.write_text(VERDACCIO_CONFIG.format(folder=self.folder), encoding="utf-8")
        self.log = open(self.folder / "log.txt", "ab")
        self.process = subprocess.Popen(
            [NODE, str(VERDACCIO), "--config", str(config), "--listen", f"127.0.0.1:{self.port}"],
            stdout=self.log, stderr=self.log, cwd=self.folder)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"Verdaccio did not start:\n{self.log_text()}") from None
                time.sleep(0.1)

    def log_text(self):
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Npm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Verdaccio()
        cls.addClassCleanup(cls.registry.close)
        cls.server = harness.Server()
        cls.addClassCleanup(cls.server.close)
        file = pathlib.Path(cls.server.folder, "latchkey.toml")
        file.write_text(LATCHKEY_CONFIG.format(port=cls.registry.port), encoding="utf-8")
        cls.server.options = ("--config", str(file))
        cls.server.start().set_up()
        cls.gate = cls.server.gate_url.rstrip("/") + "/"
        cls.server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
        cls.reader = cls.server.create_token(scope="vso.packaging")["token"]
        cls.writer = cls.server.create_token(scope="vso.packaging_write")["token"]
        cls.numbers = iter(range(1, 1000))

    def npm(self, token, *arguments, cwd):
        """npm as it ends; the token is the password, as on the page for it. None: no credential."""
        place = re.sub(r"^https?:", "", self.gate)
        # A cache of its own, so that nothing of an earlier call takes the place of the registry.
        cache = tempfile.mkdtemp(dir=self.folder)
        lines = [f"registry={self.gate}", "fetch-retries=0", "audit=false", "fund=false",
                 "update-notifier=false", f"cache={cache}", "loglevel=http"]
        if token:
            password = base64.b64encode(token.encode()).decode()
            lines += [f"{place}:username=anything", f"{place}:_password={password}"]
        (self.folder / "npmrc").write_text("\n".join(lines) + "\n", encoding="utf-8")
        environment = {key: value for key, value in os.environ.items()
                       if not key.lower().startswith("npm_")}
        environment.update(NPM_CONFIG_USERCONFIG=str(self.folder / "npmrc"),
                           HOME=str(self.folder))
        return subprocess.run(["npm", *arguments], cwd=cwd, env=environment, capture_output=True,
                              text=True, timeout=120)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="npm-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def publish(self, token, name=None):
        name = name or f"orders-{next(self.numbers)}"
        package = self.folder / name.replace("/", "-")
        package.mkdir()
        manifest = {"name": name, "version": "1.0.0", "main": "index.js"}
        (package / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        (package / "index.js").write_text(f"module.exports = {json.dumps(name)};\n",
                                          encoding="utf-8")
        return name, self.npm(token, "publish", "--access", "public", cwd=package)

    def install(self, token, name):
        project = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        (project / "package.json").write_text('{"name":"app","version":"1.0.0"}', encoding="utf-8")
        ended = self.npm(token, "install", name, cwd=project)
        return project / "node_modules" / name, ended

    def published(self, name=None):
        name, ended = self.publish(self.writer, name)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return name

    def refused(self, ended, status):
        self.assertNotEqual(ended.returncode, 0, ended.stdout)
        self.assertIn(f"E{status}", ended.stderr)
        for token in (self.reader, self.writer):
            self.assertNotIn(token, ended.stderr + ended.stdout)

    def test_what_a_writer_publishes_a_reader_installs(self):
        name = self.published()
        place, ended = self.install(self.reader, name)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        said = subprocess.run([NODE, "-p", f"require({json.dumps(str(place))})"],
                              capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(said.stdout.strip(), name)
        # Writing implies reading.
        self.assertEqual(self.install(self.writer, name)[1].returncode, 0)

    def test_a_scoped_package(self):
        name = self.published("@acme/orders")
        place, ended = self.install(self.reader, name)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertTrue((place / "index.js").exists())

    def test_a_reader_publishes_nothing(self):
        name, ended = self.publish(self.reader)
        self.refused(ended, 403)
        self.refused(self.install(self.writer, name)[1], 404)

    def test_another_scope_opens_nothing(self):
        name = self.published()
        token = self.server.create_token(scope="vso.code_full")["token"]
        self.refused(self.install(token, name)[1], 403)
        self.refused(self.publish(token)[1], 403)

    def test_no_token_an_expired_a_revoked_and_a_foreign_one(self):
        name = self.published()
        expired = self.server.create_token(scope="vso.packaging_write",
                                           validTo=harness.date_time(1))["token"]
        revoked = self.server.create_token(scope="vso.packaging_write")
        self.server.revoke_token(revoked["authorizationId"])
        foreign = self.server.create_token(scope="vso.packaging_write",
                                           organization="contoso")["token"]
        time.sleep(1.1)
        for token in (None, expired, revoked["token"], foreign):
            self.refused(self.install(token, name)[1], 401)
        for token in (expired, revoked["token"], foreign):
            self.refused(self.publish(token)[1], 401)

    def test_the_registry_sees_no_credential(self):
        name = self.published()
        self.install(self.reader, name)
        log = self.registry.log_text()
        self.assertIn(name, log)
        for token in (self.reader, self.writer):
            for text in (token, base64.b64encode(f"anything:{token}".encode()).decode()):
                self.assertNotIn(text, log)


if __name__ == "__main__":
    unittest.main()
