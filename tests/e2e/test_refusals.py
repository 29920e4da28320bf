#!/usr/bin/env python3
"""What a refusal teaches: docs/spec/refusals.md. At a gate: test_gate.py."""

import unittest
import urllib.parse

import harness

PROJECTS = "/fabrikam/_apis/projects?api-version=7.1"


class Refusals(harness.ServerTest):
    def test_a_missing_scope_is_taught(self):
        token = self.server.make_token("vso.wiki")
        answer = self.server.use(token, path=PROJECTS)
        self.assert_error(answer, 403, "AccessCheckException", "(listProjects)", "vso.project, ",
                          "or full access (app_token)", "Make such a token here: http")
        body = answer.json()
        self.assertEqual(body["operation"], "listProjects")
        self.assertEqual(body["scopes"], ["vso.project", "vso.profile"])
        link = urllib.parse.urlsplit(body["tokenUrl"])
        self.assertEqual(f"{link.scheme}://{link.netloc}", self.server.url)
        self.assertEqual(link.path, "/fabrikam/_usersSettings/tokens")
        query = urllib.parse.parse_qs(link.query)
        self.assertEqual(query, {"new": ["1"], "scopes": ["vso.project"],
                                 "name": ["listProjects"]})
        self.assertIn('error="insufficient_scope", scope="vso.project vso.profile"',
                      answer.headers["www-authenticate"])
        self.assertNotIn("_usersSettings", answer.headers["x-tfs-serviceerror"])
        self.assertNotIn(token, answer.text)
        self.assertEqual(self.server.request("GET", link.path + "?" + link.query).status, 200)
        # What it asks for is enough.
        enough = self.server.make_token(query["scopes"][0])
        self.assertEqual(self.server.use(enough, path=PROJECTS).status, 200)

    def test_the_link_leads_to_the_public_address_whatever_the_host_header_says(self):
        token = self.server.make_token("vso.wiki")
        answer = self.server.use(token, path=PROJECTS, headers={"Host": "evil.example"})
        self.assertTrue(answer.json()["tokenUrl"].startswith(self.server.url + "/"))

    def test_without_an_organization_there_is_no_link(self):
        token = self.server.make_token("vso.wiki")
        answer = self.server.use(token, path="/_apis/profile/profiles/me?api-version=7.1")
        self.assertEqual(answer.status, 403)
        self.assertNotIn("tokenUrl", answer.json())
        self.assertIn("scopes", answer.json())

    def test_no_401_names_an_operation_or_a_scope(self):
        token = self.server.create_token(scope="vso.wiki")
        self.server.revoke_token(token["authorizationId"])
        for answer in (self.server.use(token["token"], path=PROJECTS),
                       self.server.use("x", path=PROJECTS),
                       self.server.request("GET", PROJECTS)):
            self.assertEqual(answer.status, 401)
            for field in ("operation", "scopes", "tokenUrl"):
                self.assertNotIn(field, answer.json())
            self.assertNotIn("vso.", answer.text)


if __name__ == "__main__":
    unittest.main()
