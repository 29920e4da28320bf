#!/usr/bin/env python3
"""What every answer and every line of the access log carries."""

import json
import unittest

import harness


class Revisions(harness.ServerTest):
    def test_the_answer_to_a_change_says_the_revision_that_the_index_has(self):
        seen = 0
        for number in range(3):
            answer = self.server.as_person("POST", self.server.pats(), {
                "displayName": f"number {number}", "scope": "vso.project"})
            self.assertEqual(answer.status, 200, answer)
            epoch, revision = answer.headers["x-latchkey-revision"].split(".")
            self.assertEqual(epoch, self.server.console("GET", "/status").json()["epoch"])
            self.assertIn(f'latchkey_index_epoch_info{{epoch="{epoch}"}} 1\n',
                          self.server.operations("/metrics").text)
            revision = int(revision)
            self.assertGreater(revision, seen)
            self.assertGreaterEqual(self.server.metric("latchkey_index_revision"), revision)
            seen = revision

    def test_reading_and_refused_changes_say_none(self):
        for answer in (self.server.as_person("GET", self.server.pats()),
                       self.server.as_person("POST", self.server.pats(), {"displayName": ""})):
            self.assertEqual(answer.status, 200, answer)
            self.assertNotIn("x-latchkey-revision", answer.headers)

    def test_organizations_say_the_callers_role(self):
        mine = "/_latchkey/organizations/fabrikam"
        self.assertEqual(self.server.as_person("GET", mine).json()["role"], "owner")
        reader = self.server.add_person("reader@example.com", "reader")
        answer = self.server.as_person("GET", mine, session=reader.session)
        self.assertEqual(answer.json()["role"], "reader")


class JsonLog(harness.ServerTest):
    options = ("--log-format", "json")

    def test_each_line_is_an_object_and_names_the_request_without_its_query(self):
        token = self.server.make_token()
        answer = self.server.with_token(
            token, "GET", "/fabrikam/_apis/projects?api-version=7.1&$top=7")
        self.assertEqual(answer.status, 200)
        lines = [json.loads(line) for line in self.server.log_text().splitlines()]
        own = [line for line in lines if line.get("id") == answer.headers["activityid"]]
        self.assertEqual(len(own), 1, lines[-3:])
        self.assertEqual((own[0]["method"], own[0]["path"], str(own[0]["status"])),
                         ("GET", "/fabrikam/_apis/projects", "200"))
        self.assertNotIn(token, self.server.log_text())


if __name__ == "__main__":
    unittest.main()
