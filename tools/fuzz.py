#!/usr/bin/env python3
"""Runs fuzz targets and keeps an account of it: what `./dev fuzz` calls.

Each run adds lines to build/fuzz/executions.jsonl: the target, the commit, the preset, how many
inputs were executed in how many seconds of processor time, and whether one failed. `--totals` adds
them up. New inputs gather in build/fuzz/corpus, which both presets share. See fuzz/README.md.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATE = ROOT / "build/fuzz"
LEDGER = STATE / "executions.jsonl"
PRESETS = {False: "fuzz", True: "fuzz-fast"}
# A run is cut into slices of so many seconds, each with its line in the ledger.
SLICE_S = 60
# The longest input of a target in bytes: enough for each of its rules, and no more, since what is
# longer is slower. Others have the default.
LENGTH_MAX = {
    "api_version": 256, "continuation": 512, "credential": 1536, "date_time": 48, "json": 512,
    "key_file": 512, "path": 512, "query": 1024, "request_head": 2048, "response_head": 2048,
    "route_matcher": 128, "scopes": 512, "subjects": 256, "text": 256, "token_text": 128,
}
LENGTH_MAX_DEFAULT = 1024
# By fuzz-fast only which edges were reached counts for these, not how often: libFuzzer's account of
# that took more time than the target, and brought no further edge.
EDGES_ALONE = {"route_matcher"}


def all_targets() -> list[str]:
    return sorted(path.name.removesuffix("_fuzz.cc") for path in (ROOT / "fuzz").glob("*_fuzz.cc"))


def current_commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True,
                              text=True).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "fuzz")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def read_ledger() -> list[dict]:
    if not LEDGER.exists():
        return []
    return [json.loads(line) for line in LEDGER.read_text().splitlines()]


def add_to_ledger(entry: dict) -> None:
    with LEDGER.open("a") as file:
        file.write(json.dumps(entry) + "\n")


def executed_units(output: str) -> int:
    """How many inputs a run of libFuzzer executed, by its own count."""
    stated = re.findall(r"stat::number_of_executed_units: (\d+)", output)
    shown = re.findall(r"^#(\d+)\s", output, re.MULTILINE)
    return int((stated or shown or ["0"])[-1])


def command_of(target: str, preset: str, limits: list[str]) -> list[str]:
    gathered = STATE / "corpus" / target
    gathered.mkdir(parents=True, exist_ok=True)
    command = [
        "nice", "-n", "19", str(ROOT / "build" / preset / "fuzz" / target), *limits,
        f"-max_len={LENGTH_MAX.get(target, LENGTH_MAX_DEFAULT)}",
        # Wall time, so that a busy machine is not taken for a slow input.
        "-timeout=120", "-report_slow_units=120", "-rss_limit_mb=1024",
        "-reload=0", "-print_final_stats=1", f"-artifact_prefix={STATE / target}-",
    ]
    if target in EDGES_ALONE and preset == PRESETS[True]:
        command.append("-use_counters=0")
    dictionary = ROOT / "fuzz/dictionaries" / f"{target}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    return [*command, str(gathered), str(ROOT / "fuzz/corpus" / target)]


def run_slice(target: str, preset: str, commit: str, seconds: float, runs: int) -> bool:
    """Fuzzes `target` for `seconds` or `runs` inputs (-1: no limit); whether nothing failed."""
    limits = [f"-max_total_time={max(1, round(seconds))}", f"-runs={runs}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command_of(target, preset, limits), capture_output=True, text=True,
                          errors="replace")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    executions = executed_units(done.stderr)
    add_to_ledger({
        "target": target, "preset": preset, "commit": commit,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "executions": executions,
        "seconds": round(cpu_s, 1), "finds": int(done.returncode != 0),
    })
    if done.returncode != 0:
        print("\n".join(done.stderr.splitlines()[-40:]), file=sys.stderr)
        print(f"fuzz: {target} failed; its input is build/fuzz/{target}-*", file=sys.stderr)
        return False
    last = re.findall(r"^#\d+\s+DONE\s+(.*?) lim", done.stderr, re.MULTILINE)
    print(f"{target}: {executions:,} inputs in {cpu_s:.0f} s ({preset}) {last[-1] if last else ''}",
          flush=True)
    return True


def total_of(target: str) -> int:
    return sum(entry["executions"] for entry in read_ledger() if entry["target"] == target)


def fuzz(target: str, options: argparse.Namespace, commit: str) -> bool:
    """Fuzzes `target` to the end of its time or of its number of inputs; whether nothing failed."""
    preset = PRESETS[options.fast]
    end = time.monotonic() + options.seconds
    while True:
        left_s = SLICE_S if options.until else min(SLICE_S, end - time.monotonic())
        runs = options.until - total_of(target) if options.until else -1
        if left_s <= 0 or (options.until and runs <= 0):
            return True
        if not run_slice(target, preset, commit, left_s, runs):
            return False


def print_totals() -> None:
    entries = read_ledger()
    print(f"{'target':<16}{'inputs':>15}{'optimized':>15}{'sanitized':>13}{'inputs/s':>11}"
          f"{'finds':>7}  last")
    for target in all_targets():
        mine = [entry for entry in entries if entry["target"] == target]
        if not mine:
            print(f"{target:<16}{0:>15}")
            continue
        fast = [entry for entry in mine if entry["preset"] == PRESETS[True]]
        count, fast_count = (sum(e["executions"] for e in some) for some in (mine, fast))
        seconds = sum(entry["seconds"] for entry in mine)
        print(f"{target:<16}{count:>15,}{fast_count:>15,}{count - fast_count:>13,}"
              f"{count / max(seconds, 0.1):>11,.0f}{sum(e['finds'] for e in mine):>7}"
              f"  {mine[-1]['date'][:10]} {mine[-1]['commit']}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="[SECONDS] [TARGET]...",
                        help="seconds for each target (default 60), and which (default all)")
    parser.add_argument("--fast", action="store_true",
                        help="optimized, with cheap traps in place of sanitizers: for many inputs")
    parser.add_argument("--until", type=int, default=0, metavar="N",
                        help="until the ledger has N inputs of each target, instead of for a time")
    parser.add_argument("--totals", action="store_true", help="print what the ledger adds up to")
    parser.add_argument("--no-build", action="store_true", help="run what is built")
    options = parser.parse_args()
    options.seconds = 60
    if options.words and options.words[0].isdigit():
        options.seconds = int(options.words.pop(0))
    unknown = set(options.words) - set(all_targets())
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are "
                     f"{', '.join(all_targets())}")
    options.targets = options.words or all_targets()
    return options


def main() -> int:
    options = parse_arguments()
    if not options.totals:
        STATE.mkdir(parents=True, exist_ok=True)
        if not options.no_build:
            subprocess.run([str(ROOT / "dev"), "build", PRESETS[options.fast], *options.targets],
                           check=True)
        commit = current_commit()
        failed = [target for target in options.targets if not fuzz(target, options, commit)]
    else:
        failed = []
    print_totals()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
