#!/usr/bin/env python3
"""The lifecycle API over HTTP: every api-version, every list, every error value that can occur."""

import calendar
import itertools
import random
import re
import time
import unittest
import urllib.parse

import harness

VERSIONS = ["6.1-preview", "6.1-preview.1", "7.0-preview.1", "7.1-preview", "7.1-preview.1",
            "7.2-preview", "7.2-preview.1"]
FIELDS = ["displayName", "validTo", "scope", "targetAccounts", "validFrom", "authorizationId",
          "token", "status"]
LISTED = FIELDS + ["withheldScopes", "lastUsedOn", "lastUsedFrom", "lastUsedBy"]
DATE = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,2}[1-9])?Z\Z")
TOKEN = re.compile(r"\A[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{4}A{10}PAT1LKEY[A-Za-z0-9]{4}\Z")
DAY = 86400


class Lifecycle(harness.ServerTest):
    def result(self, method, path, body=None, person=None):
        answer = self.server.must(200, method, path, body, person)
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))
        return answer.json()

    def error(self, method, path, body=None, person=None):
        """The error value; the result is of the form of L14."""
        result = self.result(method, path, body, person)
        self.assertEqual(list(result), ["patToken", "patTokenError", "patTokenErrorMessage"])
        self.assertIsNone(result["patToken"])
        self.assertTrue(result["patTokenErrorMessage"].endswith("."))
        return result["patTokenError"]

    def one(self, identifier, version="7.1-preview.1"):
        return self.server.pats(version=version) + "&authorizationId=" + identifier

    def regenerate_path(self, identifier, version="7.1-preview.1"):
        return self.server.pats(version=version).replace("pats?", f"pats/{identifier}/regenerate?")


