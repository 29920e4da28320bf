"""The reverse proxy between real clients and real servers: git, WebSocket, large bodies.

`latchkey gate` stands before a server of Python that runs git-http-backend, speaks WebSocket, and
sends and counts large bodies. Tokens are of a real server, whose feed the gate follows.
"""

import base64
import hashlib
import http.server
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

import harness
from test_gate_process import Gate

CONFIG = """
[[gate.api]]
name = "git"
organization_from_path = "organization"
ready = ["git"]
ready_path = "/{{organization}}"
upstream = ["{upstream}"]
[[gate.api.rules]]
methods = ["GET"]
path = "/{{organization}}/socket"
scopes = ["vso.code"]
[[gate.api.rules]]
methods = ["GET"]
path = "/{{organization}}/large/{{size}}"
scopes = ["vso.code"]
[[gate.api.rules]]
methods = ["PUT"]
path = "/{{organization}}/x"
scopes = ["vso.code_write"]
"""
BLOCK = b"x" * 65536
SIZE = 256 << 20
# What one stream may cost beside what the sanitizer of the dev build keeps of freed memory.
GROWTH_KIB = 48 * 1024
WEBSOCKET_KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455 section 1.3
WEBSOCKET_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Upstream(http.server.BaseHTTPRequestHandler):
    """Knows nothing of tokens: /ORGANIZATION/REPOSITORY/... is git's, /ORGANIZATION/socket an echo,
    and /ORGANIZATION/large/BYTES a large body."""

    protocol_version = "HTTP/1.1"
    root = ""
    seen = []

    def log_message(self, *arguments):
        pass

    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        """The pieces of the request's body."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        left = int(self.headers.get("Content-Length", 0))
        while left > 0:
            piece = self.rfile.read(min(left, 1 << 18))
            left -= len(piece)
            yield piece

    def do_GET(self):
        self.seen.append((self.command, self.path, dict(self.headers)))
        parts = urllib.parse.urlsplit(self.path).path.split("/")
        if parts[2] == "socket":
            return self.echo()
        if parts[2] == "large":
            return self.large(int(parts[3]))
        return self.git()

    def do_PUT(self):
        digest, size = hashlib.sha256(), 0
        for piece in self.body():
            digest.update(piece)
            size += len(piece)
        self.answer(f"{size} {digest.hexdigest()}".encode())

    do_POST = do_GET

    def large(self, size):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for _ in range(size // len(BLOCK)):
            self.wfile.write(BLOCK)

    def echo(self):
        """Takes the upgrade and sends back what comes, as it is."""
        digest = hashlib.sha1((self.headers["Sec-WebSocket-Key"] +
                               "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", self.headers["Upgrade"])
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        while data := self.connection.recv(65536):
            self.connection.sendall(data)
        self.close_connection = True

    def git(self):
        url = urllib.parse.urlsplit(self.path)
        environment = {**os.environ, "GIT_PROJECT_ROOT": self.root, "GIT_HTTP_EXPORT_ALL": "1",
                       "PATH_INFO": "/" + url.path.split("/", 2)[2], "QUERY_STRING": url.query,
                       "REQUEST_METHOD": self.command, "REMOTE_USER": "somebody",
                       "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                       "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                       "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        if "Content-Length" in self.headers:
            environment["CONTENT_LENGTH"] = self.headers["Content-Length"]
        with tempfile.TemporaryFile() as given:
            for piece in self.body():
                given.write(piece)
            given.seek(0)
            done = subprocess.run(["/usr/lib/git-core/git-http-backend"], stdin=given,
                                  env=environment, stdout=subprocess.PIPE, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 50_000):
            piece = body[at:at + 50_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


class UpstreamServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A connection that ends early is what some tests are about."""


