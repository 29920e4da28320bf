#!/usr/bin/env python3
"""Hostile traffic, in small: every form of it is refused cleanly and good clients are served.

The full sizes, with latencies, are `./dev hostile` (bench/hostile.py, docs/hostile.md).
"""

import os
import random
import re
import selectors
import socket
import threading
import time
import unittest
import urllib.parse

import forged_tokens
import harness

SELF = "/fabrikam/_apis/tokens/self"
PROJECTS = "/fabrikam/_apis/projects"
STATUS_LINE = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class HostileTest(harness.ServerTest):
    options = ("--limits-head-timeout-ms", "1500", "--limits-body-timeout-ms", "1500",
               "--limits-write-timeout-ms", "1500", "--log-access", "false")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.address = urllib.parse.urlsplit(cls.server.url)
        cls.token = cls.server.make_token("vso.project")
        cls.narrow = cls.server.make_token("vso.wiki")

    def connect(self, source="127.0.0.1"):
        peer = socket.create_connection((self.address.hostname, self.address.port), 30,
                                        (source, 0))
        self.addCleanup(peer.close)
        return peer

    def exchange(self, data):
        """All that is answered to `data`, until the server closes or says nothing for long."""
        peer = self.connect()
        received = b""
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all was sent
        try:
            while piece := peer.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
        return received

    def statuses(self, data):
        return [int(status) for status in STATUS_LINE.findall(self.exchange(data))]

    def good(self, close=False):
        """A request that is granted."""
        return (f"GET {SELF} HTTP/1.1\r\nHost: h\r\nAuthorization: {harness.basic(self.token)}\r\n"
                + ("Connection: close\r\n" if close else "") + "\r\n").encode()

    def granted(self):
        found = re.search(r'^latchkey_checks_total\{outcome="granted"\} (\d+)$',
                          self.server.operations("/metrics").text, re.M)
        return int(found.group(1))

    def assert_good_clients_are_served(self):
        self.assertEqual(self.server.use(self.token).status, 200)
        self.assertEqual(self.server.operations("/health/ready").status, 200)


def post(headers, body=b"", version=b"HTTP/1.1", line=None):
    return ((line or b"POST " + PROJECTS.encode() + b"?api-version=7.1 " + version)
            + b"\r\nHost: h\r\n" + b"".join(header + b"\r\n" for header in headers)
            + b"\r\n" + body)


