#!/usr/bin/env python3
"""More than the queues hold (`overloaded`): refused at once, nothing waits without a bound."""

import json
import selectors
import socket
import time
import unittest
import urllib.parse

import harness

SIGN_INS = 300  # 2 threads hash, 64 wait
REFUSED = ['latchkey_unavailable_answers_total{reason="room"}',
           'latchkey_http_shed_total{work="ordinary"}',
           'latchkey_http_shed_total{work="connection"}']


class Overload(harness.ServerTest):
    def sign_in_bytes(self, email, password):
        body = json.dumps({"email": email, "password": password})
        return (f"POST /_latchkey/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                f"{body}").encode()

    def flood(self, requests):
        """All requests at once, each on a connection of its own; the answers."""
        host = urllib.parse.urlsplit(self.server.url)
        peers = [socket.create_connection((host.hostname, host.port), 30) for _ in requests]
        for peer, request in zip(peers, requests):
            peer.sendall(request)
        received = {peer: b"" for peer in peers}
        deadline = time.monotonic() + 60
        with selectors.DefaultSelector() as selector:
            for peer in peers:
                selector.register(peer, selectors.EVENT_READ)
            while selector.get_map():
                self.assertLess(time.monotonic(), deadline, "not every sign-in was answered")
                for key, _ in selector.select(1):
                    piece = key.fileobj.recv(65536)
                    received[key.fileobj] += piece
                    if not piece:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
        return [harness.Answer.of_bytes(text) for text in received.values()]

    def test_sign_ins_that_cannot_wait_are_told_to_come_back(self):
        token = self.server.make_token()
        answers = self.flood([self.sign_in_bytes(f"nobody{number}@example.com", "not the password")
                              for number in range(SIGN_INS)])
        self.assertEqual(len(answers), SIGN_INS)
        busy = [answer for answer in answers if answer.status == 503]
        self.assertTrue(busy, "no sign-in was refused")
        for answer in busy:
            self.assert_error(answer, 503, "ServiceOverloadedException")
            self.assertEqual(answer.values("Retry-After"), ["1"])
        others = {answer.status for answer in answers} - {503}
        self.assertLessEqual(others, {401, 429})
        # A busy machine sheds some before the queue is asked for room (H49).
        self.assertEqual(sum(map(self.server.metric, REFUSED)), len(busy))
        # Tokens are checked on other threads, and the queue empties.
        deadline = time.monotonic() + 10
        while (answer := self.server.use(token)).status == 503:  # shed too
            self.assertLess(time.monotonic(), deadline, answer)
            time.sleep(0.1)
        self.assertEqual(answer.status, 200)
        self.assertEqual(self.server.operations("/health/ready").status, 200)
        self.assertIn('latchkey_jobs_queued{pool="passwords"} 0\n',
                      self.server.operations("/metrics").text)


if __name__ == "__main__":
    unittest.main()
