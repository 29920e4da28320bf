"""What an attacker tries: each case was possible once, or is one line away from being possible."""

import contextlib
import hashlib
import os
import sqlite3
import threading
import unittest

import harness

FOREIGN = "secretcorp"
NOWHERE = "no-such-corp"
PROJECTS = "_apis/projects?api-version=7.1"
PROJECT = {"name": "Tailspin", "capabilities": {
    "versioncontrol": {"sourceControlType": "Git"},
    "processTemplate": {"templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"}}}


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


class ChangedRights(unittest.TestCase):
    """Who writes into the database gives nobody a right, and `audit verify` tells of it."""

    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)
        self.server.start().set_up()
        self.reader = self.server.add_person("reader@example.com", "reader")
        self.gone = self.server.add_person("gone@example.com", "member")
        members = f"/_latchkey/organizations/{self.server.organization}/members/"
        self.server.must(204, "DELETE", members + self.gone.id)
        self.server.must(200, "PATCH", members + self.reader.id, {"role": "member"})
        self.server.must(200, "PATCH", "/_latchkey/people/" + self.gone.id, {"state": "disabled"})
        self.server.must(201, "POST", "/_latchkey/organizations", {"name": "closed"})
        self.server.must(204, "DELETE", "/_latchkey/organizations/closed")

    def verify(self):
        return self.server.run("audit", "verify", "--data", self.server.data)

    def change(self, sql):
        with contextlib.closing(sqlite3.connect(
                os.path.join(self.server.data, "latchkey.db"))) as database, database:
            self.assertGreater(database.execute(sql).rowcount, 0, sql)

    def test_each_change_is_found(self):
        self.assertEqual(self.verify().returncode, 0)
        self.server.stop()
        self.assertEqual(self.verify().returncode, 0)
        reader = f"x'{self.reader.id.replace('-', '')}'"
        gone = f"x'{self.gone.id.replace('-', '')}'"
        changes = [
            (f"UPDATE memberships SET role = 4 WHERE person_id = {reader}",
             f"UPDATE memberships SET role = 2 WHERE person_id = {reader}"),
            (f"INSERT INTO memberships SELECT organization_id, {gone}, 2, 0, mac FROM "
             "organizations WHERE state = 1", f"DELETE FROM memberships WHERE person_id = {gone}"),
            (f"UPDATE people SET state = 1 WHERE person_id = {gone}",
             f"UPDATE people SET state = 2 WHERE person_id = {gone}"),
            (f"UPDATE people SET is_operator = 1 WHERE person_id = {reader}",
             f"UPDATE people SET is_operator = 0 WHERE person_id = {reader}"),
            ("UPDATE organizations SET state = 1 WHERE name = 'closed'",
             "UPDATE organizations SET state = 2 WHERE name = 'closed'"),
            (f"DELETE FROM memberships WHERE person_id = {reader}", None),
        ]
        for change, undo in changes:
            with self.subTest(change):
                self.change(change)
                verified = self.verify()
                self.assertEqual(verified.returncode, 5, verified.stdout)
                self.assertRegex(verified.stderr,
                                 "its row was changed|the event log is missing")
                if undo:
                    self.change(undo)
                    self.assertEqual(self.verify().returncode, 0)
        self.server.start()  # the running server tells as well
        self.assertEqual(self.verify().returncode, 5)

    def test_a_session_that_was_put_in_signs_nobody_in(self):
        kept = self.server.session
        self.server.stop()
        text = kept[:-43] + "A" * 43
        digest = hashlib.sha256(text.encode()).hexdigest()
        self.change(f"INSERT INTO sessions SELECT x'{'01' * 16}', person_id, x'{digest}', "
                    "created_at, last_seen_at, expires_at, address, user_agent, mac FROM sessions "
                    "WHERE person_id IN (SELECT person_id FROM people WHERE is_operator = 1) "
                    "LIMIT 1")
        self.server.start()
        self.assertEqual(self.server.as_person("GET", "/_latchkey/me", None, text).status, 401)
        self.assertEqual(self.server.as_person("GET", "/_latchkey/me", None, kept).status, 200)
        self.assertIn("store.row_refused", self.server.log_text())
        verified = self.verify()
        self.assertEqual(verified.returncode, 5, verified.stdout)
        self.assertIn("session 01010101-0101-0101-0101-010101010101", verified.stderr)

    def test_a_role_that_was_raised_gives_nothing(self):
        path = f"/{self.server.organization}/{PROJECTS}"
        token = self.server.create_token(scope="vso.project_manage", person=self.reader)["token"]
        members = f"/_latchkey/organizations/{self.server.organization}/members/"
        self.server.must(200, "PATCH", members + self.reader.id, {"role": "reader"})
        refused = self.server.with_token(token, "POST", path, PROJECT)
        self.assertIn(refused.status, (401, 403))
        self.server.stop()
        self.change("UPDATE memberships SET role = 4 "
                    f"WHERE person_id = x'{self.reader.id.replace('-', '')}'")
        self.server.start()
        raised = self.server.with_token(token, "POST", path, PROJECT)
        self.assertIn(raised.status, (401, 403))
        verified = self.verify()
        self.assertEqual(verified.returncode, 5, verified.stdout)
        self.assertIn("membership of person " + self.reader.id, verified.stderr)
        self.assertEqual(self.server.must(200, "GET", "/_latchkey/me").status, 200)

    def test_a_password_that_was_put_in_opens_nothing(self):
        self.server.stop()
        self.change("UPDATE people SET password_hash = (SELECT password_hash FROM people WHERE "
                    "email = 'reader@example.com') WHERE is_operator = 1")
        self.server.start()
        answer = self.server.request("POST", "/_latchkey/sessions", body={
            "email": harness.EMAIL, "password": self.reader.password})
        self.assertEqual(answer.status, 401)
        self.assertEqual(self.verify().returncode, 5)


