"""Real clients, unmodified, against the real server: curl, azure-devops-node-api, az devops.

Each is given a base URL and a token and nothing else. Run by ctest; LATCHKEY_BINARY names the
binary.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402


class Clients(unittest.TestCase):
    """One server; each test makes the tokens that it needs."""

    @classmethod
    def setUpClass(cls):
        cls.server = harness.Server()
        cls.server.start()
        cls.server.set_up()
        # Clients write the organization as they like; az and Go send it in lower case.
        cls.url = cls.server.url + "/" + cls.server.organization.capitalize()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def token(self, scope):
        answer = self.server.create_token(name="conformance", scope=scope)
        return answer["token"]


class Curl(Clients):
    def curl(self, token, path, *options):
        command = ["curl", "-sS", "-u", ":" + token, "-w", "\n%{http_code}", *options,
                   self.url + path]
        out = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
        body, status = out.rsplit("\n", 1)
        return int(status), body

    def test_a_token_opens_what_its_scope_allows(self):
        token = self.token("vso.project")
        status, body = self.curl(token, "/_apis/projects?api-version=7.1")
        self.assertEqual((status, json.loads(body)), (200, {"count": 0, "value": []}))

    def test_a_missing_scope_is_named(self):
        token = self.token("vso.wiki")
        status, body = self.curl(token, "/_apis/projects?api-version=7.1", "-D", "-")
        self.assertEqual(status, 403)
        self.assertIn('error="insufficient_scope", scope="vso.project vso.profile"', body)
        told = json.loads(body[body.index("{"):])
        self.assertIn("vso.project, vso.profile, or full access", told["message"])
        self.assertEqual(told["scopes"], ["vso.project", "vso.profile"])
        self.assertIn("/_usersSettings/tokens?new=1&scopes=", told["tokenUrl"])

    def test_a_revoked_token_is_refused_from_the_next_request_on(self):
        answer = self.server.create_token(name="short", scope="vso.project")
        self.assertEqual(self.curl(answer["token"], "/_apis/projects")[0], 200)
        self.server.revoke_token(answer["authorizationId"])
        status, body = self.curl(answer["token"], "/_apis/projects")
        self.assertEqual(status, 401)
        self.assertEqual(json.loads(body)["typeKey"], "AccessCheckException")
        self.assertIn("revoked", json.loads(body)["message"])


class Node(Clients):
    @classmethod
    def setUpClass(cls):
        if not (HERE / "node_modules" / "azure-devops-node-api").is_dir():
            raise RuntimeError("run `npm ci` in tests/conformance first (./test does)")
        super().setUpClass()

    def node(self, token, *arguments):
        environment = dict(os.environ, BASE_URL=self.url, TOKEN=token)
        out = subprocess.run(["node", "node_client.mjs", *arguments], cwd=HERE, env=environment,
                             capture_output=True, text=True, timeout=60, check=True)
        return json.loads(out.stdout.strip().splitlines()[-1])

    def result(self, token, *arguments):
        answer = self.node(token, *arguments)
        self.assertIn("result", answer, answer)
        return answer["result"]

    def test_every_way_of_sending_the_token_is_taken(self):
        token = self.token("vso.wiki")
        for step in ("connect", "byShape", "byBasic"):
            with self.subTest(step):
                data = self.result(token, step)
                self.assertEqual(data["authenticatedUser"]["properties"]["Account"]["$value"],
                                 self.server.email)
                self.assertEqual(data["instanceId"], self.server.organization_id())

    def test_the_profile_is_the_owners(self):
        profile = self.result(self.token("vso.profile"), "profile")
        self.assertEqual(profile["emailAddress"], self.server.email)

    def test_a_project_from_creation_to_deletion(self):
        token = self.token("vso.project_manage")
        made = self.result(token, "create", "From Node")
        self.assertEqual(made["operation"]["status"], "succeeded")
        project = made["project"]
        self.assertEqual(project["name"], "From Node")
        self.assertEqual(project["visibility"], 0)
        self.assertEqual(project["capabilities"]["versioncontrol"]["sourceControlType"], "Git")
        self.assertEqual(project["capabilities"]["processTemplate"]["templateName"], "Basic")
        self.assertIn("From Node", [each["name"] for each in self.result(token, "list")])
        changed = self.result(token, "change", project["id"], "another description")
        self.assertEqual(changed["description"], "another description")
        properties = self.result(token, "properties", project["id"])
        self.assertEqual({each["name"]: each["value"] for each in properties},
                         {"a": "one", "b.c": "two"})
        teams = self.result(token, "teams", project["id"])
        self.assertEqual([team["name"] for team in teams], ["From Node Team"])
        self.assertEqual(self.result(token, "remove", project["id"])["status"], "succeeded")
        self.assertIsNone(self.result(token, "show", "From Node"))
        deleted = self.result(token, "list", "deleted")
        self.assertIn(project["id"], [each["id"] for each in deleted])

    def test_refusals_reach_the_caller_in_words(self):
        answer = self.node(self.token("vso.wiki"), "list")
        self.assertEqual(answer["error"]["statusCode"], 403)
        self.assertIn("vso.project", answer["error"]["message"])
        answer = self.node("A" * 84, "connect")
        self.assertEqual(answer["error"]["statusCode"], 401)
        self.assertIn("TF400813", answer["error"]["message"])


class Az(Clients):
    @classmethod
    def setUpClass(cls):
        if shutil.which("az") is None:
            raise RuntimeError("azure-cli is not installed (./test installs it)")
        super().setUpClass()
        cls.home = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.home.cleanup()
        super().tearDownClass()

    def az(self, token, *arguments, check=True, stdin=None):
        home = pathlib.Path(self.home.name)
        environment = dict(os.environ, HOME=str(home), AZURE_CONFIG_DIR=str(home / "azure"),
                           AZURE_DEVOPS_CACHE_DIR=str(home / "cache"),
                           AZURE_CORE_COLLECT_TELEMETRY="0", AZURE_CORE_NO_COLOR="1")
        if token is not None:
            environment["AZURE_DEVOPS_EXT_PAT"] = token
        out = subprocess.run(["az", *arguments, "--org", self.url], env=environment, input=stdin,
                             capture_output=True, text=True, timeout=240, check=False)
        if check:
            self.assertEqual(out.returncode, 0, out.stderr)
        return out

    def json(self, token, *arguments):
        out = self.az(token, *arguments, "-o", "json").stdout
        return json.loads(out) if out.strip() else None

    def test_a_project_from_creation_to_deletion(self):
        token = self.token("vso.project_manage")
        made = self.json(token, "devops", "project", "create", "--name", "From Az")
        self.assertEqual((made["name"], made["visibility"]), ("From Az", "private"))
        listed = self.json(token, "devops", "project", "list")["value"]
        self.assertIn("From Az", [each["name"] for each in listed])
        shown = self.json(token, "devops", "project", "show", "-p", "From Az")
        self.assertEqual(shown["id"], made["id"])
        self.assertEqual(shown["capabilities"]["processTemplate"]["templateName"], "Basic")
        self.az(token, "devops", "project", "delete", "--id", made["id"], "-y")
        listed = self.json(token, "devops", "project", "list", "--state-filter", "wellFormed")
        self.assertNotIn("From Az", [each["name"] for each in listed["value"]])

    def test_login_takes_the_token(self):
        token = self.token("vso.wiki")
        self.az(None, "devops", "login", stdin=token + "\n")
        self.az(None, "devops", "logout")

    def test_refusals_reach_the_caller_in_words(self):
        refused = self.az(self.token("vso.wiki"), "devops", "project", "list", check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(refused.stderr, "Any one of these would do: vso.project, vso.profile, "
                         r"or full access|: vso.profile, vso.project, or full access")
        answer = self.server.create_token(name="short", scope="vso.project")
        self.server.revoke_token(answer["authorizationId"])
        refused = self.az(answer["token"], "devops", "project", "list", check=False)
        self.assertNotEqual(refused.returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