class ProxyTest(harness.ServerTest):
    """A server, its feed, the proxy, and what stands behind it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        Upstream.root = str(cls.folder / "repositories")
        cls.upstream = UpstreamServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=cls.upstream.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.upstream.shutdown)
        secret = cls.server.cli("client", "add", "git-gate", "--may", "feed", "--data",
                                cls.server.data).strip()
        config = CONFIG.format(upstream=f"http://127.0.0.1:{cls.upstream.server_port}")
        cls.gate = Gate(cls.server.url, secret + "\n",
                        change=lambda gate: gate.config.write_text(config))
        cls.addClassCleanup(cls.gate.close)
        cls.port = int(cls.gate.wait().url.rstrip("/").rsplit(":", 1)[1])
        cls.tokens = cls.make_tokens()

    @classmethod
    def make_tokens(cls):
        server = cls.server
        made = {"read": server.create_token(scope="vso.code")["token"],
                "write": server.create_token(scope="vso.code_write")["token"],
                "other scope": server.create_token(scope="vso.work")["token"]}
        revoked = server.create_token(scope="vso.code_write")
        server.revoke_token(revoked["authorizationId"])
        made["revoked"] = revoked["token"]
        made["expired"] = server.create_token(
            scope="vso.code_write", validTo=harness.date_time(2))["token"]
        server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
        made["foreign"] = server.create_token(scope="vso.code_write",
                                              organization="contoso")["token"]
        time.sleep(3.2)  # until the short one has expired
        return made

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 20)

    def resident_kib(self):
        status = Path(f"/proc/{self.gate.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.split("\n") if "VmRSS" in line)


class Git(ProxyTest):
    """Debian's git, with a token as its password."""

    def git(self, *arguments, token=None, cwd=None):
        """Runs git; with a token in the address. (status, what it said)."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder),
                       "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "a",
                       "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a",
                       "GIT_COMMITTER_EMAIL": "a@example.com"}
        password = self.tokens.get(token, "")
        address = f"http://pat:{password}@127.0.0.1:{self.port}/fabrikam/thing.git"
        done = subprocess.run(["git", *[part.replace("ADDRESS", address) for part in arguments]],
                              cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bare = cls.folder / "repositories" / "thing.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(bare)], check=True)
        subprocess.run(["git", "-C", str(bare), "config", "http.receivepack", "true"], check=True)

    def clone(self, name, token="write"):
        status, said = self.git("clone", "-q", "ADDRESS", str(self.folder / name), token=token)
        self.assertEqual(status, 0, said)
        return self.folder / name

    def commit(self, tree, name, content):
        (tree / name).write_bytes(content)
        self.git("add", ".", cwd=tree)
        self.assertEqual(self.git("commit", "-qm", name, cwd=tree)[0], 0)

    def test_clone_and_push(self):
        tree = self.clone("first")
        self.commit(tree, "large", os.urandom(9 << 20))  # above http.postBuffer, so it is chunked
        status, said = self.git("push", "-q", "origin", "HEAD:main", token="write", cwd=tree)
        self.assertEqual(status, 0, said)
        copy = self.clone("second", "read")
        self.assertEqual((copy / "large").read_bytes(), (tree / "large").read_bytes())
        self.commit(copy, "small", b"of a reader")
        status, said = self.git("push", "origin", "HEAD:main", token="read", cwd=copy)
        self.assertNotEqual(status, 0)
        self.assertIn("403", said)

    def test_bad_tokens_neither_read_nor_write(self):
        tree = self.clone("third")
        self.commit(tree, "new", b"of nobody")
        for token in ("other scope", "revoked", "expired", "foreign", "none"):
            with self.subTest(token):
                status, said = self.git("ls-remote", "ADDRESS", token=token)
                self.assertNotEqual(status, 0, said)
                status, said = self.git("push", "-q", "ADDRESS", "HEAD:refs/heads/" +
                                        token.replace(" ", "-"), token=token, cwd=tree)
                self.assertNotEqual(status, 0, said)
        self.assertEqual(self.git("ls-remote", "--heads", "ADDRESS", "revoked", "expired",
                                  "foreign", "none", "other-scope", token="read")[1], "")

    def test_the_upstream_sees_no_token(self):
        Upstream.seen.clear()
        self.assertEqual(self.git("ls-remote", "ADDRESS", token="read")[0], 0)
        self.assertTrue(Upstream.seen)
        for _, path, headers in Upstream.seen:
            text = repr((path, headers))
            self.assertNotIn(self.tokens["read"], text)
            self.assertNotIn("Authorization", text)
            self.assertEqual(headers["X-Latchkey-Organization-Name"], "fabrikam")
            self.assertEqual(headers["X-Forwarded-For"], "127.0.0.1")


class Streams(ProxyTest):
    """Large bodies and WebSocket."""

    def head(self, method, path, *headers, token="write"):
        lines = [f"{method} {path} HTTP/1.1", "Host: gate",
                 f"Authorization: {harness.basic(self.tokens[token])}", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def measure(self, work):
        """How much the proxy's memory grew at most while `work` ran, in KiB."""
        before, highest, ended = self.resident_kib(), [0], threading.Event()

        def look():
            while not ended.wait(0.02):
                highest[0] = max(highest[0], self.resident_kib())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            work()
        finally:
            ended.set()
            watcher.join()
        return highest[0] - before

    def down(self):
        with self.connect() as client:
            client.sendall(self.head("GET", f"/fabrikam/large/{SIZE}"))
            answer = client.makefile("rb")
            self.assertIn(b"200", answer.readline())
            while answer.readline().strip():
                pass
            got = 0
            while got < SIZE:
                piece = answer.read(1 << 20)
                self.assertTrue(piece)
                got += len(piece)

    def up(self, *headers, pieces=None):
        with self.connect() as client:
            client.sendall(self.head("PUT", "/fabrikam/x", *headers))
            for piece in pieces or (BLOCK for _ in range(SIZE // len(BLOCK))):
                client.sendall(piece)
            answer = client.makefile("rb")
            self.assertIn(b"200", answer.readline())
            while answer.readline().strip():
                pass
            return answer.read(len(str(SIZE)) + 65)

    def test_memory_is_bounded(self):
        self.assertLess(self.measure(self.down), GROWTH_KIB)
        self.assertLess(self.measure(lambda: self.up(f"Content-Length: {SIZE}")), GROWTH_KIB)

    def test_bodies_come_whole(self):
        digest = hashlib.sha256(BLOCK * (SIZE // len(BLOCK))).hexdigest()
        self.assertEqual(self.up(f"Content-Length: {SIZE}").decode(), f"{SIZE} {digest}")
        chunk = b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)
        chunks = [chunk] * (SIZE // len(BLOCK)) + [b"0\r\n\r\n"]
        self.assertEqual(self.up("Transfer-Encoding: chunked", pieces=chunks).decode(),
                         f"{SIZE} {digest}")

    def test_web_socket(self):
        upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                   f"Sec-WebSocket-Key: {WEBSOCKET_KEY}"]
        with self.connect() as client:
            client.sendall(self.head("GET", "/fabrikam/socket", *upgrade))
            answer = client.makefile("rb")
            self.assertIn(b" 101 ", answer.readline())
            fields = []
            while line := answer.readline().strip():
                fields.append(line.decode())
            self.assertIn(f"Sec-WebSocket-Accept: {WEBSOCKET_ACCEPT}", fields)
            for size in (1, 100, 70_000):
                frame = b"\x82" + os.urandom(size)
                client.sendall(frame)
                self.assertEqual(answer.read(len(frame)), frame)
        for token in ("other scope", "revoked", "expired", "foreign"):
            with self.subTest(token), self.connect() as client:
                client.sendall(self.head("GET", "/fabrikam/socket", *upgrade, token=token))
                self.assertRegex(client.recv(4096), rb"^HTTP/1.1 40[13] ")

    def test_a_client_that_leaves_ends_the_upstreams_work(self):
        client = self.connect()
        client.sendall(self.head("GET", f"/fabrikam/large/{1 << 40}"))
        self.assertTrue(client.recv(65536))
        before = threading.active_count()
        client.close()
        deadline = time.monotonic() + 10
        while threading.active_count() >= before and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertLess(threading.active_count(), before)


if __name__ == "__main__":
    unittest.main()
