#!/usr/bin/env python3
"""Introspection, revocation by the holder, batch check, metadata: docs/spec/oauth.md."""

import json
import random
import time
import unittest
import urllib.parse
import uuid

import forged_tokens
import harness

FORM = "application/x-www-form-urlencoded"
INTROSPECT = "/_latchkey/introspect"
CHECK = "/_latchkey/check"
REVOKE = "/_latchkey/revoke"
INACTIVE = b'{"active":false}'


def form(**fields):
    return urllib.parse.urlencode(fields)


class OAuthTest(harness.ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.add_client("shop-api", "--may", "introspect")
        cls.server.must(201, "POST", "/_latchkey/organizations", {"name": "contoso"})

    @classmethod
    def add_client(cls, name, *options):
        """The secret of a new client."""
        return cls.server.cli("client", "add", name, *options, "--data", cls.server.data).strip()

    def ask(self, token, client=None, **fields):
        return self.post_form(INTROSPECT, form(token=token, **fields),
                              harness.basic(client or self.client, "shop-api"))

    def post_form(self, path, body, credential=None, content_type=FORM):
        headers = {"Content-Type": content_type}
        if credential:
            headers["Authorization"] = credential
        return self.server.request("POST", path, headers, body)

    def batch(self, tokens, client=None, **fields):
        return self.server.request(
            "POST", CHECK, {"Authorization": harness.basic(client or self.client)},
            {"tokens": tokens, **fields})

    def revoke(self, text, **fields):
        return self.post_form(REVOKE, form(token=text, **fields))


class Introspection(OAuthTest):
    def test_an_active_token_is_told_with_what_it_may_do(self):
        token = self.server.create_token(scope="vso.code_write", name="not told")
        answer = self.ask(token["token"])
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("no-store", answer.headers["cache-control"])
        told = answer.json()
        self.assertTrue(told["active"])
        self.assertEqual(told["scope"].split(" "),
                         ["vso.code", "vso.code_write", "vso.hooks", "vso.hooks_write",
                          "vso.profile"])
        self.assertEqual(told["jti"], token["authorizationId"])
        self.assertEqual(told["client_id"], token["authorizationId"])
        self.assertEqual(told["token_type"], "Bearer")
        self.assertEqual(told["username"], harness.EMAIL)
        self.assertEqual(told["iss"], self.server.url)
        self.assertEqual(told["aud"], self.server.url + "/fabrikam")
        self.assertEqual(told["organization"], "fabrikam")
        self.assertEqual(told["organization_id"], self.server.organization_id())
        self.assertAlmostEqual(told["iat"], time.time(), delta=30)
        self.assertAlmostEqual(told["exp"], time.time() + 30 * 86400, delta=30)
        self.assertNotIn("not told", answer.text)
        self.assertNotIn(token["token"], answer.text)
        used = [row for row in self.server.list_tokens()
                if row["authorizationId"] == token["authorizationId"]][0]
        self.assertEqual(used["lastUsedBy"], "introspection by shop-api")

    # Security check 8.
    def test_it_demands_a_client(self):
        token = self.server.make_token()
        body = form(token=token)
        reporter = self.add_client("other", "--may", "report")
        for credential, status in ((None, 401), (harness.basic("lkc_" + "A" * 43), 401),
                                   (harness.basic(token), 401),
                                   ("Bearer " + self.server.session, 401),
                                   (harness.basic(reporter), 403)):
            for path in (INTROSPECT, CHECK):
                answer = self.post_form(path, body, credential)
                self.assertEqual(answer.status, status, (path, credential, answer))
                self.assertNotIn(b"active", answer.body)

    def inactive_texts(self):
        """Texts of each kind that is not active, by what is wrong with them."""
        live = self.server.make_token()
        revoked = self.server.create_token()
        self.server.revoke_token(revoked["authorizationId"])
        replaced = self.server.create_token()
        self.server.cli("token", "regenerate", replaced["authorizationId"])
        expired = self.server.create_token(validTo=harness.date_time(1.5))
        gone = self.server.add_person("gone@example.com")
        orphan = self.server.create_token(person=gone)
        self.server.must(204, "DELETE", f"/_latchkey/organizations/fabrikam/members/{gone.id}")
        time.sleep(1.6)
        never_issued = forged_tokens.forge(random.Random(7), live)
        return {"malformed": "x", "altered": live[:-1] + ("A" if live[-1] != "A" else "B"),
                "never issued": never_issued,
                "revoked": revoked["token"], "replaced": replaced["token"],
                "expired": expired["token"], "owner": orphan["token"],
                "session": self.server.session, "id": revoked["authorizationId"],
                "client": self.client}

    # Security check 8.
    def test_whatever_is_not_active_is_told_alike(self):
        texts = self.inactive_texts()
        for what, text in texts.items():
            answer = self.ask(text)
            self.assertEqual((answer.status, answer.body), (200, INACTIVE), what)
        results = self.batch([{"token": text} for text in texts.values()]).json()["results"]
        self.assertEqual(results, [{"active": False}] * len(texts))

    # Security check 8.
    def test_a_foreign_token_is_inactive(self):
        here = self.server.create_token()["token"]
        there = self.server.create_token(organization="contoso")["token"]
        bound = self.add_client("bound", "--may", "introspect", "--organization", "contoso")
        self.assertTrue(self.ask(there, bound).json()["active"])
        self.assertEqual(self.ask(here, bound).body, INACTIVE)
        self.assertEqual(self.batch([{"token": here}], bound).json()["results"],
                         [{"active": False}])
        self.assertTrue(self.ask(here, organization="Fabrikam").json()["active"])
        for organization in ("contoso", "nowhere", "."):
            self.assertEqual(self.ask(here, organization=organization).body, INACTIVE)

    def test_scopes_that_are_asked_for(self):
        token = self.server.make_token("vso.code_write")
        self.assertNotIn("scope_sufficient", self.ask(token).json())
        for scope, enough in (("vso.code", True), ("vso.code vso.code_write", True),
                              ("vso.code vso.work", False), ("app_token", False)):
            told = self.ask(token, required_scope=scope).json()
            self.assertEqual((told["active"], told["scope_sufficient"]), (True, enough), scope)
        for scope in ("vso.nothing", "vso.code  vso.work", " "):
            refused = self.ask(token, required_scope=scope)
            self.assertEqual(refused.status, 400, scope)
            self.assertEqual(refused.json()["field"], "required_scope")

    def test_a_bad_form_is_refused_with_its_field(self):
        credential = harness.basic(self.client)
        for body, content_type, field in (
                ("token=a&token=b", FORM, "token"), ("", FORM, "token"),
                ("token=a&min_revision=7", FORM, "min_revision"),
                ("token=" + "a" * 1025, FORM, "token"),
                ('{"token":"a"}', "application/json", "Content-Type")):
            answer = self.post_form(INTROSPECT, body, credential, content_type)
            self.assertEqual((answer.status, answer.json().get("field")), (400, field), body[:40])
        self.assertEqual(self.post_form(INTROSPECT, "token=%", credential).status, 400)
        ignored = self.post_form(INTROSPECT, "resource=x&token=y&token_type_hint=z", credential)
        self.assertEqual(ignored.body, INACTIVE)

    def test_no_text_reaches_the_log(self):
        token = self.server.make_token()
        self.ask(token)
        self.ask("not-a-token-but-a-secret")
        self.batch([{"token": "another-secret-of-somebody"}])
        self.post_form(INTROSPECT, "leaked-as-a-name&leaked-as-a-name", harness.basic(self.client))
        log = self.server.log_text()
        for text in (token, token[10:30], "not-a-token", "another-secret", "leaked-as"):
            self.assertNotIn(text, log)


class Batch(OAuthTest):
    def test_answers_stand_in_the_order_of_the_tokens(self):
        code = self.server.create_token(scope="vso.code")
        work = self.server.create_token(scope="vso.work")
        results = self.batch([
            {"token": work["token"], "required_scope": "vso.code"}, {"token": "x"},
            {"token": code["token"], "required_scope": "vso.code", "organization": "fabrikam"},
            {"token": code["token"], "organization": "contoso"}, {"token": work["token"]},
        ]).json()["results"]
        self.assertEqual([row["active"] for row in results], [True, False, True, False, True])
        self.assertEqual([row.get("jti") for row in results],
                         [work["authorizationId"], None, code["authorizationId"], None,
                          work["authorizationId"]])
        self.assertEqual([row.get("scope_sufficient") for row in results],
                         [False, None, True, None, None])
        self.assertNotIn("username", results[0])

    def test_it_is_bounded(self):
        token = self.server.make_token()
        many = self.batch([{"token": token}] * 1000)
        self.assertEqual(len(many.json()["results"]), 1000)
        for tokens in ([], [{"token": "x"}] * 1001):
            refused = self.batch(tokens)
            self.assertEqual((refused.status, refused.json()["field"]), (400, "tokens"))

    def test_an_entry_that_breaks_a_rule_is_named(self):
        for entry, field in (({}, "tokens[1].token"), ({"token": 7}, "tokens[1].token"),
                             (7, "tokens[1]"),
                             ({"token": "x", "scope": "vso.code"}, "tokens[1].scope"),
                             ({"token": "x", "required_scope": "no.such"},
                              "tokens[1].required_scope"),
                             ({"token": "x", "organization": "o" * 101},
                              "tokens[1].organization")):
            refused = self.batch([{"token": "x"}, entry])
            self.assertEqual((refused.status, refused.json().get("field")), (400, field), entry)
        refused = self.batch([{"token": "x"}], unknown=1)
        self.assertEqual((refused.status, refused.json()["field"]), (400, "unknown"))

    def test_a_revocation_is_known_from_its_revision_on(self):
        for _ in range(20):
            token = self.server.create_token()
            revision = self.server.revoke_token(
                token["authorizationId"]).headers["x-latchkey-revision"]
            answer = self.batch([{"token": token["token"]}], min_revision=revision)
            self.assertEqual(answer.json()["results"], [{"active": False}])
            self.assertEqual(self.ask(token["token"], min_revision=revision).body, INACTIVE)

    def test_a_revision_that_never_comes(self):
        token = self.server.create_token()
        revision = self.server.revoke_token(token["authorizationId"]).headers["x-latchkey-revision"]
        epoch, number = revision.split(".")
        began = time.monotonic()
        for answer in (self.batch([{"token": "x"}], min_revision=f"{epoch}.{int(number) + 1000}"),
                       self.ask("x", min_revision=f"{epoch}.{int(number) + 1000}")):
            self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "1"))
        self.assertLess(time.monotonic() - began, 5)
        began = time.monotonic()
        foreign = self.ask("x", min_revision=f"{uuid.uuid4()}.1")
        self.assertEqual((foreign.status, foreign.json()["field"]), (400, "min_revision"))
        self.assertLess(time.monotonic() - began, 0.9)