LENGTH = b"Content-Length: "
CHUNKED = b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"
# Each is refused, and what follows it on the connection is never read as a request.
REFUSED = {
    "length and encoding": post([LENGTH + b"5", CHUNKED], END),
    "encoding and length": post([CHUNKED, LENGTH + b"5"], END),
    "length of zero and encoding": post([LENGTH + b"0", CHUNKED], END),
    "length twice, alike": post([LENGTH + b"5", LENGTH + b"5"], b"abcde"),
    "length twice, differing": post([LENGTH + b"5", LENGTH + b"0"], b"abcde"),
    "length twice, in other cases": post([LENGTH + b"5", b"content-length: 6"], b"abcde"),
    "length with a plus": post([LENGTH + b"+5"], b"abcde"),
    "length with a minus": post([LENGTH + b"-5"], b"abcde"),
    "length of a list": post([LENGTH + b"5,5"], b"abcde"),
    "length of a list with a space": post([LENGTH + b"5, 5"], b"abcde"),
    "length in hexadecimal": post([LENGTH + b"0x5"], b"abcde"),
    "length with a fraction": post([LENGTH + b"5.0"], b"abcde"),
    "length with an exponent": post([LENGTH + b"5e0"], b"abcde"),
    "length with an inner space": post([LENGTH + b"1 5"], b"abcde"),
    "length with underscores": post([LENGTH + b"1_0"], b"abcde"),
    "length of no digits": post([LENGTH], b"abcde"),
    "length that overflows 32 bits": post([LENGTH + b"4294967301"], b"abcde"),
    "length that overflows 64 bits": post([LENGTH + b"18446744073709551621"], b"abcde"),
    "length in other digits": post([LENGTH + "٥".encode()], b"abcde"),
    "length with a vertical tab": post([b"Content-Length:\x0b5"], b"abcde"),
    "length name with a space": post([b"Content-Length : 5"], b"abcde"),
    "length name with a tab": post([b"Content-Length\t: 5"], b"abcde"),
    "length name after a space": post([b" Content-Length: 5"], b"abcde"),
    "length name with NUL": post([b"Content-Length\0: 5"], b"abcde"),
    "encoding of a list": post([CHUNKED + b", identity"], END),
    "encoding of a list, chunked last": post([b"Transfer-Encoding: identity, chunked"], END),
    "encoding twice": post([CHUNKED, CHUNKED], END),
    "encoding twice, differing": post([CHUNKED, b"Transfer-Encoding: identity"], END),
    "encoding twice, chunked last": post([b"Transfer-Encoding: x", CHUNKED], END),
    "encoding of another name": post([b"Transfer-Encoding: xchunked"], END),
    "encoding with a letter after": post([CHUNKED + b"x"], END),
    "encoding quoted": post([b'Transfer-Encoding: "chunked"'], END),
    "encoding with a parameter": post([CHUNKED + b";q=1"], END),
    "encoding with a comma": post([b"Transfer-Encoding: ,chunked"], END),
    "encoding with NUL": post([CHUNKED + b"\0"], END),
    "encoding with a vertical tab": post([b"Transfer-Encoding:\x0bchunked"], END),
    "encoding with a form feed": post([CHUNKED + b"\x0c"], END),
    "encoding with a bare CR": post([CHUNKED + b"\r"], END),
    "encoding folded by a space": post([b"Transfer-Encoding:\r\n chunked"], END),
    "encoding folded by a tab": post([b"Transfer-Encoding:\r\n\tchunked"], END),
    "encoding name with a space": post([b"Transfer-Encoding : chunked"], END),
    "encoding name after a bare LF": post([b"X: y\nTransfer-Encoding: chunked"], END),
    "encoding name after a bare CR": post([b"X: y\rTransfer-Encoding: chunked"], END),
    "encoding in HTTP/1.0": post([CHUNKED], END, b"HTTP/1.0"),
    "encoding empty": post([b"Transfer-Encoding:"], END),
    "encoding identity": post([b"Transfer-Encoding: identity"]),
    "bare LF after the line": b"GET / HTTP/1.1\nHost: h\r\n\r\n",
    "bare LF at the end": b"GET / HTTP/1.1\r\nHost: h\r\n\n",
    "bare LF everywhere": b"GET / HTTP/1.1\nHost: h\n\n",
    "bare CR everywhere": b"GET / HTTP/1.1\rHost: h\r\r",
    "NUL in a value": post([b"X: a\0b"]),
    "NUL in a name": post([b"X\0Y: b"]),
    "folded header": post([b"X: a", b" b"]),
    "header without a colon": post([b"X"]),
    "header without a name": post([b": x"]),
    "chunk size that overflows": post([CHUNKED], b"10000000000000005\r\nabcde\r\n" + END),
    "chunk size of many zeros and more": post([CHUNKED], b"0" * 2000 + b"5\r\nabcde\r\n" + END),
    "chunk size negative": post([CHUNKED], b"-5\r\nabcde\r\n" + END),
    "chunk size with a plus": post([CHUNKED], b"+5\r\nabcde\r\n" + END),
    "chunk size with a prefix": post([CHUNKED], b"0x5\r\nabcde\r\n" + END),
    "chunk size empty": post([CHUNKED], b"\r\nabcde\r\n" + END),
    "chunk size after a space": post([CHUNKED], b" 5\r\nabcde\r\n" + END),
    "chunk size with a space": post([CHUNKED], b"5 \r\nabcde\r\n" + END),
    "chunk size with an underscore": post([CHUNKED], b"1_0\r\nabcde\r\n" + END),
    "chunk line with a bare LF": post([CHUNKED], b"5\nabcde\r\n" + END),
    "chunk line with a bare CR": post([CHUNKED], b"5\rabcde\r\n" + END),
    "chunk data longer than said": post([CHUNKED], b"5\r\nabcdefgh\r\n" + END),
    "chunk data ended by a bare LF": post([CHUNKED], b"5\r\nabcde\n" + END),
    "chunk extension, long": post([CHUNKED], b"5;x=" + b"y" * 2000 + b"\r\nabcde\r\n" + END),
    "chunk extension with a bare LF": post([CHUNKED], b'5;x="\n"\r\nabcde\r\n' + END),
    "chunk extension with NUL": post([CHUNKED], b"5;x=\0\r\nabcde\r\n" + END),
    "trailer that frames": post([CHUNKED], b"0\r\nContent-Length: 50\r\n\r\n"),
    "trailer that frames by chunks": post([CHUNKED], b"0\r\n" + CHUNKED + b"\r\n\r\n"),
    "trailer folded": post([CHUNKED], b"0\r\nX: a\r\n b\r\n\r\n"),
    "trailers, long": post([CHUNKED], b"0\r\nX: " + b"y" * 9000 + b"\r\n\r\n"),
    "two hosts": post([b"Host: other"]),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "absolute form": post([], line=b"GET http://h/ HTTP/1.1"),
    "absolute form of another host": post([], line=b"GET https://other/_apis HTTP/1.1"),
    "authority form": post([], line=b"CONNECT h:443 HTTP/1.1"),
    "asterisk form": post([], line=b"OPTIONS * HTTP/1.1"),
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": post([], line=b"GET / HTTP/1.2"),
    "HTTP/11": post([], line=b"GET / HTTP/11"),
    "two spaces": post([], line=b"GET  / HTTP/1.1"),
    "tab for a space": post([], line=b"GET\t/\tHTTP/1.1"),
    "space in the target": post([], line=b"GET / x HTTP/1.1"),
    "method in small letters": post([], line=b"get / HTTP/1.1"),
    "expectation of something else": post([b"Expect: 200-ok"]),
    "expectation twice": post([b"Expect: 100-continue", b"Expect: 100-continue"]),
    "many headers": post([b"X%d: y" % number for number in range(120)]),
    "large headers": post([b"X: " + b"y" * 2000] * 20),
    "one giant header": post([b"X: " + b"y" * 200_000]),
    "giant name": post([b"y" * 40_000 + b": x"]),
    "giant target": post([], line=b"GET /" + b"y" * 9000 + b" HTTP/1.1"),
    "giant method": post([], line=b"A" * 9000 + b" / HTTP/1.1"),
    "giant host": b"GET / HTTP/1.1\r\nHost: " + b"h" * 40_000 + b"\r\n\r\n",
}
# Each is one request, and the next one on the connection is read where it begins.
SERVED = {
    "no body": post([LENGTH + b"0"]),
    "length with zeros in front": post([LENGTH + b"0002"], b"{}"),
    "length with spaces around": post([b"Content-Length: \t 2 \t"], b"{}"),
    "one chunk": post([CHUNKED], b"2\r\n{}\r\n" + END),
    "chunk size with zeros in front": post([CHUNKED], b"0002\r\n{}\r\n" + END),
    "chunk extension": post([CHUNKED], b"2;x=y\r\n{}\r\n0;z\r\n\r\n"),
    "chunk extension, quoted": post([CHUNKED], b'2;x="\\"0\\""\r\n{}\r\n' + END),
    "trailer": post([CHUNKED], b"2\r\n{}\r\n0\r\nX-Authorization: x\r\n\r\n"),
    "trailer with a credential": post([CHUNKED], b"2\r\n{}\r\n0\r\nAuthorization: x\r\n\r\n"),
    "encoding in capitals": post([b"TRANSFER-ENCODING: CHUNKED"], END),
    "an offer of h2c": post([b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                             b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]),
    "an offer of a web socket": post([b"Connection: Upgrade", b"Upgrade: websocket"]),
    "connection headers that name others": post([b"Connection: Content-Length, Host",
                                                 LENGTH + b"2"], b"{}"),
}


