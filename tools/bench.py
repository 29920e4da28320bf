#!/usr/bin/env python3
"""Runs the benchmarks, each beside its reference, and makes docs/performance.md of what they say.

usage: tools/bench.py [--quick] [--list] [--keep-document] [PART...]

  --quick          smaller and shorter, to see that all of it runs; the document is left alone
  --list           the parts, and ends
  --keep-document  leaves the document alone
  --document-only  makes the document of the results that are there

Results go to build/bench/results.jsonl; parts that do not run keep those of their last run, and one
that fails loses them. The form of a line is bench/README.md's. Ends with 1 when a part could not
measure, with 0 even if a goal was missed: the table at the end says which.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import bench_document

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "build/bench/results.jsonl"
PROGRAMS = ROOT / "build/release/bench"
PART_SECONDS_MAX = 1800


class Part:
    """A few commands that measure one thing; `quick` and `full` are lists of them."""

    def __init__(self, name, title, full, quick=None):
        self.name, self.title = name, title
        self.full, self.quick = full, quick or full


def script(name, *options):
    return ["/usr/bin/python3", ROOT / "bench" / name, *options]


def program(name, *options):
    return [PROGRAMS / name, *options]


def http(name, title, file):
    return Part(name, title, [script(file)], [script(file, "--quick")])


PARTS = [
    http("loader", "our loader beside wrk", "loader.py"),
    Part("check", "P2, P3: a check in process, and the index's memory",
         [program("check_bench", 10 ** n, 5) for n in (3, 4, 5, 6)]
         + [program("check_bench", 10_000_000, 9)],
         [program("check_bench", 10 ** n, 3) for n in (3, 4, 5, 6)]),
    Part("decision", "P9: decisions of the gate", [program("gate_bench", 1_000_000, 9, 50_000)],
         [program("gate_bench", 100_000, 3, 20_000)]),
    http("forward-auth", "P1: a forward-auth check over HTTP", "check_http.py"),
    http("through-nginx", "forward-auth through nginx", "gate_nginx.py"),
    http("proxy", "P7: the reverse proxy", "proxy_http.py"),
    http("tls", "TLS", "http_tls.py"),
    Part("create", "P5: durable creates", [program("store_commit", 10)],
         [program("store_commit", 3)]),
    http("create-postgres", "P5 on PostgreSQL", "create_postgres.py"),
    Part("list", "P10: a page of the list of tokens", [program("list_page", 100_000, 7)],
         [program("list_page", 10_000, 3)]),
    http("sizes", "disk, connections, and bytes to gates", "sizes.py"),
    http("start", "P4: from start to ready", "start_up.py"),
    Part("growth", "checks while the index grows or is loaded anew",
         [program("growth", 10_000_000, 10)], [program("growth", 1_000_000, 3)]),
    http("nodes", "P6: from revocation to refusal on every node", "revocation_nodes.py"),
    http("peers", "P8: checks beside token services", "peers.py"),
]


def run_text(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    return done.stdout.strip()


def commit():
    """The commit that runs; "+" says that the tree was changed since."""
    changed = run_text("git", "status", "--porcelain", "--untracked-files=no", "--",
                       "src", "bench", "web", "CMakeLists.txt", "CMakePresets.json")
    return run_text("git", "rev-parse", "--short=10", "HEAD") + ("+" if changed else "")


def machine():
    """What a reader must know of where it ran; no names of hosts or people."""
    facts = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            facts["processor"] = line.split(":", 1)[1].strip()
    memory = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    release = dict(line.split("=", 1) for line in
                   Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    return {**facts, "cores": os.cpu_count(), "memory_gib": round(memory / 2 ** 20),
            "system": release.get("PRETTY_NAME", "").strip('"'),
            "kernel": platform.release().split("-")[0],
            "compiler": run_text("c++", "--version").split("\n", maxsplit=1)[0],
            "nginx": run_text("sh", "-c", "nginx -v 2>&1").rpartition("/")[2],
            "node": run_text("node", "--version").lstrip("v")}


def read_results():
    if not RESULTS.exists():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


def write_results(lines):
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    order = [part.name for part in PARTS]
    lines.sort(key=lambda line: order.index(line["part"]))
    text = "".join(json.dumps(line) + "\n" for line in lines)
    new = RESULTS.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(RESULTS)


def executable_of(command):
    return Path(command[1] if str(command[0]).endswith("python3") else command[0])


def run_command(command, stamp):
    """The result lines of one command; None if it failed. Its stderr goes to ours."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                               cwd=ROOT)
    ends = threading.Timer(PART_SECONDS_MAX, process.terminate)
    ends.start()
    lines = []
    for text in process.stdout:
        line = json.loads(text)
        lines.append({**line, **stamp})
        print("  " + bench_document.summary(line), flush=True)
    code = process.wait()
    ends.cancel()
    if code != 0:
        print(f"  FAILED: {executable_of(command).name} ended with {code}", flush=True)
        return None
    return lines


def run_part(part, is_quick, stamp):
    """The result lines of a part; None if one of its commands is not there or failed."""
    lines = []
    for command in part.quick if is_quick else part.full:
        executable = executable_of(command)
        if not executable.exists():
            print(f"  {executable.relative_to(ROOT)} is not there: not measured", flush=True)
            return None
        seen = run_command(command, stamp)
        if seen is None:
            return None
        lines += seen
    return lines


def warn_of_load():
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"The load average is {load:.1f}: on a machine with other work, only CPU times and "
              "their ratios say something, and these less than on a quiet one.", flush=True)


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep-document", action="store_true")
    parser.add_argument("--document-only", action="store_true")
    parser.add_argument("parts", nargs="*")
    options = parser.parse_args()
    unknown = set(options.parts) - {part.name for part in PARTS}
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are "
                     + ", ".join(part.name for part in PARTS))
    return options


def run_parts(options):
    """Runs them; the names of those that could not measure."""
    stamp = {"commit": commit(), "at": time.strftime("%Y-%m-%d"), "quick": options.quick,
             "machine": machine()}
    failed = []
    for part in PARTS:
        if options.parts and part.name not in options.parts:
            continue
        print(f"{part.name}: {part.title}", flush=True)
        began = time.monotonic()
        load = {"load_average": round(os.getloadavg()[0], 1)}
        lines = run_part(part, options.quick, {"part": part.name, **stamp, **load})
        print(f"  {time.monotonic() - began:.0f} s", flush=True)
        if lines is None:
            failed.append(part.name)
        others = [line for line in read_results() if line["part"] != part.name]
        write_results(others + (lines or []))
    return failed


def main():
    options = parse()
    if options.list:
        for part in PARTS:
            print(f"{part.name:14} {part.title}")
        return 0
    failed = []
    if not options.document_only:
        warn_of_load()
        failed = run_parts(options)
    lines = read_results()
    if not options.keep_document and (options.document_only or not options.quick):
        bench_document.write(ROOT, lines)
        print("docs/performance.md with its plots and docs/operating/sizing.md are made anew.")
    print(bench_document.goals_text(lines))
    if failed:
        print("Not measured: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
