"""Clients: credentials of gates and resource servers, made at the console."""

import json
import sqlite3
import unittest

import harness


class ClientsTest(harness.ServerTest):
    """`latchkey client ...` against a running server."""

    def client(self, *arguments):
        return self.server.run("client", *arguments, "--data", self.server.data)

    def add(self, name, may="feed", *more):
        ended = self.client("add", name, "--may", may, *more)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout.strip()

    def asks(self, secret, path="/_latchkey/me"):
        return self.server.request("GET", path, {"Authorization": harness.basic(secret, "gate")})

    def test_is_made_listed_and_removed(self):
        secret = self.add("gate-1", "feed,report", "--organization", harness.ORGANIZATION)
        self.assertRegex(secret, r"^lkc_[A-Za-z0-9_-]{43}$")
        listed = json.loads(self.client("list", "--json").stdout)
        row = next(one for one in listed["value"] if one["name"] == "gate-1")
        self.assertEqual(row["may"], ["feed", "report"])
        self.assertEqual(row["organizations"], [harness.ORGANIZATION])
        self.assertNotIn("secret", row)
        self.assertIn("gate-1", self.client("list").stdout)
        ended = self.client("remove", "gate-1", "--yes")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertNotIn("gate-1", self.client("list").stdout)
        self.assertEqual(self.client("remove", "gate-1", "--yes").returncode, 1)

    def test_secret_opens_nothing_of_people(self):
        secret = self.add("no-person")
        # It is known, so it is told that this is the wrong kind; nothing is let through.
        for path in ("/_latchkey/me", "/_latchkey/organizations",
                     f"/{harness.ORGANIZATION}/_apis/projects?api-version=7.1"):
            self.assertEqual(self.asks(secret, path).status, 401, path)
        wrong = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        answer = self.asks(wrong)
        self.assertEqual(answer.status, 401)
        self.assertIn("not known here", answer.json()["message"])
        self.client("remove", "no-person", "--yes")
        self.assertIn("not known here", self.asks(secret).json()["message"])

    def test_unknown_routes_are_told_to_the_known_only(self):
        secret = self.add("explorer")
        self.assertEqual(self.asks(secret, "/_apis/nothing/there").status, 404)
        self.assertEqual(self.asks(secret[:-2] + "__", "/_apis/nothing/there").status, 401)

    def test_bad_input_names_the_field(self):
        for arguments, words in ((("add", "a b", "--may", "feed"), "name"),
                                 (("add", "x", "--may", "feed", "--organization", "nowhere"),
                                  "organizations")):
            ended = self.client(*arguments)
            self.assertEqual(ended.returncode, 1, ended.stderr)
            self.assertIn(words, ended.stderr)
        self.assertEqual(self.client("add", "x", "--may", "everything").returncode, 2)
        self.assertEqual(self.client("add", "x").returncode, 2)
        for body in ({"name": "x", "may": "feed"}, {"name": "x", "may": ["feed", 1]},
                     {"name": "x", "may": ["feed"], "more": 1}, {"may": ["feed"]}, []):
            self.assertEqual(self.server.console("POST", "/clients", body).status, 400, body)
        self.add("taken")
        self.assertIn("taken", self.client("add", "TAKEN", "--may", "feed").stderr)

    def test_secret_is_nowhere_in_the_data_and_the_log_tells_of_it(self):
        secret = self.add("written")
        self.client("remove", "written", "--yes")
        with sqlite3.connect(f"file:{self.server.data}/latchkey.db?mode=ro", uri=True) as database:
            actions = [row[0] for row in database.execute(
                "SELECT action FROM events WHERE action LIKE 'Client.%' ORDER BY revision")]
            dump = "\n".join(database.iterdump())
        self.assertIn("Client.AddEvent", actions)
        self.assertEqual(actions[-1], "Client.RemoveEvent")
        self.assertNotIn(secret[4:], dump)
        self.assertNotIn(secret[4:], self.server.log_text())
        self.assertEqual(self.server.run("audit", "verify", "--data", self.server.data).returncode,
                         0)


class Restart(unittest.TestCase):
    """A client outlives a kill."""

    def test_is_known_after_a_kill(self):
        server = harness.Server()
        try:
            server.start().set_up()
            secret = server.cli("client", "add", "gate", "--may", "introspect", "--data",
                                server.data).strip()
            server.kill()
            server.start()
            answer = server.request("GET", "/_latchkey/me",
                                    {"Authorization": harness.basic(secret)})
            self.assertEqual(answer.status, 401)
            self.assertNotIn("not known here", answer.json()["message"])
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