class Smuggling(HostileTest):
    def test_what_is_refused_ends_the_connection(self):
        for name, data in REFUSED.items():
            with self.subTest(name):
                before = self.granted()
                answered = self.exchange(data + self.good() + self.good())
                statuses = [int(status) for status in STATUS_LINE.findall(answered)]
                self.assertEqual(len(statuses), 1, answered[:300])
                self.assertIn(statuses[0], (400, 408, 413, 414, 417, 431, 501, 505))
                self.assertIn(b"\r\nConnection: close\r\n", answered)
                self.assertIn(b"VssRequestMalformedException", answered)
                self.assertEqual(self.granted(), before, "a smuggled request was served")
        self.assert_good_clients_are_served()

    def test_what_is_served_ends_where_it_says(self):
        for name, data in SERVED.items():
            with self.subTest(name):
                statuses = self.statuses(data + self.good(close=True))
                self.assertEqual(statuses, [401, 200])

    def test_a_body_that_was_not_sent(self):
        """A refusal of the credential leaves no part of the body to be read as a request."""
        inner = self.good()
        before = self.granted()
        statuses = self.statuses(post([LENGTH + str(len(inner)).encode()], inner)
                                 + self.good(close=True))
        self.assertEqual(statuses, [401, 200])
        self.assertEqual(self.granted(), before + 1)

    def test_expectations(self):
        answered = self.exchange(post([b"Expect: 100-continue", LENGTH + b"2"], b"{}")
                                 + self.good(close=True))
        self.assertEqual([int(status) for status in STATUS_LINE.findall(answered)][-2:], [401, 200])

    def test_old_versions_get_one_answer(self):
        data = b"GET /openapi.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        self.assertEqual(self.statuses(data + self.good()), [200])