class Revocation(OAuthTest):
    # Security check 9.
    def test_who_has_the_text_may_revoke(self):
        token = self.server.create_token()
        self.assertEqual(self.server.use(token["token"]).status, 200)
        first = self.revoke(token["token"], token_type_hint="refresh_token")
        self.assertEqual((first.status, first.body), (200, b"{}"))
        self.assertIn("x-latchkey-revision", first.headers)
        self.assertEqual(self.server.use(token["token"]).status, 401)
        head = self.server.metric("latchkey_index_revision")
        again = self.revoke(token["token"])
        self.assertEqual((again.status, again.body), (200, b"{}"))
        self.assertEqual(self.server.metric("latchkey_index_revision"), head)
        row = [row for row in self.server.list_tokens()
               if row["authorizationId"] == token["authorizationId"]][0]
        self.assertEqual(row["status"], "revoked")

    # Security check 9.
    def test_nothing_but_the_exact_text_revokes(self):
        token = self.server.create_token()
        text = token["token"]
        replaced = self.server.create_token()
        fresh = self.server.cli("token", "regenerate", replaced["authorizationId"]).strip()
        head = self.server.metric("latchkey_index_revision")
        for wrong in (token["authorizationId"], text[:-1], text + "A", text.lower(), " " + text,
                      replaced["token"], "x", self.server.session, self.client):
            answer = self.revoke(wrong)
            self.assertEqual((answer.status, answer.body), (200, b"{}"), wrong)
        self.assertEqual(self.server.metric("latchkey_index_revision"), head)
        self.assertEqual(self.server.use(text).status, 200)
        self.assertEqual(self.server.use(fresh).status, 200)

    def test_an_expired_or_orphaned_token_can_be_revoked(self):
        expired = self.server.create_token(validTo=harness.date_time(1))
        gone = self.server.add_person("left@example.com")
        orphan = self.server.create_token(person=gone)
        self.server.must(204, "DELETE", f"/_latchkey/organizations/fabrikam/members/{gone.id}")
        time.sleep(1.1)
        for token in (expired, orphan):
            self.assertIn("x-latchkey-revision", self.revoke(token["token"]).headers)
        self.server.cli("audit", "verify", "--data", self.server.data)

    def test_a_bad_credential_is_refused_here_too(self):
        token = self.server.make_token()
        answer = self.post_form(REVOKE, form(token=token), harness.basic("x"))
        self.assertEqual(answer.status, 401)
        self.assertEqual(self.server.use(token).status, 200)
        self.assertEqual(self.post_form(REVOKE, form(token=token), None, "text/plain").status, 400)
        self.assertEqual(self.post_form(REVOKE, "token=a&token=a").status, 400)
        # With itself as the credential, as some clients send it.
        by_itself = self.post_form(REVOKE, form(token=token), harness.basic(token))
        self.assertEqual(by_itself.status, 200)
        self.assertEqual(self.server.use(token).status, 401)

    def test_the_owner_is_told(self):
        token = self.server.create_token(name="found in a log")
        self.revoke(token["token"])
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            mails = self.server.must(200, "GET", "/_latchkey/me/outbox").json()["value"]
            told = [mail for mail in mails if "found in a log" in mail["subject"]
                    and "revoked" in mail["subject"]]
            if told:
                break
            time.sleep(0.2)
        self.assertIn("by somebody who presented the token itself", told[0]["body"])
        self.assertNotIn(token["token"], json.dumps(mails))


