"""Nodes and a gate on one PostgreSQL, with writers and checkers: what test_nodes and test_failover
share. LATCHKEY_SEED repeats the order of faults and changes."""
import http.client
import os
import random
import shutil
import threading
import time
import unittest
import urllib.parse
from collections import Counter

import faulty
import harness
from history import History
from test_feed import Follower

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


class World(unittest.TestCase):
    def start_nodes(self, urls):
        """Three nodes, the second with a clock that can be put; a gate behind the third."""
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
        # Another node knows a new client a moment later.
        deadline = time.monotonic() + 10
        while True:
            self.gate = Follower(self.nodes[2].folder, self.nodes[2].url, secret)
            self.addCleanup(self.gate.close)
            if self.gate.first == "loaded" or time.monotonic() > deadline:
                break
            time.sleep(0.1)
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
        # 404: the check let it through, and a primary of before was asked what else there is.
        words = {200: "accepted", 404: "accepted", 401: "refused", 503: "stale"}
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

    # How long it took

    def measure(self, began, seconds=40):
        """Right after a promotion, with writers at work: waits until all is as before, at most
        `seconds`, and prints how long that took."""
        promoted = time.monotonic()
        before = self.answers["create 200"]
        wait_until(lambda: self.answers["create 200"] >= before + 3, seconds)
        changed = time.monotonic()
        for node in self.nodes:
            wait_until(lambda n=node: n.operations("/health/ready").status == 200, seconds)
        print(f"{self.id().rpartition('.')[2]}: promoted after {promoted - began:.2f} s; changes "
              f"were accepted again {changed - promoted:.2f} s later, every node answered checks "
              f"{time.monotonic() - promoted:.2f} s later", flush=True)

    def run_under_load(self, body, outage=True):
        """Runs `body` beside writers and checkers, then holds what was seen against the rules.
        `outage`: nodes and gate must have been without a primary for longer than the bound."""
        print(f"LATCHKEY_SEED={SEED}", flush=True)
        threads = []
        for number in range(WRITERS + CHECKERS):
            work = self.write if number < WRITERS else self.check
            choose = random.Random(SEED + number)
            threads.append(self.guard(lambda b=work, c=choose: b(c)))
        for thread in threads:
            thread.start()
        try:
            body()
        finally:
            self.ended.set()
            for thread in threads:
                thread.join(60)
        self.assertEqual(self.problems, [])
        print(dict(sorted(self.answers.items())))
        self.assertEqual(self.history.violations(), [], f"LATCHKEY_SEED={SEED}")
        seen = ["check accepted", "check refused", "check at the gate accepted", "create 200",
                "revoke 204", "regenerate 200"]
        if outage:
            seen += ["check stale", "check at the gate stale"]
        for name in seen:
            self.assertGreater(self.answers[name], 0, name)
        self.all_nodes_agree()

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