class Decisions(HostileTest):
    """Another way to say the same is decided the same, or is a clean 400."""

    def decision(self, method, path, headers):
        answer = self.server.request(method, path, headers)
        body = re.sub(rb'"(message|eventId|\$id)":("[^"]*"|\d+),?', b"", answer.body)
        if answer.status < 400:
            body = b""
        return answer.status, body if method != "HEAD" else b""

    def credentials(self):
        yield "none", {}
        yield "good", {"Authorization": harness.basic(self.token)}
        yield "narrow", {"Authorization": harness.basic(self.narrow)}
        yield "session", {"Authorization": "Bearer " + self.server.session}

    def test_headers_that_rewrite(self):
        pats = self.server.pats() + "&authorizationId=" + self.server.create_token(
            "stays")["authorizationId"]
        targets = [("GET", PROJECTS), ("GET", pats), ("POST", PROJECTS + "?api-version=7.1"),
                   ("GET", "/_latchkey/me"), ("GET", "/openapi.json"), ("GET", "/nowhere")]
        state = self.state()
        for name, values in [
                ("X-HTTP-Method-Override", ["DELETE", "GET"]), ("X-HTTP-Method", ["DELETE"]),
                ("X-Method-Override", ["DELETE"]), ("X-Original-Method", ["DELETE"]),
                ("X-Original-URL", [pats, "/openapi.json"]),
                ("X-Rewrite-URL", [pats, "/openapi.json"]),
                ("X-Original-URI", ["/openapi.json"]), ("X-Forwarded-Uri", ["/openapi.json"]),
                ("X-Forwarded-Method", ["DELETE"]), ("X-Forwarded-Prefix", ["/x"]),
                ("X-Forwarded-Path", ["/openapi.json"]), ("X-Forwarded-Host", ["evil.example"]),
                ("X-Forwarded-Proto", ["https"]), ("X-Forwarded-For", ["10.0.0.1"]),
                ("Forwarded", ["for=10.0.0.1;host=evil.example"]), ("X-Real-IP", ["10.0.0.1"]),
                ("X-Remote-User", ["ada@example.com"]), ("X-Forwarded-User", ["ada@example.com"]),
                ("X-WebAuth-User", ["ada@example.com"]), ("X-Latchkey-Person", ["x"]),
                ("X-Accel-Redirect", ["/openapi.json"]), ("Destination", ["/openapi.json"])]:
            for value in values:
                for method, path in targets:
                    for who, headers in self.credentials():
                        with self.subTest(f"{name}: {value} {method} {path} {who}"):
                            self.assertEqual(
                                self.decision(method, path, {**headers, name: value}),
                                self.decision(method, path, headers))
        self.assertEqual(self.state(), state)

    def test_paths(self):
        base = "/fabrikam/_apis/projects"
        variants = [
            "//fabrikam/_apis/projects", "/fabrikam//_apis/projects", "/fabrikam/_apis//projects",
            "/fabrikam/_apis/projects/", "/fabrikam/_apis/projects//",
            "/./fabrikam/_apis/projects", "/fabrikam/./_apis/projects",
            "/fabrikam/_apis/./projects", "/fabrikam/_apis/projects/.",
            "/x/../fabrikam/_apis/projects", "/fabrikam/_apis/x/../projects",
            "/fabrikam/_apis/projects/..", "/fabrikam/_apis/projects/../projects",
            "/%2e/fabrikam/_apis/projects", "/fabrikam/%2e%2e/fabrikam/_apis/projects",
            "/fabrikam/_apis/%2E%2E/_apis/projects", "/fabrikam/.%2e/fabrikam/_apis/projects",
            "/fabrikam%2f_apis/projects", "/fabrikam/_apis%2Fprojects",
            "/fabrikam%5c_apis/projects", "/fabrikam/_apis%5cprojects",
            "/fabrikam\\_apis\\projects", "/fabrikam/_apis\\projects",
            "/fabrikam/_apis/projects;x", "/fabrikam/_apis/projects;x=y",
            "/fabrikam;/_apis/projects", "/fabrikam/_apis;/projects",
            "/;/fabrikam/_apis/projects", "/fabrikam/_apis/projects.",
            "/fabrikam./_apis/projects", "/fabrikam/_apis/projects%2e",
            "/fabrikam/_apis/projects.json", "/fabrikam/_apis/projects%20",
            "/FABRIKAM/_apis/projects", "/fabrikam/_APIS/PROJECTS", "/Fabrikam/_Apis/Projects",
            "/fabrikam/_apis/project%73", "/%66abrikam/_apis/projects",
            "/fabrikam/%5fapis/projects", "/fabrikam/_apis/%70%72ojects",
            "/fabrikam/_apis/%u0070rojects", "/fabrikam/_apis/projects%00",
            "/fabrikam/_apis/projects%00.json", "/fabrikam%00/_apis/projects",
            "/fabrikam/_apis/projects%0a", "/fabrikam/_apis/projects%0d",
            "/fabrikam/_apis/%c0%afprojects", "/fabrikam/_apis/%e0%80%afprojects",
            "/fabrikam/_apis/%c0%ae%c0%ae/projects", "/fabrikam/_apis/%ef%bc%8fprojects",
            "/fabrikam%252f_apis/projects", "/fabrikam/_apis/%252e%252e/_apis/projects",
            "/fabrikam/_apis/%70rojects%2570", "/fabrikam/_apis/projects%3fx=y",
            "/fabrikam/_apis/projects%23", "/fabrikam/_apis/projects%",
            "/fabrikam/_apis/projects%2", "/fabrikam/_apis/projects%zz",
            "/fabrikam/_apis/projects/%2e%2e/projects", "/fabrikam/_apis/proj\u0065cts",
            "/fabrikam/_apis/_apis/projects"]
        for who, headers in self.credentials():
            canonical = self.decision("GET", base, headers)
            for path in variants:
                with self.subTest(f"{who} {path}"):
                    decided = self.decision("GET", path, headers)
                    if decided != canonical:
                        self.assertIn(decided[0], (400, 401, 404, 405), "another decision")
        # Above: who may not, may not by another spelling. Here: who may does not need one.
        self.assertEqual(self.server.use(self.token, path=base).status, 200)
        self.assertEqual(self.server.use(self.narrow, path=base).status, 403)

    def test_methods(self):
        """HEAD is decided as GET is; a method that a route lacks is no way around it."""
        for who, headers in self.credentials():
            for path in (PROJECTS, SELF, "/_latchkey/me", "/fabrikam/_apis/connectionData",
                         "/openapi.json", "/nowhere"):
                with self.subTest(f"{who} {path}"):
                    self.assertEqual(self.decision("HEAD", path, headers)[0],
                                     self.decision("GET", path, headers)[0])
            for method in ("TRACE", "OPTIONS", "PROPFIND", "DEBUG", "TRACK", "FOO", "M-SEARCH",
                           "GET_", "PATCH", "PUT"):
                with self.subTest(f"{who} {method}"):
                    answer = self.server.request(method, PROJECTS, headers)
                    self.assertIn(answer.status, (400, 401, 403, 404, 405), answer)
                    self.assertNotIn(self.token, answer.text)

    def test_credentials_beside_each_other(self):
        good, wrong = harness.basic(self.token), harness.basic("x" * 84)
        for first, second in ((good, wrong), (wrong, good), (good, good)):
            data = (f"GET {SELF} HTTP/1.1\r\nHost: h\r\nAuthorization: {first}\r\n"
                    f"Authorization: {second}\r\n\r\n").encode()
            self.assertEqual(self.statuses(data), [400])
        for query in ("access_token=", "token=", "Access_Token=", "%61ccess_token="):
            answer = self.server.request("GET", f"{SELF}?{query}{self.token}")
            self.assertIn(answer.status, (400, 401), answer)
            self.assertNotIn(self.token, answer.text)
        cookie = {"Cookie": "__Host-latchkey-session=" + self.token}
        self.assertEqual(self.server.request("GET", SELF, cookie).status, 401)
        self.assertNotIn(self.token, self.server.log_text())


