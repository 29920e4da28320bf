#!/usr/bin/env python3
"""Who may call what: every kind of credential in every state, and every route of the document."""

import collections
import datetime
import json
import time
import unittest
from pathlib import Path

import harness

DOCUMENT = Path(__file__).resolve().parents[2] / "spec" / "openapi.json"
NOBODY = "00000000-0000-4000-8000-000000000000"
SELF = "/fabrikam/_apis/tokens/self"
METHODS = ("get", "post", "put", "patch", "delete", "options")
PER_REQUEST = ("activityid", "x-vss-e2eid", "date")
UNAUTHORIZED = "UnauthorizedRequestException"
ACCESS_CHECK = "AccessCheckException"
WRONG_KIND = "InvalidAccessException"
MALFORMED = "VssRequestMalformedException"
NO_USE = "vso.wiki"  # a scope that opens nothing here

# An operation of the document: what its `security` says, and an address that changes nothing.
Operation = collections.namedtuple("Operation", "method path alternatives by_session is_open")


def comparable(answer):
    """What of an answer does not tell one request from another."""
    return answer.status, answer.body, [(name, value) for name, value in answer.pairs
                                        if name.lower() not in PER_REQUEST]


class Matrix(harness.ServerTest):
    def create(self, **fields):
        return self.server.create_token(**fields)

    def assert_good(self, token, path=SELF):
        answer = self.server.use(token["token"], path=path)
        self.assertEqual(answer.status, 200, answer)

    def assert_refused(self, token, type_key, *words, path=SELF):
        """By its exact secret, over Basic and Bearer alike, on a route that needs no scope."""
        answers = [self.server.use(token["token"], path=path), self.server.request(
            "GET", path, {"Authorization": "Bearer " + token["token"]})]
        self.assert_error(answers[0], 401, type_key, *words)
        self.assertEqual(comparable(answers[0]), comparable(answers[1]))
        self.assertEqual(len(answers[0].values("WWW-Authenticate")), 2)
        self.assertIn('error="invalid_token"', answers[0].values("WWW-Authenticate")[1])
        self.assertIsNotNone(answers[0].headers.get("x-tfs-serviceerror"))


