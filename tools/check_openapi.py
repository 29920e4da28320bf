#!/usr/bin/env python3
"""Asks `latchkey gate explain` about every operation of a folder of Azure DevOps's Swagger files
and compares the answer with spec/azure-devops/operations.jsonl.

usage: tools/check_openapi.py LATCHKEY FOLDER
The last line is `N passed, N failed`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(latchkey, *arguments):
    done = subprocess.run([latchkey, "--json", "gate", *arguments, "--any-scope"],
                          capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def operations_of(document):
    """(method, path) of every operation, queries in paths cut off."""
    for name in ("paths", "x-ms-paths"):
        for path, item in document.get(name, {}).items():
            for method in item:
                if method in ("get", "put", "post", "delete", "head", "options", "patch"):
                    yield method.upper(), path.split("?")[0]


def main():
    latchkey, folder = sys.argv[1], Path(sys.argv[2])
    expected = {}
    for line in (ROOT / "spec/azure-devops/operations.jsonl").read_text().splitlines():
        row = json.loads(line)
        key = (row["host"], row["version"], row["method"], row["path"].split("?")[0])
        expected[key] = sorted(row["scopes"])
    passed = failed = 0
    for file in sorted(folder.glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8-sig"))
        checked = run(latchkey, "check", str(file))
        if isinstance(checked, str):
            print(f"FAILED {file.name}: {checked.strip()}")
            failed += 1
            continue
        for method, path in sorted(set(operations_of(document))):
            # A version that the data does not have is only asked about.
            version = document["info"]["version"].split("-")[0]
            wanted = expected.get((document.get("host"), version, method, path))
            answer = run(latchkey, "explain", method, re.sub(r"\{[^}]*\}", "value", path),
                         "--openapi", str(file))
            if isinstance(answer, str):
                print(f"FAILED {file.name} {method} {path}: {answer.strip()}")
                failed += 1
                continue
            scopes = sorted(name for names in answer["alternatives"] for name in names)
            if wanted is None or scopes == wanted:
                passed += 1
            else:
                print(f"FAILED {file.name} {method} {path}: {scopes}, not {wanted}")
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
