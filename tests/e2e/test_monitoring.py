#!/usr/bin/env python3
"""deploy/prometheus, read by Prometheus's own promtool, and the metrics that the alerts name."""

import re
import shutil
import socket
import subprocess
import tempfile
import unittest
import urllib.parse
from pathlib import Path

import certificates
import harness

SOURCE = Path(__file__).resolve().parents[2]
ALERTS = SOURCE / "deploy/prometheus/latchkey-alerts.yml"
CASES = Path(__file__).resolve().parent / "prometheus/alerts_test.yml"
MONITORING = SOURCE / "docs/operating/monitoring.md"
# Prometheus makes it itself.
FOREIGN = {"up"}

GATE = """
[gate]
enabled = true
listen_port = 0
[[gate.api]]
name = "things"
organization = "fabrikam"
upstream = ["http://127.0.0.1:9"]
[[gate.api.rules]]
methods = ["GET"]
path = "/things/{id}"
scopes = ["vso.code"]
"""


def promtool(*arguments, stdin=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=stdin, capture_output=True,
                          text=True, check=False)


def expressions():
    """The text of each `expr`, with its alert's name."""
    found = re.findall(r"- alert: (\w+)\n +expr: (.*?)\n +(?:for|labels):",
                       ALERTS.read_text(encoding="utf-8"), re.S)
    return [(name, re.sub(r"^>-\s+", "", text)) for name, text in found]


def names_in(text):
    """Names of metrics of an expression."""
    return set(re.findall(r"\b((?:latchkey|process)_\w+)", text))


class Alerts(unittest.TestCase):
    def test_promtool_takes_the_rules(self):
        checked = promtool("check", "rules", ALERTS)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_each_alert_fires_when_it_should_and_not_before(self):
        tested = promtool("test", "rules", CASES)
        self.assertEqual(tested.returncode, 0, tested.stdout + tested.stderr)
        cases = CASES.read_text(encoding="utf-8")
        for name, _ in expressions():
            self.assertIn(f"alertname: {name}, exp_alerts: []", cases, "when it is quiet")
            self.assertIn(f"alertname: {name}\n", cases, "when it fires")

    def test_each_alert_has_its_row_in_the_document(self):
        text = MONITORING.read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(Latchkey\w+)` \|", text, re.M)
        self.assertEqual(rows, [name for name, _ in expressions()])


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="latchkey-")
        config = Path(cls.folder, "latchkey.toml")
        config.write_text(GATE, encoding="utf-8")
        chain, key = str(Path(cls.folder, "chain.pem")), str(Path(cls.folder, "key.pem"))
        certificates.Root(cls.folder).issue(chain, key)
        cls.server = harness.Server("--config", str(config), "--tls-certificate-file", chain,
                                    "--tls-key-file", key)
        cls.server.start()
        cls.text = cls.server.operations("/metrics").text

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        shutil.rmtree(cls.folder)

    def test_each_metric_of_an_alert_is_there(self):
        there = set(re.findall(r"^(\w+)[{ ]", self.text, re.M))
        self.assertGreater(len(expressions()), 20)
        for name, expression in expressions():
            used = names_in(expression) or FOREIGN
            self.assertLessEqual(used - FOREIGN, there, name)

    def test_each_label_of_an_alert_is_there(self):
        for name, expression in expressions():
            for metric, label, value in re.findall(r'(\w+)\{(\w+)=~?"([^"]+)"\}', expression):
                if label == "job":
                    continue
                for one in value.split("|"):
                    self.assertIn(f'\n{metric}{{{label}="{one}"}} ', self.text, name)

    def test_promtool_has_no_complaint_about_the_metrics(self):
        checked = promtool("check", "metrics", stdin=self.text)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_the_process_tells_of_itself(self):
        before = self.server.metric("process_open_fds")
        host = urllib.parse.urlsplit(self.server.operations_url)
        sockets = [socket.create_connection((host.hostname, host.port)) for _ in range(20)]
        self.server.operations("/health/live")  # by then they were taken
        self.assertGreaterEqual(self.server.metric("process_open_fds"), before + 15)
        for one in sockets:
            one.close()
        self.assertGreater(self.server.metric("process_max_fds"), 1000)
        self.assertGreater(self.server.metric("process_cpu_seconds_total"), 0)
        self.assertGreater(self.server.metric("process_resident_memory_bytes"), 1 << 20)


if __name__ == "__main__":
    unittest.main()