class Tokens(Matrix):
    def test_no_credential(self):
        answer = self.server.request("GET", SELF)
        self.assert_error(answer, 401, UNAUTHORIZED, "TF400813", "personal access token")
        url = self.server.url
        self.assertEqual(answer.values("WWW-Authenticate"),
                         [f'Basic realm="{url}/", charset="UTF-8"', f'Bearer realm="{url}/"'])
        self.assertNotIn("location", answer.headers)
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))

    def test_unknown_and_malformed_look_alike(self):
        other = harness.Server()
        try:
            other.start().set_up()
            unknown = other.create_token()["token"]  # well-formed, of another installation
        finally:
            other.close()
        good = self.create()["token"]
        texts = {"unknown": unknown, "one character off": "x" + good[1:] if good[0] != "x" else
                 "y" + good[1:], "short": good[:-1], "long": good + "A", "lower": good.lower(),
                 "words": "password", "checksum": good[:-1] + ("A" if good[-1] != "A" else "B")}
        for path in (SELF, "/fabrikam/_apis/projects", "/openapi.json", "/fabrikam/_apis/nothing",
                     "/nowhere/_apis/tokens/self", "/fabrikam/_apis/tokens/pats", "/nothing"):
            first = comparable(self.server.use(unknown, path=path))
            self.assertEqual(first[0], 401)
            for name, text in texts.items():
                with self.subTest(name, path=path):
                    self.assertEqual(comparable(self.server.use(text, path=path)), first)
                    bearer = self.server.request("GET", path, {"Authorization": "Bearer " + text})
                    self.assertEqual(comparable(bearer), first)

    def test_ways_to_send_a_token(self):
        token = self.create()["token"]
        for authorization in [
                harness.basic(token), harness.basic(token, "anybody"),
                harness.basic(token, "owner@example.com"), harness.basic(token, "ü"),
                harness.basic("", token),  # git's habit: https://TOKEN@host
                "Bearer " + token, "bearer " + token, "BASIC " + harness.basic(token)[6:],
                "Bearer   " + token]:
            with self.subTest(authorization):
                answer = self.server.request("GET", SELF, {"Authorization": authorization})
                self.assertEqual(answer.status, 200, answer)
        answer = self.server.request("GET", SELF, {"Authorization": harness.basic("x", token)})
        self.assertEqual(answer.status, 401, "a password that is there is the credential")

    def test_revoked_and_regenerated(self):
        token = self.create()
        path = f"/fabrikam/_apis/tokens/pats/{token['authorizationId']}/regenerate"
        new = self.server.must(200, "POST", path + "?api-version=7.1-preview.1").json()["patToken"]
        self.assertNotEqual(new["token"], token["token"])
        self.assert_refused(token, ACCESS_CHECK, "revoked or regenerated")
        self.assert_good(new)
        self.server.revoke_token(new["authorizationId"])
        self.assert_refused(new, ACCESS_CHECK, "revoked")

    def test_expires_without_anybody_doing_anything(self):
        token = self.create(validTo=harness.date_time(2))
        answer = self.server.use(token["token"])
        self.assertEqual(answer.headers["x-latchkey-token-expires"], token["validTo"])
        deadline = time.monotonic() + 20
        while self.server.use(token["token"]).status == 200:
            self.assertLess(time.monotonic(), deadline, "it never expired")
            time.sleep(0.05)
        # The server's text leaves out zeros at the end, so the instants are compared.
        end = datetime.datetime.fromisoformat(token["validTo"].replace("Z", "+00:00"))
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc), end)
        self.assert_refused(token, ACCESS_CHECK, "expired")

    def test_the_end_is_told_within_14_days(self):
        day = 86400
        for days, is_told in [(1, True), (13.9, True), (14.1, False), (30, False)]:
            token = self.create(validTo=harness.date_time(days * day))
            for path in (SELF, "/fabrikam/_apis/projects", "/fabrikam/_apis/projects/nothing"):
                with self.subTest(days, path=path):
                    told = self.server.use(token["token"], path=path)
                    self.assertEqual(told.headers.get("x-latchkey-token-expires"),
                                     token["validTo"] if is_told else None)

    def test_refused_on_the_very_next_request(self):
        for number in range(200):
            token = self.create(name=f"round {number}")
            self.assertEqual(self.server.use(token["token"]).status, 200, f"round {number}")
            self.server.revoke_token(token["authorizationId"])
            answer = self.server.use(token["token"])
            self.assertEqual(answer.status, 401, f"round {number}: {answer}")

    def test_self(self):
        token = self.create(name="tells", scope="vso.project_write vso.code")
        about = self.server.use(token["token"]).json()
        self.assertEqual((about["authorizationId"], about["displayName"]),
                         (token["authorizationId"], "tells"))
        self.assertEqual(about["scopes"], ["vso.code", "vso.project_write"])
        self.assertIn("vso.project", about["effectiveScope"].split(" "))
        self.assertIn("vso.hooks", about["effectiveScope"].split(" "))
        self.assertEqual(about["owner"]["email"], self.server.email)
        self.assertEqual(about["organization"]["name"], "fabrikam")
        self.assertNotIn("token", about)


