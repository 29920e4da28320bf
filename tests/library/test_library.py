"""liblatchkey as others use it: installed, found by CMake and pkg-config, against a real server."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import harness  # pylint: disable=wrong-import-position

BUILD = os.environ.get("LATCHKEY_BUILD", str(ROOT / "build" / "dev"))
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
API = """
openapi: 3.1.0
info: {title: Wiki, version: "1"}
components: {securitySchemes: {pat: {type: oauth2, flows: {}}}}
paths:
  /pages:
    get: {operationId: listPages, responses: {}, security: [{pat: [vso.code]}]}
"""


def run(*command, **options):
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if ended.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{ended.stdout}\n{ended.stderr}")
    return ended.stdout


class Installed(unittest.TestCase):
    """A prefix with nothing but the library."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="latchkey-library-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.prefix = cls.folder / "prefix"
        run("cmake", "--install", BUILD, "--component", "library", "--prefix", cls.prefix)
        cls.libdir = next(cls.prefix.glob("**/liblatchkey.so")).parent
        cls.environment = {**os.environ, "LD_LIBRARY_PATH": str(cls.libdir),
                           "PKG_CONFIG_PATH": str(cls.libdir / "pkgconfig")}

    def compile(self, compiler, source, program, *more):
        flags = run("pkg-config", "--cflags", "--libs", "latchkey", env=self.environment).split()
        run(compiler, *STRICT, source, "-o", self.folder / program, *flags, *more)
        return self.folder / program


class Package(Installed):
    """What is installed."""

    def test_each_header_compiles_alone(self):
        headers = sorted((self.prefix / "include").rglob("*.h*"))
        self.assertEqual(len(headers), 2)
        for header in headers:
            languages = [("g++", "c++", "-std=c++20"), ("clang++-14", "c++", "-std=c++20")]
            if header.suffix == ".h":
                languages += [("gcc", "c", "-std=c11"), ("clang-14", "c", "-std=c11"),
                              ("g++", "c++", "-std=c++11")]
            for compiler, language, standard in languages:
                run(compiler, "-x", language, standard, *STRICT, "-Wshadow", "-Wconversion",
                    "-fsyntax-only", "-I", self.prefix / "include", header)

    def test_nothing_is_visible_but_the_interface(self):
        symbols = run("nm", "-D", "--defined-only", self.libdir / "liblatchkey.so")
        names = {line.split()[-1].split("@")[0] for line in symbols.splitlines()}
        declared = set(re.findall(r"\b(lk_\w+)\(", (ROOT / "include/latchkey/latchkey.h").read_text(
            encoding="utf-8")))
        self.assertEqual(names - {"LATCHKEY_0"}, declared)

    def test_its_name_and_what_it_needs(self):
        told = run("readelf", "-d", self.libdir / "liblatchkey.so")
        self.assertIn("soname: [liblatchkey.so.0]", told)
        self.assertNotIn("asan", told)
        self.assertTrue((self.libdir / "liblatchkey.so.0").is_symlink())


