#!/usr/bin/env python3
"""Checks the rules of STYLE.md that a program can check; run by ctest as `tidy`.

Each rule is a function from the tree to problems, listed in RULES. What a rule forbids it names
with the replacement. Exceptions are kept in this file, so that they are seen in review.
Every rule has a bad sample in tools/tidy_test.py.

usage: tools/tidy.py [--strict] [--root FOLDER]
  --strict  an error code that no test names is a failure, not a remark
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

# What each folder of src may include, beside itself. None: everything.
LAYERS = {
    "base": [],
    "http": ["base"],
    "core": ["base"],
    "store": ["base", "core"],
    "verify": ["base", "core", "http"],
    "service": ["base", "core", "http", "store"],
    "gate": ["base", "core", "http", "verify"],
    "api": ["base", "core", "http", "verify", "service", "gate"],
    "library": ["base", "core", "http", "verify", "gate"],
    "app": None,
}

LINE_MAX = 100  # characters
FUNCTION_MAX = 70  # lines, head included
HEADER_MAX = 200
SOURCE_MAX = 600
TEST_MAX = 900
PARAMETERS_MAX = 5

# Files that may read a secret (`RevealSecret{`), beside tests.
REVEALS = {
    "bench/many_tokens.cc",  # makes ten million
    "bench/population.h",  # makes tokens to measure with
    "bench/timing.cc",  # the same
    "fuzz/token_form_fuzz.cc",  # compares what two readings of a form give
    "src/base/secret.h",  # declares it
    "src/gate/gate_for_test.h",  # makes tokens for tests
    "src/gate/gate_policy.cc",  # a tunnel's credential, checked again while it is open
    "src/app/indexed_world_for_test.h",  # checks tokens in tests
    "src/base/crypto.cc",  # an HMAC key's states
    "src/base/sealed.cc",  # encrypts one, to be kept in memory
    "src/store/postgres_connection.cc",  # signs in to the database server
    "src/core/person.cc",  # the rules of a password
    "src/verify/feed_message.cc",  # digest keys on their way to a gate
    "src/verify/server_connection.cc",  # the credential of a gate
    "src/service/clients.cc",  # the same where it is checked
    "src/http/client.cc",  # the Authorization header that is sent
    "src/http/tls.cc",  # the server's private key
    "src/service/identity_parts.cc",  # digests of sessions and one-time links
    "src/service/mailer.cc",  # signs in to the mail server
    "src/service/passwords.cc",  # Argon2id
    "src/service/tokens.cc",  # the digest of a new token
    "src/api/oauth.cc",  # the token that somebody asks about
    "src/api/identity.cc",  # the session's cookie and the one-time link, once
    "src/api/tokens.cc",  # the reply with the token's text, once
    "src/app/seed.cc",  # digests of tokens that nobody made, for measuring
    "src/app/reveal.cc",  # what the command line shows or sends
    "src/service/tokens.cc",  # a new token's digest
    "src/http/client.cc",  # the Authorization header that the client sends
    "src/core/person.cc",  # a new password against the list of common ones
}

# Sources of these layers need a _test.cc beside them. A small one may share the test of another.
NEEDS_TEST = ["base", "core", "verify", "gate"]
TESTED_ELSEWHERE = {  # source: the test
    "src/verify/catalog_message.cc": "src/verify/feed_message_test.cc",
    "src/verify/remote_verifier.cc": "src/verify/http_feed_test.cc",
    "src/verify/server_connection.cc": "src/verify/http_feed_test.cc",
}

# Files that may be longer than the limits above, each with its own.
LONGER = {}

# Switches over something that is no enum of ours.
DEFAULT_ALLOWED = set()

TESTS = r"_test\.cc$|^tests/|^bench/|^fuzz/|^examples/"

# (pattern over code without comments and strings, what to use instead, files where it is right)
BANNED = [
    (r"\bs?rand\s*\(|\brandom_device\b|\bmt19937", "base/entropy.h: Entropy", TESTS),
    (r"\bstd::time\s*\(|(?<![\w.>:])time\s*\(\s*(nullptr|NULL|0|&)|system_clock::now",
     "base/clock.h: Clock", r"^src/base/clock\.cc$|" + TESTS),
    (r"\bstd::(cout|cerr|clog)\b|(?<!\w)f?printf\s*\(", "base/log.h: Log (app/ may print)",
     r"^src/app/|^src/base/assert\.cc$|" + TESTS),
    (r"(?<!operator )\bnew\b(?=\s*[\w:(])", "std::make_unique or a value", TESTS),
    (r"(?<!operator )\bdelete\b(?=\s*(\[\s*\]\s*)?[\w(*])", "std::unique_ptr or a value", TESTS),
    (r"\bstd::thread\b(?!::)", "std::jthread", None),
    (r"\bstd::jthread\b(?!::)", "a thread that http/, app/ or library/ starts",
     r"^src/(http|app|library)/|" + TESTS),
    (r"(?<!\w)assert\s*\(", "base/assert.h: LK_ASSERT", None),
    (r"\bthrow\b", "base/result.h: Result", TESTS),
]

# Not naked: owned from birth, the one way to a private constructor.
OWNED_NEW = re.compile(r"(unique_ptr<[^;()]*>\s*\w*\s*\(\s*)new\b")

# (included file, who may include it, what to do instead)
INCLUDES = [
    (r"boost/json\.hpp", r"^$", "include the single parts, e.g. boost/json/value.hpp"),
    (r"boost/beast.*", r"^src/http/|^tests/|^bench/", "go through http/message.h"),
    (r"sqlite3\.h", r"^src/store/(sqlite_driver\.cc|forgetful_disk_for_test\.h)$",
     "go through store/store.h"),
    (r"openssl/.*", r"^src/base/crypto\.cc$|^src/http/tls\w*\.(h|cc)$",
     "go through base/crypto.h"),
    (r"sodium\.h", r"^src/base/(secret|sealed)\.cc$|^src/service/password\w*\.cc$",
     "go through base/secret.h"),
    (r"cassert|assert\.h", r"^$", "include base/assert.h"),
]

WORDS = ["FIX" + "ME", "TO" + "DO"]  # in two parts, so that this file does not hold them

# A path that exists on one machine only.
MACHINE_PATH = re.compile(r"(?<![\w}*.\-\]/])/(?:home|root|Users|work)/\w|\.\./shared\b")

TEXT = {".h", ".cc", ".py", ".sh", ".md", ".txt", ".json", ".jsonl", ".toml", ".yml", ".yaml",
        ".js", ".mjs", ".ts", ".tsx", ".sql", ".conf", ".service", ".html", ".css", ""}


class File:
    """One text file: path relative to the root, its text, and for C++ the code alone."""

    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.is_cpp = path.endswith((".h", ".cc"))
        self.is_test = path.endswith("_test.cc") or path.startswith("tests/")
        self.is_source = self.is_cpp and path.startswith("src/")
        parts = path.split("/")
        self.layer = parts[1] if self.is_source and len(parts) > 2 else None
        self.code = blank(self.text) if self.is_cpp else ""

    def line_of(self, position):
        return self.text.count("\n", 0, position) + 1


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F'])'(?:\\.|[^'\\\n])+'", re.S)


def spaces(match):
    """What was matched as spaces, lines kept; the quotes of a literal stay."""
    piece = match.group(0)
    if piece.startswith(('"', "'")):
        return piece[0] + re.sub(r"[^\n]", " ", piece[1:-1]) + piece[-1]
    return re.sub(r"[^\n]", " ", piece)


def blank(text):
    """`text` of the same length and lines, with comments and literals' contents made spaces."""
    return TOKEN.sub(spaces, text)


