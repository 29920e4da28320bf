"""What docs/operating/incident.md says to type when a token leaked, typed."""

import re
import subprocess
import unittest
from pathlib import Path

import harness

GUIDE = (Path(__file__).resolve().parents[2] / "docs/operating/incident.md").read_text("utf-8")
PROJECTS = "/fabrikam/_apis/projects?api-version=7.1"


class Leak(harness.ServerTest):
    def setUp(self):
        self.leaked = self.server.create_token("leaked", "vso.project_manage")
        self.text, self.id = self.leaked["token"], self.leaked["authorizationId"]

    def status(self, text=None):
        return self.server.use(text or self.text, path=PROJECTS).status

    def assert_guide_says(self, command):
        self.assertIn(command, re.sub(r"\s+", " ", GUIDE))

    def test_it_is_recognized_by_its_form(self):
        self.assert_guide_says("from the 53rd on `JQQJ99`, from the 73rd on `PAT1`")
        self.assertEqual((len(self.text), self.text[52:58], self.text[72:80]),
                         (84, "JQQJ99", "PAT1LKEY"))

    def test_it_tells_which_one_it_is(self):
        self.assert_guide_says("/fabrikam/_apis/tokens/self")
        told = self.server.use(self.text).json()
        self.assertEqual(told["authorizationId"], self.id)
        self.assertEqual(told["displayName"], "leaked")
        self.assertEqual(told["scope"], "vso.project_manage")
        self.assertIn("ada@example.com", str(told))

    def test_an_administrator_revokes_it(self):
        self.assert_guide_says(
            "`latchkey token revoke --as-administrator ID --organization fabrikam`")
        self.assertEqual(self.status(), 200)
        self.server.cli("token", "revoke", "--as-administrator", self.id, "--organization",
                        "fabrikam")
        self.assertEqual(self.status(), 401)

    def test_its_owner_revokes_or_regenerates_it(self):
        self.assert_guide_says("`latchkey token regenerate ID`")
        fresh = self.server.cli("token", "regenerate", self.id).strip()
        self.assertEqual((self.status(), self.status(fresh)), (401, 200))
        self.server.cli("token", "revoke", self.id)
        self.assertEqual(self.status(fresh), 401)

    def test_all_tokens_of_a_person_end(self):
        person = self.server.add_person("bob@example.com", "member")
        tokens = [self.server.create_token(f"token {i}", person=person)["token"] for i in (1, 2)]
        for words in ("`latchkey user disable ada@example.com --data /var/lib/latchkey`",
                      "`latchkey user reset-link ada@example.com --data /var/lib/latchkey`",
                      "`latchkey org remove ada@example.com --organization fabrikam`"):
            self.assert_guide_says(words)
        self.server.cli("user", "disable", person.email, "--data", self.server.data)
        self.assertEqual([self.status(text) for text in tokens], [401, 401])
        self.server.cli("user", "enable", person.email, "--data", self.server.data)
        self.assertEqual([self.status(text) for text in tokens], [200, 200])
        link = self.server.cli("user", "reset-link", person.email, "--data", self.server.data)
        self.assertIn("/_latchkey/link#", link)
        self.server.cli("org", "remove", person.email, "--organization", "fabrikam")
        self.assertEqual([self.status(text) for text in tokens], [401, 401])

    def test_what_was_done_with_it(self):
        """Its last use, the changes that it made, and that the record is whole."""
        answer = self.server.request("POST", PROJECTS, {
            "Authorization": harness.basic(self.text), "User-Agent": "thief/1.0"},
            {"name": "made by a thief", "capabilities": {
                "versioncontrol": {"sourceControlType": "Git"},
                "processTemplate": {"templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"}}})
        self.assertEqual(answer.status, 202, answer)
        query = re.search(r'latchkey\.db "\n(.*?)"\n  ```', GUIDE, re.S).group(1)
        told = subprocess.run(["sqlite3", "-readonly", "-header", self.server.data + "/latchkey.db",
                               query], capture_output=True, text=True, check=True).stdout
        self.assertRegex(told, r"\Arevision\|utc\|action\|subjects\|address\|user_agent\n")
        self.assertRegex(
            told, r"\|Project\.CreateCompleted\|project:[0-9a-f-]+\|127\.0\.0\.1\|thief/1\.0")
        shown = self.server.cli("token", "show", self.id)
        self.assertRegex(shown, r"Last used by: +thief/1\.0")
        self.assertIn("The log is intact", self.server.cli("audit", "verify", "--data",
                                                           self.server.data))


if __name__ == "__main__":
    unittest.main()
