#!/usr/bin/env python3
"""Breaks the code in the ways of tools/mutants.py, one at a time, and sees whether a test fails.

The working tree and its build stay as they are: a changed copy of the source is compiled as the dev
preset compiles it, and linked into a copy of each program of tests that could see it, in front of
the library that has the original. The programs run until one fails. Fails if more than
SURVIVORS_MAX survive, or if a text to be replaced does not stand exactly once in its file.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from mutants import AROUND, CORE_AND_VERIFY, Mutant

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/dev"
SCRATCH = ROOT / "build/mutants"
MUTANTS = CORE_AND_VERIFY + AROUND
SURVIVORS_MAX = 2
TEST_TIMEOUT_S = 600  # a mutant may hang a test; that counts as seen
# The programs that could see a change of a layer, the likeliest first.
PROGRAMS = {
    "core": ["core_test", "verify_test", "contract_test", "service_test", "model_test"],
    "verify": ["verify_test", "gate_test"],
    "store": ["store_test", "contract_test", "service_test", "model_test"],
    "gate": ["gate_test"],
    "app": ["simulation_test", "app_test"],
}
FOLDERS = {"contract_test": "tests/contract/", "model_test": "tests/model/",
           "simulation_test": "tests/simulation/"}


def path_of(program: str) -> str:
    return FOLDERS.get(program, "tests/") + program


def layer_of(mutant: Mutant) -> str:
    return mutant.file.split("/")[0]


def mismatches() -> list[str]:
    """What no longer fits the code, as messages."""
    wrong = []
    for mutant in MUTANTS:
        count = (ROOT / "src" / mutant.file).read_text().count(mutant.before)
        if count != 1:
            wrong.append(f"{mutant.name}: its text stands {count} times in src/{mutant.file}, not "
                         "once")
    names = [mutant.name for mutant in MUTANTS]
    wrong += [f"{name}: two mutants have this name" for name in {*names} if names.count(name) > 1]
    return wrong


class Compiler:
    """How the dev build compiles its sources and links its programs of tests."""

    def __init__(self, programs: list[str]):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.compile = {entry["file"]: entry["command"] for entry in commands}
        told = subprocess.run(["ninja", "-C", str(BUILD), "-t", "commands",
                               *map(path_of, programs)], check=True, capture_output=True, text=True)
        self.links = {}
        for line in told.stdout.splitlines():
            for program in programs:
                if f" -o {path_of(program)} " in line:
                    self.links[program] = line

    def compile_mutant(self, mutant: Mutant) -> str:
        """Compiles the changed source into its folder; what went wrong, or nothing."""
        original = ROOT / "src" / mutant.file
        folder = SCRATCH / mutant.name
        folder.mkdir(parents=True, exist_ok=True)
        changed = folder / original.name
        changed.write_text(original.read_text().replace(mutant.before, mutant.after))
        command = self.compile[str(original)].replace(str(original), str(changed))
        # What it leaves unused is no reason not to try it.
        command = re.sub(r" -o \S+", f" -Wno-error -o {folder / 'mutant.o'}", command)
        return run(command)

    def link(self, mutant: Mutant, program: str) -> str:
        folder = SCRATCH / mutant.name
        told = f" -o {path_of(program)} "
        return run(self.links[program].replace(told, f" -o {folder / program} {folder}/mutant.o "))


def run(command: str) -> str:
    """Runs `command` in the build's folder; what it says if it fails, or nothing."""
    environment = {**os.environ, "CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1"}
    done = subprocess.run(command, shell=True, cwd=BUILD, capture_output=True, text=True,
                          env=environment)
    return "" if done.returncode == 0 else "\n".join((done.stdout + done.stderr).splitlines()[:30])


def failing_test(program: pathlib.Path) -> str:
    """The first test of `program` that fails; nothing when all pass."""
    command = [str(program), "--gtest_fail_fast", "--gtest_brief=1"]
    try:
        done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True,
                              errors="replace", timeout=TEST_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"{program.name}, which hangs"
    if done.returncode == 0:
        return ""
    named = re.search(r"\[  FAILED  \] ([\w/.]+)", done.stdout)
    return named[1] if named else f"{program.name}, which ends with {done.returncode}"


def judge(compiler: Compiler, mutant: Mutant) -> str:
    """The test that `mutant` makes fail; nothing when it survives."""
    wrong = compiler.compile_mutant(mutant)
    for program in PROGRAMS[layer_of(mutant)]:
        wrong = wrong or compiler.link(mutant, program)
        if wrong:
            raise RuntimeError(f"{mutant.name} cannot be built:\n{wrong}")
        path = SCRATCH / mutant.name / program
        failed = failing_test(path)
        path.unlink()  # 20 MB
        if failed:
            return failed
    return ""


def check_baseline(programs: list[str]) -> None:
    """Without a mutant all tests must pass: else nothing could be said of one."""
    for program in programs:
        failed = failing_test(BUILD / path_of(program))
        if failed:
            sys.exit(f"fails without a mutant: {failed}")


def judge_all(mutants: list[Mutant], jobs: int) -> list[str]:
    """Judges each mutant, telling how it went; the names of those that survive."""
    programs = list(dict.fromkeys(p for m in mutants for p in PROGRAMS[layer_of(m)]))
    subprocess.run([str(ROOT / "dev"), "build", "dev", *programs], check=True)
    print("without a mutant: ", end="", flush=True)
    check_baseline(programs)
    print("all tests pass", flush=True)
    compiler = Compiler(programs)
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        verdicts = {pool.submit(judge, compiler, mutant): mutant for mutant in mutants}
        for count, done in enumerate(concurrent.futures.as_completed(verdicts), 1):
            mutant, failed = verdicts[done], done.result()
            if not failed:
                survivors.append(mutant.name)
            verdict = f"seen by {failed}" if failed else f"SURVIVES: {mutant.harm}"
            print(f"[{count}/{len(mutants)}] {mutant.name}: {verdict}", flush=True)
    return survivors


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev mutate", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="these mutants only")
    parser.add_argument("--list", action="store_true", help="print the mutants and end")
    parser.add_argument("--match", action="store_true",
                        help="see only whether each mutant still fits the code")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="at once")
    options = parser.parse_args()
    wrong = mismatches()
    if wrong:
        sys.exit("\n".join(wrong))
    if options.match:
        print(f"{len(MUTANTS)} mutants fit the code")
        return 0
    mutants = [mutant for mutant in MUTANTS if not options.only or mutant.name in options.only]
    if len(mutants) < len(options.only or ()):
        parser.error("no such mutant; --list prints them")
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name:<27}src/{mutant.file:<28}{mutant.harm}")
        return 0
    begin = time.monotonic()
    survivors = judge_all(mutants, options.jobs)
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants make a test fail "
          f"({time.monotonic() - begin:.0f} s); survivors: {', '.join(survivors) or 'none'}")
    return 1 if len(survivors) > SURVIVORS_MAX else 0


if __name__ == "__main__":
    sys.exit(main())
