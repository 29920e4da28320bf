#!/usr/bin/env python3
"""Debian's testssl.sh against the real binary: nothing of weight is found but what stands here."""

import json
import os
import subprocess
import unittest

from test_tls import SecureServer

# Findings that a certificate of a test's own root cannot be without.
OF_THE_TEST = {"cert_revocation": "the test's root has neither CRL nor OCSP"}
# Protocols, ciphers, forward secrecy, preferences, certificate, headers, all weaknesses. What is
# left out (every cipher against every protocol, simulated clients) takes minutes and finds no more.
SECTIONS = ["-p", "-s", "-f", "-P", "-S", "-h", "-U"]
FAILING = {"MEDIUM", "HIGH", "CRITICAL"}


class Testssl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = SecureServer()
        cls.addClassCleanup(cls.server.close)
        cls.server.start().set_up()
        report = os.path.join(cls.server.folder, "testssl.json")
        ended = subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
             "--add-ca", cls.server.root.file, "--jsonfile", report, *SECTIONS, cls.server.url],
            capture_output=True, text=True, timeout=550, cwd=cls.server.folder, check=False)
        cls.output = ended.stdout + ended.stderr
        with open(report, encoding="utf-8") as file:
            cls.findings = json.load(file)

    def finding(self, name):
        found = [entry for entry in self.findings if entry["id"] == name]
        self.assertTrue(found, f"testssl.sh said nothing about {name}\n{self.output[-3000:]}")
        return found[0]["finding"]

    def test_nothing_of_weight_is_found(self):
        self.assertGreater(len(self.findings), 60, self.output[-3000:])
        bad = [entry for entry in self.findings
               if entry["severity"] in FAILING and entry["id"] not in OF_THE_TEST]
        self.assertEqual(bad, [])

    def test_it_looked_at_what_counts(self):
        for version, offered in (("SSLv2", False), ("SSLv3", False), ("TLS1", False),
                                 ("TLS1_1", False), ("TLS1_2", True), ("TLS1_3", True)):
            self.assertEqual(not self.finding(version).startswith("not offered"), offered, version)
        self.assertIn("31536000", self.finding("HSTS_time"))
        for weakness in ("heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_client_renego",
                         "CRIME_TLS", "POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST",
                         "LUCKY13", "RC4"):
            self.assertRegex(self.finding(weakness), "^not |^supported", weakness)


if __name__ == "__main__":
    unittest.main()
