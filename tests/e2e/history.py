"""Whether what nodes answered could be true: the rules of tests/simulation/history.h, over times
that were observed from outside.

Times are of one clock, in seconds. A change counts as acknowledged when its answer had arrived; a
check begins when it is sent. So what is found is wrong whatever the network did.
"""
import threading

BOUND = 1.0
ROUNDING = 0.001  # both clocks of an age count whole milliseconds


class History:
    def __init__(self, bound=BOUND):
        self.bound = bound + ROUNDING
        self.lock = threading.Lock()
        self.made = {}    # text -> [began, acknowledged or None]
        self.ended = {}   # the same of what ends it: a revocation, a regeneration
        self.checks = []  # (name, text, began, answered, "accepted" | "refused" | "stale")

    def begin_make(self, text, began):
        with self.lock:
            self.made[text] = [began, None]

    def acknowledge_make(self, text, at):
        with self.lock:
            self.made[text][1] = at

    def begin_end(self, text, began):
        with self.lock:
            self.ended.setdefault(text, [began, None])

    def acknowledge_end(self, text, at):
        with self.lock:
            self.ended[text][1] = at

    def add_check(self, name, text, began, answered, answer):
        with self.lock:
            self.checks.append((name, text, began, answered, answer))

    def violations(self):
        found = []
        for name, text, began, answered, answer in self.checks:
            made, ended = self.made.get(text), self.ended.get(text)
            since = began - self.bound
            problem = None
            if answer == "accepted":
                if made is None or made[0] >= answered:
                    problem = "nobody had made it"
                elif ended and ended[1] is not None and ended[1] < since:
                    problem = f"it was ended {began - ended[1]:.3f} s before"
            elif answer == "refused":
                may_be_ended = ended is not None and ended[0] < answered
                must_be_made = made is not None and made[1] is not None and made[1] < since
                if must_be_made and not may_be_ended:
                    problem = f"it was made {began - made[1]:.3f} s before, and never ended"
            if problem:
                found.append(f"{name} {answer} a token at {began:.3f}: {problem}")
        return found
