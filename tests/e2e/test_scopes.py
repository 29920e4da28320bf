#!/usr/bin/env python3
"""Scopes that the operator declares: in configuration, tokens, restarts and backups."""

import unittest
from pathlib import Path

import harness

READ = """
[[gate.scope]]
name = "acme.orders_read"
title = "Read"
description = "Reads orders."
category = "Acme orders"
"""
WRITE = """
[[gate.scope]]
name = "acme.orders_write"
title = "Read & write"
description = "Changes orders."
category = "Acme orders"
implies = ["acme.orders_read"]
role = "member"
"""


class Declared(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)
        self.file = Path(self.server.folder, "latchkey.toml")
        self.server.options = ("--config", str(self.file))
        self.start(READ + WRITE)
        self.server.set_up()

    def start(self, text):
        self.file.write_text(text, encoding="utf-8")
        self.server.start()

    def restart(self, text):
        self.assertEqual(self.server.stop(), 0)
        self.start(text)

    def listed(self):
        scopes = self.server.request("GET", "/_latchkey/scopes").json()["value"]
        return {row["identifier"]: row for row in scopes if row["origin"] != "builtIn"}

    def own(self, token):
        return self.server.use(token).json()

    def test_are_given_like_the_others(self):
        self.assertEqual([row["number"] for row in self.listed().values()], [128, 129])
        self.assertIn("acme.orders_write", self.server.cli("scopes"))
        token = self.server.make_token("acme.orders_write")
        self.assertEqual(self.own(token)["effectiveScope"], "acme.orders_read acme.orders_write")
        both = self.server.create_token(scope="acme.orders_read vso.code")
        self.assertEqual(both["scope"], "vso.code acme.orders_read")
        answer = self.server.must(200, "PUT", self.server.pats(), {
            "authorizationId": both["authorizationId"], "scope": "acme.orders_write",
            "displayName": "x"}).json()
        self.assertEqual(answer["patToken"]["scope"], "acme.orders_write")
        refused = self.server.must(200, "POST", self.server.pats(),
                                   {"displayName": "x", "scope": "acme.other"}).json()
        self.assertEqual(refused["patTokenError"], "invalidScope")
        full = self.server.make_token("app_token")
        self.assertIn("acme.orders_write", self.own(full)["effectiveScope"].split(" "))

    def test_count_under_the_role(self):
        reader = self.server.add_person("rita@example.com", "reader")
        token = self.server.create_token(scope="acme.orders_write", person=reader)
        self.assertEqual(self.own(token["token"])["effectiveScope"], "acme.orders_read")
        rows = self.server.list_tokens(person=reader)
        self.assertEqual(rows[0]["withheldScopes"], ["acme.orders_write"])

    def test_open_nothing_of_ours(self):
        token = self.server.make_token("acme.orders_write")
        answer = self.server.use(token, path="/fabrikam/_apis/projects?api-version=7.1")
        self.assertEqual(answer.status, 403)

    def test_a_withdrawn_scope_opens_nothing_and_comes_back_with_its_number(self):
        token = self.server.make_token("acme.orders_write")
        both = self.server.create_token(scope="vso.project acme.orders_write")
        self.restart(READ)
        self.assertEqual(self.listed()["acme.orders_write"]["origin"], "withdrawn")
        self.assertFalse(self.listed()["acme.orders_write"]["grantable"])
        self.assertEqual(self.own(token)["effectiveScope"], "")
        self.assertEqual(self.own(both["token"])["effectiveScope"], "vso.project")
        self.assertEqual(self.own(token)["scope"], "acme.orders_write")
        refused = self.server.must(200, "POST", self.server.pats(),
                                   {"displayName": "x", "scope": "acme.orders_write"}).json()
        self.assertEqual(refused["patTokenError"], "invalidScope")
        # What is not about scopes can be changed.
        renamed = self.server.must(200, "PUT", self.server.pats(), {
            "authorizationId": both["authorizationId"], "displayName": "renamed"}).json()
        self.assertEqual(renamed["patToken"]["scope"], "vso.project acme.orders_write")
        self.restart(WRITE.replace('implies = ["acme.orders_read"]\n', ""))
        self.assertEqual(self.listed()["acme.orders_write"]["number"], 129)
        self.assertEqual(self.own(token)["effectiveScope"], "acme.orders_write")
        self.server.cli("audit", "verify", "--data", self.server.data)

    def test_a_mistake_is_named_and_nothing_starts(self):
        self.server.stop()
        for text, words in (
                (READ + READ, "gate.scope[1].name is declared in gate.scope[0] too"),
                (WRITE, "gate.scope[0].implies names acme.orders_read, which is not declared"),
                (READ.replace("acme.orders_read", "vso.code"), "must not begin with 'vso.'"),
                (READ.replace("Acme orders", "Code"), "is one of the built-in scopes"),
                (READ + 'colour = "red"\n', "gate.scope[0].colour is no key that latchkey knows")):
            self.file.write_text(text, encoding="utf-8")
            ended = self.server.run("serve", "--data", self.server.data, "--port", "0",
                                    "--operations-port", "0", "--config", str(self.file))
            self.assertNotEqual(ended.returncode, 0, text)
            self.assertIn(words, ended.stderr)

    def test_are_in_backups(self):
        token = self.server.make_token("acme.orders_read")
        backup = str(Path(self.server.folder, "backup"))
        self.server.cli("backup", backup, "--data", self.server.data)
        self.server.stop()
        other = harness.Server("--config", str(self.file))
        self.addCleanup(other.close)
        other.cli("restore", backup, "--data", other.data, "--keys", self.server.data + "/keys",
                  "--since-backup", "keep")
        # In another order: names keep their numbers.
        self.file.write_text(WRITE.replace('implies = ["acme.orders_read"]\n', "") + READ,
                             encoding="utf-8")
        other.start()
        self.server = other
        self.assertEqual({name: row["number"] for name, row in self.listed().items()},
                         {"acme.orders_read": 128, "acme.orders_write": 129})
        self.assertEqual(self.own(token)["effectiveScope"], "acme.orders_read")

    def test_a_start_that_changes_something_is_one_event(self):
        head = self.server.metric("latchkey_index_revision")
        self.restart(READ + WRITE)
        self.assertEqual(self.server.metric("latchkey_index_revision"), head)
        self.restart(READ)
        self.assertEqual(self.server.metric("latchkey_index_revision"), head + 1)


if __name__ == "__main__":
    unittest.main()
