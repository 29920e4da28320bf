"""nginx, Caddy and HAProxy with the ready files of deploy/, each before the same REST service."""

import http.client
import json
import socket
import unittest

import gate_world
import harness
from gate_world import HOST, ORIGIN

PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization"}
IDENTITY = ["x-latchkey-user", "x-latchkey-token", "x-latchkey-organization",
            "x-latchkey-organization-name", "x-latchkey-scopes", "x-latchkey-operation"]


class ProxyTests:
    """What must hold behind every proxy; a class for each has it."""

    more = ""  # of the API's configuration
    writes_paths_anew = False

    @classmethod
    def setUpClass(cls):
        cls.world = gate_world.World(cls.more)
        cls.addClassCleanup(cls.world.close)
        cls.proxy = cls.make_proxy(cls.world)
        cls.addClassCleanup(cls.proxy.close)

    def ask(self, method, target, token=None, headers=None, body=None):
        headers = {"Host": HOST, **(headers or {})}
        if token:
            headers["Authorization"] = harness.basic(self.world.tokens[token])
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        return harness.send(connection, method, target, headers, body)

    def refused(self, status, error, *request, **more):
        """A request that is refused with its reason, and never reaches the service."""
        before = len(self.world.service.seen)
        answer = self.ask(*request, **more)
        self.assertEqual(answer.status, status, (request, more, answer))
        self.assertEqual(answer.headers.get("x-latchkey-error"), error, answer.pairs)
        if request[0] != "HEAD":
            self.assertIn("message", answer.json())
            self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual(len(self.world.service.seen), before, "it reached the service")
        return answer

    def passed(self, *request, **more):
        answer = self.ask(*request, **more)
        self.assertEqual(answer.status, 200, (request, answer))
        return self.world.service.seen[-1]

    def test_good_tokens_pass_with_their_identity(self):
        seen = self.passed("GET", "/v1/things?a=b%20c", "read",
                           {"X-Latchkey-User": "somebody", "X-Latchkey-Scopes": "app_token"})
        self.assertEqual(seen["target"], "/v1/things?a=b%20c")
        headers = seen["headers"]
        self.assertNotIn("authorization", headers)
        self.assertRegex(headers["x-latchkey-user"], "^[0-9a-f-]{36}$")
        self.assertRegex(headers["x-latchkey-token"], "^[0-9a-f-]{36}$")
        self.assertEqual(headers["x-latchkey-organization"], self.world.server.organization_id())
        self.assertEqual(headers["x-latchkey-organization-name"], harness.ORGANIZATION)
        scopes = headers["x-latchkey-scopes"].split()
        self.assertIn("vso.work", scopes)
        self.assertNotIn("vso.work_write", scopes)
        self.assertNotIn("app_token", scopes)
        self.assertEqual(headers["x-latchkey-operation"], "Things_List")
        self.assertEqual(headers["host"].split(":")[0], HOST)
        seen = self.passed("POST", "/v1/things", "write", body={"name": "x"})
        self.assertEqual(json.loads(seen["body"]), {"name": "x"})
        self.passed("DELETE", "/v1/things/7", "write")
        self.passed("HEAD", "/v1/things", "read")

    def test_bearer_passes_too(self):
        answer = self.ask("GET", "/v1/things", headers={
            "Authorization": "Bearer " + self.world.tokens["read"]})
        self.assertEqual(answer.status, 200, answer)

    def test_open_operations_need_no_token_but_no_bad_one(self):
        seen = self.passed("GET", "/v1/status", headers={"X-Latchkey-User": "somebody"})
        self.assertFalse(seen["headers"].get("x-latchkey-user"))
        self.assertFalse(seen["headers"].get("x-latchkey-scopes"))
        self.refused(401, "token_expired", "GET", "/v1/status", "expired")

    def test_every_bad_credential_is_refused_with_its_reason(self):
        for token, error in [("expired", "token_expired"), ("revoked", "token_revoked"),
                             ("foreign", "token_wrong_organization"),
                             ("unknown", "token_unknown"), ("malformed", "token_unknown"),
                             (None, "credential_missing")]:
            for method, target in [("GET", "/v1/things"), ("POST", "/v1/things"),
                                   ("GET", "/v1/things/secret"), ("GET", "/nothing"),
                                   ("HEAD", "/v1/things")]:
                answer = self.refused(401, error, method, target, token)
                challenges = answer.values("www-authenticate")
                self.assertTrue(challenges, answer.pairs)
                self.assertTrue(challenges[0].startswith(f'Basic realm="{HOST}"'), challenges)
                self.assertEqual(len(challenges), len(set(challenges)), challenges)
                self.assertTrue(answer.headers["x-tfs-serviceerror"])

    def test_a_wrong_scope_is_403_and_names_what_would_do(self):
        for method, target, token, scope in [("POST", "/v1/things", "read", "vso.work_write"),
                                             ("DELETE", "/v1/things/7", "read", "vso.work_write"),
                                             ("GET", "/v1/things/secret", "write", "vso.work_full"),
                                             ("GET", "/v1/things", "other", "vso.work")]:
            answer = self.refused(403, "scope_missing", method, target, token)
            self.assertIn(f'scope="{scope}"', answer.headers["www-authenticate"])
            self.assertIn(scope, answer.json()["message"])

    def test_what_is_unknown_is_refused(self):
        self.refused(404, "route_unknown", "GET", "/v1/nothing", "write")
        answer = self.refused(405, "method_not_allowed", "PUT", "/v1/things", "write")
        self.assertEqual(answer.headers["allow"], "GET, HEAD, POST")
        self.refused(400, "credential_ambiguous", "GET", "/v1/things?access_token=x")

    def test_no_header_makes_another_request_of_one(self):
        for name, value in [("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "POST"),
                            ("X-Method-Override", "POST"), ("X-Rewrite-URL", "/v1/things/secret")]:
            for token in ("read", None):
                self.refused(400, "request_malformed", "GET", "/v1/things", token, {name: value})
        # Those of the proxy's own form are set anew, those of others are cleared or refused.
        for name, value in [("X-Original-URL", "/v1/status"), ("X-Original-URI", "/v1/status"),
                            ("X-Original-Method", "GET"), ("X-Original-Host", "other"),
                            ("X-Forwarded-Uri", "/v1/status"), ("X-Forwarded-Method", "GET"),
                            ("X-Forwarded-Host", "other.example.com"), ("Forwarded", "host=x")]:
            before = len(self.world.service.seen)
            answer = self.ask("DELETE", "/v1/things/7", "read", {name: value})
            self.assertIn(answer.status, (400, 403), (name, answer))
            answer = self.ask("GET", "/v1/things", None, {name: value})
            self.assertIn(answer.status, (400, 401), (name, answer))
            self.assertEqual(len(self.world.service.seen), before, name)

    def test_no_path_is_read_in_two_ways(self):
        for target in ["/v1/things%2fsecret", "/v1/things/..%2fsecret", "/v1/things/%2e%2e/x",
                       "/v1/things/%5csecret", "/v1/things%5Csecret", "/v1//things/secret",
                       "//v1/things", "/v1/things;x", "/v1/things;/secret", "/v1/things/a;b",
                       "/v1/x/../things/secret", "/v1/./things", "/v1/things/%00",
                       "/v1/things/secret%00"]:
            before = len(self.world.service.seen)
            answer = self.raw(target)
            if self.writes_paths_anew and answer.status == 200:
                self.assertRegex(self.world.service.seen[-1]["target"],
                                 "^/v1/things(/a%3Bb)?$")  # what was guarded, and nothing else
                continue
            self.assertIn(answer.status, (400, 403, 404, 301, 308), (target, answer))
            self.assertEqual(len(self.world.service.seen), before, target)
        self.refused(403, "scope_missing", "GET", "/v1/things/%73ecret", "read")
        for target in ["/v1/Things/Secret", "/v1/things/%53ecret", "/V1/things/SECRET"]:
            self.refused(404, "route_unknown", "GET", target, "read")

    def raw(self, target):
        text = (f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
                f"Authorization: {harness.basic(self.world.tokens['read'])}\r\n\r\n")
        received = b""
        with socket.create_connection(("127.0.0.1", self.proxy.port), timeout=30) as peer:
            peer.sendall(text.encode())
            while chunk := peer.recv(65536):
                received += chunk
        return harness.Answer.of_bytes(received)

    def test_a_preflight_is_answered_and_never_forwarded(self):
        before = len(self.world.service.seen)
        for target in ("/v1/things", "/nothing"):
            answer = self.ask("OPTIONS", target, headers=PREFLIGHT)
            self.assertEqual(answer.status, 204, answer)
            self.assertEqual(answer.headers["access-control-allow-origin"], ORIGIN)
            self.assertIn("POST", answer.headers["access-control-allow-methods"])
            self.assertIn("Authorization", answer.headers["access-control-allow-headers"])
            self.assertNotIn("access-control-allow-credentials", answer.headers)
        self.refused(403, "permission_denied", "OPTIONS", "/v1/things",
                     headers={**PREFLIGHT, "Origin": "https://evil.example.com"})
        self.refused(401, "credential_missing", "OPTIONS", "/v1/things")
        self.assertEqual(len(self.world.service.seen), before)

    def test_a_page_of_an_allowed_origin_may_read_answers(self):
        answer = self.ask("GET", "/v1/things", "read", {"Origin": ORIGIN})
        self.assertEqual(answer.values("access-control-allow-origin"), [ORIGIN], answer.pairs)
        answer = self.ask("GET", "/v1/things", "read", {"Origin": "https://evil.example.com"})
        self.assertEqual(answer.values("access-control-allow-origin"), [], answer.pairs)
        answer = self.ask("GET", "/v1/things", None, {"Origin": ORIGIN})
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.values("access-control-allow-origin"), [ORIGIN], answer.pairs)

    def test_another_host_is_none_of_the_apis(self):
        before = len(self.world.service.seen)
        answer = self.ask("GET", "/v1/things", "read", {"Host": "other.example.com"})
        self.assertEqual(len(self.world.service.seen), before)
        if answer.status == 200:  # Caddy answers for its own sites only, with nothing for others
            self.assertEqual(answer.body, b"")
        else:
            self.assertEqual(answer.status, 404, answer)

    def test_a_500_of_the_service_stays_its_own(self):
        self.world.write_config(self.more + '[[gate.api.rules]]\nmethods = ["GET"]\n'
                                'path = "/v1/broken"\nscopes = ["vso.work"]\n')
        self.world.server.process.send_signal(1)
        for _ in range(100):
            answer = self.ask("GET", "/v1/broken", "read")
            if answer.status != 404:
                break
        self.assertEqual(answer.status, 500, answer)
        self.assertEqual(answer.json()["target"], "/v1/broken")

    def test_connections_to_the_service_are_kept(self):
        self.passed("GET", "/v1/things", "read")
        before = self.world.service.connections
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        for _ in range(20):
            connection.request("GET", "/v1/things", headers={
                "Host": HOST, "Authorization": harness.basic(self.world.tokens["read"])})
            self.assertEqual(harness.Answer.of(connection.getresponse()).status, 200)
        connection.close()
        self.assertLess(self.world.service.connections - before, 10)


