#!/usr/bin/env python3
"""Bad input: each has its status, its typeKey or error value, words that name the field and the
rule, and leaves the log's head and the tokens as they were."""

import base64
import json
import time
import unittest
import urllib.parse

import harness

ARGUMENT = "VssPropertyValidationException"
JSON = "JsonReaderException"
MALFORMED = "VssRequestMalformedException"
NOBODY = "00000000-0000-4000-8000-000000000000"
BODY_BYTES_MAX = 8192


def one_off(token):
    """`token` with another first character."""
    return ("x" if token[0] != "x" else "y") + token[1:]


class BadInput(harness.ServerTest):
    """Every test ends with the state that it began with."""

    options = ("--limits-body-bytes-max", str(BODY_BYTES_MAX), "--limits-head-timeout-ms", "500",
               "--limits-body-timeout-ms", "500")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = cls.server.create_token(name="stays as it is")
        cls.id = cls.token["authorizationId"]
        cls.path = cls.server.pats()

    def setUp(self):
        self.before = self.state()

    def tearDown(self):
        self.assertEqual(self.state(), self.before, "a refused request changed something")

    def send(self, method, path, body=None, headers=None):
        return self.server.request(method, path, {
            "Authorization": "Bearer " + self.server.session, **(headers or {})}, body)

    def raw(self, head, body=b"", **how):
        """A request with the session, its head given line by line, so that it can be wrong."""
        lines = [line.encode("latin-1") if isinstance(line, str) else line for line in head]
        lines[1:1] = [b"Host: 127.0.0.1", b"Authorization: Bearer " + self.server.session.encode(),
                      b"Connection: close"]
        return self.server.raw(b"\r\n".join(lines) + b"\r\n\r\n" + body, **how)

    def assert_pat_error(self, answer, value, *words):
        self.assertEqual(answer.status, 200, answer)
        result = answer.json()
        self.assertIsNone(result["patToken"])
        self.assertEqual(result["patTokenError"], value, answer)
        for word in words:
            self.assertIn(word, result["patTokenErrorMessage"])

    def assert_field(self, answer, field, *words):
        """A field or parameter that breaks a rule: the message and `field` name it."""
        self.assert_error(answer, 400, ARGUMENT, f"'{field}' ", *words)
        self.assertEqual(answer.json()["field"], field)


