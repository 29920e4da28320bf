#!/usr/bin/env python3
"""Memory of the proxy while a body streams through it, up and down, to and from a slow side too.

The upstream counts what it gets and sends what it is asked for; the proxy's resident memory is read
while it runs. Prints the highest of each with the time, a line of JSON each; proxy_http.py runs it.
usage: bench/proxy_stream.py PROXY_HTTP_PROGRAM PORT MEGABYTES
"""
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time

BLOCK = b"x" * 65536


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        while left > 0:
            left -= len(self.rfile.read(min(left, 1 << 20)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        size = int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for _ in range(size // len(BLOCK)):
            self.wfile.write(BLOCK)


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """The slow client leaves before the end."""


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def watch(pid, work):
    """Runs `work`; returns the highest resident memory meanwhile, and the seconds that it took."""
    highest, ended = [0], threading.Event()

    def look():
        while not ended.wait(0.02):
            highest[0] = max(highest[0], resident_kib(pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    began = time.monotonic()
    try:
        work()
    finally:
        ended.set()
        watcher.join()
    return highest[0], time.monotonic() - began


def receive(port, size, pause=0.0, share=1.0):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"GET /{size} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        got = 0
        while got < size * share and (data := client.recv(1 << 18)):
            got += len(data)
            time.sleep(pause)
        if got < size * share:
            sys.exit(f"only {got} of {size} bytes came")


def send(port, size):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"PUT /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                       f"Content-Length: {size}\r\n\r\n".encode())
        for _ in range(size // len(BLOCK)):
            client.sendall(BLOCK)
        answer = client.recv(4096)
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"the upload got {answer[:60]}")


def main():
    program, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) << 20
    upstream = Server(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with subprocess.Popen([program, str(port), f"http://127.0.0.1:{upstream.server_port}"],
                          stdout=subprocess.PIPE, text=True) as proxy:
        proxy.stdout.readline()
        before = resident_kib(proxy.pid)
        for name, work in (("down", lambda: receive(port, size)), ("up", lambda: send(port, size)),
                           ("down, slow client", lambda: receive(port, size, 0.01, 0.2))):
            highest, seconds = watch(proxy.pid, work)
            print(json.dumps({"way": name, "seconds": seconds, "before_kib": before,
                              "highest_kib": highest}), flush=True)
        proxy.terminate()
    os._exit(0)


if __name__ == "__main__":
    main()
