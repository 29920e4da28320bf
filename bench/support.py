"""What the benchmarks over HTTP share: servers on one core, the loader on another, result lines.

    import support

    with support.Rig() as rig:
        worker = rig.nginx(support.RETURN_200 % port, port)
        nginx = support.Target(port, [worker], rig.requests([support.get("/")]))
        support.compare("ours", ours, "nginx return 200", nginx, rounds=5, seconds=4)

A benchmark prints the lines of bench/README.md to stdout, and progress to stderr. Programs come
from the folder that LATCHKEY_BUILD names (default: build/release).
"""

import base64
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("LATCHKEY_BUILD", ROOT / "build/release"))
LATCHKEY = BUILD / "latchkey"
DEBIAN = ROOT / "build/bench/debian"  # packages of peers, unpacked and not installed
SERVER_CORE, LOADER_CORE = 0, 1
CONNECTIONS = 64
START_SECONDS = 600
QUICK = "--quick" in sys.argv
RETURN_200 = "server { listen 127.0.0.1:%d; location / { return 200; } }"

# The share of its core from which a process counts as the one that held up the rest.
BUSY = 0.97


def say(text):
    print(text, file=sys.stderr, flush=True)


def emit(name, value, unit, **fields):
    """Prints a result; fields that are None are left out."""
    line = {"name": name, "value": value, "unit": unit, **fields}
    line = {key: float(f"{item:.6g}") if isinstance(item, float) else item
            for key, item in line.items() if item is not None}
    print(json.dumps(line), flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(path, *headers):
    return request("GET", path, *headers)


def request(method, path, *headers, body=b""):
    """The bytes of a request, as clients send it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: bench/1", "Accept: */*",
             *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def introspection(path, token, authorization):
    """A request about a token, as RFC 7662 has it."""
    return request("POST", path, f"Authorization: {authorization}",
                   "Content-Type: application/x-www-form-urlencoded",
                   body=urllib.parse.urlencode({"token": token}).encode())


def debian_environment():
    """For programs of the unpacked packages."""
    folders = [DEBIAN / "usr/lib/x86_64-linux-gnu", DEBIAN / "lib/x86_64-linux-gnu"]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))}


class Target:
    """Something that answers: its port, the processes whose CPU counts, the requests' file."""

    def __init__(self, port, pids, requests=None):
        self.port = port
        self.pids = pids
        self.requests = requests


class Rig:
    """A temporary folder and processes that end with it."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="latchkey-bench-"))
        self.folder.chmod(0o755)
        self.processes, self.servers = [], []
        self.number = 0

    def __enter__(self):
        if os.cpu_count() < 2:
            sys.exit("the benchmarks need two cores: one for the server, one for the loader")
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.close()
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def requests(self, requests):
        """The file of these requests for the loader."""
        self.number += 1
        return self.file(f"requests-{self.number}",
                         b"".join(b"%d\n" % len(one) + one for one in requests))

    def start(self, command, port=None, core=SERVER_CORE, ready=None, **options):
        """Starts a program on a core; back when it prints `ready`, or takes connections."""
        self.number += 1
        out_path = self.folder / f"out-{self.number}"
        with open(out_path, "wb") as out:
            process = subprocess.Popen(["taskset", "-c", str(core), *map(str, command)],
                                       stdout=out, stderr=subprocess.STDOUT, **options)
        self.processes.append(process)
        deadline = time.monotonic() + START_SECONDS
        while not (ready in out_path.read_text(errors="replace") if ready else answers(port)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start: "
                                   + out_path.read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        process.out_path = out_path
        return process

    def nginx(self, http, port, core=SERVER_CORE, main="", **options):
        """nginx with one worker and these lines of its http block; the worker's id."""
        self.number += 1
        folder = self.folder / f"nginx-{self.number}"
        folder.mkdir()
        paths = " ".join(f"{kind}_temp_path {folder};" for kind in
                         ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.file(f"nginx-{self.number}.conf", f"""{main}
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; {paths}
{http}
}}
""")
        master = self.start(["nginx", "-e", folder / "error.log", "-p", folder, "-c", conf],
                            port=port, core=core, **options)
        return children(master.pid)[0]

    def latchkey(self, *options):
        """The real server with one network thread, set up, as tests/e2e/harness.py has it."""
        os.environ["LATCHKEY_BINARY"] = str(LATCHKEY)
        sys.path.insert(0, str(ROOT / "tests/e2e"))
        import harness  # pylint: disable=import-outside-toplevel

        class Pinned(harness.Server):
            def start_command(self):
                return ["taskset", "-c", str(SERVER_CORE), *super().start_command()]

        server = Pinned("--listen-threads", "1", "--log-access", "false", *map(str, options))
        self.servers.append(server)
        return server.start().set_up()


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def children(pid):
    return [int(child) for child in
            Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def load(target, seconds, connections=CONNECTIONS, rate=None, core=LOADER_CORE, good=("200",)):
    """Runs the loader; what it printed. Ends the benchmark on an answer with another status."""
    command = ["taskset", "-c", str(core), BUILD / "bench/load", target.port, connections, seconds,
               target.requests]
    if rate:
        command += ["--rate", rate]
    for pid in target.pids:
        command += ["--cpu", pid]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=True)
    seen = json.loads(done.stdout)
    bad = {status: count for status, count in seen["statuses"].items() if status not in good}
    if bad or not seen["requests"]:
        raise RuntimeError(f"port {target.port} answered {seen['statuses'] or 'nothing'}")
    return seen


def cpu_of(seen):
    """CPU of all processes of the target, in microseconds a request."""
    return sum(one["us_per_request"] for one in seen["cpu"].values())


def bottleneck(seen):
    """Who was at the limit: "server", "loader", "both" or "neither"."""
    server = sum(one["cores"] for one in seen["cpu"].values()) >= BUSY
    loader = seen["loader_cores"] >= BUSY
    if server:
        return "both" if loader else "server"
    return "loader" if loader else "neither"


def percentiles(seen):
    return {name: value for name, value in seen["latency_us"].items() if name != "p99_99"}


def ratio_fields(ratios):
    return {"ratio": statistics.median(ratios), "ratio_low": min(ratios), "ratio_high": max(ratios),
            "rounds": len(ratios)}


def compare(name, ours, reference_name, reference, rounds, seconds, connections=CONNECTIONS,
            **fields):
    """CPU a request of two targets, in turns: prints the line, returns all that was seen."""
    load(ours, 1, connections)  # warm
    load(reference, 1, connections)
    seen = []
    for number in range(rounds):
        pair = load(ours, seconds, connections), load(reference, seconds, connections)
        seen.append(pair)
        mine, theirs = map(cpu_of, pair)
        say(f"  round {number + 1}: {mine:.2f} us ({pair[0]['per_second']:,.0f}/s), "
            f"{reference_name} {theirs:.2f} us ({pair[1]['per_second']:,.0f}/s), "
            f"ratio {mine / theirs:.3f}")
    own, other = [cpu_of(a) for a, _ in seen], [cpu_of(b) for _, b in seen]
    emit(name, statistics.median(own), "us CPU/request", reference=reference_name,
         reference_value=statistics.median(other),
         **ratio_fields([a / b for a, b in zip(own, other)]),
         per_second=statistics.median(a["per_second"] for a, _ in seen),
         reference_per_second=statistics.median(b["per_second"] for _, b in seen),
         bottleneck=f"{bottleneck(seen[-1][0])}; of the reference: {bottleneck(seen[-1][1])}",
         **fields)
    return seen


def latencies(series, target, capacity, seconds):
    """Latency at rest and at half and 80 % of `capacity` requests a second, as lines."""
    cases = [("one client", 1, None), ("half load", CONNECTIONS, capacity * 0.5),
             ("80 % load", CONNECTIONS, capacity * 0.8)]
    for case, connections, rate in cases:
        seen = load(target, seconds, connections, rate)
        say(f"  {series}, {case}: {seen['latency_us']}")
        emit(f"latency of {series}, {case}", seen["latency_us"]["p50"], "us",
             **percentiles(seen), per_second=seen["per_second"],
             series=series, case=case, bottleneck=bottleneck(seen))