class Bodies(BadInput):
    def both(self, fields):
        """The fields in a create and in an update of a token that exists."""
        yield self.send("POST", self.path, {"displayName": "x", "scope": "vso.project", **fields})
        yield self.send("PUT", self.path, {"authorizationId": self.id, **fields})

    def test_what_is_not_json(self):
        nested = '{"displayName":"x","scope":"vso.project","more":' + "[" * 40 + "]" * 40 + "}"
        twice = '{"displayName":"x","displayName":"y","scope":"vso.project"}'
        inner = '{"displayName":"x","scope":"vso.project","more":{"a":1,"\\u0061":2}}'
        for name, body, words in [
            ("empty", b"", "is empty"),
            ("no object", b'["displayName"]', "must be a JSON object"),
            ("null", b"null", "must be a JSON object"),
            ("cut off", b'{"displayName":"x"', "not well-formed JSON"),
            ("bare words", b"{displayName:x}", "not well-formed JSON"),
            ("comma at the end", b'{"displayName":"x",}', "not well-formed JSON"),
            ("comment", b'{/* */"displayName":"x"}', "not well-formed JSON"),
            ("byte order mark", b'\xef\xbb\xbf{"displayName":"x"}', "not well-formed JSON"),
            ("NaN", b'{"displayName":"x","n":NaN}', "not well-formed JSON"),
            ("huge number", b'{"displayName":"x","n":1e999}', "number that is too large"),
            ("two documents", b'{"displayName":"x"}{}', "more than one JSON document"),
            ("too deep", nested.encode(), "nested deeper than 32"),
            ("two of one name", twice.encode(), "two members of the same name"),
            ("two of one name inside, escaped", inner.encode(), "two members of the same name"),
            ("not UTF-8", b'{"displayName":"\xff","scope":"vso.project"}', "not UTF-8"),
            ("half a surrogate", b'{"displayName":"\\ud800","scope":"vso.project"}',
             "not well-formed JSON"),
            ("bare control character", b'{"displayName":"a\x00b"}', "not well-formed JSON"),
            ("a form", b"displayName=x&scope=vso.project", "not well-formed JSON"),
        ]:
            for method in ("POST", "PUT"):
                with self.subTest(name, method=method):
                    answer = self.send(method, self.path, body)
                    self.assert_error(answer, 400, JSON, words)

    def test_wrong_types(self):
        for field, values, rule in [
            ("displayName", [1, True, [], {}, 1.5], "must be a string"),
            ("scope", [1, False, ["vso.project"], {}], "must be a string"),
            ("validTo", [1796083199, True, [], {}], "must be a string"),
            ("allOrgs", ["yes", "", 2, -1, 1.0, [], {}], "must be true or false"),
        ]:
            for value in values:
                with self.subTest(field, value=value):
                    for answer in self.both({field: value}):
                        self.assert_field(answer, field, rule)
        for value in [1, True, [], {}]:
            answer = self.send("PUT", self.path, {"authorizationId": value})
            self.assert_field(answer, "authorizationId", "must be a string")

    def test_names(self):
        for name, value, error, words in [
            ("missing", "", "displayNameRequired", "must have a name"),
            ("blank", " \t ", "displayNameRequired", "must have a name"),
            ("257 characters", "x" * 257, "invalidDisplayName", "at most 256 characters"),
            ("257 characters of four bytes", "\U0001f511" * 257, "invalidDisplayName",
             "at most 256 characters"),
            ("NUL", "a\0b", "invalidDisplayName", "control characters"),
            ("line feed", "a\nb", "invalidDisplayName", "control characters"),
            ("escape", "\x1b[31mred", "invalidDisplayName", "control characters"),
            ("delete", "a\x7fb", "invalidDisplayName", "control characters"),
            ("C1 control", "a\x85b", "invalidDisplayName", "control characters"),
            ("line separator", "a\u2028b", "invalidDisplayName", "control characters"),
        ]:
            with self.subTest(name):
                for answer in self.both({"displayName": value}):
                    self.assert_pat_error(answer, error, "name", words)
        self.assert_pat_error(self.send("POST", self.path, {"scope": "vso.project"}),
                              "displayNameRequired")

    def test_scopes(self):
        for value, words in [
            ("", "scope"),
            (" ", "exactly one space"),
            ("vso.nothing", "vso.nothing"),
            ("vso.project,vso.code", "vso.project,vso.code"),
            ("vso.pats_manage", "vso.pats_manage"),
            ("vso.project\0", "Scope number 1"),
            ("vso.code vso.pröject", "Scope number 2"),
            ("user_impersonation", "user_impersonation"),
        ]:
            with self.subTest(value):
                for answer in self.both({"scope": value}):
                    self.assert_pat_error(answer, "invalidScope", words)
        self.assert_pat_error(self.send("POST", self.path, {"displayName": "x"}), "invalidScope")

    def test_dates(self):
        year = time.gmtime().tm_year
        for value, words in [
            (f"{year + 1}-01-10T00:00:00", "zone"),
            (f"{year + 1}-02-30T00:00:00Z", "day that does not exist"),
            ("10000-01-01T00:00:00Z", "YYYY-MM-DD"),
            ("9999-12-31T23:59:59.999Z", "at most one year"),
            ("9999-12-31T23:59:59-01:00", "year 9999"),
            ("1969-12-31T23:59:59Z", "1970"),
            ("2020-01-01T00:00:00Z", "future"),
            (f"{year + 1}-01-10", "time"),
            (f"{year + 1}-01-10T24:00:00Z", "time that does not exist"),
            (f"{year + 1}-01-10T23:59:60Z", "time that does not exist"),
            (f"{year + 1}-01-10T00:00:00.Z", "digits"),
            (f"{year + 1}-01-10T00:00:00.1234567890Z", "digits"),
            (f"{year + 1}-01-10T00:00:00+24:00", "zone"),
            (f"{year + 1}-01-10T00:00:00Z ", "after the zone"),
            ("tomorrow", "YYYY-MM-DD"),
            ("", "YYYY-MM-DD"),
            ("2026\0", "YYYY-MM-DD"),
        ]:
            with self.subTest(value):
                for answer in self.both({"validTo": value}):
                    self.assert_pat_error(answer, "invalidValidTo", words)
                answer = self.send("POST", f"/fabrikam/_apis/tokens/pats/{self.id}/regenerate"
                                   "?api-version=7.1-preview.1", {"validTo": value})
                self.assert_pat_error(answer, "invalidValidTo", words)

    def test_ids(self):
        for value in ["", "x", NOBODY[:-1], NOBODY + "0", "0" * 32,
                      "00000000-0000-0000-0000-000000000000", NOBODY[:-1] + "\0", NOBODY + "\n"]:
            with self.subTest(value):
                quoted = urllib.parse.quote(value)
                self.assert_pat_error(self.send("PUT", self.path, {"authorizationId": value}),
                                      "invalidAuthorizationId", "'authorizationId' must be a UUID")
                self.assert_pat_error(self.send("GET", self.path + "&authorizationId=" + quoted),
                                      "invalidAuthorizationId", "'authorizationId' must be a UUID")
                answer = self.send("DELETE", self.path + "&authorizationId=" + quoted)
                self.assert_error(answer, 400, ARGUMENT, "'authorizationId' must be a UUID")

    def test_several_faults_are_refused_whole(self):
        """L26: the first that fails is told; what was right beside it is not done."""
        answer = self.send("PUT", self.path, {
            "authorizationId": self.id, "displayName": "new", "scope": "vso.code",
            "validTo": "2020-01-01T00:00:00Z"})
        self.assert_pat_error(answer, "invalidValidTo")
        answer = self.send("POST", self.path, {"displayName": "", "scope": "?", "allOrgs": True})
        self.assert_pat_error(answer, "displayNameRequired")

    def test_routes_of_our_own_refuse_unknown_fields(self):
        for method, path, body in [
            ("POST", f"/fabrikam/_apis/tokens/pats/{self.id}/regenerate?api-version=7.1-preview.1",
             {"validTo": harness.date_time(86400), "scope": "app_token"}),
            ("POST", "/_latchkey/organizations", {"name": "contoso", "role": "owner"}),
            ("PATCH", "/_latchkey/me", {"displayName": "x", "scope": 1}),
            ("POST", "/_latchkey/sessions", {"email": "a@b", "password": "x" * 12, "scope": True}),
        ]:
            with self.subTest(path):
                unknown = list(body)[-1]
                self.assert_field(self.send(method, path, body), unknown, "is not a field")

    def test_bodies_of_other_kinds(self):
        for kind in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]:
            with self.subTest(kind):
                answer = self.send("POST", "/_latchkey/organizations", b'{"name":"contoso"}',
                                   {"Content-Type": kind})
                self.assert_field(answer, "Content-Type", "must be application/json")