class OwnersAndOrganizations(Matrix):
    def organization(self, name):
        self.server.must(201, "POST", "/_latchkey/organizations", {"name": name})
        return f"/{name}/_apis/tokens/self"

    def test_a_disabled_owner(self):
        member = self.server.add_person("disabled@example.com")
        token = self.create(person=member)
        path = "/_latchkey/people/" + member.id
        self.assert_good(token)
        self.server.must(200, "PATCH", path, {"state": "disabled"})
        self.assert_refused(token, ACCESS_CHECK, "owner", "no access")
        self.assertEqual(self.server.as_person("GET", "/_latchkey/me",
                                               session=member.session).status, 401)
        self.server.must(200, "PATCH", path, {"state": "active"})
        self.assert_good(token)

    def test_an_ended_membership(self):
        member = self.server.add_person("leaves@example.com")
        token = self.create(person=member)
        self.server.must(204, "DELETE",
                         "/_latchkey/organizations/fabrikam/members/" + member.id)
        self.assert_refused(token, ACCESS_CHECK, "owner", "no access")
        answer = self.server.as_person("GET", self.server.pats(), session=member.session)
        self.assert_error(answer, 404, "OrganizationNotFoundException")

    def test_an_organization_deleted_and_recovered(self):
        path = self.organization("contoso")
        token = self.create(organization="contoso")
        self.assert_good(token, path)
        identifier = self.server.must(200, "GET", "/_latchkey/organizations/contoso").json()["id"]
        self.server.must(204, "DELETE", "/_latchkey/organizations/contoso")
        self.assertEqual(self.server.use(token["token"], path=path).status, 401)
        self.assertEqual(self.server.use(token["token"], path=SELF).status, 401)
        self.server.must(200, "POST", f"/_latchkey/organizations/{identifier}/recover")
        self.assert_good(token, path)

    def test_an_organization_renamed(self):
        path = self.organization("before")
        token = self.create(organization="before")
        self.server.must(200, "PATCH", "/_latchkey/organizations/before", {"name": "after"})
        self.assert_good(token, "/after/_apis/tokens/self")
        self.assert_good(token, "/AFTER/_apis/tokens/self")
        self.assert_refused(token, UNAUTHORIZED, "not valid in this organization", path=path)

    def test_another_organization(self):
        path = self.organization("northwind")
        token = self.create(scope="app_token")
        self.assert_refused(token, UNAUTHORIZED, "not valid in this organization", path=path)
        theirs = self.server.use(token["token"], path=path)
        unknown = self.server.use(token["token"], path="/nowhere/_apis/tokens/self")
        self.assertEqual(comparable(unknown), comparable(theirs),
                         "nobody learns which organizations exist")

    def test_the_role_is_put_over_the_scopes(self):
        reader = self.server.add_person("reader@example.com", "reader")
        token = self.create(person=reader, scope="vso.project_manage")
        create = {"name": "Tailspin", "capabilities": {
            "versioncontrol": {"sourceControlType": "Git"},
            "processTemplate": {"templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"}}}
        path = "/fabrikam/_apis/projects?api-version=7.1"

        def attempt():
            return self.server.request(
                "POST", path, {"Authorization": harness.basic(token["token"])}, create)
        self.assertEqual(self.server.use(token["token"], path=path).status, 200)
        refused = attempt()
        self.assert_error(refused, 403, ACCESS_CHECK, "vso.project_manage", "role")
        self.assertIn('error="insufficient_scope", scope="vso.project_manage"',
                      refused.headers["www-authenticate"])
        member = f"/_latchkey/organizations/fabrikam/members/{reader.id}"
        self.server.must(200, "PATCH", member, {"role": "administrator"})
        self.assertEqual(attempt().status, 202)
        self.server.must(200, "PATCH", member, {"role": "reader"})
        self.assertEqual(attempt().status, 403)

    def test_public_projects_are_read_by_anybody_private_ones_not(self):
        for name, visibility in [("Open", "public"), ("Closed", "private")]:
            self.server.must(202, "POST", "/fabrikam/_apis/projects?api-version=7.1", {
                "name": name, "visibility": visibility, "capabilities": {
                    "versioncontrol": {"sourceControlType": "Git"},
                    "processTemplate": {"templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"}}})
        answer = self.server.request("GET", "/fabrikam/_apis/projects/Open")
        self.assertEqual((answer.status, answer.json()["name"]), (200, "Open"))
        closed = self.server.request("GET", "/fabrikam/_apis/projects/Closed")
        self.assert_error(closed, 401, UNAUTHORIZED)
        missing = self.server.request("GET", "/fabrikam/_apis/projects/Nothing")
        self.assertEqual(comparable(closed), comparable(missing))
        names = [each["name"] for each in
                 self.server.request("GET", "/fabrikam/_apis/projects").json()["value"]]
        self.assertEqual(names, ["Open"])
        bad = self.server.use("nonsense", path="/fabrikam/_apis/projects/Open")
        self.assertEqual(bad.status, 401, "a bad credential is refused on public routes too")