def at_once(*calls):
    """The answers of calls that begin at the same moment, in threads of their own."""
    barrier = threading.Barrier(len(calls))
    answers = [None] * len(calls)

    def run(place, call):
        barrier.wait()
        answers[place] = call()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


class AtTheSameMoment(unittest.TestCase):
    """Of two requests that exclude each other one wins, whatever their timing."""

    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)
        self.server.start()

    def test_one_set_up(self):
        answers = at_once(*[
            lambda number=number: self.server.request("POST", "/_latchkey/setup", body={
                "code": self.server.setup_code, "organization": f"fabrikam{number}",
                "email": f"{number}@example.com", "displayName": "Ada",
                "password": harness.PASSWORD}) for number in range(8)])
        self.assertEqual(sorted(answer.status for answer in answers)[0], 201, answers)
        self.assertEqual(sum(answer.status == 201 for answer in answers), 1, answers)
        won = next(answer for answer in answers if answer.status == 201).json()
        self.server.session = won["session"]["token"]
        people = self.server.must(200, "GET", "/_latchkey/people").json()
        self.assertEqual([person["id"] for person in people["value"]], [won["person"]["id"]])

    def test_one_acceptance(self):
        self.server.set_up()
        path = f"/_latchkey/organizations/{self.server.organization}/invitations"
        invited = self.server.must(201, "POST", path,
                                   {"email": "bob@example.com", "role": "member"}).json()
        accept = {"code": invited["link"].split("#")[1], "displayName": "Bob",
                  "password": "battery staple of bob"}
        answers = at_once(*[lambda: self.server.request(
            "POST", "/_latchkey/invitations/accept", body=accept)] * 6)
        self.assertEqual(sum(answer.status == 201 for answer in answers), 1, answers)
        self.assertTrue(all(answer.status < 500 for answer in answers), answers)

    def test_an_owner_is_left(self):
        self.server.set_up()
        members = f"/_latchkey/organizations/{self.server.organization}/members"
        ada = self.server.sign_in(harness.EMAIL, harness.PASSWORD)
        other = self.server.add_person("other@example.com", "owner")
        for _ in range(10):
            answers = at_once(
                lambda: self.server.as_person("PATCH", f"{members}/{other.id}",
                                              {"role": "administrator"}, ada.session),
                lambda: self.server.as_person("PATCH", f"{members}/{ada.id}",
                                              {"role": "administrator"}, other.session))
            self.assertEqual(sorted(answer.status for answer in answers), [200, 403], answers)
            listed = self.server.must(200, "GET", members, None, ada).json()["value"]
            owners = [row["person"]["id"] for row in listed if row["role"] == "owner"]
            self.assertEqual(len(owners), 1)
            left, lowered = (ada, other) if owners == [ada.id] else (other, ada)
            self.server.must(200, "PATCH", f"{members}/{lowered.id}", {"role": "owner"}, left)


class Folder(unittest.TestCase):
    def test_a_folder_that_others_may_write_into_is_refused(self):
        server = harness.Server()
        self.addCleanup(server.close)
        os.mkdir(server.data)
        os.chmod(server.data, 0o777)
        refused = server.run("serve", "--data", server.data, "--port", "0",
                             "--operations-port", "0")
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("chmod go-w", refused.stderr)


if __name__ == "__main__":
    unittest.main()
