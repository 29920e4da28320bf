"""Completions in real shells, and the manual pages as the tools that read them see them."""

import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import harness

ROOT = Path(__file__).resolve().parents[2]
ANSWER_SECONDS = 60


def output(*arguments, stdin=None):
    ended = subprocess.run([harness.BINARY, *arguments], capture_output=True, text=True,
                           check=True, input=stdin, timeout=60)
    return ended.stdout


class Terminal:
    """An interactive shell on a terminal of its own, where latchkey is the real binary."""

    def __init__(self, test, *command):
        self.folder = tempfile.mkdtemp(prefix="latchkey-")
        test.addCleanup(shutil.rmtree, self.folder)
        os.symlink(os.path.abspath(harness.BINARY), self.folder + "/latchkey")
        process, self.terminal = pty.fork()
        if process == 0:
            os.environ.update(PATH=self.folder + ":" + os.environ["PATH"], HOME=self.folder,
                              TERM="dumb", PS1="$ ", INPUTRC="/dev/null")
            os.chdir(self.folder)
            os.execvp(command[0], command)
        test.addCleanup(os.waitpid, process, 0)
        test.addCleanup(os.close, self.terminal)
        self.seen = ""

    def type(self, text, until):
        """Types, and waits until what the shell shows matches; what it showed since."""
        self.seen = ""
        os.write(self.terminal, text.encode())
        deadline = time.monotonic() + ANSWER_SECONDS
        while not re.search(until, self.seen):
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} showed {self.seen!r}, not {until!r}")
            if select.select([self.terminal], [], [], 0.2)[0]:
                self.seen += os.read(self.terminal, 4096).decode("utf-8", "replace")
                self.seen = self.seen.replace("\x07", "")  # the bell
        return self.seen


class Completion(unittest.TestCase):
    def complete_in(self, terminal):
        """Each shell completes the same, on its line."""
        for typed, shown in (
                ("latchkey tok\t", r"latchkey token "),
                ("cre\t", r"create "),
                ("--sco\t", r"--scope "),
                ("vso.code --day\t", r"--days "),
                ("9\t", r"90 "),
                ("\x15latchkey serve --log-lev\t", r"--log-level "),
                ("inf\t", r"info "),
                ("--config lat\t", r"latchkey"),
                ("\x15latchkey org role somebody own\t", r"owner "),
                ("\x15latchkey --json doct\t", r"doctor "),
                ("\x15latchkey --data token comp\t", r"completion "),
                ("fi\t", r"fish ")):
            terminal.type(typed, shown)

    def test_bash(self):
        terminal = Terminal(self, "bash", "--norc", "--noprofile", "-i")
        terminal.type("source <(latchkey completion bash); echo read''y\n", r"\nready")
        self.complete_in(terminal)

    def test_bash_knows_what_is_an_option_of_which_command(self):
        script = output("completion", "bash")
        ask = (script + 'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _latchkey; '
               'printf "%s\\n" "${COMPREPLY[@]}"')

        def complete(*words):
            return subprocess.run(["bash", "-c", ask, "bash", "latchkey", *words], check=True,
                                  capture_output=True, text=True).stdout.split()
        self.assertEqual(complete("tok"), ["token"])
        self.assertEqual([word for word in complete("token", "") if word[0] != "-"],
                         ["create", "list", "show", "edit", "regenerate", "revoke"])
        self.assertIn("--server", complete("token", "create", "--"))
        self.assertIn("--as-administrator", complete("token", "revoke", "--"))
        self.assertNotIn("--as-administrator", complete("token", "create", "--"))
        self.assertEqual(complete("token", "create", "--days", "=", ""), ["30", "60", "90"])
        self.assertEqual(complete("token", "create", "--days", "="), ["30", "60", "90"])
        self.assertEqual(complete("token", "create", "--name", "tok"), [])
        self.assertEqual(complete("ma"), [])  # `latchkey man` is for the build

    def test_zsh(self):
        terminal = Terminal(self, "zsh", "-f", "-i")
        terminal.type("unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u; "
                      "source <(latchkey completion zsh); echo read''y\n", r"\nready")
        self.complete_in(terminal)

    def test_fish(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "latchkey.fish")
            script.write_text(output("completion", "fish"))
            Path(folder, "some.toml").touch()

            def complete(line):
                ended = subprocess.run(
                    ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
                    capture_output=True, text=True, check=True, cwd=folder, timeout=60,
                    env={**os.environ, "HOME": folder})
                self.assertEqual(ended.stderr, "")
                return [line.split("\t")[0] for line in ended.stdout.splitlines()]
            self.assertEqual(complete("latchkey tok"), ["token"])
            self.assertEqual(complete("latchkey token cre"), ["create"])
            self.assertIn("--as-administrator", complete("latchkey token revoke --"))
            self.assertNotIn("--as-administrator", complete("latchkey token create --"))
            self.assertEqual(complete("latchkey token create --days "), ["30", "60", "90"])
            self.assertEqual(complete("latchkey --data token comp"), ["completion"])
            self.assertEqual(complete("latchkey serve --config some"), ["some.toml"])
            self.assertEqual(complete("latchkey token create some"), [])