class EveryVersion(Lifecycle):
    def test_a_life_in_each_version(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.a_life(version)

    def a_life(self, version):
        pats = self.server.pats(version=version)
        valid_to = harness.date_time(10 * DAY)
        answer = self.server.must(200, "POST", pats, {
            "displayName": "  first\t", "scope": "vso.work vso.code", "validTo": valid_to,
            "allOrgs": False})
        self.assertIn("api-version=" + version, answer.headers["content-type"])
        self.assertRegex(answer.headers["x-latchkey-revision"], r"\A[0-9a-f-]{36}\.[0-9]+\Z")
        self.assertEqual(list(answer.json()), ["patToken", "patTokenError"])
        made = answer.json()["patToken"]
        self.assertEqual(list(made), FIELDS)
        self.assertEqual(made["displayName"], "first")
        self.assertEqual(made["scope"], "vso.code vso.work", "the canonical text")
        self.assertEqual(made["targetAccounts"], [self.server.organization_id()])
        self.assertEqual(made["status"], "active")
        self.assertRegex(made["token"], TOKEN)
        self.assertRegex(made["validTo"], DATE)
        self.assertRegex(made["validFrom"], DATE)
        self.assertLess(abs(seconds(made["validFrom"]) - time.time()), 30)
        self.assertEqual(seconds(made["validTo"]), seconds(valid_to))

        identifier = made["authorizationId"]
        got = self.result("GET", self.one(identifier, version))["patToken"]
        self.assertEqual(list(got), LISTED)
        self.assertEqual({**got, "token": made["token"]}, {**made, "withheldScopes": [],
                                                           "lastUsedOn": None,
                                                           "lastUsedFrom": None,
                                                           "lastUsedBy": None})
        self.assertIsNone(got["token"], "the text is shown once")
        self.assertEqual(self.server.use(made["token"], headers={"User-Agent": "e2e"}).status, 200)
        got = self.result("GET", self.one(identifier, version))["patToken"]
        self.assertRegex(got["lastUsedOn"], DATE)
        self.assertEqual((got["lastUsedFrom"], got["lastUsedBy"]), ("127.0.0.1", "e2e"))

        changed = self.result("PUT", pats, {"authorizationId": identifier.upper(),
                                            "displayName": "second", "scope": "vso.project",
                                            "validTo": None})["patToken"]
        self.assertEqual(list(changed), FIELDS)
        self.assertEqual({**changed, "displayName": "first", "scope": made["scope"],
                          "token": made["token"]}, made)
        self.assertEqual(self.server.use(made["token"]).json()["scope"], "vso.project")

        again = self.result("POST", self.regenerate_path(identifier, version))["patToken"]
        self.assertEqual({**again, "token": None}, changed)
        self.assertNotEqual(again["token"][:52], made["token"][:52])
        self.assertEqual(self.server.use(made["token"]).status, 401)
        self.assertEqual(self.server.use(again["token"]).status, 200)

        gone = self.server.must(204, "DELETE", self.one(identifier, version))
        self.assertEqual(gone.body, b"")
        self.assertEqual(self.server.use(again["token"]).status, 401)
        self.server.must(204, "DELETE", self.one(identifier, version))  # no error, L43
        got = self.result("GET", self.one(identifier, version))["patToken"]
        self.assertEqual((got["status"], got["token"]), ("revoked", None))

    def test_paths_and_parameters_in_any_case(self):
        token = self.server.create_token(name="Case")
        for path in ["/FABRIKAM/_APIS/TOKENS/PATS", "/Fabrikam/_apis/Tokens/Pats",
                     "/fabrikam/_apis/tokens/pats/", "//fabrikam//_apis/tokens/pats"]:
            for query in ["?API-VERSION=7.1-preview.1&AUTHORIZATIONID=",
                          "?api-Version=7.1-PREVIEW.1&authorizationid="]:
                with self.subTest(path + query):
                    result = self.result("GET", path + query + token["authorizationId"])
                    self.assertEqual(result["patToken"]["displayName"], "Case")

    def test_the_version_in_accept(self):
        answer = self.server.request("POST", "/fabrikam/_apis/tokens/pats", {
            "Authorization": "Bearer " + self.server.session,
            "Accept": "application/json;api-version=7.2-preview.1"},
            {"displayName": "x", "scope": "vso.project", "allOrgs": True})
        self.assertEqual(answer.json()["patTokenError"], "globalPATCreationBlocked")


class Values(Lifecycle):
    """One test for each value of the table at L51 that can occur; the others are never seen."""

    def both(self, value, older, attempt):
        """`attempt(version)` gives the error value, in 7.2 and in what came before it."""
        for version in VERSIONS:
            with self.subTest(value, version=version):
                expected = value if version.startswith("7.2") else older
                self.assertEqual(attempt(version), expected)

    def test_names_scopes_dates(self):
        token = self.server.create_token()
        for error, fields in [
            ("displayNameRequired", {"displayName": " "}),
            ("invalidDisplayName", {"displayName": "x" * 257}),
            ("invalidScope", {"scope": "vso.unheard_of"}),
            ("invalidValidTo", {"validTo": harness.date_time(-1)}),
            ("invalidValidTo", {"validTo": harness.date_time(400 * DAY)}),
        ]:
            body = {"displayName": "x", "scope": "vso.project", **fields}
            self.both(error, error, lambda version, body=body: self.error(
                "POST", self.server.pats(version=version), body))
            body = {"authorizationId": token["authorizationId"], **fields}
            self.both(error, error, lambda version, body=body: self.error(
                "PUT", self.server.pats(version=version), body))

    def test_all_organizations(self):
        token = self.server.create_token()
        for fields in ({"allOrgs": True}, {"allOrgs": "True"}, {"allOrgs": 1}):
            body = {"displayName": "x", "scope": "vso.project", **fields}
            self.both("globalPATCreationBlocked", "globalPatPolicyViolation",
                      lambda version, body=body: self.error(
                          "POST", self.server.pats(version=version), body))
            body = {"authorizationId": token["authorizationId"], **fields}
            self.both("globalPATCreationBlocked", "globalPatPolicyViolation",
                      lambda version, body=body: self.error(
                          "PUT", self.server.pats(version=version), body))

    def test_a_token_that_is_not_the_callers(self):
        member = self.server.add_person("other@example.com")
        self.server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})
        theirs = self.server.create_token(person=member)["authorizationId"]
        elsewhere = self.server.create_token(organization="contoso")["authorizationId"]
        for identifier in (theirs, elsewhere, "4ab5bcd8-0000-4000-8000-000000000001"):
            value = "authorizationNotFound"
            self.both(value, value,
                      lambda v, i=identifier: self.error("GET", self.one(i, v)))
            self.both(value, value, lambda v, i=identifier: self.error(
                "PUT", self.server.pats(version=v), {"authorizationId": i, "displayName": "x"}))
            self.both(value, value,
                      lambda v, i=identifier: self.error("POST", self.regenerate_path(i, v)))
            answer = self.server.as_person("DELETE", self.one(identifier))
            self.assert_error(answer, 404, "TokenNotFoundException")
        self.assertEqual(self.result("GET", self.one(theirs), person=member)["patToken"]["status"],
                         "active")

    def test_ids(self):
        value = "invalidAuthorizationId"
        self.both(value, value, lambda v: self.error("GET", self.one("x", v)))
        self.both(value, value, lambda v: self.error("PUT", self.server.pats(version=v), {}))
        self.both(value, value, lambda v: self.error("POST", self.regenerate_path("x", v)))

    def test_revoked_and_expired(self):
        revoked = self.server.create_token()["authorizationId"]
        self.server.revoke_token(revoked)
        expired = self.server.create_token(validTo=harness.date_time(1))["authorizationId"]
        deadline = time.monotonic() + 20
        while self.result("GET", self.one(expired))["patToken"]["status"] != "expired":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        for identifier, value in ((revoked, "failedToUpdateAccessToken"),
                                  (expired, "expiredPatCannotBeExtended")):
            for body in ({"displayName": "x"}, {"validTo": harness.date_time(DAY)}, {}):
                body = {"authorizationId": identifier, **body}
                self.both(value, "failedToUpdateAccessToken", lambda v, body=body: self.error(
                    "PUT", self.server.pats(version=v), body))
            for body in (None, {"validTo": harness.date_time(DAY)}):
                self.both(value, "failedToUpdateAccessToken",
                          lambda v, i=identifier, body=body: self.error(
                              "POST", self.regenerate_path(i, v), body))
        self.server.must(204, "DELETE", self.one(expired))
        self.assertEqual(self.result("GET", self.one(expired))["patToken"]["status"], "revoked")