class Bounds(OAuthTest):
    def test_it_is_bounded(self):
        for _ in range(2000):
            answer = self.revoke("x")
            if answer.status != 200:
                break
        self.assertEqual(answer.status, 429)
        self.assertLessEqual(int(answer.headers["retry-after"]), 2)
        # Others are not concerned: a client's questions, for one.
        self.assertEqual(self.ask("x").body, INACTIVE)


class Metadata(harness.ServerTest):
    def test_endpoints_are_found(self):
        answer = self.server.request("GET", "/.well-known/oauth-authorization-server")
        self.assertEqual(answer.status, 200)
        told = answer.json()
        self.assertEqual(told["issuer"], self.server.url)
        self.assertEqual(told["introspection_endpoint"], self.server.url + INTROSPECT)
        self.assertEqual(told["introspection_endpoint_auth_methods_supported"],
                         ["client_secret_basic"])
        self.assertEqual(told["revocation_endpoint"], self.server.url + REVOKE)
        self.assertEqual(told["revocation_endpoint_auth_methods_supported"], ["none"])
        self.assertIn("vso.code", told["scopes_supported"])
        self.assertNotIn("vso.pats", told["scopes_supported"])
        self.assertEqual(told["response_types_supported"], [])
        self.assertEqual(told["grant_types_supported"], [])


if __name__ == "__main__":
    unittest.main()
