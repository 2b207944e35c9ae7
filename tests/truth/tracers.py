# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs porttrace, and tools of libbpf-tools beside it, and reads what they print."""
import collections
import ctypes
import os
import shutil
import signal
import subprocess
import time

from truth import plain, read_records

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORTTRACE = os.environ.get("PORTTRACE", os.path.join(ROOT, "build", "porttrace"))
HOOKS = ["--hooks", os.environ["PORTTRACE_HOOKS"]] if os.environ.get("PORTTRACE_HOOKS") else []
READY = b"porttrace: tracing"
# poll, ppoll, epoll_wait, epoll_pwait.  (wchan would be 0 on 5.10.)
POLL_CALLS = {"x86_64": ("7", "271", "232", "281"), "aarch64": ("73", "22")}
SLOW = float(os.environ.get("PORTTRACE_SLOW") or 1)  # tests/e2e/harness.py explains it
PATIENCE = 20 * SLOW
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
LIBC = ctypes.CDLL(None, use_errno=True)


class Porttrace:
    """When the constructor returns, it traces (wait=False: when wait_ready() does)."""

    def __init__(self, output, *arguments, wait=True):
        self.output = output
        self.began = time.time_ns()
        self.clock = time.monotonic()
        self.ready = self.seconds = None
        self.process = subprocess.Popen(
            [PORTTRACE, "--json", *HOOKS, "-o", output, *map(str, arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        errors = []
        for line in self.process.stderr:
            errors.append(line)
            if line.startswith(READY):
                self.seconds = time.monotonic() - self.clock
                self.ready = time.time_ns()
                return
        raise AssertionError(f"porttrace does not trace: {errors}")

    def stop(self):
        """All of its records."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60 * SLOW)
        assert self.process.returncode == 0, \
            f"porttrace ended with {self.process.returncode}: {errors.decode(errors='replace')}"
        assert b"Sanitizer" not in errors, errors.decode(errors="replace")
        return read_records(self.output)


def private_mounts():
    """What is mounted from now on, only this process and its children see."""
    if LIBC.unshare(CLONE_NEWNS) or LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def private_tracefs():
    return os.path.exists("/sys/kernel/tracing/events/sock") or LIBC.mount(b"tracefs", b"/sys/kernel/tracing", b"tracefs", 0, None) == 0


def connections(facts, *what):
    """Those of FACTS that are WHAT of connections that came to be."""
    return [f for f in facts if f.what in what and f.remote and not f.error]


class Other:
    """A tool of libbpf-tools that prints the ends of connections with a pid."""

    name = None
    options = ()

    def __init__(self, folder):
        self.output = os.path.join(folder, self.name)
        self.process = None
        program = shutil.which(self.name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not program:
            return
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen([program, *self.options], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        # It says nothing when it is ready; then it waits for events.
        while not self._waits():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                self.process = None
                return
            time.sleep(0.01)

    def _waits(self):
        try:
            with open(f"/proc/{self.process.pid}/syscall", encoding="ascii") as file:
                return file.read().split()[0] in POLL_CALLS.get(os.uname().machine, ())
        except (OSError, IndexError):
            return False

    def _used(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[11:13]

    def stop(self):
        """Once it has printed all that it has: it does not when it is interrupted."""
        if not self.process:
            return
        quiet, deadline = 0, time.monotonic() + PATIENCE
        while quiet < 3 and time.monotonic() < deadline and self.process.poll() is None:
            before = self._used()
            time.sleep(0.06)
            quiet = quiet + 1 if self._waits() and self._used() == before else 0
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def lines(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.split()
                if words and words[0] not in ("PID", "SKADDR", "T"):
                    yield words


def ends_of(words):
    """laddr, lport, raddr, rport"""
    return (plain(words[0]), int(words[1])), (plain(words[2]), int(words[3]))


class Tcpstates(Other):
    """Shows each change of state: the row of the connection's beginning, and of its end."""

    name, options = "tcpstates", ("-w",)

    def scored(self, facts):
        """[(facts that it claims to show, rows)]"""
        opened, closed = collections.defaultdict(list), collections.defaultdict(list)
        for words in self.lines():
            # A command may have spaces: the columns from the right are certain.
            new, old, pid = words[-2], words[-4], int(words[1])
            try:
                ends = ends_of(words[-8:-4])
            except ValueError:
                continue
            if new == "ESTABLISHED" and old in ("SYN_SENT", "SYN_RECV"):
                opened[ends].append(pid)
            elif new == "CLOSE" and old not in ("SYN_SENT", "LISTEN"):
                closed[ends].append(pid)
        yield connections(facts, "connect", "accept"), opened
        yield connections(facts, "close"), closed


class Tcplife(Other):
    """Shows a row for each end of a connection that has ended."""

    name, options = "tcplife", ("-w",)

    def scored(self, facts):
        rows = collections.defaultdict(list)
        for words in self.lines():
            try:
                ends = ends_of(words[-7:-3])
            except ValueError:
                continue
            rows[ends].append(int(words[0]))
        yield connections(facts, "close"), rows


class Tcpconnect(Other):
    """Shows each connect that was begun, from a kretprobe."""

    name, options = "tcpconnect", ("-s",)

    def scored(self, facts):
        rows = collections.defaultdict(list)
        for words in self.lines():
            rows[(plain(words[-4]), int(words[-2])),
                 (plain(words[-3]), int(words[-1]))].append(int(words[0]))
        yield connections(facts, "connect"), rows


class Tcptracer(Other):
    """Shows connects, accepts and closes."""

    name = "tcptracer"

    def scored(self, facts):
        rows = {letter: collections.defaultdict(list) for letter in "CAX"}
        for words in self.lines():
            rows[words[0]][(plain(words[-4]), int(words[-2])),
                           (plain(words[-3]), int(words[-1]))].append(int(words[1]))
        for letter, what in zip("CAX", ("connect", "accept", "close")):
            yield connections(facts, what), rows[letter]


class Bindsnoop(Other):
    """Shows binds; of those that fail it does not know the port."""

    name = "bindsnoop"

    def scored(self, facts):
        rows = collections.defaultdict(list)
        for words in self.lines():
            rows[(plain(words[-1]), int(words[-2])), None].append(int(words[0]))
        yield [f for f in facts if f.what == "bind" and not f.error], rows


OTHERS = (Tcpstates, Tcplife)
# They need kprobes, or hooks that not every kernel grants.
PEERS = (*OTHERS, Tcpconnect, Tcptracer, Bindsnoop)
