"""A PostgreSQL server of its own for tests: Debian's, in a folder of its own.

    cluster = postgres.Cluster()
    url = cluster.create_database("first")     # for `latchkey serve --store`
    cluster.stop("immediate"); cluster.start()
    cluster.close()

It runs as an unprivileged user where the test runs as root, listens on a Unix socket and on a free
port of 127.0.0.1 with passwords (SCRAM), and syncs what it commits. Other programs of PostgreSQL
are run with Cluster.run.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = os.environ.get("LATCHKEY_POSTGRES", "/usr/lib/postgresql/15/bin")
USER = "latchkey"
PASSWORD = "only for tests"
ROOM_BYTES = 1 << 30


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def room():
    """A folder in memory, where a sync costs nothing, if there is enough; else None."""
    try:
        space = os.statvfs("/dev/shm")
    except FileNotFoundError:
        return None
    return "/dev/shm" if space.f_bavail * space.f_frsize >= ROOM_BYTES else None


class Cluster:
    """One server. `settings` go into postgresql.conf. Its files are in memory, which outlives a
    crash of the server, unless they are to be on the disk of TMPDIR."""

    def __init__(self, start=True, on_disk=False, **settings):
        self.folder = tempfile.mkdtemp(prefix="latchkey-pg-", dir=None if on_disk else room())
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.settings = settings
        self.as_user = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        if start:
            self.initialize()
            self.start()

    def initialize(self):
        password = os.path.join(self.folder, "password")
        Path(password).write_text(PASSWORD + "\n", encoding="utf-8")
        self.run("initdb", "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256",
                 "--pwfile=" + password, "--username=" + USER, "--encoding=UTF8",
                 "--locale=C.UTF-8", "-D", self.data)
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "shared_buffers": "32MB",
                    "unix_socket_directories": self.folder, "max_connections": 100}
        self.configure(**{**settings, **self.settings})

    def configure(self, **settings):
        """Adds lines to postgresql.conf; reload() or restart() lets them count."""
        lines = "".join(f"{name} = '{value}'\n" for name, value in settings.items())
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(lines)

    def run(self, program, *arguments, stdin="", check=True, environment=None):
        """Runs a program of PostgreSQL as the server's user; its CompletedProcess."""
        ended = subprocess.run([*self.as_user, os.path.join(PROGRAMS, program), *arguments],
                               input=stdin, capture_output=True, text=True, cwd=self.folder,
                               env={**os.environ, **(environment or {})}, check=False)
        if check and ended.returncode != 0:
            raise AssertionError(f"{program} {' '.join(arguments)}: {ended.returncode}\n"
                                 f"{ended.stdout}{ended.stderr}{self.log_text()[-2000:]}")
        return ended

    def start(self):
        # Its output goes to the file, not into a pipe that it would keep open.
        log = os.path.join(self.folder, "server.log")
        command = [*self.as_user, os.path.join(PROGRAMS, "pg_ctl"), "start", "-s", "-w", "-t", "60",
                   "-l", log, "-D", self.data]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, cwd=self.folder, check=False)
        if ended.returncode != 0:
            raise AssertionError("PostgreSQL did not start:\n" + self.log_text())
        return self

    def stop(self, mode="fast"):
        """mode: "smart" waits for sessions, "fast" ends them, "immediate" is a crash."""
        self.run("pg_ctl", "stop", "-s", "-w", "-m", mode, "-D", self.data)

    def restart(self, mode="fast"):
        self.stop(mode)
        self.start()

    def reload(self):
        self.run("pg_ctl", "reload", "-s", "-D", self.data)

    def process_id(self):
        return int(Path(self.data, "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])

    def is_running(self):
        return os.path.exists(os.path.join(self.data, "postmaster.pid"))

    def kill(self):
        """As a power cut: the server and all its processes end at once."""
        number = self.process_id()
        children = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
        for process in [number, *map(int, children.split())]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while os.path.exists(f"/proc/{number}"):
            time.sleep(0.01)

    def url(self, database, host="127.0.0.1", port=None):
        """For `--store`: over TCP with the password, or over the socket with host=None."""
        if host is None:
            return f"postgres://{USER}@/{database}?host={self.folder}&port={self.port}"
        password = PASSWORD.replace(" ", "%20")
        return f"postgres://{USER}:{password}@{host}:{port or self.port}/{database}"

    def create_database(self, name, **url):
        self.sql(f'CREATE DATABASE "{name}"', "postgres")
        return self.url(name, **url)

    def sql(self, query, database):
        """Runs it in psql; what it printed, columns separated by |."""
        return self.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.folder,
                        "-p", str(self.port), "-U", USER, "-d", database,
                        stdin=query).stdout.strip()

    def log_text(self):
        try:
            return Path(self.folder, "server.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def close(self):
        if self.is_running():
            self.run("pg_ctl", "stop", "-s", "-w", "-m", "immediate", "-D", self.data, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
