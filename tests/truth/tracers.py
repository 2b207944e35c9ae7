# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Runs porttrace, and tcpstates and tcplife beside it, and reads what they print."""
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
READY = b"porttrace: tracing"
PATIENCE = 20
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
            [PORTTRACE, "--json", "-o", output, *map(str, arguments)], stdin=subprocess.DEVNULL,
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
        _, errors = self.process.communicate(timeout=60)
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


class Other:
    """A tool of libbpf-tools that prints the ends of connections with a pid."""

    name = None

    def __init__(self, folder):
        self.output = os.path.join(folder, self.name)
        self.process = None
        program = shutil.which(self.name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not program:
            return
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen([program, "-w"], stdin=subprocess.DEVNULL, stdout=out,
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
            with open(f"/proc/{self.process.pid}/wchan", encoding="ascii") as file:
                return "poll" in file.read()
        except OSError:
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
                if words and words[0] not in ("PID", "SKADDR"):
                    yield words


def ends_of(words):
    """laddr, lport, raddr, rport"""
    return (plain(words[0]), int(words[1])), (plain(words[2]), int(words[3]))


class Tcpstates(Other):
    """Shows each change of state: the row of the connection's beginning, and of its end."""

    name = "tcpstates"

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
        yield [f for f in facts if f.what in ("connect", "accept")], opened
        yield [f for f in facts if f.what == "close"], closed


class Tcplife(Other):
    """Shows a row for each end of a connection that has ended."""

    name = "tcplife"

    def scored(self, facts):
        rows = collections.defaultdict(list)
        for words in self.lines():
            try:
                ends = ends_of(words[-7:-3])
            except ValueError:
                continue
            rows[ends].append(int(words[0]))
        yield [f for f in facts if f.what == "close"], rows


OTHERS = (Tcpstates, Tcplife)
