#!/usr/bin/env python3
"""Compiles a case twice: as it is it must meet its error, with MUST_COMPILE it must compile.

The case's first line is `// error: REGEX`, what a gcc or clang message of it must hold.

usage: check.py CASE COMPILER [FLAG]...
"""

import re
import subprocess
import sys


def main():
    case, *compile_command = sys.argv[1:]
    with open(case, encoding="utf-8") as file:
        first_line = file.readline()
    expected = re.fullmatch(r"// error: (.+)\n", first_line)
    if not expected:
        return f"{case}:1: must be `// error: REGEX`"

    control = subprocess.run([*compile_command, "-DMUST_COMPILE", case],
                             capture_output=True, text=True, check=False)
    if control.returncode != 0:
        return f"the control does not compile:\n{control.stderr}"

    bad = subprocess.run([*compile_command, case], capture_output=True, text=True, check=False)
    if bad.returncode == 0:
        return f"{case} compiles, and must not"
    errors = [line for line in bad.stderr.splitlines() if "error:" in line]
    if not any(re.search(expected.group(1), line) for line in errors):
        return f"{case} fails, but for another reason than `{expected.group(1)}`:\n{bad.stderr}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