def load(root):
    """The text files of the tree: what git knows or would add, or all if there is no git."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"],
            capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(p.relative_to(root)) for p in root.rglob("*")]
        listed = [p for p in listed if not re.search(r"(^|/)(build|node_modules|\.git)/", p)]
    paths = sorted(p for p in set(listed) if p and (root / p).is_file())
    return [File(root, p) for p in paths if Path(p).suffix in TEXT]


def check_layers(_root, files):
    """A folder includes only what its row of LAYERS allows."""
    known = {f.path for f in files}
    for file in files:
        if not file.is_source:
            continue
        if file.layer not in LAYERS:
            yield file.path, 1, f"is in no layer; the layers are {', '.join(LAYERS)}"
            continue
        allowed = LAYERS[file.layer]
        for number, line in enumerate(file.lines, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                continue
            target = match.group(1)
            layer = target.split("/")[0]
            if layer == "latchkey" and "include/" + target in known:
                continue  # what programs of others include
            if "src/" + target not in known:
                yield file.path, number, f'"{target}" is no file of src; write "layer/file.h"'
            elif allowed is not None and layer != file.layer and layer not in allowed:
                row = ", ".join(allowed) or "nothing"
                yield file.path, number, f'{file.layer} may include {row}, not "{target}"'


def check_includes(_root, files):
    """Heavy or dangerous headers are included in few places."""
    beast_headers = {f.path[4:] for f in files if f.is_source and f.path.endswith(".h")
                     and re.search(r"#\s*include\s+<boost/beast", f.text)}
    for file in files:
        if not file.is_cpp:
            continue
        for number, line in enumerate(file.lines, 1):
            match = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            name = match.group(1)
            for pattern, where, instead in INCLUDES:
                if re.fullmatch(pattern, name) and not re.search(where, file.path):
                    yield file.path, number, f"{name} is not for this file: {instead}"
            if name in beast_headers and file.layer not in (None, "http"):
                yield file.path, number, f"{name} brings in Beast, so it is private to http"


def check_words(_root, files):
    """Banned words, with their replacement."""
    for file in files:
        if file.is_cpp:
            code = OWNED_NEW.sub(r"\1   ", file.code)
            for pattern, instead, where in BANNED:
                if where and re.search(where, file.path):
                    continue
                for match in re.finditer(pattern, code):
                    word = match.group(0).strip()
                    yield file.path, file.line_of(match.start()), f"`{word}`: use {instead}"
        if file.is_source and file.path not in DEFAULT_ALLOWED:
            for match in re.finditer(r"\bdefault\s*:(?!:)", file.code):
                yield (file.path, file.line_of(match.start()),
                       "`default:`: name every value, so that a new one breaks the build here")
        if file.path == "STYLE.md" or re.search(r"package-lock\.json$|^spec/azure-", file.path):
            continue
        for word in WORDS:
            for match in re.finditer(rf"\b{word}\b", file.text):
                yield file.path, file.line_of(match.start()), f"`{word}` cannot merge: do it"


def check_secrets(_root, files):
    """Only the files of REVEALS read a secret."""
    for file in files:
        if not file.is_cpp or file.is_test or file.path in REVEALS:
            continue
        for match in re.finditer(r"\bRevealSecret\s*(\{|\(\s*\))", file.code):
            yield (file.path, file.line_of(match.start()),
                   "reads a secret; pass the SecretText on, or add the file to REVEALS here")


def check_limits(_root, files):
    """Lines, files, functions and parameter lists have a largest size."""
    for file in files:
        if not (file.is_cpp or file.path.endswith((".py", ".sh"))):
            continue
        for number, line in enumerate(file.lines, 1):
            if len(line) > LINE_MAX:
                yield file.path, number, f"has {len(line)} characters; at most {LINE_MAX}"
        if not file.is_cpp:
            continue
        limit = HEADER_MAX if file.path.endswith(".h") else TEST_MAX if file.is_test else SOURCE_MAX
        limit = LONGER.get(file.path, limit)
        if len(file.lines) > limit:
            yield file.path, limit + 1, f"has {len(file.lines)} lines; at most {limit}: split it"
        if file.is_source:
            yield from check_functions(file)


def check_functions(file):
    """The functions of one file, found by their braces."""
    for start, end, head, is_function in statements(without_macros(file.code)):
        first, last = file.line_of(start), file.line_of(end)
        if is_function and last - first + 1 > FUNCTION_MAX:
            yield file.path, first, f"{last - first + 1} lines of function; at most {FUNCTION_MAX}"
        count = count_parameters(head)
        is_interface = re.match(r"\s*lk_\w+ lk_", head)  # of the C interface: there are no defaults
        if count > PARAMETERS_MAX and not is_interface:
            yield file.path, first, f"{count} parameters; at most {PARAMETERS_MAX}: take a struct"


def without_macros(code):
    """`code` with preprocessor lines and access labels made spaces, so that they do not count."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*|\b(public|private|protected)\s*:(?!:)", spaces,
                  code, flags=re.M)


SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b(?![^<]*>\s*\w)")


def statements(code):
    """Yields (start, end, head, is_function) of each declaration outside function bodies.

    A head runs from the end of the statement before to its `;` or `{`. A block is a function's body
    when its head has a parameter list, is no initializer (`= {`) and opens no class or namespace.
    """
    begin = depth = position = 0
    while position < len(code):
        char = code[position]
        if char in "([":
            depth += 1
        elif char in ")]":
            depth -= 1
        elif depth == 0 and char in ";{}":
            head = code[begin:position]
            start = begin + len(head) - len(head.lstrip())
            if char == "{" and is_scope(head):
                pass
            elif char == "{":
                position = closing_brace(code, position)
                following = code[position + 1:position + 200].lstrip()
                if following.startswith((",", "{")):  # a member initialized with braces
                    position += 1
                    continue
                yield start, position, head.strip(), is_function_head(head)
            elif head.strip():
                yield start, position, head.strip(), False
            begin = position + 1
        position += 1


def is_scope(head):
    """Whether `head` opens a namespace, class or the like, whose declarations are looked into."""
    head = re.sub(r"\bLK_\w+\(.*?\)+|\balignas\(.*?\)", "", head, flags=re.S)
    head = re.sub(r"template\s*<[^{;]*?>(?=\s*\w)", "", head, flags=re.S)
    return bool(SCOPE.search(head)) and "(" not in head


