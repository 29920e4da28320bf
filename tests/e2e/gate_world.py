"""A small REST service, the gate before it, and what proxies need to stand between.

The service is described by tests/e2e/gate/things.yaml. It answers each request with what it saw of
it, and keeps a list: a request that a gate should have refused must not be in it.
"""

import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import harness

SOURCE = Path(__file__).resolve().parent.parent.parent
ORIGIN = "https://app.example.com"
HOST = "api.example.com"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process=None, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


class Service:
    """The REST service that knows nothing of tokens: .port, .seen, .connections."""

    def __init__(self):
        service = self
        self.seen = []
        self.connections = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                service.connections += 1

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                seen = {"method": self.command, "target": self.path, "body": body.decode(),
                        "headers": {k.lower(): v for k, v in self.headers.items()}}
                service.seen.append(seen)
                status = 500 if self.path.endswith("/broken") else 200
                text = json.dumps(seen).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class World:
    """Service, `latchkey serve` with a gate, and tokens of each kind."""

    config = """
[gate]
enabled = true
listen_port = 0

[[gate.api]]
name = "things"
hosts = ["{host}"]
organization = "{organization}"
openapi = ["things.yaml"]
open = ["Status"]
cors_origins = ["{origin}"]
{more}
"""

    def __init__(self, more=""):
        self.service = Service()
        self.folder = Path(tempfile.mkdtemp(prefix="latchkey-gate-"))
        shutil.copy(SOURCE / "tests/e2e/gate/things.yaml", self.folder)
        self.config_file = self.folder / "latchkey.toml"
        self.write_config(more)
        self.server = harness.Server("--config", str(self.config_file))
        self.server.start()
        self.gate_url = self.server.gate_url
        self.server.set_up()
        self.tokens = self.make_tokens()

    def write_config(self, more=""):
        self.config_file.write_text(self.config.format(
            host=HOST, organization=harness.ORGANIZATION, origin=ORIGIN,
            more=more.replace("SERVICE", f"http://127.0.0.1:{self.service.port}")))

    def make_tokens(self):
        server = self.server
        make = lambda scope, **fields: server.create_token(scope=scope, **fields)
        tokens = {"read": make("vso.work"), "write": make("vso.work_write"),
                  "other": make("vso.code_full"), "revoked": make("vso.work_full")}
        server.revoke_token(tokens["revoked"]["authorizationId"])
        tokens["expired"] = make("vso.work_full", validTo=harness.date_time(2))
        server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
        tokens["foreign"] = make("vso.work_full", organization="contoso")
        time.sleep(2.1)
        texts = {name: token["token"] for name, token in tokens.items()}
        good = texts["read"]
        texts["unknown"] = good[:-40] + ("A" * 8) + good[-32:]
        texts["malformed"] = "nonsense"
        return texts

    def close(self):
        self.server.close()
        self.service.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Proxy:
    """A proxy of Debian's with the ready files of deploy/, before the service: .port."""

    def __init__(self, world):
        self.world = world
        self.folder = Path(tempfile.mkdtemp(prefix="latchkey-proxy-"))
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.gate = world.gate_url.split("//")[1]
        self.process = None

    def replace(self, name, changes):
        """A ready file with the addresses of this test; each of them must be there."""
        text = (SOURCE / "deploy" / name).read_text()
        for old, new in changes.items():
            if old not in text:
                raise AssertionError(f"{name} has no {old}")
            text = text.replace(old, new)
        target = self.folder / Path(name).name
        target.write_text(text)
        return target

    def start(self, *command):
        self.log = open(self.folder / "log.txt", "ab")
        # Debian puts servers where the path of most people does not look.
        program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin")
        self.process = subprocess.Popen([program, *command[1:]], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "HOME": str(self.folder)})
        try:
            wait_for_port(self.port, self.process)
        except AssertionError as error:
            self.log.close()
            raise AssertionError(f"{error}\n{(self.folder / 'log.txt').read_text()}") from None
        return self

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Proxy):
    def __init__(self, world):
        super().__init__(world)
        gate = {"127.0.0.1:8090": self.gate}
        self.replace("nginx/latchkey-http.conf", gate)
        self.replace("nginx/latchkey-server.conf", {})
        self.replace("nginx/latchkey-location.conf", {})
        site = self.replace("nginx/example.conf", {
            "/etc/nginx/latchkey": str(self.folder), "127.0.0.1:3000":
            f"127.0.0.1:{world.service.port}", "listen 80": f"listen 127.0.0.1:{self.port}"})
        main = self.folder / "nginx.conf"
        main.write_text(f"""daemon off; pid {self.folder}/pid; error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u;
    scgi_temp_path {self.folder}/s;
    include {site};
}}
""")
        self.start("nginx", "-c", str(main), "-p", str(self.folder))


class Caddy(Proxy):
    def __init__(self, world):
        super().__init__(world)
        file = self.replace("caddy/Caddyfile", {
            "127.0.0.1:8090": self.gate, "127.0.0.1:3000": f"127.0.0.1:{world.service.port}",
            "http://api.example.com": f"http://api.example.com:{self.port}"})
        file.write_text("{\n\tadmin off\n}\n" + file.read_text())
        self.start("caddy", "run", "--config", str(file), "--adapter", "caddyfile")


class Haproxy(Proxy):
    def __init__(self, world):
        super().__init__(world)
        self.replace("haproxy/latchkey.lua", {})
        file = self.replace("haproxy/haproxy.cfg", {
            "127.0.0.1:8090": self.gate, "127.0.0.1:3000": f"127.0.0.1:{world.service.port}",
            "/etc/haproxy/latchkey.lua": f"{self.folder}/latchkey.lua",
            "bind :80": f"bind 127.0.0.1:{self.port}"})
        self.start("haproxy", "-db", "-f", str(file))