class Forms(Lifecycle):
    def create(self, **fields):
        return self.server.create_token(**fields)

    def test_lenient_booleans_and_unknown_fields(self):
        for value in (False, "false", "FALSE", 0, None):
            self.create(allOrgs=value)
        self.create(unheard="of", targetAccounts=["x"], allOrgs="false", patToken={"a": [1]})

    def test_names_are_kept_as_given(self):
        for name in ("x", "名前 🔑 ü", '"<script>\\', "' OR 1=1 --", "x" * 256,
                     "\U0001f511" * 256):
            token = self.create(name=name)
            self.assertEqual(token["displayName"], name)
            row = self.result("GET", self.one(token["authorizationId"]))["patToken"]
            self.assertEqual(row["displayName"], name)
        self.assertEqual(len({self.create(name="same")["authorizationId"] for _ in range(3)}), 3)

    def test_dates(self):
        year = time.gmtime(time.time() + 40 * DAY).tm_year
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * DAY))
        self.assertTrue(day.startswith(str(year)))
        for given, kept in [
            ("T12:00:00Z", "T12:00:00Z"), ("T12:00:00.000Z", "T12:00:00Z"),
            ("T12:00:00.5Z", "T12:00:00.5Z"), ("T12:00:00.120Z", "T12:00:00.12Z"),
            ("T12:00:00.1239999Z", "T12:00:00.123Z"), ("t12:00:00z", "T12:00:00Z"),
            ("T12:00:00+05:30", "T06:30:00Z"), ("T12:00:00-05:00", "T17:00:00Z"),
            ("T23:59:59.999Z", "T23:59:59.999Z"),
        ]:
            with self.subTest(given):
                self.assertEqual(self.create(validTo=day + given)["validTo"], day + kept)
        token = self.create()
        life = seconds(token["validTo"]) - seconds(token["validFrom"])
        self.assertEqual(round(life, 3), 30 * DAY)
        new = self.result("POST", self.regenerate_path(token["authorizationId"]),
                          {"validTo": day + "T12:00:00Z"})["patToken"]
        self.assertEqual(new["validTo"], day + "T12:00:00Z")
        self.assertEqual(new["validFrom"], token["validFrom"])

    def test_the_latest_is_the_end_of_the_day_in_a_year(self):
        now = time.gmtime()
        day = (now.tm_mon, 28 if (now.tm_mon, now.tm_mday) == (2, 29) else now.tm_mday)
        latest = f"{now.tm_year + 1}-{day[0]:02d}-{day[1]:02d}T23:59:59.999Z"
        self.assertEqual(self.create(validTo=latest)["validTo"], latest)
        body = {"displayName": "x", "scope": "vso.project",
                "validTo": latest.replace("59.999Z", "59.999-00:01")}
        self.assertEqual(self.error("POST", self.server.pats(), body), "invalidValidTo")


