"""How tokens were used: counted by the server itself and reported by gates."""

import time
import unittest
import uuid

import harness

TODAY = time.strftime("%Y-%m-%d", time.gmtime())


class UsageTest(harness.ServerTest):
    """One server; each test has a token of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gate = cls.server.cli("client", "add", "gate", "--may", "report", "--data",
                                  cls.server.data).strip()

    def path(self, token, organization=harness.ORGANIZATION):
        return f"/_latchkey/organizations/{organization}/tokens/{token['authorizationId']}/usage"

    def days(self, token, query="", person=None):
        answer = self.server.must(200, "GET", self.path(token) + query, None, person).json()
        self.assertEqual(answer["authorizationId"], token["authorizationId"])
        return answer["days"]

    def report(self, uses, batch=None, secret=None):
        return self.server.request("POST", "/_latchkey/usage",
                                   {"Authorization": "Bearer " + (secret or self.gate)},
                                   {"batchId": batch or str(uuid.uuid4()), "uses": uses})

    def use_of(self, token, allowed=1, refused=0, day=TODAY):
        return {"token": token["authorizationId"],
                "days": [{"day": day, "allowed": allowed, "refused": refused}]}

    def test_own_checks_are_counted_at_once_and_kept(self):
        token = self.server.create_token("own", "vso.wiki")
        self.assertEqual(self.days(token), [])
        for _ in range(3):
            self.server.use(token["token"])
        refused = self.server.with_token(token["token"], "GET",
                                         f"/{harness.ORGANIZATION}/_apis/projects?api-version=7.1")
        self.assertEqual(refused.status, 403)
        expected = [{"day": TODAY, "allowed": 3, "refused": 1}]
        self.assertEqual(self.days(token), expected)
        self.server.revoke_token(token["authorizationId"])
        self.assertEqual(self.server.use(token["token"]).status, 401)
        expected[0]["refused"] = 2
        self.assertEqual(self.days(token), expected)
        self.server.stop()
        self.server.start()
        self.assertEqual(self.days(token), expected)

    def test_a_report_counts_once(self):
        token = self.server.create_token("reported")
        batch = str(uuid.uuid4())
        first = self.report([self.use_of(token, 5, 2)], batch)
        self.assertEqual((first.status, first.json()),
                         (200, {"accepted": 1, "ignored": 0, "isRepeated": False}))
        self.assertTrue(self.report([self.use_of(token, 5, 2)], batch).json()["isRepeated"])
        self.assertEqual(self.days(token), [{"day": TODAY, "allowed": 5, "refused": 2}])
        self.assertEqual(self.days(token, "?days=1"), self.days(token))

    def test_the_list_shows_the_last_use_that_a_gate_told(self):
        token = self.server.create_token("listed")
        use = {**self.use_of(token), "lastUsedAt": harness.date_time(-60), "address": "192.0.2.77",
               "userAgent": "git/2.39"}
        self.assertEqual(self.report([use]).status, 200)
        row = next(row for row in self.server.list_tokens()
                   if row["authorizationId"] == token["authorizationId"])
        self.assertEqual((row["lastUsedFrom"], row["lastUsedBy"]), ("192.0.2.77", "git/2.39"))

    def sums(self, token, query="", person=None):
        path = f"/_latchkey/organizations/{harness.ORGANIZATION}/usage{query}"
        answer = self.server.must(200, "GET", path, None, person).json()
        self.assertTrue(answer["isComplete"])
        own_id = token["authorizationId"]
        return [row for row in answer["value"] if row["authorizationId"] == own_id]

    def test_the_list_shows_the_sums_of_the_last_days(self):
        token = self.server.create_token("summed", "vso.wiki")
        self.assertEqual(self.sums(token), [])
        self.server.use(token["token"])
        self.server.use(token["token"])
        own = {"authorizationId": token["authorizationId"], "allowed": 2, "refused": 0}
        self.assertEqual(self.sums(token), [own])  # nothing of it is written yet
        at = time.time()
        for back, allowed in ((29, 10), (30, 1000)):
            day = time.strftime("%Y-%m-%d", time.gmtime(at - back * 86400))
            self.assertEqual(self.report([self.use_of(token, allowed, 4, day)]).status, 200)
        own.update(allowed=12, refused=4)
        self.assertEqual(self.sums(token), [own])
        self.assertEqual(self.sums(token, "?days=31"), [{**own, "allowed": 1012, "refused": 8}])
        self.server.stop()
        self.server.start()
        self.assertEqual(self.sums(token), [own])
        member = self.server.add_person("summed-member@example.com")
        self.assertEqual(self.sums(token, "", member), [])
        theirs = self.server.create_token("theirs", person=member)
        self.assertEqual(self.report([self.use_of(theirs)]).status, 200)
        self.assertEqual(len(self.sums(theirs, "", member)), 1)
        self.assertEqual(self.sums(theirs), [])  # one's own only, an owner's too

    def test_bad_questions_for_sums(self):
        path = "/_latchkey/organizations/%s/usage"
        for query in ("?days=0", "?days=91", "?days=x"):
            answer = self.server.as_person("GET", path % harness.ORGANIZATION + query)
            self.assertEqual((answer.status, answer.json()["field"]), (400, "days"))
        self.server.must(404, "GET", path % "nowhere")
        token = self.server.create_token("asks")
        own = path % harness.ORGANIZATION
        self.assertEqual(self.server.with_token(token["token"], "GET", own).status, 401)
        self.assertEqual(self.server.request("GET", own).status, 401)

    def test_who_may_report_and_who_may_see(self):
        token = self.server.create_token("mine")
        feed_only = self.server.cli("client", "add", "feed-only", "--may", "feed", "--data",
                                    self.server.data).strip()
        self.assertEqual(self.report([self.use_of(token)], secret=feed_only).status, 403)
        self.assertEqual(self.report([self.use_of(token)], secret=self.server.session).status, 401)
        self.assertEqual(self.report([self.use_of(token)], secret=token["token"]).status, 401)
        self.assertEqual(self.server.request("GET", self.path(token)).status, 401)
        self.assertEqual(self.server.with_token(token["token"], "GET", self.path(token)).status,
                         401)
        member = self.server.add_person("usage-member@example.com")
        self.server.must(404, "GET", self.path(token), None, member)
        self.server.must(404, "GET", self.path(token, "nowhere"), None, member)
        theirs = self.server.create_token("theirs", person=member)
        self.assertEqual(self.days(theirs), [])  # the owner of the organization may

    def test_bad_input_names_the_field(self):
        token = self.server.create_token("bad")
        for uses, field in (([{"days": []}], "token"), ("x", "uses"),
                            ([self.use_of(token, day="2020-01-01")], "day"),
                            ([self.use_of(token, allowed=-1)], "allowed"),
                            ([self.use_of(token)] * 501, "uses")):
            answer = self.report(uses)
            self.assertEqual((answer.status, answer.json().get("field")), (400, field))
        for query in ("?days=0", "?days=91", "?days=x"):
            answer = self.server.as_person("GET", self.path(token) + query)
            self.assertEqual((answer.status, answer.json()["field"]), (400, "days"))
        self.assertEqual(self.days(token), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
