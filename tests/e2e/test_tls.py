#!/usr/bin/env python3
"""TLS as clients meet it: versions, roots, reloading under load, slow peers, plain HTTP."""

import hashlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import certificates
import harness

STRICT = "max-age=31536000"


class SecureServer(harness.Server):
    """A server with a certificate of its own root, and clients that trust that root."""

    def __init__(self, *options):
        self.certificates = tempfile.mkdtemp(prefix="latchkey-tls-")
        self.chain = os.path.join(self.certificates, "chain.pem")
        self.key = os.path.join(self.certificates, "key.pem")
        self.root = certificates.Root(self.certificates)
        self.root.issue(self.chain, self.key)
        super().__init__("--tls-certificate-file", self.chain, "--tls-key-file", self.key, *options,
                         environment={"LATCHKEY_CA_FILE": self.root.file})

    def context(self):
        return ssl.create_default_context(cafile=self.root.file)

    def address(self):
        host = urllib.parse.urlsplit(self.url)
        return host.hostname, host.port

    def request(self, method, path, headers=None, body=None):
        return harness.send(http.client.HTTPSConnection(*self.address(), timeout=30,
                                                        context=self.context()),
                            method, path, headers, body)

    def close(self):
        super().close()
        subprocess.run(["rm", "-rf", self.certificates], check=True)

    def curl(self, *arguments, ca_file=None):
        """curl's exit code and what it printed."""
        ended = subprocess.run(
            ["curl", "-sS", "-i", "--noproxy", "*", "--cacert", ca_file or self.root.file,
             *arguments, self.url + "/openapi.json"], capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stdout + ended.stderr

    def shown(self):
        """The fingerprint that a new connection is shown, as the log writes it."""
        digest = hashlib.sha256(certificates.seen_at(*self.address())).hexdigest().upper()
        return ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))


def wait_until(is_true, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to be")
        time.sleep(0.1)


class SecureTest(harness.ServerTest):
    @classmethod
    def setUpClass(cls):
        cls.server = SecureServer(*cls.options)
        cls.addClassCleanup(cls.server.close)
        cls.server.start().set_up()


class Clients(SecureTest):
    options = ("--log-level", "debug")

    def send(self, text):
        """Sends bytes and takes what comes, an alert or nothing, until the server closes."""
        with socket.create_connection(self.server.address(), 30) as peer:
            peer.sendall(text)
            try:
                while peer.recv(65536):
                    pass
            except ConnectionResetError:
                pass

    def test_curl_speaks_12_and_13_and_nothing_older(self):
        for version in ("1.2", "1.3"):
            code, text = self.server.curl("--tls-max", version, f"--tlsv{version}")
            self.assertEqual(code, 0, text)
            self.assertTrue(text.startswith("HTTP/1.1 200"), text[:200])
            self.assertIn("Strict-Transport-Security: " + STRICT, text)
        for version in ("1.0", "1.1"):
            # At this level of security curl itself would speak them.
            code, text = self.server.curl("--tlsv1.0", "--tls-max", version, "--ciphers",
                                          "DEFAULT:@SECLEVEL=0")
            self.assertEqual(code, 35, text)
            self.assertRegex(text, "alert protocol version|unsupported protocol")

    def test_curl_that_has_another_root_refuses(self):
        other = certificates.Root(self.server.certificates, "Other Root")
        code, text = self.server.curl(ca_file=other.file)
        self.assertEqual(code, 60, text)

    def test_every_kind_of_answer_demands_tls(self):
        token = self.server.make_token()
        answers = [self.server.use(token), self.server.use("x" * 84),
                   self.server.request("GET", "/nothing/here"), self.server.request("GET", "/"),
                   self.server.request("PUT", "/openapi.json"),
                   self.server.request("GET", "/" + "a" * 9000)]
        self.assertEqual(len({answer.status for answer in answers} - {200}), 4, answers)
        for answer in answers:
            self.assertEqual(answer.values("Strict-Transport-Security"), [STRICT], answer)

    def test_listener_of_operations_and_console_stay_plain(self):
        self.assertTrue(self.server.operations_url.startswith("http://"))
        for answer in (self.server.operations("/health/ready"),
                       self.server.console("GET", "/status")):
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.values("Strict-Transport-Security"), [])

    def test_links_and_cookies_are_for_https(self):
        self.assertTrue(self.server.url.startswith("https://127.0.0.1:"))
        status = self.server.console("GET", "/status").json()
        self.assertEqual((status["publicUrl"], status["serverUrl"]), (self.server.url,) * 2)
        refused = self.server.request("GET", f"/{self.server.organization}/_apis/projects")
        self.assertIn(self.server.url, str(refused.pairs))
        signed_in = self.server.request("POST", "/_latchkey/sessions", body={
            "email": self.server.email, "password": self.server.password})
        cookie = signed_in.headers["set-cookie"]
        self.assertTrue(cookie.startswith("__Host-latchkey-session="), cookie)
        for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
            self.assertIn(part, cookie.split("; "))

    def test_plain_http_is_told_at_once(self):
        answer = self.server.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assert_error(answer, 400, "VssRequestMalformedException", "speaks TLS")
        self.assertEqual(answer.values("Strict-Transport-Security"), [])
        refused = self.server.run("login", "--server", self.server.url.replace("https", "http"),
                                  "--email", self.server.email, "--password-stdin",
                                  stdin=self.server.password + "\n")
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("speaks TLS: use https", refused.stderr)

    def test_metrics_tell_expiry_and_handshakes(self):
        expiry = self.server.metric("latchkey_tls_certificate_expiry_time_seconds")
        self.assertAlmostEqual(expiry, time.time() + 200 * 86400, delta=86400)
        failed = 'latchkey_tls_handshakes_total{outcome="failed"} '
        before = self.server.operations("/metrics").text.split(failed)[1].split()[0]
        self.send(b"no TLS at all\r\n\r\n")
        wait_until(lambda: int(self.server.operations("/metrics").text.split(failed)[1].split()[0])
                   == int(before) + 1)

    def test_failed_handshake_logs_nothing_of_the_peer(self):
        self.send(b"\x16\x03\x01\x00\x20marker-of-the-peer" + b"z" * 64)
        self.send(b"marker-of-the-peer\r\n\r\n")
        self.assertEqual(self.server.request("GET", "/openapi.json").status, 200)
        self.assertIn("http.tls_handshake_failed", self.server.log_text())
        self.assertNotIn("marker", self.server.log_text())


