"""As a service: what the service manager is told, and what stands in the unit."""

import configparser
import os
import socket
import unittest
from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parents[2]


class ServiceManager(unittest.TestCase):
    def states(self, address, environment):
        """What is told to a socket at `address` over the life of a server."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address)
            manager.settimeout(30)
            server = harness.Server(environment={"NOTIFY_SOCKET": environment})
            self.addCleanup(server.close)
            server.start()
            told = [manager.recv(4096).decode()]
            server.stop()
            told.append(manager.recv(4096).decode())
            return told, server

    def test_ready_and_stopping_at_a_path(self):
        path = harness.tempfile.mkdtemp() + "/notify"
        self.addCleanup(os.rmdir, os.path.dirname(path))
        self.addCleanup(os.unlink, path)
        told, server = self.states(path, path)
        self.assertEqual(told, ["READY=1\nSTATUS=Serves " + server.url, "STOPPING=1"])

    def test_an_abstract_name(self):
        name = f"latchkey-test-{os.getpid()}"
        told, _ = self.states("\0" + name, "@" + name)
        self.assertTrue(told[0].startswith("READY=1\n"))

    def test_nobody_reads(self):
        for address in ("/nowhere/at/all", "@nobody", "relative", "@", "/" + "x" * 300):
            with self.subTest(address):
                server = harness.Server(environment={"NOTIFY_SOCKET": address})
                self.addCleanup(server.close)
                server.start()
                self.assertEqual(server.stop(), 0)


class Unit(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "packaging/latchkey.service").read_text(encoding="utf-8")
        unit = configparser.ConfigParser(interpolation=None, strict=False)
        unit.optionxform = str
        unit.read_string(self.text)
        self.service = unit["Service"]

    def test_it_takes_away_what_the_server_does_not_need(self):
        for key, value in (("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
                           ("ProtectHome", "yes"), ("PrivateTmp", "yes"), ("PrivateDevices", "yes"),
                           ("CapabilityBoundingSet", ""), ("MemoryDenyWriteExecute", "yes"),
                           ("LimitCORE", "0"), ("UMask", "0077"), ("StateDirectoryMode", "0700"),
                           ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX")):
            self.assertEqual(self.service[key], value, key)
        self.assertIn("\nSystemCallFilter=@system-service\n", self.text)

    def test_the_set_up_link_does_not_reach_the_journal(self):
        self.assertEqual(self.service["StandardOutput"], "null")

    def test_there_is_a_descriptor_for_each_connection(self):
        printed = harness.subprocess.run([harness.BINARY, "serve", "--print-config"], text=True,
                                         capture_output=True, check=True).stdout
        connections = int(printed.split("connections_max = ")[1].split(" ")[0])
        self.assertGreaterEqual(int(self.service["LimitNOFILE"]), connections + 128)


if __name__ == "__main__":
    unittest.main()
