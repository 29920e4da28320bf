"""latchkey doctor: each check with the real thing broken, at a running and at a stopped server."""

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import certificates
import harness
from test_mail import SmtpServer

PROBLEMS = 6
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class DoctorTest(unittest.TestCase):
    def server(self, *options, start=True):
        server = harness.Server(*options)
        self.addCleanup(server.close)
        if start:
            server.start().set_up()
        return server

    def doctor(self, server, *options, environment=None, code=None):
        """The checks by name, each a list, and the exit code; every line has its form."""
        arguments = ["doctor", "--data", server.data, *options]
        if "--port" not in options:
            arguments += ["--port", "0", "--operations-port", "0"]
        ended = server.run(*arguments, "--json", environment=environment)
        self.assertEqual(ended.stderr, "")
        body = json.loads(ended.stdout)
        checks = {}
        for check in body["checks"]:
            checks.setdefault(check["name"], []).append(check)
            self.assertEqual(check["advice"] == "", check["finding"] == "ok", check)
        problems = [check for check in body["checks"] if check["finding"] == "problem"]
        self.assertEqual(body["problems"], len(problems))
        self.assertEqual(ended.returncode, PROBLEMS if problems else 0, ended.stdout)
        if code is not None:
            self.assertEqual(ended.returncode, code, ended.stdout)
        return checks

    def assert_only_problem(self, checks, name, *words):
        """One check found a problem, and says so in these words."""
        found = [check for group in checks.values() for check in group
                 if check["finding"] == "problem"]
        self.assertEqual([check["name"] for check in found], [name], found)
        for word in words:
            self.assertIn(word, found[0]["what"] + "; " + found[0]["advice"])
        return found[0]


class Healthy(DoctorTest):
    def test_a_running_server(self):
        server = self.server()
        checks = self.doctor(server, code=0)
        self.assertIn("runs, version", checks["server"][0]["what"])
        self.assertIn("in use by the running server", checks["store"][0]["what"])
        self.assertIn("is this installation", checks["public url"][0]["what"])
        self.assertEqual([check["finding"] for check in checks["ports"]], ["ok", "ok"])

    def test_a_stopped_server(self):
        server = self.server()
        server.stop()
        checks = self.doctor(server, code=0)
        self.assertIn("does not run", checks["server"][0]["what"])
        self.assertRegex(checks["store"][0]["what"], r"the last of \d+ events is signed; schema")
        self.assertEqual(checks["store"][0]["finding"], "ok")

    def test_a_killed_server_left_its_socket(self):
        server = self.server()
        server.kill()
        self.assertIn("does not run", self.doctor(server, code=0)["server"][0]["what"])

    def test_before_the_first_start(self):
        server = self.server(start=False)
        checks = self.doctor(server, code=0)
        for name in ("folder", "keys", "store"):
            self.assertEqual(checks[name][0]["finding"], "warning")
        self.assertFalse(os.path.exists(server.data))

    def test_one_line_a_check_without_a_byte_of_a_key(self):
        server = self.server()
        ended = server.run("doctor", "--data", server.data)
        for line in ended.stdout.splitlines():
            self.assertRegex(line, r"\A(ok|warning|problem) +[a-z ]+  \S")
        for path in Path(server.data, "keys").glob("*.key"):
            self.assertNotIn(path.read_text().strip()[:16], ended.stdout + ended.stderr)
        self.assertEqual(list(Path(server.data).glob(".doctor*")), [])