class CommandLine(SecureTest):
    def test_it_verifies_and_says_what_to_do(self):
        self.assertIn("vso.project", self.server.cli("scopes"))
        without = {"LATCHKEY_CA_FILE": ""}
        asked = ("login", "--server", self.server.url, "--email", self.server.email,
                 "--password-stdin")
        password = self.server.password + "\n"
        refused = self.server.run(*asked, stdin=password, environment={
            **without, "XDG_CONFIG_HOME": self.server.folder + "/other"})
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("--ca-file or LATCHKEY_CA_FILE", refused.stderr)
        self.assertNotIn("latchkey serve", refused.stderr)
        refused = self.server.run(*asked, "--ca-file", "/nowhere.pem", stdin=password)
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("look at the file given", refused.stderr)

    def test_a_name_that_the_certificate_has_not(self):
        server = SecureServer("--listen-address", "127.0.0.2")
        self.addCleanup(server.close)
        server.start()
        refused = server.run("login", "--server", server.url.replace("127.0.0.1", "127.0.0.2"),
                             "--email", "a@example.com", "--password-stdin", stdin="x\n")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertIn("a name of its certificate", refused.stderr)

    def test_the_session_remembers_its_roots(self):
        self.assertEqual(self.server.run("org", "list", environment={
            "LATCHKEY_CA_FILE": ""}).returncode, 0)
        listed = self.server.run("org", "list", "--ca-file", self.server.root.file)
        self.assertEqual(listed.returncode, 0, listed.stderr)


