#!/usr/bin/env python3
"""The command line, used for everything against a real server."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import unittest
from pathlib import Path

import harness

TOKEN = re.compile(r"\A[A-Za-z0-9]{84}\n\Z")


class TokenCommands(harness.ServerTest):
    def create(self, *options, name="build"):
        return self.server.cli("token", "create", "--name", name, "--scope", "vso.project",
                               *options)

    def newest(self, state="active"):
        tokens = json.loads(self.server.cli("token", "list", "--json", "--state", state))
        return tokens["patTokens"][0]

    def test_create_prints_the_token_alone_and_it_works(self):
        text = self.create("--days", "60")
        self.assertRegex(text, TOKEN)
        answer = self.server.with_token(text.strip(), "GET",
                                        "/fabrikam/_apis/projects?api-version=7.1")
        self.assertEqual(answer.status, 200)

    def test_a_chosen_day_is_the_end_of_that_day(self):
        day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * 86400))
        self.create("--until", day)
        self.assertEqual(self.newest()["validTo"], day + "T23:59:59.999Z")

    def test_show_edit_regenerate_revoke(self):
        first = self.create(name="old name").strip()
        token_id = self.newest()["authorizationId"]
        self.server.cli("token", "edit", token_id, "--name", "new name", "--scope", "vso.code",
                        "--scope", "vso.project")
        shown = self.server.cli("token", "show", token_id)
        self.assertIn("new name", shown)
        self.assertIn("vso.code", shown)
        second = self.server.cli("token", "regenerate", token_id)
        self.assertRegex(second, TOKEN)
        path = "/fabrikam/_apis/projects?api-version=7.1"
        self.assertEqual(self.server.with_token(first, "GET", path).status, 401)
        self.assertEqual(self.server.with_token(second.strip(), "GET", path).status, 200)
        self.server.cli("token", "revoke", token_id)
        self.assertEqual(self.server.with_token(second.strip(), "GET", path).status, 401)
        self.assertIn(token_id, self.server.cli("token", "list", "--state", "revoked"))
        refused = self.server.run("token", "edit", token_id, "--name", "x")
        self.assertEqual(refused.returncode, 1)

    def test_an_empty_list_says_what_it_left_out(self):
        for arguments in (["--search", "no-token-is-called-this"], ["--state", "expired"]):
            ended = self.server.run("token", "list", *arguments)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertIn("token list --state all", ended.stdout + ended.stderr)

    def test_an_administrator_revokes_by_id(self):
        text = self.create().strip()
        self.server.cli("token", "revoke", "--as-administrator", self.newest()["authorizationId"])
        answer = self.server.with_token(text, "GET", "/fabrikam/_apis/projects?api-version=7.1")
        self.assertEqual(answer.status, 401)

    def test_refusals_say_what_to_do(self):
        refused = self.server.run("token", "create", "--name", "x", "--scope", "vso.nothing")
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(refused.stdout, "")
        self.assertRegex(refused.stderr, r"\Alatchkey: .*vso\.nothing.*; see `latchkey scopes`\n\Z")
        unknown = self.server.run("token", "show", "4ab5bcd8-0000-4000-8000-000000000001")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("; see `latchkey token list", unknown.stderr)

    def test_what_is_not_there_says_where_to_look(self):
        nobody = "4ab5bcd8-0000-4000-8000-000000000001"
        for arguments, place in (
                (["token", "revoke", nobody], "token list --state all"),
                (["token", "revoke", "no-id"], "token list --state all"),
                (["token", "show", "no-id"], "token list --state all"),
                (["org", "show", "nowhere"], "org list"),
                (["org", "role", "nobody@example.com", "reader"], "org members"),
                (["project", "show", "nothing"], "project list"),
                (["user", "sessions", "--end", nobody], "user sessions"),
                (["user", "show", "nobody@example.com"], "user list")):
            with self.subTest(arguments):
                refused = self.server.run(*arguments)
                self.assertEqual(refused.returncode, 1, refused.stderr)
                self.assertRegex(refused.stderr,
                                 rf"\Alatchkey: [^\n]+; see `latchkey {place}`.*\n\Z")

    def test_what_is_taken_is_named(self):
        for arguments in (["org", "create", "FABRIKAM"], ["project", "create", "taken"]):
            self.server.run("project", "create", "taken")
            refused = self.server.run(*arguments)
            self.assertEqual(refused.returncode, 1)
            self.assertRegex(refused.stderr, r"\Alatchkey: ('name' is taken\. Choose|The "
                             r"organization has a project named 'taken' already; choose) another")

    def test_show_tells_the_status(self):
        self.create()
        token_id = self.newest()["authorizationId"]
        self.assertRegex(self.server.cli("token", "show", token_id), r"\nStatus: +active\n")
        self.server.cli("token", "revoke", token_id)
        self.assertRegex(self.server.cli("token", "show", token_id), r"\nStatus: +revoked\n")

    def test_no_table_line_ends_with_spaces(self):
        self.create(name="Ünïcödé 名前")
        for line in self.server.cli("token", "list").splitlines():
            self.assertEqual(line, line.rstrip())

    def test_the_secret_is_in_no_file_of_the_server(self):
        text = self.create().strip().encode()
        for path in Path(self.server.folder).rglob("*"):
            if path.is_file():
                self.assertNotIn(text, path.read_bytes(), path)


class OtherCommands(harness.ServerTest):
    def test_scopes_outbox_and_version(self):
        self.assertIn("vso.code_write", self.server.cli("scopes"))
        self.server.make_token(name="for the outbox")
        deadline = time.monotonic() + 10
        while "for the outbox" not in self.server.cli("outbox"):
            self.assertLess(time.monotonic(), deadline, "no mail came")
            time.sleep(0.1)
        self.assertRegex(self.server.cli("version"), r"\Alatchkey \d+\.\d+\.\d+\n\Z")

    def test_projects(self):
        self.server.cli("project", "create", "website", "--description", "The shop")
        self.assertIn("website", self.server.cli("project", "list"))
        shown = json.loads(self.server.cli("project", "show", "website", "--json"))
        self.server.cli("project", "edit", "website", "--name", "shop")
        refused = self.server.run("project", "delete", "shop")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--yes", refused.stderr)
        self.server.cli("project", "delete", "shop", "--yes")
        self.assertNotIn("shop", self.server.cli("project", "list"))
        self.server.cli("project", "restore", shown["id"])
        self.assertIn("shop", self.server.cli("project", "list"))

    def test_organizations_and_members(self):
        self.server.cli("org", "create", "contoso")
        self.server.cli("org", "rename", "contoso-two", "--organization", "contoso")
        shown = json.loads(self.server.cli("org", "show", "contoso-two", "--json"))
        self.server.cli("org", "delete", "contoso-two", "--yes")
        self.server.cli("org", "recover", shown["id"], "--name", "contoso")
        self.assertIn("contoso", self.server.cli("org", "list"))
        self.assertRegex(self.server.cli("org", "show", "contoso"), r"\nYour role: +owner\n")

        link = self.server.cli("org", "invite", "bob@example.com", "--role", "reader").strip()
        code = link.split("#")[1]
        joined = self.server.request("POST", "/_latchkey/invitations/accept", body={
            "code": code, "displayName": "Bob", "password": "another long password"})
        self.assertIn(joined.status, (200, 201), joined.text)
        self.server.cli("org", "role", "bob@example.com", "administrator")
        self.assertRegex(self.server.cli("org", "members"), r"bob@example\.com +administrator")
        self.server.cli("org", "remove", "bob@example.com")
        self.assertNotIn("bob@example.com", self.server.cli("org", "members"))

    def test_people_through_the_console_and_the_api(self):
        for how in (["--data", self.server.data], []):
            with self.subTest(how=how):
                self.assertIn(harness.EMAIL, self.server.cli("user", "list", *how))
                self.assertIn("Ada Lovelace",
                              self.server.cli("user", "show", harness.EMAIL, *how))
        link = self.server.cli("user", "reset-link", harness.EMAIL, "--data", self.server.data)
        self.assertRegex(link, r"\Ahttp\S+/_latchkey/link#lkl_\S+\n\Z")

    def test_a_folder_that_is_named_is_the_one_that_is_meant(self):
        refused = self.server.run("user", "list", "--data", self.server.folder)
        self.assertEqual(refused.returncode, 2, refused.stdout)
        self.assertIn("no running server with its data in", refused.stderr)

    def test_disabling_a_person_ends_their_tokens_until_they_are_enabled(self):
        path = "/fabrikam/_apis/projects?api-version=7.1"
        for number, how in enumerate((["--data", self.server.data], [])):
            with self.subTest(how=how):
                person = self.server.add_person(f"eve{number}@example.com")
                token = self.server.create_token(person=person)["token"]
                self.assertEqual(self.server.with_token(token, "GET", path).status, 200)
                self.server.cli("user", "disable", person.email, *how)
                self.assertEqual(self.server.with_token(token, "GET", path).status, 401)
                self.assertRegex(self.server.cli("user", "list", *how),
                                 rf"{person.email} +disabled")
                self.server.cli("user", "enable", person.email, *how)
                self.assertEqual(self.server.with_token(token, "GET", path).status, 200)
        refused = self.server.run("user", "disable", harness.EMAIL)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("Operators cannot disable themselves", refused.stderr)

    def test_sessions_password_login_logout(self):
        self.assertIn("this one", self.server.cli("user", "sessions"))
        login = ["login", "--server", self.server.url, "--email", harness.EMAIL,
                 "--organization", harness.ORGANIZATION]
        wrong = self.server.run(*login, "--password-stdin", stdin="not the right one\n")
        self.assertIn(wrong.returncode, (1, 4))
        new = "an even longer password"
        self.server.cli("user", "password", "--password-stdin",
                        stdin=f"{harness.PASSWORD}\n{new}\n")
        self.server.cli("logout")
        signed_out = self.server.run("token", "list")
        self.assertEqual(signed_out.returncode, 4)
        self.assertIn("; sign in with `latchkey login", signed_out.stderr)
        self.server.cli(*login, "--password-stdin", stdin=new + "\n")
        self.server.cli("token", "list")
        self.server.cli("user", "password", "--password-stdin",
                        stdin=f"{new}\n{harness.PASSWORD}\n")

    def test_a_session_is_for_its_owner_and_its_server_only(self):
        path = Path(self.server.folder, "config/latchkey/session.json")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        elsewhere = self.server.run("token", "list", "--server", "http://127.0.0.1:9")
        self.assertEqual(elsewhere.returncode, 4)
        path.chmod(0o644)
        self.addCleanup(path.chmod, 0o600)
        loose = self.server.run("token", "list")
        self.assertEqual(loose.returncode, 2)
        self.assertIn("chmod 600", loose.stderr)

    def test_usage_errors(self):
        for arguments in (["token"], ["token", "create"], ["nonsense"], ["serve", "--nonsense"],
                          ["token", "create", "--name", "x", "--scope", "y", "--days", "31"],
                          ["token", "create", "--name", "x", "--scope", "y", "--until", "May"]):
            with self.subTest(arguments=arguments):
                ended = self.server.run(*arguments)
                self.assertEqual(ended.returncode, 2, ended.stderr)
                self.assertTrue(ended.stderr.startswith("latchkey: "), ended.stderr)
        self.assertIn("there is no command 'nonsense'", self.server.run("nonsense").stderr)
        self.assertIn("there is no command 'nonsense'",
                      self.server.run("token", "nonsense").stderr)

    def test_every_help_has_an_example(self):
        def walk(words):
            text = self.server.cli(*words, "--help")
            if words:
                self.assertIn("Example:\n  ", text, words)
                self.assertIn("latchkey " + " ".join(words), text, words)
            for name in re.findall(r"^  ([a-z-]+)  ", text.split("Subcommands:")[-1], re.M) \
                    if "Subcommands:" in text else []:
                walk([*words, name])
        walk([])
        self.assertIn("Exit codes:", self.server.cli("--help"))


class StartAndStop(unittest.TestCase):
    def setUp(self):
        self.server = harness.Server()
        self.addCleanup(self.server.close)

    def test_setup_link_is_on_stdout_and_not_in_the_log(self):
        self.server.start()
        self.assertTrue(self.server.out.splitlines()[-1].startswith("Open http://"))
        self.assertIn("latchkey setup --data", self.server.out)
        self.assertNotIn(self.server.setup_code, self.server.log_text())
        self.server.set_up()
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        self.assertIsNone(self.server.setup_code)

    def test_hangup_is_ignored_and_a_kill_loses_nothing(self):
        self.server.start().set_up()
        self.server.process.send_signal(signal.SIGHUP)
        token = self.server.make_token()
        self.assertIn("SIGHUP", self.server.log_text())
        self.server.kill()
        self.server.start()
        answer = self.server.with_token(token, "GET", "/fabrikam/_apis/projects?api-version=7.1")
        self.assertEqual(answer.status, 200)

    def test_health_and_metrics(self):
        self.server.start()
        self.assertEqual(self.server.operations("/health/live").status, 200)
        self.assertEqual(self.server.operations("/health/ready").status, 200)
        self.assertIn("\nlatchkey_index_tokens 0\n", self.server.operations("/metrics").text)
        self.assertEqual(self.server.operations("/other").status, 404)

    def test_audit_verify_finds_a_changed_row(self):
        self.server.start().set_up()
        self.server.make_token()
        verify = ["audit", "verify", "--data", self.server.data]
        self.assertIn("The log is intact: ", self.server.cli(*verify))
        self.assertEqual(self.server.stop(), 0)
        self.assertIn("The log is intact: ", self.server.cli(*verify))
        subprocess.run(["sqlite3", os.path.join(self.server.data, "latchkey.db"),
                        "UPDATE tokens SET valid_to = valid_to + 1"], check=True)
        broken = self.server.run(*verify)
        self.assertEqual(broken.returncode, 5, broken.stderr)
        # A server that reads the rows leaves that token out and says so; one that starts from its
        # snapshot has the token as it was (docs/spec/index-snapshot.md, IS16).
        os.remove(os.path.join(self.server.data, "index.snapshot"))
        self.server.start()
        self.assertIn("feed.token_row_refused", self.server.log_text())
        self.assertIn("\nlatchkey_token_rows_refused_total 1\n",
                      self.server.operations("/metrics").text)
        self.assertEqual(self.server.run(*verify).returncode, 5)

    def test_a_second_server_on_the_same_data_refuses(self):
        self.server.start()
        second = self.server.run("serve", "--data", self.server.data, "--port", "0",
                                 "--operations-port", "0")
        self.assertEqual(second.returncode, 1)
        self.assertIn("another process uses the database", second.stderr)
        self.assertIn("--data", second.stderr)

    def test_a_port_in_use_is_named(self):
        self.server.start()
        port = self.server.url.rsplit(":", 1)[1]
        second = self.server.run("serve", "--data", self.server.data + "2", "--port", port,
                                 "--operations-port", "0")
        self.assertEqual(second.returncode, 2)
        self.assertIn(f"cannot listen on 127.0.0.1, port {port}: ", second.stderr)
        self.assertIn("--port", second.stderr)

    def test_setup_names_the_field_that_breaks_a_rule(self):
        self.server.start()
        refused = self.server.run("setup", "--data", self.server.data, "--organization", "admin",
                                  "--email", harness.EMAIL, "--name", "Ada", "--password-stdin",
                                  stdin=harness.PASSWORD + "\n")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("'organization' must not be a reserved word", refused.stderr)

    def test_configuration_errors_and_printing(self):
        bad = self.server.run("serve", "--listen-address", "0.0.0.0")
        self.assertEqual(bad.returncode, 2)
        self.assertIn("listen.allow_plain_http", bad.stderr)
        printed = self.server.run("serve", "--print-config", "--log-format", "json",
                                  environment={"LATCHKEY_LISTEN_PORT": "9"})
        self.assertIn('format = "json"  # --log-format', printed.stdout)
        self.assertIn("port = 9  # LATCHKEY_LISTEN_PORT", printed.stdout)

    def test_password_is_asked_for_without_echo(self):
        self.server.start()
        master, terminal = pty.openpty()
        process = subprocess.Popen(
            [harness.BINARY, "setup", "--data", self.server.data, "--organization", "fabrikam",
             "--email", harness.EMAIL, "--name", "Ada"],
            stdin=terminal, stdout=terminal, stderr=terminal, env=self.server.environment)
        os.close(terminal)
        shown = self.read_until(master, "New password")
        os.write(master, harness.PASSWORD.encode() + b"\n")
        shown += self.read_until(master, "again")
        os.write(master, harness.PASSWORD.encode() + b"\n")
        shown += self.read_until(master, "You are signed in")
        self.assertEqual(process.wait(30), 0)
        os.close(master)
        self.assertNotIn(harness.PASSWORD, shown)

    def read_until(self, master, words):
        shown = ""
        deadline = time.monotonic() + 20
        while words not in shown:
            self.assertLess(time.monotonic(), deadline, shown)
            if select.select([master], [], [], 0.1)[0]:
                shown += os.read(master, 4096).decode()
        time.sleep(0.1)  # the echo is off when the question stands
        return shown


if __name__ == "__main__":
    unittest.main()
