#!/usr/bin/env python3
"""P4: from start to ready, from a snapshot and from all rows, beside reading the rows of tokens.

usage: bench/start_up.py [--quick]

The store of ten million tokens is made once, in build/bench (14 GB, some ten minutes), and kept;
remove the folder to have it made anew. What measures is start_up.cc.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    quick = "--quick" in sys.argv[1:]
    tokens = 100_000 if quick else 10_000_000
    data = ROOT / f"build/bench/seeded-{tokens}"
    if not (data / "latchkey.db").exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        print(f"seeding {data.relative_to(ROOT)}", file=sys.stderr, flush=True)
        subprocess.run([ROOT / "build/release/latchkey", "bench", "seed", str(tokens), "--data",
                        data], check=True, stdout=sys.stderr)
    done = subprocess.run([ROOT / "build/release/bench/start_up", data, "3" if quick else "5"],
                          check=False)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
