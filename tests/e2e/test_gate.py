"""The gate's own listener and endpoint: forms of proxies, reloads, revisions, the command line."""

import http.client
import json
import time
import unittest

import gate_world
import harness
from gate_world import HOST, ORIGIN

ENDPOINT = "/_latchkey/forward-auth"


class GateTest(unittest.TestCase):
    more = ""

    @classmethod
    def setUpClass(cls):
        cls.world = gate_world.World(cls.more)
        cls.addClassCleanup(cls.world.close)

    def send(self, url, method, path, token=None, headers=None):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = harness.basic(self.world.tokens[token])
        connection = http.client.HTTPConnection(url.split("//")[1], timeout=30)
        return harness.send(connection, method, path, headers)

    def gate(self, *request, **more):
        return self.send(self.world.gate_url, *request, **more)

    def original(self, method, uri, token=None, headers=None, url=None):
        """What nginx asks of `method uri`."""
        return self.send(url or self.world.gate_url, "GET", ENDPOINT, token, {
            "X-Original-Method": method, "X-Original-URI": uri, "X-Original-Host": HOST,
            **(headers or {})})


class Endpoint(GateTest):
    def test_it_is_on_both_listeners(self):
        for url in (self.world.gate_url, self.world.server.url):
            answer = self.original("GET", "/v1/things", "read", url=url)
            self.assertEqual((answer.status, answer.body), (200, b""), answer)
            self.assertEqual(answer.headers["x-latchkey-operation"], "Things_List")
            self.assertEqual(self.original("GET", "/v1/things", url=url).status, 401)
            self.assertEqual(self.original("POST", "/v1/things", "read", url=url).status, 403)

    def test_the_gates_listener_has_nothing_else(self):
        answer = self.gate("GET", "/_latchkey/organizations", "read", {"Host": HOST})
        self.assertEqual(answer.status, 404, answer)
        answer = self.gate("GET", "/v1/things", None, {"Host": HOST})
        self.assertEqual(answer.status, 401, answer)

    def test_what_is_not_told_in_one_way_is_refused(self):
        for headers in [{}, {"X-Original-URI": "/v1/status"},
                        {"X-Original-Method": "GET", "X-Original-URI": "/v1/status"},
                        {"X-Forwarded-Method": "GET", "X-Forwarded-Uri": "/v1/status",
                         "X-Original-URI": "/v1/things", "X-Original-Method": "GET",
                         "X-Original-Host": HOST, "X-Forwarded-Host": HOST}]:
            answer = self.gate("GET", ENDPOINT, "read", headers)
            self.assertEqual(answer.status, 400, (headers, answer))
            self.assertEqual(answer.headers["x-latchkey-status"], "400")

    def test_a_revocation_is_seen_by_who_asks_for_its_revision(self):
        server = self.world.server
        for _ in range(20):
            token = server.create_token(scope="vso.work")
            revoked = server.revoke_token(token["authorizationId"])
            answer = self.send(self.world.gate_url, "GET", ENDPOINT, None, {
                "X-Original-Method": "GET", "X-Original-URI": "/v1/things",
                "X-Original-Host": HOST, "Authorization": harness.basic(token["token"]),
                "X-Latchkey-Min-Revision": revoked.headers["x-latchkey-revision"]})
            self.assertEqual(answer.status, 401, answer)
            self.assertEqual(answer.headers["x-latchkey-error"], "token_revoked")

    def test_a_revision_that_does_not_come_is_503_in_time(self):
        epoch = self.world.server.create_token()  # any change has the epoch in its answer
        answer = self.world.server.revoke_token(epoch["authorizationId"])
        epoch, number = answer.headers["x-latchkey-revision"].split(".")
        began = time.monotonic()
        answer = self.original("GET", "/v1/things", "read", {
            "X-Latchkey-Min-Revision": f"{epoch}.{int(number) + 1000}"})
        self.assertEqual(answer.status, 503, answer)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(answer.headers["retry-after"], "1")

    def test_uses_are_told(self):
        token = self.world.server.create_token(name="used", scope="vso.work")
        answer = self.send(self.world.gate_url, "GET", ENDPOINT, None, {
            "X-Original-Method": "GET", "X-Original-URI": "/v1/things", "X-Original-Host": HOST,
            "User-Agent": "robot/7", "Authorization": harness.basic(token["token"])})
        self.assertEqual(answer.status, 200)
        listed = [t for t in self.world.server.list_tokens() if t["displayName"] == "used"]
        self.assertTrue(listed[0].get("lastUsedOn"), listed)

    def test_metrics_tell_what_was_decided(self):
        self.original("GET", "/v1/things", "read")
        self.original("POST", "/v1/things", "read")
        text = self.world.server.operations("/metrics").text
        for outcome in ("allowed", "403"):
            self.assertRegex(text, rf'latchkey_gate_decisions_total{{outcome="{outcome}"}} [1-9]')
        self.assertRegex(text, r"latchkey_gate_apis 1\n")
        self.assertRegex(text, r"latchkey_gate_operations 6\n")

    def test_no_token_is_in_a_log(self):
        self.original("GET", "/v1/things?access_token=" + self.world.tokens["read"])
        for name in ("read", "revoked", "foreign"):
            self.original("GET", "/v1/things", name)
        log = self.world.server.log_text()
        for text in self.world.tokens.values():
            if len(text) > 20:
                self.assertNotIn(text, log)


