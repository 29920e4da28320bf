#!/usr/bin/env python3
"""Proves that each rule of tools/tidy.py refuses a bad sample and lets a good one pass."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import tidy  # noqa: E402

HEADER = "// What it answers.\n//\n// Thread safety: values.\n#pragma once\n\n"
PROJECT = "/wo" + "rk/main"  # in parts, so that this file holds no such path


class TidyTest(unittest.TestCase):
    def messages(self, tree, strict=False):
        """What tidy says of a tree given as {path: text}."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in tree.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            found = tidy.problems(Path(folder), strict)
            return [f"{path}:{line}: {message}" for path, line, message in found]

    def refused(self, part, path, text, **others):
        """`text` at `path` has exactly one problem, whose message holds `part`."""
        messages = self.messages({path: text, **others})
        self.assertEqual(len(messages), 1, messages)
        self.assertIn(part, messages[0])

    def accepted(self, path, text, **others):
        self.assertEqual(self.messages({path: text, **others}), [])

    # Layers and includes.

    def test_include_upward(self):
        others = {"src/core/ids.h": HEADER, "src/base/x.h": HEADER}
        self.refused("base may include nothing", "src/base/y.h",
                     HEADER + '#include "core/ids.h"\n', **others)
        self.refused("core may include base,", "src/core/y.h", HEADER + '#include "http/z.h"\n',
                     **others, **{"src/http/z.h": HEADER})
        self.accepted("src/core/y.h", HEADER + '#include "base/x.h"\n', **others)

    def test_gate_knows_no_store(self):
        for layer in ["verify", "gate", "api"]:
            self.refused(f"{layer} may include", f"src/{layer}/y.h",
                         HEADER + '#include "store/store.h"\n', **{"src/store/store.h": HEADER})

    def test_app_includes_everything(self):
        self.accepted("src/app/y.h", HEADER + '#include "store/store.h"\n',
                      **{"src/store/store.h": HEADER})

    def test_include_without_layer(self):
        self.refused("no file of src", "src/base/y.h", HEADER + '#include "x.h"\n',
                     **{"src/base/x.h": HEADER})

    def test_unknown_layer(self):
        self.refused("is in no layer", "src/util/y.h", HEADER)

    def test_restricted_headers(self):
        self.refused("single parts", "src/api/y.h", HEADER + "#include <boost/json.hpp>\n")
        self.refused("http/message.h", "src/api/y.h", HEADER + "#include <boost/beast/core.hpp>\n")
        self.refused("store/store.h", "src/store/y.h", HEADER + "#include <sqlite3.h>\n")
        self.refused("base/crypto.h", "src/store/y.h", HEADER + "#include <openssl/evp.h>\n")
        self.refused("base/assert.h", "src/store/y.h", HEADER + "#include <cassert>\n")
        self.accepted("src/store/sqlite_driver.cc", "#include <sqlite3.h>\n")

    def test_beast_through_a_header(self):
        self.refused("private to http", "src/gate/y.h", HEADER + '#include "http/wire.h"\n',
                     **{"src/http/wire.h": HEADER + "#include <boost/beast/http.hpp>\n"})

    # Words.

    def test_banned_words(self):
        for part, code in [
                ("Entropy", "int x = rand();"),
                ("Entropy", "std::random_device device;"),
                ("Clock", "auto t = time(nullptr);"),
                ("Clock", "auto t = std::time(0);"),
                ("Clock", "auto t = std::chrono::system_clock::now();"),
                ("Log", 'void f() { std::cout << "x"; }'),
                ("Log", 'void f() { printf("x"); }'),
                ("Log", 'void f() { std::fprintf(stderr, "x"); }'),
                ("make_unique", "auto x = new Thing;"),
                ("unique_ptr", "void f() { delete x; }"),
                ("unique_ptr", "void f() { delete[] x; }"),
                ("jthread", "std::thread thread;"),
                ("http/ or app/", "std::jthread thread;"),
                ("LK_ASSERT", "void f() { assert(x); }"),
                ("Result", "void f() { throw 1; }"),
                ("name every value", "void f() { switch (x) { default: break; } }"),
                ("RevealSecret", "auto x = secret.reveal(RevealSecret{});"),
        ]:
            with self.subTest(code):
                self.refused("", "src/service/y.h", HEADER + code + "\n")
                self.assertIn(part.split()[0].replace("RevealSecret", "reads a secret"),
                              self.messages({"src/service/y.h": HEADER + code + "\n"})[0])

    def test_words_that_only_look_banned(self):
        self.accepted("src/service/y.h", HEADER + """
// new and delete and throw and rand() may stand in a comment, and default: too.
X(const X&) = delete;
X& operator=(const X&) = delete;
const char* kText = "throw new std::thread; default: assert(x)";
const auto kRaw = R"sql(delete from x; throw)sql";
static_assert(sizeof(int) == 4);
auto made = std::unique_ptr<Thing>(new Thing(1));
std::unique_ptr<Thing> thing(
    new Thing(1));
int operand(int renewed, int time_ms);
X x = default_value;
""")

    def test_words_in_their_place(self):
        self.accepted("src/app/y.h", HEADER + 'void f() { std::cout << "x"; }\n')
        self.accepted("src/http/y.h", HEADER + "std::jthread thread;\n")
        self.accepted("src/http/y_test.cc", "auto x = secret.reveal(RevealSecret{});\n")

    def test_unfinished_marks(self):
        for word in tidy.WORDS:
            self.refused("cannot merge", "docs/y.md", f"text\n{word}: later\n")

    def test_machine_paths(self):
        for path in [PROJECT, "/ho" + "me/someone/x", ".." + "/shared/x"]:
            self.refused("one machine only", "docs/y.md", f"see {path} there\n")
        self.accepted("docs/y.md", "GET /{organization}/_apis/work/items and src/shared/x\n")

    # Limits.

    def test_long_line(self):
        self.refused("has 101 characters", "src/base/y.h", HEADER + "// " + "x" * 98 + "\n")
        self.accepted("src/base/y.h", HEADER + "// " + "x" * 97 + "\n")

    def test_long_files(self):
        self.refused("at most 200", "src/base/y.h", HEADER + "//\n" * 196)
        self.accepted("src/base/y.h", HEADER + "//\n" * 195)
        self.refused("at most 600", "src/store/y.cc", "//\n" * 601)
        self.refused("at most 900", "src/store/y_test.cc", "//\n" * 901)

    def function(self, head, lines):
        return head + " {\n" + "  work();\n" * (lines - 2) + "}\n"

    def test_long_function(self):
        for head in ["void f()", "Thing::Thing(int a) : a_{a}, b_{2}", "auto g() const -> int",
                     "TEST(Subject, Behaves)", "template <class T>\nstd::vector<T> g(T t)"]:
            rest = head.count("\n")
            with self.subTest(head):
                self.accepted("src/store/y.cc", self.function(head, 70 - rest))
                self.refused("71 lines", "src/store/y.cc", self.function(head, 71 - rest))

    def test_long_method(self):
        inside = 'namespace a {\nclass LK_ATTRIBUTE(capability("m")) B : public C {\n public:\n'
        text = inside + self.function("int f()", 71) + "};\n}\n"
        self.refused("71 lines", "src/store/y.cc", text)

    def test_long_things_that_are_no_function(self):
        table = "constexpr std::array<int, 99> kTable = {\n" + "  1,\n" * 99
        names = "enum class E : uint8_t {\n" + "  a,\n" * 99
        self.accepted("src/store/y.cc", table + "};\nnamespace {\n" + names + "};\n}\n")

    def test_braces_in_literals(self):
        self.accepted("src/store/y.cc", "void f() { g('{', \"{{\"); }\n" + "int x;\n" * 80 +
                      "void h() {}\n")

    def test_many_parameters(self):
        five = "int a, const std::map<int, int>& b,\n std::function<void(int, int)> c, int d, int e"
        for head in ["void f({})", "Thing({})", "std::optional<X> Thing::f({}) const",
                     "[[nodiscard]] Result<std::pair<int, int>> f({})"]:
            with self.subTest(head):
                self.accepted("src/store/y.h", HEADER + head.format(five) + ";\n")
                self.refused("6 parameters", "src/store/y.h",
                             HEADER + head.format(five + ", int f") + ";\n")
        self.refused("6 parameters", "src/store/y.cc", "int f(" + five + ", int f) { return 1; }\n")
        self.accepted("src/store/y.cc", "const auto kX = make(1, 2, 3, 4, 5, 6, 7);\n")

    # Headers, tests, links, codes.

    def test_header_without_comment_or_pragma(self):
        self.refused("top comment", "src/base/y.h", "// Only\n// two.\n#pragma once\n")
        self.refused("#pragma once", "src/base/y.h", "// 1\n// 2\n// 3\n")

    def test_source_without_test(self):
        self.refused("has no test y_test.cc", "src/core/y.cc", "int x;\n")
        self.accepted("src/core/y.cc", "int x;\n", **{"src/core/y_test.cc": "int x;\n"})
        self.accepted("src/service/y.cc", "int x;\n")

    def test_dead_link(self):
        self.refused("leads nowhere", "docs/y.md", "see [it](z.md#part)\n")
        self.refused("leads nowhere", "README.md", "see [it](/docs/z.md)\n")
        self.accepted("docs/y.md", "see [it](z.md#part), [web](https://x.org/a), [here](#part)\n"
                      "`[no](link)`\n```\n[no](link)\n```\n", **{"docs/z.md": "# z\n"})

    def test_a_lock_with_a_tag(self):
        lock = ('{\n  "node_modules/a": {\n    "license": "MIT",\n'
                '    "dependencies": {\n      %s\n    }\n  }\n}\n')
        self.refused("`cjs` is a tag", "web/y/package-lock.json",
                     lock % '"b": "1.0.0",\n      "c": "cjs"')
        self.accepted("web/y/package-lock.json", lock % '"b": "^1.0.0 || 2"')
        self.accepted("web/y/package-lock.json", '{\n  "bin": {\n    "b": "cjs"\n  }\n}\n')

    def test_a_rule_number_that_stands_twice(self):
        self.refused("R1 stands here twice", "docs/spec/y.md",
                     "- **R1** a\n- **R2** b\n- **R1** c\n")
        self.accepted("docs/spec/y.md", "- **R1** a\n- **R2** b\n  **R1**\n")

    def test_checks_name_tests_that_exist(self):
        rows = [f"| {number} | a statement | holds | `Suite.Name` |" for number in range(1, 26)]
        rows[24] = "| 25 | a statement | comes with the gate | |"
        others = {"src/core/y_test.cc": "TEST_F(Suite, Name) {}\n", "bench/y.cc": "int x;\n",
                  "tests/e2e/test_y.py": "class One(Z):\n    def test_a(self):\n\nclass Two:\n",
                  "tests/browser/y.spec.ts": 'test("a title", async () => {});\n'}
        path = "docs/security.md"

        def with_tests(names):
            return "\n".join([*rows[:3], f"| 4 | a statement | holds | {names} |", *rows[4:]])
        self.accepted(path, with_tests("`Suite.*`, `test_y.One.test_a`; run: `bench/y.cc`, "
                                       "`y.spec.ts: a title`, `test_y.One.*`"), **others)
        for name in ("Suite.Other", "Sui.Name", "Other.*", "test_y.Two.test_a", "test_y.Two.*",
                     "test_z.One.test_a", "test_y.One.test_b", "y.spec.ts: a tit", "bench/z.cc"):
            self.refused(f"no test or file {name}", path, with_tests(f"`{name}`"), **others)
        self.refused("check 4 names no test", path, with_tests(""), **others)
        self.refused("checks 1 to 25", path, "\n".join(rows[:24]), **others)
        self.refused("checks 1 to 25", path, "\n".join([*rows, rows[3]]), **others)

    def test_code_without_test(self):
        codes = "enum class ErrorCode {\n  token_expired,  // why\n};\n"
        tree = {"src/base/error.h": HEADER + codes}
        self.assertEqual(self.messages(tree), [])
        self.assertIn("token_expired", self.messages(tree, strict=True)[0])
        tree["tests/x.cc"] = "ErrorCode::token_expired\n"
        self.assertEqual(self.messages(tree, strict=True), [])

    def test_layers_have_no_circle(self):
        for layer, allowed in tidy.LAYERS.items():
            for below in allowed or []:
                self.assertNotIn(layer, tidy.LAYERS[below] or [])


if __name__ == "__main__":
    unittest.main()
