"""A PostgreSQL cluster that Patroni runs, with etcd: Debian's, unpacked and not installed.

    cluster = patroni.Cluster()              # two members, synchronous; back when they are
    cluster.url("nodes")                     # for `latchkey serve --store`: all members' hosts
    cluster.primary().kill_machine()         # Patroni and PostgreSQL end, as in a power cut
    cluster.wait_for_primary(other_than=...)
    cluster.close()

LATCHKEY_PATRONI names the folder that the packages are unpacked into. Everything listens on
127.0.0.1. The settings are those that docs/operating/many-nodes.md advises; there is no watchdog.
"""

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import postgres

FOLDER = os.environ.get("LATCHKEY_PATRONI", "")
TTL_SECONDS, LOOP_SECONDS = 20, 2

MEMBER = """
scope: latchkey
name: {name}
restapi: {{listen: "127.0.0.1:{api}", connect_address: "127.0.0.1:{api}"}}
etcd3: {{hosts: "127.0.0.1:{etcd}"}}
bootstrap:
  dcs:
    ttl: {ttl}
    loop_wait: {loop}
    retry_timeout: 5
    synchronous_mode: true
    primary_start_timeout: 0  # a primary that crashed is not waited for
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 100}}
  initdb: [{{encoding: UTF8}}, {{locale: C.UTF-8}}, data-checksums, {{auth-local: trust}},
           {{auth-host: scram-sha-256}}]
  pg_hba:
    - local all all trust
    - host all all 127.0.0.1/32 scram-sha-256
    - host replication all 127.0.0.1/32 scram-sha-256
postgresql:
  listen: "127.0.0.1:{port}"
  connect_address: "127.0.0.1:{port}"
  data_dir: {data}
  bin_dir: {programs}
  pgpass: {folder}/pgpass
  authentication:
    superuser: {{username: {user}, password: "{password}"}}
    replication: {{username: replicator, password: "{password}"}}
    rewind: {{username: rewinder, password: "{password}"}}
  parameters: {{unix_socket_directories: {folder}, shared_buffers: 32MB}}
"""

# As Patroni's documentation has it: its answer says where the primary is.
# https://patroni.readthedocs.io/en/latest/rest_api.html
HAPROXY = """
defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  timeout check 2s
listen primary
  bind 127.0.0.1:{port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
"""


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come to be in {seconds} s")
        time.sleep(0.05)


def descendants(number):
    """The process `number` and all below it."""
    try:
        below = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [number] + [one for child in below.split() for one in descendants(int(child))]


