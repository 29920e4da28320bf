"""What an attacker tries: each case was possible once, or is one line away from being possible."""

import unittest

import harness

FOREIGN = "secretcorp"
NOWHERE = "no-such-corp"
PROJECTS = "_apis/projects?api-version=7.1"


class UnknownAndForeign(harness.ServerTest):
    """An organization that one may not see answers as one that does not exist."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.must(201, "POST", "/_latchkey/organizations", {"name": FOREIGN})
        cls.reader = cls.server.add_person("reader@example.com", "reader")

    def assert_alike(self, ask):
        """`ask(organization)` gives an answer; but for the organization's name they are equal."""
        foreign, nowhere = (ask(organization) for organization in (FOREIGN, NOWHERE))
        self.assertEqual(foreign.status, nowhere.status, f"{foreign} {nowhere}")
        self.assertEqual(foreign.body.replace(FOREIGN.encode(), b"*"),
                         nowhere.body.replace(NOWHERE.encode(), b"*"))
        volatile = ("ActivityId", "X-VSS-E2EID", "Date")
        heads = [[pair for pair in answer.pairs if pair[0] not in volatile]
                 for answer in (foreign, nowhere)]
        self.assertEqual(*heads)
        return foreign

    def test_without_a_credential(self):
        for path in (PROJECTS, "_apis/projects/x?api-version=7.1", "_apis/connectiondata"):
            with self.subTest(path):
                answer = self.assert_alike(lambda organization, path=path: self.server.request(
                    "GET", f"/{organization}/{path}"))
                self.assertEqual(answer.status, 401)

    def test_with_a_token_that_lacks_the_scope(self):
        token = self.server.create_token(scope="vso.profile")["token"]
        answer = self.assert_alike(lambda organization: self.server.with_token(
            token, "POST", f"/{organization}/{PROJECTS}", {"name": "x"}))
        self.assert_error(answer, 401, "UnauthorizedRequestException")

    def test_with_a_token_that_has_the_scope(self):
        token = self.server.create_token(scope="vso.project")["token"]
        answer = self.assert_alike(lambda organization: self.server.with_token(
            token, "GET", f"/{organization}/{PROJECTS}"))
        self.assert_error(answer, 401, "UnauthorizedRequestException")

    def test_with_a_session(self):
        asked = [("GET", "/{}/" + PROJECTS, None),
                 ("GET", "/{}/_apis/tokens/pats?api-version=7.1-preview.1", None),
                 ("GET", "/_latchkey/organizations/{}", None),
                 ("PATCH", "/_latchkey/organizations/{}", {}),
                 ("POST", "/_latchkey/organizations/{}/members", {"personId": "x"}),
                 ("POST", "/_latchkey/organizations/{}/invitations", {"email": 1}),
                 ("DELETE", "/_latchkey/organizations/{}/members/x", None)]
        for method, path, body in asked:
            with self.subTest(f"{method} {path}"):
                answer = self.assert_alike(
                    lambda organization, method=method, path=path, body=body:
                    self.server.as_person(method, path.format(organization), body,
                                          self.reader.session))
                self.assert_error(answer, 404, "OrganizationNotFoundException")


if __name__ == "__main__":
    unittest.main()
