#!/usr/bin/env python3
"""Three nodes and a gate on one PostgreSQL, with faults: nothing revoked is let through beyond the
bound, nothing acknowledged is lost (docs/spec/verification.md, "Many nodes").

LATCHKEY_NODES_SECONDS is how long it runs, LATCHKEY_SEED repeats the order of faults and changes.
"""
import http.client
import os
import random
import shutil
import signal
import threading
import time
import unittest
import urllib.parse
from collections import Counter

import faulty
import harness
import postgres
from history import History
from test_feed import Cut, Follower

SECONDS = float(os.environ.get("LATCHKEY_NODES_SECONDS", "14"))
SEED = int(os.environ.get("LATCHKEY_SEED", "0")) or random.SystemRandom().getrandbits(32)
WRITERS, CHECKERS = 3, 5


def send(server, method, path, headers, body=None):
    """The answer, or None when there was none."""
    host = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=8)
    try:
        return harness.send(connection, method, path, headers, body)
    except (OSError, http.client.HTTPException):
        return None


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to be")
        time.sleep(0.1)


class Nodes(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.cluster = postgres.Cluster()
        self.addCleanup(self.cluster.close)
        url = self.cluster.create_database("nodes")
        self.cut = Cut("http://127.0.0.1:%d" % self.cluster.port)
        self.addCleanup(self.cut.close)
        cut_port = urllib.parse.urlsplit(self.cut.url).port
        urls = [url, url, url.replace(f":{self.cluster.port}/", f":{cut_port}/")]
        self.nodes = []
        for number, store in enumerate(urls):
            kind = faulty.Server if number == 1 else harness.Server
            node = kind("--store", store)
            self.addCleanup(node.close)
            node.name = "node " + "ABC"[number]
            if number:  # the keys are everywhere before a node starts
                os.makedirs(node.data, 0o700)
                shutil.copytree(os.path.join(self.nodes[0].data, "keys"),
                                os.path.join(node.data, "keys"))
            node.start()
            if not number:
                node.environment["LATCHKEY_STORE_URL"] = store
                node.set_up()
            node.session = self.nodes[0].session if number else node.session
            self.nodes.append(node)
        secret = self.nodes[0].cli("client", "add", "gate", "--may", "feed", "--data",
                                   self.nodes[0].data).strip()
        # Behind the node that is going to be cut off.
        self.gate = Follower(self.nodes[2].folder, self.nodes[2].url, secret)
        self.addCleanup(self.gate.close)
        self.assertEqual(self.gate.first, "loaded")
        self.gate_lock = threading.Lock()
        self.history = History()
        self.tokens = []  # live: (id, text)
        self.recent = []  # texts
        self.tokens_lock = threading.Lock()
        self.ended = threading.Event()
        self.answers = Counter()
        self.problems = []

    def guard(self, body):
        """A thread whose failure is the test's."""
        def run():
            try:
                while not self.ended.is_set():
                    body()
            except Exception as problem:  # pylint: disable=broad-except
                self.problems.append(repr(problem))
        return threading.Thread(target=run)

    # Writers

    def write(self, choose):
        node = choose.choice(self.nodes)
        headers = {"Authorization": "Bearer " + self.nodes[0].session}
        with self.tokens_lock:
            token = None
            if len(self.tokens) > 8 and choose.random() < 0.6:
                token = self.tokens.pop(choose.randrange(len(self.tokens)))
        began = time.monotonic()
        if token is None:
            self.create(node, headers, began)
        elif choose.random() < 0.3:
            self.regenerate(node, headers, token, began)
        else:
            self.history.begin_end(token[1], began)
            answer = send(node, "DELETE",
                                   node.pats() + "&authorizationId=" + token[0], headers)
            if answer is not None and answer.status == 204:
                self.history.acknowledge_end(token[1], time.monotonic())
            self.count("revoke", answer)
        time.sleep(choose.uniform(0, 0.06))

    def create(self, node, headers, began):
        answer = send(node, "POST", node.pats(), headers,
                               {"displayName": "t", "scope": "vso.project"})
        self.count("create", answer)
        if answer is None or answer.status != 200:
            return  # its text is lost, so nobody checks it
        made = answer.json()["patToken"]
        self.add(made["authorizationId"], made["token"], began)

    def add(self, authorization_id, text, began):
        self.history.begin_make(text, began)
        self.history.acknowledge_make(text, time.monotonic())
        with self.tokens_lock:
            self.tokens.append((authorization_id, text))
            self.recent.append(text)

    def regenerate(self, node, headers, token, began):
        self.history.begin_end(token[1], began)
        path = node.pats().replace("?", f"/{token[0]}/regenerate?")
        answer = send(node, "POST", path, headers, {})
        self.count("regenerate", answer)
        if answer is None or answer.status != 200:
            return
        self.history.acknowledge_end(token[1], time.monotonic())
        made = answer.json()["patToken"]
        self.add(token[0], made["token"], began)

    def count(self, what, answer):
        self.answers[f"{what} {answer.status if answer is not None else 'nothing'}"] += 1

    # Checkers

    def check(self, choose):
        with self.tokens_lock:
            texts = self.recent[-40:] if choose.random() < 0.7 else self.recent
            text = choose.choice(texts) if texts else None
        if text is None:
            time.sleep(0.01)
            return
        if choose.random() < 0.2:
            self.check_at_gate(text)
            return
        node = choose.choice(self.nodes)
        began = time.monotonic()
        answer = send(node, "GET", f"/{node.organization}/_apis/tokens/self",
                               {"Authorization": harness.basic(text)})
        if answer is None:
            self.answers["check nothing"] += 1
            time.sleep(0.02)
            return
        words = {200: "accepted", 401: "refused", 503: "stale"}
        self.assertIn(answer.status, words, answer)
        self.history.add_check(node.name, text, began, time.monotonic(), words[answer.status])
        self.answers["check " + words[answer.status]] += 1

    def check_at_gate(self, text):
        with self.gate_lock:
            began = time.monotonic()
            decided = self.gate.check(text)
            answered = time.monotonic()
        answer = {"granted": "accepted", "index_stale": "stale"}.get(decided, "refused")
        self.history.add_check("gate", text, began, answered, answer)
        self.answers["check at the gate " + answer] += 1

    # Faults

    def node_cut_off(self):
        self.cut.is_cut.set()
        time.sleep(self.random.uniform(1.5, 2.5))
        self.cut.is_cut.clear()

    def database_restarted(self):
        self.cluster.restart()

    def database_killed(self):
        self.cluster.kill()
        time.sleep(self.random.uniform(0, 1.5))
        self.cluster.start()

    def node_stopped(self):
        """For longer than the bound: it wakes with an old index."""
        node = self.random.choice(self.nodes)
        node.process.send_signal(signal.SIGSTOP)
        time.sleep(self.random.uniform(1.2, 2))
        node.process.send_signal(signal.SIGCONT)

    def gate_stopped(self):
        with self.gate_lock:
            self.gate.process.send_signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(1.2, 1.6))
            self.gate.process.send_signal(signal.SIGCONT)

    def clock_stepped(self):
        self.nodes[1].set(clock_offset_ms=self.random.choice([-600_000, -3000, 3000, 600_000, 0]))

    def node_killed(self):
        node = self.nodes[self.random.randrange(2)]
        port = urllib.parse.urlsplit(node.url).port
        node.kill()
        command = node.start_command()
        command[command.index("--port") + 1] = str(port)
        node.start_command = lambda: command
        node.start()

    def test_nothing_is_let_through_beyond_the_bound_and_nothing_is_lost(self):
        print(f"LATCHKEY_SEED={SEED}", flush=True)
        threads = []
        for number in range(WRITERS + CHECKERS):
            body = self.write if number < WRITERS else self.check
            choose = random.Random(SEED + number)
            threads.append(self.guard(lambda b=body, c=choose: b(c)))
        for thread in threads:
            thread.start()
        try:
            self.make_faults()
        finally:
            self.ended.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual(self.problems, [])
        print(dict(sorted(self.answers.items())))
        self.assertEqual(self.history.violations(), [], f"LATCHKEY_SEED={SEED}")
        checks = sum(n for name, n in self.answers.items() if name.startswith("check"))
        self.assertGreater(checks, 30 * SECONDS)
        for name in ("check accepted", "check refused", "check stale", "check at the gate accepted",
                     "check at the gate stale", "create 200", "revoke 204", "regenerate 200"):
            self.assertGreater(self.answers[name], 0, name)
        self.all_nodes_agree()

    def make_faults(self):
        faults = [self.node_cut_off, self.database_restarted, self.node_stopped,
                  self.database_killed, self.clock_stepped, self.gate_stopped, self.node_killed]
        until = time.monotonic() + SECONDS
        time.sleep(1)
        while True:
            self.random.shuffle(faults)
            for fault in faults:  # each at least once
                print(f"{SECONDS - (until - time.monotonic()):.1f} s: {fault.__name__}", flush=True)
                fault()
                time.sleep(self.random.uniform(0.3, 1.5))
            if time.monotonic() > until:
                return

    def all_nodes_agree(self):
        """After the faults all nodes give the same answer about each token, and the log holds."""
        self.nodes[1].set(clock_offset_ms=0)
        for node in self.nodes:
            wait_until(lambda n=node: n.operations("/health/ready").status == 200, 20)
        time.sleep(1.5)
        for text in self.recent[-150:]:
            told = {node.use(text).status for node in self.nodes}
            self.assertEqual(len(told), 1, told)
        self.nodes[0].cli("audit", "verify", "--data", self.nodes[0].data)


if __name__ == "__main__":
    unittest.main(verbosity=2)