def is_function_head(head):
    return "(" in head and not re.search(r"=\s*$", head)


def closing_brace(code, position):
    depth = 0
    for i in range(position, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    return len(code) - 1


def count_parameters(head):
    """How many parameters the function that `head` declares takes; 0 if it declares none."""
    head = re.sub(r"\b(LK_\w+|alignas|decltype|noexcept|explicit)\s*\(\w*\)", "", head)
    text = "void " + head  # a constructor has no type before its name
    match = re.search(r"[\w>&*\])]\s+[*&]*(?:[\w:~<>]*::)?(~?\w+|operator\s*\S+?)\s*\(", text)
    if not match or "=" in text[:match.start()]:
        return 0
    i, depth, count, any_text = match.end(), 1, 1, False
    while i < len(text) and depth > 0:
        char = text[i]
        if char in "([{<":
            depth += 1
        elif char in ")]}>" and text[i - 1:i + 1] != "->":
            depth -= 1
        elif char == "," and depth == 1:
            count += 1
        any_text = any_text or (depth > 0 and not char.isspace())
        i += 1
    return count if any_text else 0


def check_headers(_root, files):
    """A header begins with the comment that says what it answers, then #pragma once."""
    for file in files:
        if not (file.is_source and file.path.endswith(".h")):
            continue
        comment = 0
        while comment < len(file.lines) and file.lines[comment].startswith("//"):
            comment += 1
        if comment < 3:
            yield file.path, 1, "needs a top comment of 3 lines or more: what it answers, threads"
        if not re.search(r"^#pragma once$", file.text, re.M):
            yield file.path, 1, "needs `#pragma once`"


def check_tests_exist(_root, files):
    """A source of a layer without I/O has its unit test beside it."""
    known = {f.path for f in files}
    for file in files:
        if file.layer not in NEEDS_TEST or not file.path.endswith(".cc") or file.is_test:
            continue
        test = TESTED_ELSEWHERE.get(file.path, file.path[:-3] + "_test.cc")
        if test not in known:
            yield file.path, 1, f"has no test {Path(test).name}"


def check_machine_paths(_root, files):
    """Nothing names a path of one machine."""
    for file in files:
        for number, line in enumerate(file.lines, 1):
            match = MACHINE_PATH.search(line)
            if match:
                yield file.path, number, f"`{match.group(0)}` exists on one machine only"


def check_links(root, files):
    """A relative link of a document leads to a file."""
    for file in files:
        if not file.path.endswith(".md"):
            continue
        text = re.sub(r"^```.*?^```|`[^`\n]*`", spaces, file.text, flags=re.M | re.S)
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            target = match.group(1).split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            base = root if target.startswith("/") else (root / file.path).parent
            if not (base / target.lstrip("/")).exists():
                yield file.path, file.line_of(match.start()), f"the link to {target} leads nowhere"


def check_npm_locks(_root, files):
    """Every npm that may be there can read a lock; that of Debian 12 stops at a tag's name."""
    for file in files:
        if not file.path.endswith("package-lock.json"):
            continue
        for match in re.finditer(r'^ +"[^"]+": "([a-z][\w-]*)",?$', file.text, re.M):
            block = file.text.rfind("{", 0, match.start())
            if file.text[max(0, block - 15):block].lower() == 'dependencies": ':
                yield (file.path, file.line_of(match.start()),
                       f"`{match.group(1)}` is a tag: put the version there, which the lock has")


def check_rule_numbers(_root, files):
    """A rule of docs/spec has a number of its own on its page."""
    for file in files:
        if not file.path.startswith("docs/spec/"):
            continue
        seen = set()
        for match in re.finditer(r"^- \*\*([A-Z]+\d+)\*\*", file.text, flags=re.M):
            if match.group(1) in seen:
                yield (file.path, file.line_of(match.start()),
                       f"the rule {match.group(1)} stands here twice")
            seen.add(match.group(1))


# How docs/security.md names a test: "Suite.Name" of C++, "test_file.Class.test_name" of Python, and
# "file.spec.ts: title" of the browser's; "*" stands for all of a suite or class.
CPP_TEST = re.compile(r"([A-Z]\w*)\.(\w+|\*)")
PYTHON_TEST = re.compile(r"(test_\w+)\.([A-Z]\w*)\.(test_\w+|\*)")
BROWSER_TEST = re.compile(r"(\w+\.spec\.ts): (.+)")
CHECKS = 25


def has_test(name, files):
    """Whether the test `name` of docs/security.md exists; None if it is no name of a test."""
    if match := CPP_TEST.fullmatch(name):
        suite, test = match.group(1), match.group(2).replace("*", r"\w+")
        pattern = rf"\bTEST(_F|_P)?\(\s*{suite},\s*{test}\)"
        return any(file.is_test and re.search(pattern, file.text) for file in files)
    if match := PYTHON_TEST.fullmatch(name):
        file_name, group, test = match.groups()
        body = next((re.split(rf"^class {group}\b", file.text, flags=re.M) for file in files
                     if file.path.endswith(f"/{file_name}.py")), [])
        own = re.split(r"^class ", body[1], flags=re.M)[0] if len(body) > 1 else ""
        return bool(re.search(rf"^    def {test.replace('*', 'test_')}", own, re.M))
    if match := BROWSER_TEST.fullmatch(name):
        return any(file.path.endswith("/" + match.group(1)) and f'test("{match.group(2)}"'
                   in file.text for file in files)
    return None


def check_named_tests(root, files):
    """docs/security.md has all checks in order, and every test and file that it names exists."""
    document = next((f for f in files if f.path == "docs/security.md"), None)
    if document is None:
        return
    numbers = []
    for number, line in enumerate(document.lines, 1):
        cells = line.split(" | ")
        if not re.match(r"\| \d+ \|", line) or len(cells) != 4:
            continue
        numbers.append(int(cells[0].strip("| ")))
        names = re.findall(r"`([^`]+)`", cells[3])
        if not names and not cells[2].startswith("comes with"):
            yield document.path, number, f"check {numbers[-1]} names no test"
        for name in names:
            found = has_test(name, files)
            if found is None:
                found = (root / name).is_file()
            if not found:
                yield document.path, number, f"there is no test or file {name}"
    if numbers != list(range(1, CHECKS + 1)):
        yield document.path, 1, f"must have the checks 1 to {CHECKS} in order, one row each"


def untested_codes(_root, files):
    """Every code of base/error.h is named by a test or a vector."""
    header = next((f for f in files if f.path == "src/base/error.h"), None)
    if header is None:
        return
    body = re.search(r"enum class ErrorCode \{(.*?)\};", header.code, re.S)
    tests = "\n".join(f.text for f in files if f.is_test or f.path.startswith("spec/vectors/"))
    for code in re.findall(r"\b[a-z_]+\b", body.group(1)):
        if not re.search(rf"\b{code}\b", tests):
            line = header.line_of(header.code.index(code, body.start(1)))
            yield header.path, line, f"no test and no vector names the error code {code}"


RULES = [check_layers, check_includes, check_words, check_secrets, check_limits, check_headers,
         check_tests_exist, check_machine_paths, check_links, check_rule_numbers,
         check_named_tests, check_npm_locks]


def problems(root, strict=False):
    """All (path, line, message) of the tree under `root`."""
    files = load(root)
    found = [problem for rule in RULES for problem in rule(root, files)]
    return found + (list(untested_codes(root, files)) if strict else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strict", action="store_true",
                        help="an error code that no test names is a failure")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    found = problems(options.root, options.strict)
    for path, line, message in sorted(found):
        print(f"{path}:{line}: {message}")
    if not options.strict:
        for path, line, message in untested_codes(options.root, load(options.root)):
            print(f"remark: {path}:{line}: {message}")
    print(f"tidy: {len(found)} problem{'' if len(found) == 1 else 's'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