class Recorded(GateTest):
    """Traefik and Envoy are not Debian packages: their requests as their documentation has them."""

    def test_traefik_forward_auth(self):
        # https://doc.traefik.io/traefik/v2.11/middlewares/http/forwardauth
        def ask(method, uri, token=None, **headers):
            return self.gate("GET", ENDPOINT, token, {
                "X-Forwarded-Method": method, "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": HOST, "X-Forwarded-Uri": uri, "X-Forwarded-For": "192.0.2.7",
                **headers})
        self.assertEqual(ask("GET", "/v1/things?a=b", "read").status, 200)
        self.assertEqual(ask("POST", "/v1/things", "read").status, 403)
        self.assertEqual(ask("GET", "/v1/things").status, 401)
        self.assertEqual(ask("GET", "/v1/things", "expired").status, 401)
        self.assertEqual(ask("GET", "/v1/nothing", "read").status, 404)
        self.assertEqual(ask("GET", "/v1/things", "read",
                             **{"X-Original-URI": "/v1/status"}).status, 400)

    def test_envoy_ext_authz(self):
        # The filter keeps method, Host and path, and puts path_prefix before the path.
        def ask(method, uri, token=None, **headers):
            return self.gate(method, ENDPOINT + uri, token,
                             {"Host": HOST, "Content-Length": "0", **headers})
        self.assertEqual(ask("GET", "/v1/things?a=b", "read").status, 200)
        self.assertEqual(ask("POST", "/v1/things", "read").status, 403)
        self.assertEqual(ask("POST", "/v1/things", "write").status, 200)
        self.assertEqual(ask("DELETE", "/v1/things/7", "write").status, 200)
        self.assertEqual(ask("GET", "/v1/things").status, 401)
        self.assertEqual(ask("GET", "/v1/things", "foreign").status, 401)
        self.assertEqual(ask("GET", "/v1/nothing", "read").status, 404)
        self.assertEqual(ask("GET", "/v1/things%2fsecret", "read").status, 400)
        self.assertEqual(ask("GET", "//v1/things", "read").status, 400)
        answer = ask("OPTIONS", "/v1/things", None,
                     **{"Origin": ORIGIN, "Access-Control-Request-Method": "GET"})
        self.assertEqual(answer.status, 403, "Envoy would take a 2xx for leave")