class Member(postgres.Cluster):
    """A machine with Patroni and its PostgreSQL."""

    def __init__(self, name, etcd, library):
        super().__init__(start=False)
        self.name, self.api = name, postgres.free_port()
        self.library = library
        self.process = None
        self.file = Path(self.folder, "patroni.yml")
        self.file.write_text(MEMBER.format(
            name=name, api=self.api, etcd=etcd, ttl=TTL_SECONDS, loop=LOOP_SECONDS, port=self.port,
            data=self.data, programs=postgres.PROGRAMS, folder=self.folder, user=postgres.USER,
            password=postgres.PASSWORD), encoding="utf-8")

    def start(self):
        log = open(Path(self.folder, "patroni.log"), "ab")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [*self.as_user, "/usr/bin/python3", os.path.join(self.library, "patroni"), self.file],
            cwd=self.folder, stdout=log, stderr=log, env={
                "PATH": os.environ["PATH"], "PYTHONPATH": os.path.join(self.library, "packages"),
                "HOME": self.folder, "LANG": "C.UTF-8"})
        log.close()
        return self

    def ask(self, path):
        """What Patroni answers: the status, or None."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def processes(self):
        """Patroni, PostgreSQL and its sessions."""
        numbers = descendants(self.process.pid) if self.process else []
        if self.is_running():
            # It is no child of Patroni's once that has been started anew.
            numbers += [one for one in descendants(self.process_id()) if one not in numbers]
        return numbers

    def signal_machine(self, number):
        for process in self.processes():
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass

    def kill_machine(self):
        self.signal_machine(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def log_text(self):
        return Path(self.folder, "patroni.log").read_text(encoding="utf-8", errors="replace")

    def close(self):
        if self.process:
            self.signal_machine(signal.SIGCONT)
            self.kill_machine()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="latchkey-patroni-", dir=postgres.room())
        os.chmod(self.folder, 0o755)
        # Where the user of the server may read it.
        shutil.copytree(os.path.join(FOLDER, "usr/lib/python3/dist-packages"),
                        os.path.join(self.folder, "packages"))
        shutil.copy(os.path.join(FOLDER, "usr/bin/patroni"), self.folder)
        self.programs, self.members = [], []
        try:
            etcd = self.start_etcd()
            self.members = [Member(name, etcd, self.folder) for name in ("pg1", "pg2")]
            self.members[0].start()
            self.wait_for_primary()
            self.members[1].start()
            self.wait_for_standby()
        except BaseException:
            self.close()
            raise

    def start_program(self, *command):
        with open(os.path.join(self.folder, "programs.log"), "ab") as log:
            self.programs.append(subprocess.Popen(list(map(str, command)), stdout=log, stderr=log))

    def start_etcd(self):
        port, peers = postgres.free_port(), postgres.free_port()
        self.start_program(
            os.path.join(FOLDER, "usr/bin/etcd"), "--data-dir", os.path.join(self.folder, "etcd"),
            "--listen-client-urls", f"http://127.0.0.1:{port}",
            "--advertise-client-urls", f"http://127.0.0.1:{port}",
            "--listen-peer-urls", f"http://127.0.0.1:{peers}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peers}",
            "--initial-cluster", f"default=http://127.0.0.1:{peers}")

        def is_healthy():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            try:
                connection.request("GET", "/health")
                return json.loads(connection.getresponse().read()).get("health") == "true"
            except (OSError, http.client.HTTPException, ValueError):
                return False
            finally:
                connection.close()
        wait_until(is_healthy, 20, "etcd")
        return port

    def start_haproxy(self):
        """HAProxy before the members; its port leads to the primary."""
        port = postgres.free_port()
        file = Path(self.folder, "haproxy.cfg")
        lines = [f"  server {one.name} 127.0.0.1:{one.port} check port {one.api}"
                 for one in self.members]
        file.write_text(HAPROXY.format(port=port) + "\n".join(lines) + "\n", encoding="utf-8")
        self.start_program("/usr/sbin/haproxy", "-f", file)

        def leads():
            ended = subprocess.run(
                [os.path.join(postgres.PROGRAMS, "pg_isready"), "-q", "-h", "127.0.0.1", "-p",
                 str(port)], check=False)
            return ended.returncode == 0
        wait_until(leads, 20, "a way through HAProxy")
        return port

    def primary(self, other_than=None):
        """The member that Patroni says is the primary, or None."""
        for member in self.members:
            if member is not other_than and member.process and member.ask("/primary") == 200:
                return member
        return None

    def wait_for(self, condition, seconds, what):
        try:
            wait_until(condition, seconds, what)
        except AssertionError as failure:
            logs = "".join(f"\n{one.name}:\n{one.log_text()[-3000:]}" for one in self.members)
            raise AssertionError(str(failure) + logs) from failure

    def wait_for_primary(self, other_than=None, seconds=60):
        self.wait_for(lambda: self.primary(other_than), seconds, "a primary")
        return self.primary(other_than)

    def wait_for_standby(self, seconds=60):
        self.wait_for(lambda: any(one.process and one.ask("/synchronous") == 200
                                  for one in self.members), seconds, "a synchronous standby")

    def switch_over(self):
        """Hands over as planned, as `patronictl switchover` does."""
        before = self.primary()
        connection = http.client.HTTPConnection("127.0.0.1", before.api, timeout=60)
        connection.request("POST", "/switchover", json.dumps({"leader": before.name}))
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status != 200:
            raise AssertionError(f"switchover: {answer.status} {said}")

    def url(self, database, port=None):
        """Of all members, or of `port` alone."""
        hosts = f"127.0.0.1:{port}" if port else ",".join(
            f"127.0.0.1:{one.port}" for one in self.members)
        password = postgres.PASSWORD.replace(" ", "%20")
        return f"postgres://{postgres.USER}:{password}@{hosts}/{database}"

    def close(self):
        for member in self.members:
            member.close()
        for program in self.programs:
            program.kill()
            program.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