class Manual(unittest.TestCase):
    def pages(self):
        return {page: output("man", page) for page in ("latchkey.1", "latchkey.toml.5")}

    def test_mandoc_and_man_have_nothing_to_say_against_it(self):
        for name, text in self.pages().items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                path = Path(folder, name)
                path.write_text(text)
                linted = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(path)],
                                        capture_output=True, text=True)
                self.assertEqual(linted.stdout + linted.stderr, "")
                shown = subprocess.run(["man", "--warnings", "--local-file", str(path)],
                                       capture_output=True, text=True, check=True,
                                       env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "80",
                                            "LC_ALL": "C.UTF-8"})
                self.assertEqual(shown.stderr, "")
                self.assertIn("NAME", shown.stdout)

    def test_it_knows_every_command_and_every_key(self):
        pages = {name: text.replace("\\-", "-") for name, text in self.pages().items()}
        table = (ROOT / "docs/operating/command-line.md").read_text(encoding="utf-8")
        commands = re.findall(r"^\| `(latchkey [a-z -]+)` \|", table, re.M)
        self.assertGreater(len(commands), 30)
        for command in commands:
            self.assertRegex(pages["latchkey.1"], rf"(?m)^\.SS {command}( |$)")
        described = re.findall(r"(?m)^\.SS (latchkey(?: [a-z-]+)+)", pages["latchkey.1"])
        groups = {command.rsplit(" ", 1)[0] for command in described if command.count(" ") == 2}
        self.assertEqual(sorted(set(described) - groups - set(commands)), [],
                         "commands that docs/operating/command-line.md does not list")
        for key in re.findall(r"^([a-z_]+) = ", output("serve", "--print-config"), re.M):
            self.assertRegex(pages["latchkey.toml.5"], rf"(?m)^\\fB([a-z]+\.)?{key}\\fR \(")

    def test_an_example_keeps_its_lines(self):
        self.assertIn(".nf\nlatchkey doctor \\-\\-config", self.pages()["latchkey.1"])


class Configuration(unittest.TestCase):
    def test_the_document_has_every_key_with_its_default_and_words(self):
        document = (ROOT / "docs/operating/configuration.md").read_text(encoding="utf-8")
        document = document.split("## Keys")[1].split("\n## ")[0]
        rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", document, re.M))
        section, keys = "", {}
        printed = subprocess.run([harness.BINARY, "serve", "--print-config"], text=True, check=True,
                                 capture_output=True, cwd=tempfile.gettempdir(),
                                 env={name: value for name, value in os.environ.items()
                                      if not name.startswith("LATCHKEY_")}).stdout
        for line in printed.splitlines():
            if line.startswith("["):
                section = line.strip("[]") + "."
            elif line:
                name, value = line.split("  # ")[0].split(" = ", 1)
                keys[section + name] = value
        self.assertEqual(list(rows), list(keys), "keys, in the order of --print-config")
        manual = output("man", "latchkey.toml.5").replace("\\-", "-").replace("\\(aq", "'")
        for key, value in keys.items():
            default, words = rows[key].split(" | ", 1)
            self.assertEqual(default, f"`{value}`", key)
            words = re.sub(r" \(\d+ to \d+\)$", "", words)
            self.assertRegex(manual, rf"(?m)^\\fB{key}\\fR .*\n{re.escape(words)}\.$")

    def test_the_packaged_file_is_one_that_serve_takes(self):
        with tempfile.TemporaryDirectory() as folder:
            text = (ROOT / "packaging/latchkey.toml").read_text(encoding="utf-8")
            path = Path(folder, "latchkey.toml")
            path.write_text(re.sub(r"(?m)^# (?=[\[a-z].*(=|\]$))", "", text))
            printed = output("serve", "--config", str(path), "--print-config")
            self.assertRegex(printed, r'url = "smtps://mail.example.com:465"  # .*latchkey.toml')
            self.assertIn('data_dir = "/var/lib/latchkey"', printed)


if __name__ == "__main__":
    unittest.main()