class Reload(GateTest):
    rule = ('[[gate.api.rules]]\nmethods = ["GET"]\npath = "/extra"\nscopes = ["vso.work"]\n')

    def wait(self, status, uri):
        deadline = time.monotonic() + 20
        while True:
            answer = self.original("GET", uri, "read")
            if answer.status == status or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)

    def test_a_change_is_taken_by_itself(self):
        self.assertEqual(self.original("GET", "/extra", "read").status, 404)
        self.world.write_config(self.rule)
        self.assertEqual(self.wait(200, "/extra").status, 200)
        document = self.world.folder / "things.yaml"
        text = document.read_text()
        document.write_text(text.replace("/things/secret:", "/things/hidden:"))
        # The path was the secret one's; now it is an ordinary thing.
        self.assertEqual(self.wait(200, "/v1/things/secret").status, 200)
        document.write_text(text)
        self.assertEqual(self.wait(403, "/v1/things/secret").status, 403)
        self.world.write_config()
        self.assertEqual(self.wait(404, "/extra").status, 404)

    def test_a_bad_file_keeps_the_apis(self):
        server = self.world.server
        for bad, place in [("[[gate.api.rules]]\nmethods = 7\n", "gate.api[0].rules[0].methods"),
                           ("[[gate.api.rules]]\nmethods=['GET']\npath='/x'\nscopes=['no.such']\n",
                            "no.such"),
                           ("colour = 'red'\n", "gate.api[0].colour"), ("[[", "line")]:
            before = server.operations("/metrics").text
            self.world.write_config(bad)
            server.process.send_signal(1)
            deadline = time.monotonic() + 20
            while server.metric("latchkey_gate_files_current") != 0:
                self.assertLess(time.monotonic(), deadline, (bad, before))
                time.sleep(0.05)
            self.assertEqual(self.original("GET", "/v1/things", "read").status, 200)
            self.assertIn("gate.reload_failed", server.log_text())
            self.assertIn(place, server.log_text().rsplit("gate.reload_failed", 1)[1])
            ended = server.run("gate", "check", "--config", str(self.world.config_file))
            # A scope may be declared later, so a check shows the rest all the same.
            self.assertEqual(ended.returncode, 0 if place == "no.such" else 2, ended)
            self.assertIn(place, ended.stdout + ended.stderr)
            self.world.write_config()
            server.process.send_signal(1)
            while server.metric("latchkey_gate_files_current") != 1:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)


class CommandLine(GateTest):
    more = 'ready = ["git"]\nready_path = "/git"\npath_prefix = ""\n'

    def run_gate(self, *arguments):
        return self.world.server.run("gate", *arguments, "--config", str(self.world.config_file))

    def test_check_tells_of_the_whole_configuration(self):
        ended = self.run_gate("check")
        self.assertEqual(ended.returncode, 0, ended)
        self.assertIn("things: ", ended.stdout)
        self.assertIn("organization fabrikam", ended.stdout)
        ended = self.run_gate("check", "--json")
        api = json.loads(ended.stdout)["apis"][0]
        self.assertEqual(api["name"], "things")
        self.assertEqual(api["unreachable"], [])

    def test_explain_knows_hosts_rules_and_the_organization(self):
        ended = self.run_gate("explain", "GET", f"https://{HOST}/v1/things/7", "--json")
        told = json.loads(ended.stdout)
        self.assertEqual((told["api"], told["operationId"], told["organization"]),
                         ("things", "Things_Get", "fabrikam"))
        ended = self.run_gate("explain", "GET", "--json",
                              f"https://{HOST}/git/r.git/info/refs?service=git-receive-pack")
        told = json.loads(ended.stdout)
        self.assertEqual(told["alternatives"], [["vso.code_write"]])
        self.assertEqual(told["condition"], "service=git-receive-pack")
        ended = self.run_gate("explain", "GET", "https://other.example.com/v1/things")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("no API has this host and path", ended.stderr)
        ended = self.run_gate("explain", "PUT", f"https://{HOST}/v1/things")
        self.assertIn("405", ended.stderr)


if __name__ == "__main__":
    unittest.main()