class LifecycleTakesNoToken(Matrix):
    def test_refused_over_basic_and_bearer_whatever_the_scopes(self):
        token = self.create(scope="app_token")
        identifier = token["authorizationId"]
        pats = self.server.pats()
        one = f"{pats}&authorizationId={identifier}"
        before = self.state()
        for method, path, body in [
            ("GET", pats, None), ("GET", one, None), ("DELETE", one, None),
            ("POST", pats, {"displayName": "more", "scope": "vso.project"}),
            ("PUT", pats, {"authorizationId": identifier, "displayName": "more"}),
            ("POST", pats.replace("pats?", f"pats/{identifier}/regenerate?"), None),
        ]:
            for authorization in (harness.basic(token["token"]), "Bearer " + token["token"],
                                  harness.basic("", token["token"])):
                with self.subTest(method, path=path):
                    answer = self.server.request(method, path, {"Authorization": authorization},
                                                 body)
                    self.assert_error(answer, 401, WRONG_KIND)
                    self.assertNotIn("location", answer.headers)
        self.assertEqual(self.state(), before)


class Sessions(Matrix):
    def cookie(self, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"Cookie": f"a=b; __Host-latchkey-session={self.server.session}; c=d", **named}

    def test_bearer(self):
        self.assertEqual(self.server.as_person("GET", "/_latchkey/me").status, 200)
        self.create()

    def test_cookie_with_and_without_the_header_against_forgery(self):
        body = {"displayName": "by cookie", "scope": "vso.project"}
        pats = self.server.pats()
        self.assertEqual(self.server.request("GET", pats, self.cookie()).status, 200)
        before = self.state()
        for method in ("POST", "PUT", "DELETE"):
            answer = self.server.request(method, pats, self.cookie(), body)
            self.assert_error(answer, 403, "AntiForgeryException", "X-Latchkey-Request")
        self.assertEqual(self.state(), before)
        answer = self.server.request("POST", pats, self.cookie(X_Latchkey_Request="1"), body)
        self.assertEqual(answer.json()["patTokenError"], "none", answer)

    def test_the_cookie_is_ignored_beside_authorization(self):
        good = self.create(scope="app_token")["token"]
        for authorization, type_key in [("Bearer nonsense", UNAUTHORIZED),
                                        (harness.basic("nonsense"), UNAUTHORIZED),
                                        ("Digest x", UNAUTHORIZED),
                                        (harness.basic(good), WRONG_KIND),
                                        ("Bearer lks_" + "A" * 43, UNAUTHORIZED)]:
            with self.subTest(authorization):
                answer = self.server.request(
                    "GET", self.server.pats(),
                    self.cookie(Authorization=authorization, X_Latchkey_Request="1"))
                self.assert_error(answer, 401, type_key)

    def test_no_password_box_opens_on_the_page(self):
        answer = self.server.request("GET", "/_latchkey/me", {"X-Latchkey-Request": "1"})
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.values("WWW-Authenticate"), [])

    def test_an_ended_session(self):
        person = self.server.sign_in(self.server.email, self.server.password)
        self.server.must(204, "DELETE", "/_latchkey/sessions/current", None, person)
        answer = self.server.as_person("GET", "/_latchkey/me", session=person.session)
        self.assert_error(answer, 401, UNAUTHORIZED)
        answer = self.server.request("GET", "/_latchkey/me", {
            "Cookie": "__Host-latchkey-session=" + person.session})
        self.assert_error(answer, 401, UNAUTHORIZED)


