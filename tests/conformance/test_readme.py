"""The README's tour, typed as it stands: every command of its console blocks, in order.

What a machine must differ in is replaced: the address, the ids of tokens, the way to the binary.
Each line of output that the README shows is looked for, ids and times read as "anything".
"""
import fcntl
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import termios
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402

COMMAND_SECONDS = 60
VARIABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d \d\d:\d\d|\s+")


def console_blocks():
    """[(command, [line of output])] of the tour."""
    tour = (ROOT / "README.md").read_text(encoding="utf-8").split("## A five-minute tour")[1]
    tour = tour.split("## Where to go on")[0]
    commands = []
    for block in re.findall(r"```console\n(.*?)```", tour, re.S):
        open_quote = False
        for line in block.splitlines():
            if line.startswith("$ ") and not open_quote:
                commands.append((line[2:], []))
            elif open_quote:
                commands[-1] = (commands[-1][0] + "\n" + line, [])
            else:
                commands[-1][1].append(line)
            open_quote = commands[-1][0].count("'") % 2 == 1
    return commands


def pattern_of(line):
    """A regular expression that an output line like `line` matches."""
    parts, position = [], 0
    for found in VARIABLE.finditer(line):
        parts.append(re.escape(line[position:found.start()]))
        parts.append(r"\s+" if found.group().isspace() else r"\S+( \S+)?")
        position = found.end()
    return "".join(parts) + re.escape(line[position:])


class Shell:
    """One bash that keeps variables from command to command, on a terminal of its own."""

    def __init__(self, server, folder):
        self.server = server
        self.state = os.path.join(folder, "state")
        self.environment = dict(server.environment, TERM="dumb", HOME=folder,
                                PATH=os.path.dirname(harness.BINARY) + ":" + os.environ["PATH"],
                                NODE_PATH=str(HERE / "node_modules"),
                                AZURE_CORE_COLLECT_TELEMETRY="0", AZURE_CORE_NO_COLOR="1")
        pathlib.Path(self.state).write_text("")

    def run(self, command):
        """The output, with the password typed at each prompt that asks for one."""
        script = f"source {self.state}\n{command}\nstatus=$?\nexport -p >{self.state}\n" \
                 f"declare -p TOKEN WIKI 2>/dev/null | grep -v ' -x' >>{self.state}\nexit $status"
        primary, secondary = pty.openpty()
        process = subprocess.Popen(["bash", "-c", script], stdin=secondary, stdout=secondary,
                                   stderr=secondary, env=self.environment, cwd=self.server.folder,
                                   start_new_session=True, preexec_fn=take_terminal)
        os.close(secondary)
        output, deadline = "", time.monotonic() + COMMAND_SECONDS
        # A child that a client leaves behind may keep the terminal open: its end is not waited for.
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            if select.select([primary], [], [], 0 if ended else 0.2)[0]:
                try:
                    text = os.read(primary, 65536).decode("utf-8", "replace")
                except OSError:
                    break
                output += text
                if re.search(r"(assword.*|again): *$", text):
                    time.sleep(0.3)  # the prompt drops what is typed before it
                    os.write(primary, b"correct horse battery staple\n")
            elif ended:
                break
        os.close(primary)
        try:
            status = process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait(5)
            output += f"\n(stopped after {COMMAND_SECONDS} s)"
        return status, output.replace("\r\n", "\n")


def take_terminal():
    """Makes standard input the controlling terminal, which password prompts read."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Tour(unittest.TestCase):
    def test_the_tour_works_as_it_stands(self):
        server = harness.Server()
        self.addCleanup(server.close)
        server.start()
        shell = Shell(server, server.folder)
        ids = {}
        for command, expected in console_blocks():
            with self.subTest(command):
                if command.startswith("export PATH="):
                    continue  # the binary is found already
                typed = command.replace("http://127.0.0.1:8080", server.url)
                typed = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", lambda _: ids["build"], typed)
                for name in ("setup", "audit verify"):
                    typed = typed.replace(f"latchkey {name}",
                                          f"latchkey {name} --data {server.data}")
                status, output = shell.run(typed)
                self.assertEqual(status, 0, output)
                for line in expected:
                    if line != "...":
                        wanted = pattern_of(line.replace("http://127.0.0.1:8080", server.url))
                        self.assertRegex(output, wanted)
                for found, name in re.findall(r"^Id: +(\S+)\s+Name: +(\S+)", output, re.M):
                    ids[name] = found


if __name__ == "__main__":
    unittest.main(verbosity=2)
