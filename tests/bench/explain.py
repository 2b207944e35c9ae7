#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How soon a failed bind is explained, and what a process costs that tries again and again.

    sudo tests/bench/explain.py [--failures N] [--seconds S]

In a network namespace of its own.  A terminal (a pty) shows porttrace's table; the time
runs from the return of bind(2) to the bytes of the line with its cause.  First in quiet,
then while connections pass as fast as this machine can.  Then one process fails 10,000
times a second, for S seconds, and the closing line says what was lost.
"""
import argparse
import ctypes
import errno
import fcntl
import os
import pty
import signal
import socket
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORTTRACE = os.path.join(ROOT, "build", "porttrace")
LOAD = os.path.join(ROOT, "build", "bench", "connections")
CLONE_NEWNET = 0x40000000


class Terminal:
    """porttrace on a terminal; notes when each line with a cause arrived."""

    def __init__(self, *options):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 400, 0, 0))
        self.child = subprocess.Popen([PORTTRACE, "--netns", "self", *options], stdout=slave,
                                      stderr=subprocess.PIPE)
        os.close(slave)
        self.child.stderr.readline()
        self.told = threading.Condition()
        self.causes = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        rest = b""
        while True:
            try:
                data = os.read(self.master, 1 << 20)
            except OSError:
                return
            now = time.monotonic()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if b"EADDRINUSE" in line:
                    with self.told:
                        port = line.split(b"tcp 127.0.0.1:")[1].split()[0].decode()
                        self.causes.setdefault(int(port), (now, line))
                        self.told.notify_all()

    def cause_of(self, port):
        with self.told:
            assert self.told.wait_for(lambda: port in self.causes, 10), f"{port} was not told"
            return self.causes[port]

    def cpu(self):
        with open(f"/proc/{self.child.pid}/schedstat", encoding="utf-8") as file:
            return int(file.read().split()[0]) / 1e9

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        return self.child.communicate()[1].decode().strip().splitlines()[-1]


def fail(address):
    with socket.socket() as sock:
        try:
            sock.bind(address)
        except OSError as error:
            assert error.errno == errno.EADDRINUSE, error
            return time.monotonic()
    raise AssertionError("the bind worked")


def delays(terminal, listeners):
    """Milliseconds of each failure, one for each listener's port."""
    result = []
    for listener in listeners:
        failed = fail(listener.getsockname())
        shown, line = terminal.cause_of(listener.getsockname()[1])
        assert b"held by" in line, line
        result.append((shown - failed) * 1000)
    return result


def listen(count):
    result = []
    for i in range(count):
        result.append(socket.socket())
        result[-1].bind(("127.0.0.1", 10000 + i))
        result[-1].listen()
    return result


def tell(what, values):
    values = sorted(values)
    print(f"{what:34} median {statistics.median(values):6.1f} ms   99 % "
          f"{values[int(len(values) * 0.99)]:6.1f}   longest {values[-1]:6.1f}   "
          f"({len(values)} failures)", flush=True)


class Load:
    """Connections, as many as fit, until it is stopped; both ends here."""

    def __init__(self, count=5000):
        self.rates, self.on, self.count = [], True, count
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while self.on:
            self.rates.append(self.count / float(subprocess.check_output(
                [LOAD, str(self.count)]).split()[0]))

    def stop(self):
        self.on = False
        self.thread.join()
        return statistics.median(self.rates)


RETRY = """
import socket, sys, time
address, rate, seconds = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
sock, begin, count = socket.socket(), time.monotonic(), 0
while (now := time.monotonic()) < begin + seconds:
    if count > (now - begin) * rate:
        time.sleep(0.001)
        continue
    try:
        sock.bind(address)
        raise SystemExit("the bind worked")
    except OSError:
        count += 1
print(count)
"""


def retry(listener, seconds):
    for rate in (10000, 1000000):
        terminal = Terminal()
        before = terminal.cpu()
        count = int(subprocess.check_output(
            [sys.executable, "-c", RETRY, str(listener.getsockname()[1]), str(rate), str(seconds)]))
        used = terminal.cpu() - before
        print(f"{count / seconds:8.0f} failures a second for {seconds} s: "
              f"{used / seconds * 100:.0f} % of a core, {used / count * 1e6:.1f} us each; "
              f"{terminal.stop()}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--failures", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        sys.exit(f"tests/bench/explain.py: {os.strerror(ctypes.get_errno())}")
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    listeners = listen(2 * args.failures)
    terminal = Terminal()
    tell("in quiet", delays(terminal, listeners[:args.failures]))
    print(terminal.stop())
    for what, options in (("connections shown too", []), ("only failures shown", ["--failed"])):
        terminal = Terminal(*options)
        load = Load()
        while not load.rates:
            time.sleep(0.1)
        values = delays(terminal, listeners[args.failures:])
        tell(f"{what}, {load.stop():.0f}/s", values)
        print(terminal.stop())
    retry(listeners[0], args.seconds)


if __name__ == "__main__":
    main()