class Lists(Lifecycle):
    """250 tokens in all three states, in every order, by every filter, through pages."""

    COUNT = 250

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = random.Random(250)
        soon = time.time() + 15
        for number in range(cls.COUNT):
            # Names repeat, so that ties are told apart by id.
            names = ["build", "Build", "deploy", "ärger", "zz", f"n{number}"]
            fields = {"name": rng.choice(names)}
            if number % 5 == 4:
                fields["validTo"] = harness.date_time(soon - time.time())
            elif number % 3:
                fields["validTo"] = harness.date_time(rng.randrange(1, 300) * DAY)
            token = cls.server.create_token(**fields)
            if number % 5 == 3:
                cls.server.revoke_token(token["authorizationId"])
            if number % 7 == 0:
                cls.server.use(token["token"])
        time.sleep(max(0.0, soon - time.time()) + 0.1)
        cls.server.create_token(name="theirs", person=cls.server.add_person("other@example.com"))
        # By id alone the set is known; the order is what the tests are about.
        cls.all = {row["authorizationId"]: row for row in cls.server.list_tokens()}

    def pages(self, query, top):
        """The rows, page by page; no page is larger than asked."""
        rows, after, pages = [], "", 0
        while True:
            page = self.result("GET", f"{self.server.pats()}{query}&$top={top}&continuationToken="
                               + urllib.parse.quote(after))
            self.assertEqual(list(page), ["continuationToken", "patTokens"])
            self.assertLessEqual(len(page["patTokens"]), top)
            rows += page["patTokens"]
            pages += 1
            after = page["continuationToken"]
            if not after:
                return rows, pages
            self.assertEqual(len(page["patTokens"]), top, "only the last page is short")

    def wanted(self, name):
        return {identifier for identifier, row in self.all.items()
                if name in ("all", row["status"])}

    def test_all_are_there(self):
        self.assertEqual(len(self.all), self.COUNT)
        self.assertEqual({name: len(self.wanted(name)) for name in ("expired", "revoked")},
                         {"expired": 50, "revoked": 50})
        for row in self.all.values():
            self.assertEqual(list(row), LISTED)
            self.assertIsNone(row["token"])

    def test_every_filter_sort_and_direction(self):
        keys = {"displayDate": "validTo", "expiresOn": "validTo", "createdOn": "validFrom",
                "": "validFrom"}
        for name, sort, ascending in itertools.product(
                ("active", "revoked", "expired", "all"),
                ("displayName", "displayDate", "status", "expiresOn", "lastUsedOn", "createdOn",
                 ""), (True, False)):
            with self.subTest(name, sort=sort, ascending=ascending):
                query = f"&displayFilterOption={name}&isSortAscending={ascending}"
                query += f"&sortByOption={sort}" if sort else ""
                rows, _ = self.pages(query, 37)
                found = [row["authorizationId"] for row in rows]
                self.assertEqual(len(found), len(set(found)), "a token stands on two pages")
                self.assertEqual(set(found), self.wanted(name))
                if sort in keys:
                    values = [seconds(row[keys[sort]]) for row in rows]
                    self.assertEqual(values, sorted(values, reverse=not ascending))
                elif sort == "displayName":
                    values = [fold(row["displayName"]) for row in rows]
                    self.assertEqual(values, sorted(values, reverse=not ascending))
                elif sort == "status":
                    values = [status for status, _ in itertools.groupby(
                        row["status"] for row in rows)]
                    self.assertEqual(len(values), len(set(values)), "one run of each status")
                elif sort == "lastUsedOn":
                    values = [row["lastUsedOn"] and seconds(row["lastUsedOn"]) or 0 for row in rows]
                    self.assertEqual(values, sorted(values, reverse=not ascending))
                    if name in ("active", "all"):
                        self.assertGreater(sum(value > 0 for value in values), 20)

    def test_the_other_direction_is_the_reverse(self):
        for sort in ("displayName", "displayDate", "status", "createdOn"):
            up, _ = self.pages(f"&displayFilterOption=all&sortByOption={sort}"
                               "&isSortAscending=true", 100)
            down, _ = self.pages(f"&displayFilterOption=all&sortByOption={sort}", 100)
            self.assertEqual([row["authorizationId"] for row in up],
                             [row["authorizationId"] for row in reversed(down)], sort)

    def test_pages_of_every_size_are_the_same_list(self):
        lists = {top: self.pages("&displayFilterOption=all&sortByOption=displayName", top)
                 for top in (1, 7, 99, 100)}
        first = [row["authorizationId"] for row in lists[100][0]]
        for top, (rows, pages) in lists.items():
            self.assertEqual([row["authorizationId"] for row in rows], first, top)
            self.assertEqual(pages, -(-self.COUNT // top), top)

    def test_what_is_absent(self):
        page = self.result("GET", self.server.pats())
        self.assertEqual(len(page["patTokens"]), 100)
        self.assertEqual({row["status"] for row in page["patTokens"]}, {"active"})
        values = [seconds(row["validFrom"]) for row in page["patTokens"]]
        self.assertEqual(values, sorted(values, reverse=True))
        names = self.result("GET", self.server.pats() + "&DISPLAYFILTEROPTION=ALL&$TOP=100"
                            "&sortbyoption=DISPLAYNAME&ISSORTASCENDING=TRUE")
        self.assertEqual(len(names["patTokens"]), 100)

    def test_search(self):
        for text in ("build", "BUILD", "n1", "är", "zz", "%", "_", "nothing"):
            with self.subTest(text):
                rows, _ = self.pages("&displayFilterOption=all&search="
                                     + urllib.parse.quote(text), 20)
                self.assertEqual({row["authorizationId"] for row in rows},
                                 {identifier for identifier, row in self.all.items()
                                  if fold(text) in fold(row["displayName"])})

    def test_what_is_made_meanwhile_moves_nothing(self):
        """L62: pages repeat and leave out no token that did not change."""
        before = self.wanted("all")
        seen, after = [], ""
        while True:
            page = self.result("GET", self.server.pats() + "&displayFilterOption=all&$top=40"
                               "&sortByOption=displayName&isSortAscending=true&continuationToken="
                               + after)
            seen += [row["authorizationId"] for row in page["patTokens"]]
            after = page["continuationToken"]
            if not after:
                break
            for name in ("aaa", "build", "zzz"):
                extra = self.server.create_token(name=name)["authorizationId"]
                self.addCleanup(self.all.__setitem__, extra,
                                self.result("GET", self.one(extra))["patToken"])
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(before - set(seen), set())


def fold(text):
    """Without ASCII case; other letters stand for themselves. Sorted as bytes of UTF-8."""
    return "".join(c.lower() if c.isascii() else c for c in text).encode()


def seconds(text):
    """Unix time of a date-time in UTC, to the millisecond."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    moment = time.strptime(whole + " UTC", "%Y-%m-%dT%H:%M:%S %Z")
    return calendar.timegm(moment) + int((fraction or "0").ljust(3, "0")[:3]) / 1000


class WithheldScopes(harness.ServerTest):
    """What a role takes from a token, as the list tells it (L13)."""

    def test_they_follow_the_role(self):
        person = self.server.add_person("withheld@example.com", "reader")
        made = self.server.create_token(scope="vso.project_manage vso.wiki", person=person)
        member = f"/_latchkey/organizations/{self.server.organization}/members/{person.id}"

        def withheld():
            tokens = self.server.list_tokens(person=person)
            self.assertEqual([each["authorizationId"] for each in tokens],
                             [made["authorizationId"]])
            return tokens[0]["withheldScopes"]

        self.assertEqual(withheld(), ["vso.project_manage"])
        self.server.must(200, "PATCH", member, {"role": "administrator"})
        self.assertEqual(withheld(), [])


if __name__ == "__main__":
    unittest.main()
