#!/usr/bin/env python3
"""The mail when a token is added: through a real SMTP server, and without one."""

import json
import queue
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

import harness

SMTP_SERVER = Path(__file__).resolve().parents[1] / "support" / "smtp_server.py"
FROM = "latchkey@example.com"
MAIL_SECONDS_MAX = 20
QUIET_SECONDS = 3  # longer than the notifier's round


class SmtpServer:
    """The test's mail server, and the mails that it took."""

    def __init__(self, *options):
        self.process = subprocess.Popen([sys.executable, str(SMTP_SERVER), *options], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.mails = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.mails.put(json.loads(line))

    def next(self):
        return self.mails.get(timeout=MAIL_SECONDS_MAX)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.reader.join(10)
        self.process.stdout.close()


class MailTest(unittest.TestCase):
    def start(self, *options):
        server = harness.Server(*options)
        self.addCleanup(server.close)
        server.start().set_up()
        return server

    def smtp(self, *options):
        smtp = SmtpServer(*options)
        self.addCleanup(smtp.close)
        return smtp

    def outbox(self, server, count, person=None, until=lambda mails: True):
        """The mails of the person, once there are that many and `until` holds."""
        deadline = time.monotonic() + MAIL_SECONDS_MAX
        while True:
            mails = server.must(200, "GET", "/_latchkey/me/outbox", None, person).json()["value"]
            if len(mails) >= count and until(mails):
                self.assertEqual(len(mails), count, mails)
                return mails
            self.assertLess(time.monotonic(), deadline, f"{len(mails)} mails: {mails}")
            time.sleep(0.05)

    def regenerate(self, server, token):
        path = server.pats().replace("pats?", f"pats/{token['authorizationId']}/regenerate?")
        return server.must(200, "POST", path).json()["patToken"]


class WithSmtp(MailTest):
    def to(self, smtp, *options):
        return self.start("--smtp-url", f"smtp://127.0.0.1:{smtp.port}", "--smtp-from", FROM,
                          "--smtp-tls", "when_offered", *options)

    def test_what_is_told_and_what_is_not(self):
        smtp = self.smtp()
        server = self.to(smtp)
        token = server.create_token(name="Näme of it", scope="vso.code_write vso.project")
        mail = smtp.next()
        self.assertEqual((mail["from"], mail["to"]), (FROM, [server.email]))
        self.assertIn("Näme of it", mail["subject"])
        self.assertIn("added", mail["subject"])
        for words in ("Näme of it", '"fabrikam"', "vso.code_write", "vso.project", "127.0.0.1",
                      token["validTo"][:10], server.url + "/fabrikam/_usersSettings/tokens"):
            self.assertIn(words, mail["body"])
        new = self.regenerate(server, token)
        again = smtp.next()
        self.assertIn("new secret", again["subject"])
        self.assertNotEqual(again["message_id"], mail["message_id"])
        self.assertIn("Näme of it", again["body"])

        member = server.add_person("member@example.com")
        theirs = server.create_token(name="theirs", person=member)
        added = smtp.next()
        self.assertEqual(added["to"], [member.email])
        server.must(204, "DELETE", "/_latchkey/organizations/fabrikam/tokens/"
                    + theirs["authorizationId"])
        revoked = smtp.next()
        self.assertEqual(revoked["to"], [member.email])
        self.assertIn("revoked", revoked["subject"])
        self.assertIn("Ada Lovelace", revoked["body"])

        server.revoke_token(token["authorizationId"])  # one's own: not told
        own = server.create_token(name="own")
        self.assertIn("own", smtp.next()["subject"])
        server.must(204, "DELETE", "/_latchkey/organizations/fabrikam/tokens/"
                    + own["authorizationId"])
        server.must(200, "PUT", server.pats(), {"authorizationId": self.last(server),
                                                "displayName": "changed"})
        time.sleep(QUIET_SECONDS)
        self.assertIn("last", smtp.next()["subject"])
        self.assertTrue(smtp.mails.empty(), "a mail that nobody needs")
        everything = json.dumps([mail, again, added, revoked])
        for text in (token["token"], new["token"], theirs["token"], own["token"]):
            self.assertNotIn(text, everything)
            self.assertNotIn(text[:52], everything)

    def last(self, server):
        return server.create_token(name="last")["authorizationId"]

    def test_signs_in_over_tls(self):
        folder = harness.tempfile.mkdtemp(prefix="latchkey-tls-")
        self.addCleanup(harness.shutil.rmtree, folder)
        secret = Path(folder, "password")
        secret.write_text("pässword of the mail server\n", encoding="utf-8")
        smtp = self.smtp("--tls", folder, "--auth", "mailer:pässword of the mail server")
        server = self.start("--smtp-url", f"smtp://127.0.0.1:{smtp.port}", "--smtp-from", FROM,
                            "--smtp-ca-file", folder + "/cert.pem", "--smtp-user", "mailer",
                            "--smtp-password-file", str(secret))
        server.create_token(name="by TLS")
        mail = smtp.next()
        self.assertTrue(mail["tls"])
        self.assertEqual(mail["user"], "mailer")

    def test_a_server_that_refuses_is_asked_again_and_the_outbox_says_why(self):
        smtp = self.smtp("--refuse", "1")
        server = self.to(smtp)
        server.create_token(name="refused")
        mail, = self.outbox(server, 1, until=lambda mails: mails[0]["attempts"])
        self.assertEqual(mail["attempts"], 1)
        self.assertIsNone(mail["sentAt"])
        self.assertIn("450", mail["lastError"])
        server.create_token(name="taken")  # one that waits does not hold up the next
        self.assertIn("taken", smtp.next()["subject"])
        mails = self.outbox(server, 2, until=lambda mails: any(m["sentAt"] for m in mails))
        self.assertEqual({mail["subject"].split('"')[1]: mail["sentAt"] is not None
                          for mail in mails}, {"taken": True, "refused": False})

    def test_a_server_that_is_down_and_tokens_all_the_same(self):
        smtp = SmtpServer()
        port = smtp.port
        smtp.close()
        server = self.start("--smtp-url", f"smtp://127.0.0.1:{port}", "--smtp-from", FROM,
                            "--smtp-tls", "when_offered")
        token = server.create_token(name="made while it was down")
        self.assertEqual(server.use(token["token"]).status, 200)
        mail, = self.outbox(server, 1, until=lambda mails: mails[0]["attempts"])
        self.assertIsNone(mail["sentAt"])
        self.assertTrue(mail["lastError"])

    def test_made_before_there_was_a_mail_server_and_sent_after(self):
        """A kill between the making and the sending loses no mail and sends none twice."""
        server = self.start()
        server.create_token(name="early")
        self.outbox(server, 1)
        server.kill()
        smtp = self.smtp()
        server.options = ("--smtp-url", f"smtp://127.0.0.1:{smtp.port}", "--smtp-from", FROM,
                          "--smtp-tls", "when_offered")
        server.start()
        self.assertIn("early", smtp.next()["subject"])
        mail, = self.outbox(server, 1, until=lambda mails: mails[0]["sentAt"])
        self.assertEqual((mail["attempts"], mail["lastError"]), (1, ""))
        server.kill()
        server.start()
        time.sleep(QUIET_SECONDS)
        self.assertTrue(smtp.mails.empty(), "it was sent twice")


class WithoutSmtp(MailTest):
    def test_the_outbox_shows_what_waits(self):
        server = self.start()
        token = server.create_token(name="waits")
        mail, = self.outbox(server, 1)
        self.assertEqual(list(mail), ["id", "recipient", "subject", "body", "createdAt", "sentAt",
                                      "attempts", "lastError"])
        self.assertEqual((mail["recipient"], mail["sentAt"], mail["attempts"]),
                         (server.email, None, 0))
        self.assertIn('"waits"', mail["subject"])
        self.assertIn('"fabrikam"', mail["body"])
        self.assertNotIn(token["token"][:52], json.dumps(mail))
        shown = server.cli("outbox")
        self.assertIn("waits", shown)
        self.assertIn(server.email, shown)
        self.assertNotIn(token["token"][:52], shown)

    def test_everybody_reads_their_own_only(self):
        server = self.start()
        member = server.add_person("member@example.com", "administrator")
        server.create_token(name="mine")
        server.create_token(name="theirs", person=member)
        self.assertIn("mine", self.outbox(server, 1)[0]["subject"])
        self.assertIn("theirs", self.outbox(server, 1, member)[0]["subject"])


if __name__ == "__main__":
    unittest.main()