class Methods(Matrix):
    def test_head_is_guarded_as_get_and_has_no_body(self):
        path = "/fabrikam/_apis/projects"
        token, without = self.create()["token"], self.create(scope=NO_USE)["token"]
        for one in (path, SELF, self.server.pats(), "/_latchkey/me"):
            for authorization in ("", harness.basic(token), harness.basic(without),
                                  "Bearer " + self.server.session, "Bearer nonsense"):
                headers = {"Authorization": authorization} if authorization else {}
                get = self.server.request("GET", one, headers)
                head = self.server.request("HEAD", one, headers)
                self.assertEqual((head.status, head.body), (get.status, b""), one)
                self.assertEqual(comparable(head)[2], comparable(get)[2], one)
        self.assertEqual(self.server.use(token, "HEAD", path).status, 200)
        self.assertEqual(self.server.use(without, "HEAD", path).status, 403)
        self.assertEqual(self.server.use(token, "HEAD", self.server.pats()).status, 401)

    def test_method_override_is_not_obeyed(self):
        token = self.create(name="stays")
        one = self.server.pats() + "&authorizationId=" + token["authorizationId"]
        before = self.state()
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            answer = self.server.request("GET", one, {
                "Authorization": "Bearer " + self.server.session, header: "DELETE"})
            self.assertEqual(answer.json()["patTokenError"], "none")
            answer = self.server.request("POST", self.server.pats(), {
                "Authorization": "Bearer " + self.server.session, header: "GET"}, {})
            self.assertEqual(answer.json()["patTokenError"], "displayNameRequired")
        self.assertEqual(self.state(), before)
        self.assert_good(token)

    def test_a_method_that_a_route_lacks(self):
        for method in ("PATCH", "TRACE", "PROPFIND"):
            answer = self.server.as_person(method, self.server.pats())
            self.assert_error(answer, 405, "VssMethodNotAllowedException")
            for known in ("GET", "POST", "PUT", "DELETE"):
                self.assertIn(known, answer.headers["allow"])