class Queries(BadInput):
    def test_list_parameters(self):
        for name, value, words in [
            ("$top", "0", "from 1 to 100"), ("$top", "101", "from 1 to 100"),
            ("$top", "-1", "whole number"), ("$top", "1.5", "whole number"),
            ("$top", "ten", "whole number"), ("$top", "9" * 30, "from 1 to 100"),
            ("$top", "+5", "whole number"), ("%24top", "0", "from 1 to 100"),
            ("displayFilterOption", "some", "must be one of active, revoked, expired, all"),
            ("sortByOption", "scope", "must be one of displayName"),
            ("isSortAscending", "yes", "must be true or false"),
            ("search", "x" * 257, "at most 256 bytes"),
            ("search", "%00", "control"),
        ]:
            with self.subTest(name, value=value[:20]):
                answer = self.send("GET", f"{self.path}&{name}={value}")
                self.assert_field(answer, name.replace("%24", "$"), words)

    def test_continuation_tokens(self):
        member = self.server.add_person("member@example.com")
        for number in range(3):
            self.server.create_token(name=f"n{number}")
            self.server.create_token(name=f"m{number}", person=member)
        self.before = self.state()
        first = self.send("GET", self.path + "&$top=2").json()["continuationToken"]
        theirs = self.server.must(200, "GET", self.path + "&$top=2", None,
                                  member).json()["continuationToken"]
        self.assertTrue(first and theirs)
        follow = self.path + "&$top=2&continuationToken="
        self.assertEqual(self.send("GET", follow + first).status, 200)
        flipped = ("B" if first[0] == "A" else "A") + first[1:]
        last = first[:-2] + ("A" if first[-2] != "A" else "B") + first[-1]
        answers = [self.send("GET", follow + text + more) for text, more in [
            (theirs, ""), (first, "&sortByOption=displayName"), (first, "&isSortAscending=true"),
            (first, "&displayFilterOption=all"), (first, "&search=n"), (flipped, ""), (last, ""),
            (first[:-4], ""), (first + "AAAA", ""), ("x", ""), ("%00", ""), ("A" * 8000, ""),
            (base64.b64encode(b"\1" + b"\0" * 60).decode().rstrip("="), "")]]
        for answer in answers:
            self.assert_field(answer, "continuationToken", "page before")
            self.assertEqual(answer.body, answers[0].body)
        theirs_by_me = self.server.as_person("GET", follow + first, session=member.session)
        self.assertEqual(theirs_by_me.body, answers[0].body)

    def test_of_another_organization(self):
        self.server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
        for number in range(3):
            self.server.create_token(name=f"c{number}", organization="contoso")
        self.before = self.state()
        theirs = self.send("GET", self.server.pats("contoso") + "&$top=2").json()
        answer = self.send("GET", self.path + "&$top=2&continuationToken=" +
                           theirs["continuationToken"])
        self.assert_field(answer, "continuationToken")

    def test_unknown_organizations(self):
        for name in ["nowhere", "x" * 50, "x" * 51, "-x", "a.b", "%C3%BC", "'", "%20", NOBODY]:
            for method in ("GET", "POST"):
                with self.subTest(name, method=method):
                    body = {"displayName": "x", "scope": "vso.project"}
                    answer = self.send(method, self.server.pats(name),
                                       body if method == "POST" else None)
                    self.assert_error(answer, 404, "OrganizationNotFoundException", "organization")

    def test_versions(self):
        base = "/fabrikam/_apis/tokens/pats"
        body = {"displayName": "x", "scope": "vso.project"}
        for query, type_key in [
            ("", "VssVersionNotSpecifiedException"),
            ("?api-version=7.1", "VssInvalidPreviewVersionException"),
            ("?api-version=6.0-preview.1", "VssVersionOutOfRangeException"),
            ("?api-version=7.3-preview.1", "VssVersionOutOfRangeException"),
            ("?api-version=latest", "VssVersionOutOfRangeException"),
            ("?api-version=7.1-preview.1.1", "VssVersionOutOfRangeException"),
            ("?api-version=", "VssVersionOutOfRangeException"),
        ]:
            with self.subTest(query):
                answer = self.send("POST", base + query, body)
                self.assert_error(answer, 400, type_key, "api-version")

    def test_a_parameter_given_twice(self):
        for query in ["&$top=1&$top=2", "&$top=1&%24TOP=1",
                      f"&authorizationId={self.id}&AUTHORIZATIONID={NOBODY}",
                      "&api-version=7.2-preview.1"]:
            with self.subTest(query):
                name = urllib.parse.unquote(query.rsplit("&", 1)[1].split("=")[0])
                self.assert_field(self.send("GET", self.path + query), name, "given once")

    def test_broken_encodings(self):
        for path in ["/fabrikam/_apis/tokens/pats?x=%", "/fabrikam/_apis/tokens/pats?x=%zz",
                     "/fabrikam/_apis/tokens/pats?search=%ff",
                     "/fabrikam/_apis/%", "/fabrikam/_apis/%2", "/fabrikam/_apis/tokens%2fpats",
                     "/fabrikam/_apis/%00", "/fabrikam/_apis/%ff", "/fabrikam/_apis/..%2f",
                     "/fabrikam/../fabrikam/_apis/tokens/pats", "/fabrikam/%2e%2e/_apis",
                     "/fabrikam/_apis\\tokens"]:
            with self.subTest(path):
                self.assert_error(self.send("GET", path), 400, MALFORMED)