class Programs(Installed):
    """Programs of others, against a real server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = harness.Server()
        cls.addClassCleanup(cls.server.close)
        cls.server.start().set_up()
        secret = cls.server.cli("client", "add", "library", "--may", "feed", "--data",
                                cls.server.data)
        cls.credential = cls.folder / "secret"
        cls.credential.touch(mode=0o600)
        cls.credential.write_text(secret, encoding="ascii")
        (cls.folder / "api.yaml").write_text(API, encoding="ascii")
        cls.reads_code = cls.server.create_token("code", "vso.code")["token"]
        cls.reads_wiki = cls.server.create_token("wiki", "vso.wiki")["token"]

    def use(self, program, token, *arguments):
        ended = subprocess.run([program, self.server.url, self.credential, *arguments],
                               input=token + "\n", capture_output=True, text=True, timeout=60,
                               env=self.environment)
        return ended.returncode, ended.stdout + ended.stderr

    def expect_decisions(self, program):
        request = (self.folder / "api.yaml", "GET", "/pages")
        code, text = self.use(program, self.reads_code, *request)
        self.assertEqual(code, 0, text)
        self.assertIn("listPages takes vso.code", text)
        self.assertRegex(text, r"granted\nas [0-9a-f-]{36}: vso\.code( vso\.\w+)*\n")
        self.assertEqual(self.use(program, self.reads_wiki, *request)[0], 1)
        self.assertIn("scope_missing", self.use(program, self.reads_wiki, *request)[1])
        self.assertIn("token_malformed", self.use(program, "guess", *request)[1])
        self.assertIn("route_unknown", self.use(program, self.reads_code, *request[:2], "/x")[1])
        # Who has no good token is not told which routes there are.
        self.assertIn("token_malformed", self.use(program, "guess", *request[:2], "/x")[1])

    def test_the_example_built_by_cmake(self):
        build = self.folder / "build"
        run("cmake", "-S", ROOT / "examples" / "library", "-B", build, "-G", "Ninja",
            f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        self.expect_decisions(build / "check")
        self.assertEqual(self.use(build / "check_c", self.reads_code), (0, "granted\n"))

    def test_the_example_built_by_pkg_config(self):
        program = self.compile("g++", ROOT / "examples/library/check.cc", "check", "-std=c++20")
        self.expect_decisions(program)
        program = self.compile("gcc", ROOT / "examples/library/check.c", "check_c", "-std=c11")
        self.assertEqual(self.use(program, self.reads_code), (0, "granted\n"))
        self.assertEqual(self.use(program, self.reads_wiki), (1, "scope_missing\n"))

    def test_the_static_library(self):
        flags = run("pkg-config", "--cflags", "--libs", "--static", "latchkey",
                    env=self.environment).split()
        static = [str(self.libdir / "liblatchkey.a") if flag == "-llatchkey" else flag
                  for flag in flags]
        program = self.folder / "check_static"
        run("gcc", *STRICT, "-std=c11", ROOT / "examples/library/check.c", "-o", program, *static)
        self.assertNotIn("liblatchkey", run("readelf", "-d", program))
        self.assertEqual(self.use(program, self.reads_code), (0, "granted\n"))

    def test_refusals_to_begin(self):
        program = self.compile("gcc", ROOT / "examples/library/check.c", "refused", "-std=c11")
        self.credential.chmod(0o644)
        try:
            code, text = self.use(program, self.reads_code)
        finally:
            self.credential.chmod(0o600)
        self.assertEqual(code, 2)
        self.assertIn("chmod 600", text)

    def test_many_threads_while_tokens_come_and_go(self):
        program = self.compile("g++", ROOT / "tests/library/hammer.cc", "hammer", "-std=c++20",
                               "-O2", "-pthread")
        tokens = [self.server.create_token(f"good {n}")["token"] for n in range(10)]
        hammer = subprocess.Popen([program, self.server.url, self.credential, "6"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=self.environment)
        hammer.stdin.write("\n".join(tokens) + "\n")
        hammer.stdin.close()
        self.assertEqual(hammer.stdout.readline(), "begun\n")
        stop = threading.Event()

        def change():
            while not stop.is_set():
                made = self.server.create_token("goes")
                self.server.revoke_token(made["authorizationId"])
        changer = threading.Thread(target=change)
        changer.start()
        self.server.cli("key", "rotate", "digest", "--data", self.server.data)
        code = hammer.wait(120)
        stop.set()
        changer.join(60)
        told = hammer.stdout.read()
        errors = hammer.stderr.read()
        hammer.stdout.close()
        hammer.stderr.close()
        self.assertEqual((code, errors), (0, ""))
        print(told.strip(), flush=True)
        self.assertGreater(int(told.split()[0]), 1000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