class Volume(HostileTest):
    """Much of it at once; the memory and the good clients are looked at meanwhile."""

    def resident(self):
        return self.server.metric("process_resident_memory_bytes")

    def test_wrong_tokens_from_many_places(self):
        """All are 401, nobody is locked out, nothing grows with their number."""
        rng = random.Random(1)
        count, sources = 400, 12
        wrong = [forged_tokens.forge(rng, self.token) for _ in range(count // 2)]
        wrong += [text[:-1] + "!" for text in wrong]
        self.assertEqual(self.server.use(wrong[0]).text, self.server.use(wrong[-1]).text,
                         "a checksum that is right must not tell")
        requests = b"".join(
            (f"GET {SELF} HTTP/1.1\r\nHost: h\r\nAuthorization: {harness.basic(text)}\r\n"
             + ("Connection: close\r\n" if number == count - 1 else "") + "\r\n").encode()
            for number, text in enumerate(wrong))
        answers = [None] * sources

        def flood(place):
            peer = self.connect(f"127.{place + 1}.2.3")
            sender = threading.Thread(target=peer.sendall, args=(requests,))
            sender.start()
            received = b""
            while piece := peer.recv(65536):
                received += piece
            sender.join()
            answers[place] = [int(status) for status in STATUS_LINE.findall(received)]

        flood(0)
        before = self.resident()
        threads = [threading.Thread(target=flood, args=(place,)) for place in range(sources)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.assertEqual(self.server.use(self.token).status, 200)
        self.assertEqual(answers, [[401] * count] * sources)
        # From where the wrong ones came a right one is good, too, and people sign in.
        peer = self.connect("127.1.2.3")
        peer.sendall(self.good(close=True))
        self.assertTrue(peer.recv(65536).startswith(b"HTTP/1.1 200 "))
        self.server.sign_in(harness.EMAIL, harness.PASSWORD)
        self.assertLess(self.resident() - before, 64 * 1024 * 1024)
        self.assertNotIn(wrong[0], self.server.log_text())

    def test_deep_pipelining(self):
        """Answers come in the order of the requests, and a refused one is the last."""
        depth = 1000
        bad = self.good().replace(harness.basic(self.token).encode(), b"Bearer x")
        expected, data = [], b""
        for number in range(depth):
            data += self.good() if number % 3 else bad
            expected.append(200 if number % 3 else 401)
        broken = b"GET /\n\n"
        peer = self.connect()
        sender = threading.Thread(target=lambda: peer.sendall(data + broken + self.good() * 10))
        sender.start()
        received = b""
        while piece := peer.recv(65536):
            received += piece
        sender.join()
        statuses = [int(status) for status in STATUS_LINE.findall(received)]
        self.assertEqual(statuses, expected + [400])

    def test_who_is_slow_is_let_go(self):
        """Heads, bodies and readers without an end, beside idle connections and good clients."""
        each = 100
        before = self.resident()
        idle = [self.connect() for _ in range(each)]
        heads = [self.connect() for _ in range(each)]
        bodies = [self.connect() for _ in range(each)]
        readers = [self.connect() for _ in range(each // 4)]
        for peer in heads:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        for peer in bodies:
            peer.sendall(post([LENGTH + b"100000"], b"a" * 6000))
        asset = self.largest_file()
        for peer in readers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(f"GET {asset} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * 20)
        for peer in idle:
            peer.sendall(self.good())
        slow = heads + bodies
        ended = self.drip(slow)
        self.assertEqual(len(ended), len(slow), "a slow peer was kept")
        self.assertLessEqual(set(ended.values()), {408})
        for peer in idle:
            self.assertTrue(peer.recv(65536).startswith(b"HTTP/1.1 200 "))
        deadline = time.monotonic() + 30
        while self.server.metric("latchkey_http_buffered_bytes") > 0:
            self.assertLess(time.monotonic(), deadline, "a reader that does not read was kept")
            time.sleep(0.1)
        self.assert_good_clients_are_served()
        self.assertLess(self.resident() - before, 256 * 1024 * 1024)

    def largest_file(self):
        page = self.server.request("GET", "/_latchkey/signin").text
        files = re.findall(r'(?:src|href)="(/_latchkey/static/[^"]+)"', page)
        return max(files, key=lambda path: len(self.server.request("GET", path).body))

    def drip(self, peers):
        """A byte to each now and then, until the server has ended them; their statuses."""
        ended, deadline = {}, time.monotonic() + 40
        with selectors.DefaultSelector() as selector:
            for peer in peers:
                selector.register(peer, selectors.EVENT_READ)
            while selector.get_map() and time.monotonic() < deadline:
                for key, _ in selector.select(0.2):
                    ended[key.fileobj] = int(key.fileobj.recv(65536)[9:12] or 0)
                    selector.unregister(key.fileobj)
                self.assertEqual(self.server.use(self.token).status, 200)
                for key in list(selector.get_map().values()):
                    try:
                        key.fileobj.send(b"a")
                    except OSError:
                        pass  # it has been ended, and is read next
        return ended

    def test_header_bombs(self):
        before = self.resident()
        line = b"X: " + b"y" * 1000 + b"\r\n"
        for _ in range(3):
            peers = [self.connect() for _ in range(50)]
            for peer in peers:
                try:
                    peer.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n" + line * 200)
                except OSError:
                    pass  # refused in the middle
            for peer in peers:
                self.assertTrue(peer.recv(65536).startswith(b"HTTP/1.1 431 "))
        self.assertLess(self.resident() - before, 64 * 1024 * 1024)
        self.assert_good_clients_are_served()


class Budget(HostileTest):
    """Bodies of strangers are read before they are refused, and so have a bound of their own."""

    options = ("--limits-buffered-bytes-max", str(4 * 1024 * 1024), "--limits-body-timeout-ms",
               "20000")

    def test_bodies_of_many(self):
        size = 1024 * 1024
        peers = [self.connect() for _ in range(24)]
        for peer in peers:
            peer.settimeout(0.2)
            try:
                peer.sendall(post([LENGTH + str(size).encode()], b"a" * (size - 1)))
            except OSError:
                pass  # refused in the middle
        held = self.server.metric("latchkey_http_buffered_bytes")
        self.assertLessEqual(held, 4 * 1024 * 1024)
        self.assertGreater(held, 1024 * 1024)
        refused = []
        for peer in peers:
            try:
                refused.append(peer.recv(65536))
            except OSError:
                pass  # it is among those that are held
        refused = [text for text in refused if text]
        self.assertGreaterEqual(len(refused), 16)
        for text in refused:
            self.assertTrue(text.startswith(b"HTTP/1.1 503 "), text[:200])
            self.assertIn(b"\r\nRetry-After: 1\r\n", text)
        self.assert_good_clients_are_served()
        self.server.create_token("made meanwhile")
        for peer in peers:
            peer.close()
        deadline = time.monotonic() + 30
        while self.server.metric("latchkey_http_buffered_bytes") > 0:
            self.assertLess(time.monotonic(), deadline, "the memory was not given back")
            time.sleep(0.05)


if __name__ == "__main__":
    os.nice(5)
    unittest.main()