class Heads(BadInput):
    CREATE = b'{"displayName":"half","scope":"vso.project"}'

    def create(self, *headers, body=CREATE, **how):
        return self.raw([f"POST {self.path} HTTP/1.1", "Content-Type: application/json", *headers],
                        body, **how)

    def test_that_the_request_is_right_but_for_the_fault(self):
        answer = self.create(f"Content-Length: {len(self.CREATE)}")
        self.assertEqual(answer.json()["patTokenError"], "none")
        self.before = self.state()

    def test_duplicate_authorization(self):
        length = f"Content-Length: {len(self.CREATE)}"
        for second in [self.server.session, "x", self.token["token"]]:
            answer = self.create(length, "Authorization: Bearer " + second)
            self.assert_error(answer, 400, MALFORMED, "one Authorization header")
        answer = self.create(length, "aUTHORIZATION: " + harness.basic(self.token["token"]))
        self.assert_error(answer, 400, MALFORMED, "one Authorization header")

    def test_duplicates_of_other_headers(self):
        length = f"Content-Length: {len(self.CREATE)}"
        self.assert_error(self.create(length, length), 400, MALFORMED, "one Content-Length")
        self.assert_error(self.create(length, "Host: other"), 400, MALFORMED, "one Host")
        chunked = "Transfer-Encoding: chunked"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.CREATE), self.CREATE)
        self.assert_error(self.create(chunked, chunked, body=body), 400, MALFORMED,
                          "told once")
        answer = self.send_twice("Cookie")
        self.assertIn(answer.status, (400, 401), answer)

    def send_twice(self, name):
        """A change by cookie, given in two headers of that name."""
        lines = [f"POST {self.path} HTTP/1.1", "Host: x", "Connection: close",
                 f"{name}: __Host-latchkey-session={self.server.session}",
                 f"{name}: __Host-latchkey-session={self.server.session}x", "X-Latchkey-Request: 1",
                 f"Content-Length: {len(self.CREATE)}"]
        return self.server.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + self.CREATE)

    def test_lengths(self):
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.CREATE), self.CREATE)
        length = f"Content-Length: {len(self.CREATE)}"
        for headers, body, words in [
            ([length, "Transfer-Encoding: chunked"], chunks, "told once"),
            (["Transfer-Encoding: chunked", "Content-Length: 0"], chunks, "told once"),
            (["Content-Length: +44"], self.CREATE, "Content-Length, a number"),
            (["Content-Length: 44,44"], self.CREATE, "must be a number"),
            (["Content-Length: -1"], self.CREATE, "Content-Length, a number"),
            (["Transfer-Encoding: chunked"], b"44\r\n" + self.CREATE + b"\r\n0\r\n\r\n", ""),
            (["Transfer-Encoding: chunked"], b"zz\r\n" + self.CREATE, "chunked body is malformed"),
        ]:
            with self.subTest(headers):
                answer = self.create(*headers, body=body)
                self.assert_error(answer, 408 if body.startswith(b"44") else 400, MALFORMED, words)
        self.assertEqual(self.create("Transfer-Encoding: gzip", body=chunks).status, 501)

    def test_lines(self):
        for header, words in [
            (b"X-A: a\0b", "control character"), (b"X-A: a\x01b", "control character"),
            (b"X-A : b", "name, a colon"), (b"X-\xc3\xbc: b", "name, a colon"),
            (b" folded", "one line"), (b"X-A: b\nX-B: c", "CR and LF"),
            (b"X-A: b\rc", "control character"),
            (b"Authorization", "name, a colon"),
        ]:
            with self.subTest(header):
                answer = self.create("X: y", header, f"Content-Length: {len(self.CREATE)}")
                self.assertEqual(answer.status, 400, answer)
                self.assert_error(answer, 400, MALFORMED)
                self.assertIn(words, answer.json()["message"])
        for line, status in [
            (b"GET /fabrikam\0/ HTTP/1.1", 400), (b"GET /\xc3\xbc HTTP/1.1", 400),
            (b"get / HTTP/1.1", 400), (b"GET  / HTTP/1.1", 400), (b"GET / HTTP/3.0", 505),
            (b"GET http://x/ HTTP/1.1", 400), (b"GET /#x HTTP/1.1", 400),
            (b"GET /" + b"x" * 9000 + b" HTTP/1.1", 414),
        ]:
            with self.subTest(line[:30]):
                self.assert_error(self.raw([line]), status, MALFORMED)
        many = [f"X-{number}: x" for number in range(101)]
        self.assert_error(self.create(*many), 431, MALFORMED, "too many headers")
        self.assert_error(self.create("X: " + "x" * 40_000), 431, MALFORMED, "head is too large")

    def test_a_body_over_the_limit(self):
        size = BODY_BYTES_MAX + 1
        fat = json.dumps({"displayName": "x", "scope": "vso.project", "z": "z" * size}).encode()
        self.assert_error(self.create(f"Content-Length: {len(fat)}", body=fat), 413, MALFORMED,
                          "too large")
        chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(fat), fat)
        self.assert_error(self.create("Transfer-Encoding: chunked", body=chunks), 413, MALFORMED)
        self.assert_error(self.create("Content-Length: 99999999999", body=b""), 413, MALFORMED)
        padding = b" " * (BODY_BYTES_MAX - len(self.CREATE))
        answer = self.create(f"Content-Length: {BODY_BYTES_MAX}", body=self.CREATE + padding)
        self.assertEqual(answer.json()["patTokenError"], "none", "the limit itself is allowed")
        self.before = self.state()

    def test_slow_and_half_requests(self):
        head = (f"POST {self.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                f"{self.server.session}\r\nContent-Length: {len(self.CREATE)}\r\n\r\n").encode()
        began = time.monotonic()
        answer = self.server.raw([bytes([byte]) for byte in head], pause=0.05)
        self.assert_error(answer, 408, MALFORMED, "head took too long")
        answer = self.server.raw([head] + [bytes([byte]) for byte in self.CREATE], pause=0.05)
        self.assert_error(answer, 408, MALFORMED, "body took too long")
        self.assertLess(time.monotonic() - began, 20)
        for half in (head[:40], head, head + self.CREATE[:10]):
            with self.subTest(len(half)):
                self.assert_error(self.server.raw(half), 408, MALFORMED)
        self.assertEqual(self.server.request("GET", "/openapi.json").status, 200)

    def test_credentials_that_cannot_be_read(self):
        """What is no credential and what is unknown look alike, but for where the token stands."""
        good = base64.b64encode(b":" + self.token["token"].encode()).decode()
        answers = {}
        self.assertEqual(self.self_of("Basic " + good).status, 200)
        for name, value in [
            ("no padding", "Basic " + good.rstrip("=")),
            ("inner space", f"Basic {good[:8]} {good[8:]}"),
            ("stray bits", "Basic " + noncanonical(good)), ("base64url", "Basic Pz8_Ojo-"),
            ("no colon", "Basic " + base64.b64encode(b"x").decode()),
            ("empty", "Basic " + base64.b64encode(b":").decode()), ("nothing", "Basic"),
            ("not UTF-8", "Basic " + base64.b64encode(b":\xff").decode()),
            ("NUL", "Basic " + base64.b64encode(b":\0" + self.token["token"].encode()).decode()),
            ("too long", "Basic " + base64.b64encode(b":" + b"x" * 2000).decode()),
            ("Digest", "Digest x"), ("Bearer of two", "Bearer a b"), ("Bearer \xff", "Bearer \xff"),
            ("no checksum", "Bearer " + self.token["token"][:-1] + "!"),
            ("one character off", "Bearer " + one_off(self.token["token"])),
        ]:
            with self.subTest(name):
                answers[name] = self.self_of(value)
                self.assert_error(answers[name], 401, "UnauthorizedRequestException")
        answer = self.server.request("GET", "/fabrikam/_apis/tokens/self?access_token=" +
                                     self.token["token"])
        self.assert_error(answer, 400, MALFORMED, "never into the query")
        self.assertNotIn(self.token["token"], answer.text)
        answer = self.server.request("GET", "/?aCCess%5ftoken=x")
        self.assert_error(answer, 400, MALFORMED, "never into the query")

    def self_of(self, authorization):
        return self.server.request("GET", "/fabrikam/_apis/tokens/self",
                                   {"Authorization": authorization})


def noncanonical(encoded):
    """Another text that careless decoders read as the same bytes: unused bits are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = encoded.rstrip("=")
    assert len(text) < len(encoded), "no unused bits"
    changed = text[:-1] + alphabet[alphabet.index(text[-1]) + 1] + encoded[len(text):]
    assert base64.b64decode(changed) == base64.b64decode(encoded)
    return changed


if __name__ == "__main__":
    unittest.main()