class Document(Matrix):
    """Each operation's `security` is what its route does. Nothing here names a route."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens = {}
        cls.operations = []
        cls.document = cls.server.request("GET", "/openapi.json").json()
        for template, item in cls.document["paths"].items():
            for method in METHODS:
                if method in item:
                    cls.operations.append((method.upper(), template, item[method]))

    def token(self, scope):
        if scope not in self.tokens:
            self.tokens[scope] = self.create(scope=scope)["token"]
        return self.tokens[scope]

    def path(self, template):
        """Nothing that exists but the organization, so that a good call changes nothing."""
        is_ours = template.startswith("/_latchkey/")
        path = template.replace("{organization}", "nowhere" if is_ours else "fabrikam")
        while "{" in path:
            path = path[:path.index("{")] + NOBODY + path[path.index("}") + 1:]
        return path + ("" if is_ours else "?api-version=7.1-preview.1")

    def assert_passes(self, answer, operation):
        """The guard lets it through; what is not there, or lacks a body, is refused behind it."""
        self.assertNotIn(answer.status, (401, 403, 405), answer)
        self.assertLess(answer.status, 500, answer)
        if NOBODY not in operation.path:
            self.assertNotIn(b"ControllerNotFoundException", answer.body)

    def each(self, check):
        """Calls check(operation) for each, so that all failures are told."""
        for method, template, operation in self.operations:
            security = operation["security"]
            with self.subTest(f"{method} {template}"):
                check(Operation(
                    method, self.path(template),
                    [each["personalAccessToken"] for each in security
                     if "personalAccessToken" in each],
                    any("session" in each for each in security), {} in security))

    def test_the_document_is_whole(self):
        self.assertGreater(len(self.operations), 60)
        for method, template, operation in self.operations:
            self.assertIn("security", operation, f"{method} {template}")
        self.assertEqual(self.document, json.loads(DOCUMENT.read_text("utf-8")))

    def test_without_a_credential(self):
        def check(operation):
            answer = self.server.request(operation.method, operation.path)
            if not operation.is_open:
                self.assert_error(answer, 401, UNAUTHORIZED)
                self.assertEqual(len(answer.values("WWW-Authenticate")), 2)
            elif not operation.alternatives and not operation.by_session:
                self.assert_passes(answer, operation)
            else:  # open to anybody for what is public, and nothing is
                self.assertIn(answer.status, (200, 401), answer)
        self.each(check)

    def test_with_a_token_that_has_no_scope_for_it(self):
        def check(operation):
            answer = self.server.use(self.token(NO_USE), operation.method, operation.path)
            names = " ".join(name for each in operation.alternatives for name in each)
            if not operation.alternatives and not operation.is_open:
                self.assert_error(answer, 401, WRONG_KIND)
            elif not names:
                self.assert_passes(answer, operation)
            else:
                self.assert_error(answer, 403, ACCESS_CHECK, *names.split(" "))
                self.assertIn(f'error="insufficient_scope", scope="{names}"',
                              answer.headers["www-authenticate"])
        self.each(check)

    def test_with_each_scope_that_opens_it_and_with_full_access(self):
        def check(operation):
            for scopes in operation.alternatives:
                token = self.token(" ".join(scopes) or NO_USE)
                answer = self.server.use(token, operation.method, operation.path)
                self.assert_passes(answer, operation)
            full = self.server.use(self.token("app_token"), operation.method, operation.path)
            if operation.alternatives or operation.is_open:
                self.assert_passes(full, operation)
            else:
                self.assert_error(full, 401, WRONG_KIND)
        self.each(check)

    def test_with_a_session(self):
        def check(operation):
            answer = self.server.as_person(operation.method, operation.path)
            if operation.by_session or operation.is_open:
                self.assert_passes(answer, operation)
            else:
                self.assert_error(answer, 401, WRONG_KIND, "not a session")
        self.each(check)

    def test_with_a_token_in_the_address(self):
        """RFC 6750 section 2.3 is refused, beside a good header too: addresses end in logs."""
        full, session = self.token("app_token"), "Bearer " + self.server.session

        def check(operation):
            mark = "&" if "?" in operation.path else "?"
            for headers in ({}, {"Authorization": harness.basic(full)}, {"Authorization": session}):
                answer = self.server.request(
                    operation.method, f"{operation.path}{mark}access_token={full}", headers)
                self.assert_error(answer, 400, MALFORMED, "never into the query")
                self.assertNotIn(full, answer.text)
        self.each(check)
        self.assertNotIn(full[:52], self.server.log_text())

    def test_with_two_credentials(self):
        """RFC 6750 section 2: one way of sending a token in a request."""
        full = self.token("app_token")

        def check(operation):
            for second in ("Bearer " + self.server.session, harness.basic(full), "Basic x"):
                head = (f"{operation.method} {operation.path} HTTP/1.1\r\nHost: x\r\n"
                        f"Authorization: Bearer {full}\r\nAuthorization: {second}\r\n"
                        "Content-Length: 0\r\nConnection: close\r\n\r\n")
                answer = self.server.raw(head.encode())
                self.assert_error(answer, 400, MALFORMED, "one Authorization header")
        self.each(check)

    def test_with_a_credential_that_is_no_good(self):
        def check(operation):
            answer = self.server.use("nonsense", operation.method, operation.path)
            self.assert_error(answer, 401, UNAUTHORIZED)
        self.each(check)


if __name__ == "__main__":
    unittest.main()