class NginxTest(ProxyTests, unittest.TestCase):
    make_proxy = gate_world.Nginx


class CaddyTest(ProxyTests, unittest.TestCase):
    make_proxy = gate_world.Caddy


class HaproxyTest(ProxyTests, unittest.TestCase):
    make_proxy = gate_world.Haproxy


class OwnProxyTest(ProxyTests, unittest.TestCase):
    """The gate's own proxy, which must hold all of this too."""

    class Own:
        def __init__(self, world):
            self.port = int(world.gate_url.rsplit(":", 1)[1])

        def close(self):
            pass

    make_proxy = Own
    writes_paths_anew = True
    more = 'upstream = ["SERVICE"]\n'

    def test_paths_are_written_anew(self):
        seen = self.passed("GET", "/v1//things/a;b%2dc?x=%2f", "read")
        self.assertEqual(seen["target"], "/v1/things/a%3Bb-c?x=%2f")


class WithoutGate(unittest.TestCase):
    """A gate that cannot be reached lets nothing through."""

    def check(self, make_proxy, statuses):
        world = gate_world.World()
        self.addCleanup(world.close)
        proxy = make_proxy(world)
        self.addCleanup(proxy.close)
        world.server.stop()
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
        answer = harness.send(connection, "GET", "/v1/status", {"Host": HOST})
        self.assertIn(answer.status, statuses, answer)
        self.assertEqual(world.service.seen, [])

    def test_nginx(self):
        self.check(gate_world.Nginx, [503])

    def test_caddy(self):
        self.check(gate_world.Caddy, [502])

    def test_haproxy(self):
        self.check(gate_world.Haproxy, [503])


if __name__ == "__main__":
    unittest.main()