class Reload(unittest.TestCase):
    def setUp(self):
        self.server = SecureServer()
        self.addCleanup(self.server.close)
        self.server.start()

    def reloads(self, outcome):
        name = f'latchkey_tls_reloads_total{{outcome="{outcome}"}} '
        return int(self.server.operations("/metrics").text.split(name)[1].split()[0])

    def hammer(self, stop, failures, done):
        """New connections, one after the other; what went wrong goes to `failures`."""
        while not stop.is_set():
            try:
                answer = self.server.request("GET", "/openapi.json")
                if answer.status != 200:
                    failures.append(answer)
                done.append(1)
            except OSError as failure:
                failures.append(failure)

    def test_by_itself_and_by_signal_without_a_failed_request(self):
        kept = http.client.HTTPSConnection(*self.server.address(), timeout=60,
                                           context=self.server.context())
        self.addCleanup(kept.close)
        kept.request("GET", "/openapi.json")
        self.assertEqual(kept.getresponse().read()[:1], b"{")
        stop, failures, done = threading.Event(), [], []
        clients = [threading.Thread(target=self.hammer, args=(stop, failures, done))
                   for _ in range(4)]
        for client in clients:
            client.start()
        try:
            for number in range(6):
                self.server.root.issue(self.server.chain, self.server.key)
                if number % 2 == 0:
                    self.server.process.send_signal(signal.SIGHUP)
                wanted = certificates.fingerprint(self.server.chain)
                wait_until(lambda: self.server.shown() == wanted)  # pylint: disable=W0640
                self.assertIn(wanted, self.server.log_text())
                kept.request("GET", "/openapi.json")  # on the first certificate
                self.assertEqual(kept.getresponse().read()[:1], b"{")
        finally:
            stop.set()
            for client in clients:
                client.join(60)
        self.assertEqual(failures, [])
        self.assertGreater(len(done), 20)
        self.assertGreaterEqual(self.reloads("done"), 6)
        self.assertEqual(self.reloads("failed"), 0)

    def test_a_bad_pair_keeps_the_old_and_is_told(self):
        before = self.server.shown()
        other = os.path.join(self.server.certificates, "other")
        self.server.root.issue(other + ".pem", other + ".key")
        os.rename(other + ".key", self.server.key)
        wait_until(lambda: self.reloads("failed") == 1)
        self.assertEqual(self.server.shown(), before)
        self.assertIn("tls.reload_failed", self.server.log_text())
        self.assertIn("does not belong to the first certificate", self.server.log_text())
        os.rename(other + ".pem", self.server.chain)  # now they fit
        wait_until(lambda: self.reloads("done") == 1)
        self.assertNotEqual(self.server.shown(), before)

        os.chmod(self.server.key, 0o644)
        self.server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "chmod 600" in self.server.log_text())
        self.assertEqual(self.server.request("GET", "/openapi.json").status, 200)


class SlowPeers(SecureTest):
    options = ("--limits-head-timeout-ms", "1000", "--limits-connections-max", "20")

    def test_stalled_handshakes_end_and_leave_room(self):
        hello = ssl.MemoryBIO()
        client = self.server.context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        first_flight = hello.read()
        peers = []
        for number in range(16):
            peer = socket.create_connection(self.server.address(), 30)
            peer.sendall(first_flight[:[0, 1, 60, len(first_flight)][number % 4]])
            peers.append(peer)
        began = time.monotonic()
        for peer in peers:
            peer.settimeout(60)
            try:
                while peer.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            peer.close()
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(self.server.request("GET", "/openapi.json").status, 200)


class Start(unittest.TestCase):
    """A start with something wrong is refused with key and rule."""

    def refused(self, *options):
        server = harness.Server()
        self.addCleanup(server.close)
        ended = server.run("serve", "--data", server.data, "--port", "0", "--operations-port", "0",
                           *options)
        self.assertEqual(ended.returncode, 2, ended.stderr)
        return ended.stderr

    def test_refusals(self):
        folder = tempfile.mkdtemp(prefix="latchkey-tls-")
        self.addCleanup(subprocess.run, ["rm", "-rf", folder], check=True)
        chain, key = folder + "/chain.pem", folder + "/key.pem"
        certificates.Root(folder).issue(chain, key)
        pair = ("--tls-certificate-file", chain, "--tls-key-file", key)
        self.assertIn("tls.key_file must be given", self.refused(*pair[:2]))
        self.assertIn("tls.certificate_file must be given", self.refused(*pair[2:]))
        self.assertIn("tls.minimum_version must be one of: 1.2, 1.3",
                      self.refused(*pair, "--tls-minimum-version", "1.1"))
        self.assertIn("tls.certificate_file: /nowhere.pem cannot be read",
                      self.refused("--tls-certificate-file", "/nowhere.pem", *pair[2:]))
        self.assertIn("holds no private key in PEM form",
                      self.refused(*pair[:2], "--tls-key-file", self.private_copy(folder, chain)))
        os.chmod(key, 0o644)
        self.assertIn("type: chmod 600 " + key, self.refused(*pair))

    @staticmethod
    def private_copy(folder, path):
        copy = folder + "/copy.pem"
        with open(path, "rb") as old, open(copy, "wb") as new:
            new.write(old.read())
        os.chmod(copy, 0o600)
        return copy


if __name__ == "__main__":
    unittest.main()
