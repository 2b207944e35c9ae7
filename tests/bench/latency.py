# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From the event to its line: from the return of connect(2) or of a bind(2) that fails to the
bytes on a terminal or in a file; in quiet, and while connections pass as fast as they can.
"""
import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import socket
import statistics
import struct
import subprocess
import tempfile
import termios
import threading
import time

import bench
import tracers

PATIENCE = 10  # seconds
BOUNDS = {"terminal": 100, "file": 1000}  # ms
LINES = {"connect": re.compile(rb" connect .* 127\.0\.0\.1:(\d+) +> "),
         "bind": re.compile(rb" bind .* 127\.0\.0\.1:(\d+) .*EADDRINUSE: held by ")}


class Watched:
    """porttrace's table on a terminal or in a file; notes when each line arrived, by what it
    tells and the port of its local end."""

    def __init__(self, where, options=()):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 400, 0, 0))
        self.source, self.path = master, None
        self.folder = tempfile.TemporaryDirectory(prefix="porttrace-bench-")
        if where == "file":
            self.path = os.path.join(self.folder.name, "log")
            options = (*options, "-o", self.path)
        self.child = subprocess.Popen([bench.PORTTRACE, "--netns", "self", "--color", "never",
                                       *options],
                                      stdin=subprocess.DEVNULL, stdout=slave,
                                      stderr=subprocess.PIPE)
        os.close(slave)
        words = self.child.stderr.readline().decode(errors="replace")
        if not words.startswith(tracers.JSON.ready):
            self.child.wait()
            raise tracers.Failed(words.strip())
        if self.path:
            self.source = os.open(self.path, os.O_RDONLY)
        self.told, self.times, self.on = threading.Condition(), {}, True
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _wait(self):
        if self.path:  # a file is always readable: its end is seen again and again
            time.sleep(0.001)
        else:
            select.select([self.source], [], [], 0.1)

    def _read(self):
        rest = b""
        while self.on:
            self._wait()
            data = b""
            with contextlib.suppress(OSError):  # the terminal's other end is closed
                data = os.read(self.source, 1 << 20) if self.path or select.select(
                    [self.source], [], [], 0)[0] else b""
            now = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._note(line, now)

    def _note(self, line, now):
        for what, expression in LINES.items():
            match = expression.search(line)
            if match:
                with self.told:
                    self.times.setdefault((what, int(match.group(1))), now)
                    self.told.notify_all()

    def when(self, what, port):
        """Seconds of the clock at which that line was there."""
        with self.told:
            if not self.told.wait_for(lambda: (what, port) in self.times, PATIENCE):
                raise tracers.Failed(f"the {what} of port {port} was not told")
            return self.times[what, port]

    def stop(self):
        self.on = False
        self.reader.join()
        self.child.terminate()
        os.close(self.source)
        self.child.communicate()
        self.folder.cleanup()


def connect(listener):
    """(what, port, when it returned)"""
    with socket.create_connection(listener.getsockname()) as sock:
        done = time.monotonic()
        listener.accept()[0].close()
        return "connect", sock.getsockname()[1], done


def fail(listener):
    with socket.socket() as sock:
        try:
            sock.bind(listener.getsockname())
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return "bind", listener.getsockname()[1], time.monotonic()
    raise RuntimeError("the bind worked")


class Background:
    """Connections until the end of the `with`."""

    def __enter__(self):
        self.on, self.thread = True, threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while self.on:
            bench.connections(2**30, 0.2)

    def __exit__(self, *_):
        self.on = False
        self.thread.join()


def delays(where, busy, count):
    """{"connect", "bind": [milliseconds]}"""
    result = {"connect": [], "bind": []}
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    watched = Watched(where)
    try:
        with Background() if busy else contextlib.nullcontext():
            for listener in listeners:
                for act in (connect, fail):
                    what, port, done = act(listener)
                    result[what].append((watched.when(what, port) - done) * 1000)
    finally:
        watched.stop()
        for listener in listeners:
            listener.close()
    return result


def run(settings, report):
    figures, rows = {}, []
    for where, bound in BOUNDS.items():
        for busy in (False, True):
            name = f"{where}, {'full rate' if busy else 'quiet'}"
            try:
                figures[name] = delays(where, busy, settings.delays)
            except tracers.Failed as failure:
                report.fail(f"latency, {name}", failure)
                continue
            for what, values in figures[name].items():
                rows.append((f"{what}, {name}", len(values), f"{statistics.median(values):.1f}",
                             f"{max(values):.1f}"))
        quiet = figures.get(f"{where}, quiet")
        report.budget(f"event to line, {where}, the longest", quiet and max(quiet["connect"]),
                      bound, 0, "ms")
    report.table(("event, where its line is", "events", "ms, median", "longest"), rows)
    report.keep("latency", figures)
