"""A server whose system calls fail on demand: tests/support/faulty_system.cc, preloaded.

    server = faulty.Server()
    with server.faults(write_errno=errno.ENOSPC):   # only files of the data folder
        ...
"""

import contextlib
import mmap
import os
import struct
import subprocess

import harness

LIBRARY = os.environ.get("LATCHKEY_FAULTY_SYSTEM", "")
# In the order of struct Control.
FIELDS = ["write_errno", "write_halves", "sync_errno", "open_errno", "accept_errno",
          "clock_offset_ms", "injected"]


class Server(harness.Server):
    def __init__(self, *options):
        super().__init__(*options)
        path = os.path.join(self.folder, "faults")
        with open(path, "wb") as file:
            file.write(bytes(8 * len(FIELDS)))
        with open(path, "r+b") as file:
            self.control = mmap.mmap(file.fileno(), 0)
        self.preload = {"LD_PRELOAD": LIBRARY, "FAULTY_SYSTEM": path, "FAULTY_FOLDER": self.data}
        # The sanitizer's own library need not come first for what is tested here.
        self.preload["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + os.environ.get(
            "ASAN_OPTIONS", "")

    def start(self):
        plain = self.environment
        self.environment = {**plain, **self.preload}
        try:
            return super().start()
        finally:
            self.environment = plain  # the command line sees no faults

    def set(self, **values):
        for name, value in values.items():
            struct.pack_into("<q", self.control, 8 * FIELDS.index(name), value)

    def injected(self):
        return struct.unpack_from("<q", self.control, 8 * FIELDS.index("injected"))[0]

    @contextlib.contextmanager
    def faults(self, **values):
        """The faults are on inside, and at least one call must have met them."""
        before = self.injected()
        self.set(**values)
        try:
            yield
        finally:
            self.set(**dict.fromkeys(values, 0))
        if self.injected() == before:
            raise AssertionError(f"no call met the fault {values}")

    def cpu_seconds(self):
        """User and system time of the server so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class ServerOnSmallDisk(harness.Server):
    """Its data folder is a file system of its own of `size_bytes`, which can be filled for real.

    Mounted in a mount namespace, so it goes with the process. Needs root, or user namespaces.
    """

    def __init__(self, size_bytes):
        super().__init__()
        os.mkdir(self.data, 0o700)
        self.mounted = self.data
        self.size_bytes = size_bytes

    @staticmethod
    def namespace():
        """The command that runs another in a mount namespace of its own; None: not allowed here."""
        for options in (["--mount"], ["--mount", "--map-root-user"]):
            command = ["unshare", *options, "--"]
            probe = ["sh", "-c", "mount -t tmpfs none /mnt"]
            if subprocess.run(command + probe, capture_output=True, check=False).returncode == 0:
                return command
        return None

    def start_command(self):
        mount = f'mount -t tmpfs -o size={self.size_bytes},mode=700 none "$0" && exec "$@"'
        self.data = self.mounted
        return [*self.namespace(), "sh", "-c", mount, self.data, *super().start_command()]

    def start(self):
        super().start()
        self.data = f"/proc/{self.process.pid}/root{self.mounted}"  # as it is in the namespace
        return self

    def inside(self, name):
        return os.path.join(self.data, name)

    def fill(self):
        """Takes all that is left; the file that does."""
        filler = self.inside("filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        return filler
