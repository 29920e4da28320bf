#!/usr/bin/env python3
"""The checker of histories finds what is wrong, and nothing else."""
import unittest

from history import History


class HistoryTest(unittest.TestCase):
    def found(self, answer, began, ended=None, made=(10.0, 10.1)):
        history = History(bound=1.0)
        if made:
            history.begin_make("x", made[0])
            if made[1]:
                history.acknowledge_make("x", made[1])
        if ended:
            history.begin_end("x", ended[0])
            if ended[1]:
                history.acknowledge_end("x", ended[1])
        history.add_check("node", "x", began, began + 0.01, answer)
        return history.violations()

    def test_revoked_and_accepted_beyond_the_bound(self):
        self.assertEqual(self.found("accepted", 21.05, (20.0, 20.1)), [])
        self.assertEqual(len(self.found("accepted", 21.11, (20.0, 20.1))), 1)
        self.assertEqual(self.found("refused", 21.11, (20.0, 20.1)), [])
        self.assertEqual(self.found("stale", 21.11, (20.0, 20.1)), [])

    def test_a_revocation_without_an_answer_allows_both(self):
        for answer in ("accepted", "refused"):
            self.assertEqual(self.found(answer, 30.0, (20.0, None)), [])

    def test_phantoms(self):
        self.assertEqual(len(self.found("accepted", 9.0)), 1)
        self.assertEqual(len(self.found("accepted", 9.0, made=None)), 1)

    def test_lost_changes(self):
        self.assertEqual(self.found("refused", 11.0), [])
        self.assertEqual(len(self.found("refused", 11.2)), 1)
        self.assertEqual(self.found("refused", 11.2, made=(10.0, None)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
