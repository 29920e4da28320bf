#!/usr/bin/env python3
"""P5 on PostgreSQL: bench/store_commit on a server of its own, on the disk of TMPDIR.

usage: bench/create_postgres.py [--quick]
"""

import subprocess
import sys

import support

sys.path.insert(0, str(support.ROOT / "tests/support"))
import postgres  # pylint: disable=wrong-import-position


def main():
    cluster = postgres.Cluster(on_disk=True, shared_buffers="128MB")
    try:
        url = cluster.create_database("bench", host=None)
        seconds = "3" if "--quick" in sys.argv else "10"
        return subprocess.run([support.BUILD / "bench/store_commit", seconds, url],
                              check=False).returncode
    finally:
        cluster.close()


if __name__ == "__main__":
    sys.exit(main())