class Broken(DoctorTest):
    def test_configuration(self):
        server = self.server(start=False)
        Path(server.folder, "bad.toml").write_text("[listen]\nprot = 1\n")
        checks = self.doctor(server, "--config", server.folder + "/bad.toml")
        self.assert_only_problem(checks, "configuration", "listen.prot", "bad.toml")

    def test_a_configuration_file_that_others_may_change(self):
        server = self.server()
        path = Path(server.folder, "open.toml")
        path.write_text("[log]\nlevel = \"info\"\n")
        path.chmod(0o666)
        checks = self.doctor(server, "--config", str(path), code=0)
        self.assertEqual(checks["configuration"][0]["finding"], "warning")

    def test_the_advice_about_a_readable_key_helps(self):
        server = self.server()
        server.stop()
        key = Path(server.data, "keys/digest-AA.key")
        key.chmod(0o644)
        checks = self.doctor(server)
        found = next(check for check in checks["keys"])
        self.assertEqual(found["finding"], "problem")
        subprocess.run(found["advice"].split("type: ")[1], shell=True, check=True)
        self.doctor(server, code=0)

    def test_the_advice_about_a_readable_database_helps(self):
        server = self.server()
        server.stop()
        Path(server.data, "latchkey.db").chmod(0o640)
        found = self.assert_only_problem(self.doctor(server), "folder", "latchkey.db")
        subprocess.run(found["advice"].split("type: ")[1], shell=True, check=True)
        self.doctor(server, code=0)

    def test_a_damaged_key(self):
        server = self.server()
        server.stop()
        Path(server.data, "keys/row.key").write_text("0011\n")
        checks = self.doctor(server, code=PROBLEMS)
        self.assertIn("64 hexadecimal digits", checks["keys"][0]["what"])
        self.assertNotIn("0011", json.dumps(checks))

    def test_the_row_key_of_another_database(self):
        server = self.server()
        server.stop()
        Path(server.data, "keys/row.key").write_text("00" * 32 + "\n")
        self.assert_only_problem(self.doctor(server), "store", "audit verify")

    def test_a_database_of_a_newer_version(self):
        server = self.server()
        server.stop()
        subprocess.run(["sqlite3", server.data + "/latchkey.db",
                        "UPDATE schema_version SET version = 999"], check=True)
        self.assert_only_problem(self.doctor(server), "store", "newer version", "install")

    def test_ports_that_another_holds(self):
        server = self.server(start=False)
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            checks = self.doctor(server, "--port", port, "--operations-port", "0")
        self.assert_only_problem(checks, "ports", port, "in use", "ss -ltnp")

    def test_an_address_of_another_machine(self):
        server = self.server(start=False)
        checks = self.doctor(server, "--listen-address", "192.0.2.1", "--listen-allow-plain-http",
                             "true", "--port", "1", "--operations-port", "0")
        found = next(check for check in checks["ports"] if check["finding"] == "problem")
        self.assertIn("192.0.2.1 port 1", found["what"])

    @unittest.skipUnless(os.geteuid() == 0, "gives files to another user")
    def test_root_looks_as_the_owner_of_the_folder(self):
        server = self.server()
        server.stop()
        os.chmod(server.folder, 0o755)
        subprocess.run(["chown", "-R", "65534:65534", server.data], check=True)
        self.doctor(server, code=0)
        os.chown(server.data + "/keys/row.key", 0, 0)
        self.assertEqual(self.doctor(server, code=PROBLEMS)["keys"][0]["finding"], "problem")

    @unittest.skipUnless(os.geteuid() == 0, "becomes another user")
    def test_a_stranger_is_told_whose_folder_it_is(self):
        server = self.server()
        os.chmod(server.folder, 0o755)
        script = ('exec setpriv --reuid 65534 --regid 65534 --clear-groups '
                  '"$1" doctor --data "$2" --json')
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            shutil.copy(harness.BINARY, folder + "/latchkey")
            ended = subprocess.run(["sh", "-c", script, "sh", folder + "/latchkey", server.data],
                                   capture_output=True, text=True, env=server.environment)
        self.assertEqual(ended.returncode, PROBLEMS, ended.stderr)
        found = json.loads(ended.stdout)["checks"][-1]
        self.assertEqual((found["name"], found["finding"]), ("user", "problem"))
        self.assertIn("belongs to root; type this as that user", found["what"] + "; "
                      + found["advice"])

    @unittest.skipUnless(os.geteuid() == 0, "mounts a small disk")
    def test_a_full_disk(self):
        server = self.server(start=False)
        # In a mount namespace of its own, which ends with the command.
        script = ('mkdir "$1" && mount -t tmpfs -o size=1m,mode=700 tmpfs "$1" && '
                  '{ dd if=/dev/zero of="$1/filled" bs=64k 2>/dev/null; '
                  '"$2" doctor --data "$1" --port 0 --operations-port 0 --json; }')
        ended = subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", server.data,
                                os.path.abspath(harness.BINARY)], capture_output=True, text=True,
                               env=server.environment)
        self.assertEqual(ended.returncode, PROBLEMS, ended.stderr)
        found = [check["what"] for check in json.loads(ended.stdout)["checks"]
                 if check["finding"] == "problem"]
        self.assertRegex(found[0], "cannot be written and synced.*No space left")
        self.assertRegex(found[1], "only 0 B free")

    @unittest.skipUnless(os.path.exists(FAKETIME), "needs the package libfaketime")
    def test_a_clock_that_is_behind(self):
        server = self.server()
        server.stop()
        # Just after midnight a build of today is later than a quarter of an hour ago, too.
        for clock, words in (("-15m", "before (the last change in the log|this program was built)"),
                             ("-4000d", "before this program was built")):
            environment = {"LD_PRELOAD": FAKETIME, "FAKETIME": clock,
                           "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
            checks = self.doctor(server, environment=environment)
            found = self.assert_only_problem(checks, "clock", "set the clock")
            self.assertRegex(found["what"], words)


class Mail(DoctorTest):
    def smtp(self, *options):
        smtp = SmtpServer(*options)
        self.addCleanup(smtp.close)
        return smtp

    def check(self, smtp_port, *options):
        server = self.server(start=False)
        checks = self.doctor(server, "--smtp-url", f"smtp://127.0.0.1:{smtp_port}", "--smtp-from",
                             "latchkey@example.com", *options)
        return checks["mail"][0]

    def test_without_a_mail_server(self):
        found = self.doctor(self.server(start=False), code=0)["mail"][0]
        self.assertEqual(found["finding"], "warning")

    def test_with_tls_and_a_password_and_no_mail_is_sent(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        smtp = self.smtp("--tls", folder, "--auth", "latchkey:right password")
        password = Path(folder, "password")
        options = ("--smtp-ca-file", folder + "/cert.pem", "--smtp-user", "latchkey",
                   "--smtp-password-file", str(password))
        password.write_text("right password\n")
        password.chmod(0o600)
        self.assertEqual(self.check(smtp.port, *options)["finding"], "ok")
        password.write_text("wrong password\n")
        found = self.check(smtp.port, *options)
        self.assertEqual(found["finding"], "problem")
        self.assertIn("smtp.user", found["advice"])
        self.assertNotIn("wrong password", json.dumps(found))
        untrusted = self.check(smtp.port, *options[2:])
        self.assertRegex(untrusted["what"], "certificate")
        self.assertTrue(smtp.mails.empty())

    def test_a_server_without_tls(self):
        smtp = self.smtp()
        self.assertEqual(self.check(smtp.port)["finding"], "problem")
        self.assertEqual(self.check(smtp.port, "--smtp-tls", "when_offered")["finding"], "ok")
        self.assertTrue(smtp.mails.empty())

    def test_a_server_that_says_nothing(self):
        smtp = self.smtp("--stall")
        found = self.check(smtp.port, "--smtp-tls", "when_offered")
        self.assertEqual(found["finding"], "problem")
        self.assertIn("did not answer in time", found["what"])

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        self.assertEqual(self.check(port)["finding"], "problem")

    def test_a_password_file_that_others_can_read(self):
        server = self.server(start=False)
        os.mkdir(server.data, 0o700)
        password = Path(server.folder, "password")
        password.write_text("secret words\n")
        password.chmod(0o644)
        checks = self.doctor(server, "--smtp-password-file", str(password))
        self.assert_only_problem(checks, "folder", "chmod 600")


class PublicUrl(DoctorTest):
    def test_another_installation(self):
        other = self.server()
        server = self.server("--public-url", other.url)
        server.url = server.reached
        self.assert_only_problem(self.doctor(server, "--public-url", other.url), "public url",
                                 "another installation")

    def test_something_else_answers(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(404)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{other.server_port}"
            server = self.server("--public-url", url, start=False)
            server.start()
            checks = self.doctor(server, "--public-url", url)
            other.shutdown()
        self.assert_only_problem(checks, "public url", "not Latchkey", "404")

    def test_nobody_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as gone:
            url = f"http://127.0.0.1:{gone.getsockname()[1]}"
        server = self.server("--public-url", url, start=False)
        server.start()
        self.assert_only_problem(self.doctor(server, "--public-url", url), "public url", url)

    def test_plain_http_to_a_name_is_told(self):
        server = self.server(start=False)
        checks = self.doctor(server, "--public-url", "http://tokens.invalid", code=0)
        self.assertIn("plain HTTP", checks["public url"][0]["what"])
        self.assertRegex(checks["public url"][1]["what"], "resolve.*not running")

    def test_a_server_that_runs_with_another_configuration(self):
        server = self.server()
        checks = self.doctor(server, "--public-url", "http://127.0.0.1:1", code=0)
        self.assertIn("the configuration http://127.0.0.1:1", checks["public url"][0]["what"])


class Certificate(DoctorTest):
    def secure(self, **issued):
        """A server within TLS, whose certificate was issued so, and the options that say it."""
        server = self.server(start=False)
        root = certificates.Root(server.folder)
        chain, key = server.folder + "/chain.pem", server.folder + "/key.pem"
        root.issue(chain, key, **issued)
        options = ["--tls-certificate-file", chain, "--tls-key-file", key]
        server.options = tuple(options)
        return server, root, options

    def test_of_a_running_server_whose_root_is_known(self):
        server, root, options = self.secure()
        server.start()
        checks = self.doctor(server, *options, "--ca-file", root.file, code=0)
        self.assertRegex(checks["certificate"][0]["what"], r"valid for (199|200) days")
        self.assertIn("is this installation", checks["public url"][0]["what"])
        self.assertRegex(checks["public url"][1]["what"], r"valid for (199|200) days")
        self.assertEqual(checks["ports"][0]["finding"], "ok")

    def test_of_a_running_server_whose_root_is_not_known(self):
        server, _, options = self.secure()
        server.start()
        self.assert_only_problem(self.doctor(server, *options), "public url", "certificate")

    def test_that_ends_soon(self):
        server, _, options = self.secure(days=3)
        found = self.doctor(server, *options, code=0)["certificate"][0]
        self.assertEqual((found["finding"], found["advice"]), ("warning", "renew it"))

    def test_for_another_name(self):
        server, _, options = self.secure()
        checks = self.doctor(server, *options, "--public-url", "https://tokens.invalid")
        self.assert_only_problem(checks, "certificate", "not for tokens.invalid")

    def test_with_a_key_that_others_can_read(self):
        server, _, options = self.secure()
        os.chmod(options[-1], 0o644)
        self.assert_only_problem(self.doctor(server, *options), "certificate", "tls.key_file")


if __name__ == "__main__":
    unittest.main()
