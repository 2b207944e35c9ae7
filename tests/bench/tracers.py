# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The tracers that are compared, each as a program that runs while a load does.

A tracer that does not start, or ends before it is told to, is an error with its own
words (Failed): never a figure.
"""
import collections
import contextlib
import dataclasses
import functools
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import bench

# Seconds for a tracer to be ready; a software-emulated machine says PORTTRACE_SLOW=10.
PATIENCE = 30 * float(os.environ.get("PORTTRACE_SLOW") or 1)
ENOUGH = 5      # seconds for one that does not tell
FLUSHED = 0.7   # seconds: what waits for a timer is written then
UNUSED_PORT = 9
EVENTS = 4      # of a connection: connect, accept, two closes

# The same changes of state that tcpstates prints.
BPFTRACE = ('tracepoint:sock:inet_sock_set_state { printf("%llu %d %s %d %d %s:%d %s:%d\\n", '
            'nsecs, pid, comm, args->oldstate, args->newstate, '
            'ntop(args->family, args->saddr), args->sport, '
            'ntop(args->family, args->daddr), args->dport); }')


class Failed(Exception):
    """A tracer does not run; the message is its own."""


@dataclasses.dataclass
class Kind:
    """One of those that are compared.  LOG in the command is a file of its own."""

    name: str
    command: tuple
    ready: str = ""  # its line on stderr when it traces; "": it waits for events then


LOG = object()
JSON = Kind("porttrace --json -o", (bench.PORTTRACE, "--json", "-o", LOG), "porttrace: tracing")


def porttrace(name, *options):
    return Kind(name, (bench.PORTTRACE, *options), JSON.ready)


def with_json(name, *options):
    return porttrace(name, "--json", "-o", LOG, *options)


TABLE = porttrace("porttrace >file")
UNUSED = with_json(f"porttrace --json -P {UNUSED_PORT}", "-P", str(UNUSED_PORT))
TCP = with_json("porttrace --json --tcp", "--tcp")
FUNCTIONS = with_json("porttrace --hooks functions", "--hooks", "functions")
SYSTEM_CALLS = with_json("porttrace --hooks calls", "--hooks", "calls")
EMPTY_READY, CARRY_READY = "empty: tracing", "carry: tracing"
LINE = 1012  # bytes of a line of porttrace's, on the average of this load


@functools.lru_cache
def doctor():
    """What porttrace says of its hooks here."""
    return subprocess.run([bench.PORTTRACE, "doctor"], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=False).stdout


@functools.lru_cache
def places():
    """Where porttrace has its hooks here: (tracepoints, of the cgroups, of system calls)."""
    return (re.findall(r"\btp_btf/(\w+)", doctor()),
            re.findall(r"(?<!/)\bcgroup/\w+", doctor()),
            [f"syscalls/{name}" for name in re.findall(r"\bsys_(?:enter|exit)_\w+", doctor())])


Empties = collections.namedtuple("Empties", "everywhere without_calls only_tracepoints")


def empties():
    """Programs that do nothing: at all these places, and at those that are left without the
    system calls, and without the cgroups' hooks."""
    points, cgroups, calls = places()
    program = bench.load_program("empty")
    return Empties(Kind("empty programs", (program, *points, *cgroups, *calls), EMPTY_READY),
                   Kind("empty, no system calls", (program, *points, *cgroups), EMPTY_READY),
                   Kind("empty, only tracepoints", (program, *points), EMPTY_READY))


def carrier():
    """The same with a record for each event of a connection, and a line of the same length:
    no tracer that tells as much can cost less."""
    points, cgroups, calls = places()
    others = [point for point in points if point != "inet_sock_set_state"]
    return Kind("empty records and lines", (bench.load_program("carry"), LOG, str(LINE), *others,
                                            *cgroups, *calls), CARRY_READY)


def peer(name, *arguments):
    """A tool of the package libbpf-tools, or bpftrace."""
    where = os.environ.get("PATH", "") + ":/usr/sbin:/usr/share/bcc/tools"
    return Kind(name, (shutil.which(name, path=where) or name, *arguments))


def peers():
    return [peer("tcplife"), peer("tcpstates"), peer("bpftrace", "-e", BPFTRACE)]


class Tracer:
    """A running tracer; its records go to files, as they would on a server.

    `start`: the seconds until it was ready.
    """

    def __init__(self, kind, folder):
        self.kind = kind
        self.output, self.log = (os.path.join(folder, name) for name in ("output", "log"))
        for path in (self.output, self.log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        command = [self.log if word is LOG else word for word in kind.command]
        if not os.access(command[0], os.X_OK):
            raise Failed("not installed")
        self.words, self.is_ready, begin = [], threading.Event(), time.monotonic()
        with open(self.output, "wb") as output:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                          stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self._wait_until_ready()
        self.start = time.monotonic() - begin
        self.cpu_before = self.cpu()

    def _read(self):
        for line in self.child.stderr:
            self.words.append(line.decode(errors="replace").rstrip())
            if self.kind.ready and self.words[-1].startswith(self.kind.ready):
                self.is_ready.set()

    def _waits_for_events(self, waited):
        """It has programs, and is in epoll_wait(2), if the kernel tells; else WAITED seconds
        are enough."""
        links = [os.readlink(path) for path in glob.glob(f"/proc/{self.child.pid}/fd/*")]
        if not any("bpf_link" in link or "bpf-prog" in link for link in links):
            return False
        with open(f"/proc/{self.child.pid}/wchan", encoding="utf-8") as file:
            where = file.read()
        return where.startswith(("ep_", "do_epoll")) or waited > ENOUGH

    def _wait_until_ready(self):
        begin = time.monotonic()
        while (waited := time.monotonic() - begin) < PATIENCE:
            if self.is_ready.wait(0.05):
                return
            self.check()
            with contextlib.suppress(FileNotFoundError):
                if not self.kind.ready and self._waits_for_events(waited):
                    return
        self.kill()
        raise Failed(f"not ready after {PATIENCE:.0f} s: {self.last_words()}")

    def last_words(self):
        return "; ".join(self.words[-3:]) or "it said nothing"

    def check(self):
        """It still runs."""
        status = self.child.poll()
        if status is not None:
            self.reader.join()
            raise Failed(f"ended with status {status}: {self.last_words()}")

    def kill(self):
        self.child.kill()
        self.child.wait()
        self.reader.join()

    # --- what it uses -----------------------------------------------------------

    def cpu(self):
        """Seconds of CPU until now, all its threads."""
        total = 0
        for path in glob.glob(f"/proc/{self.child.pid}/task/*/schedstat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError), \
                    open(path, encoding="utf-8") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def begin(self):
        """It is warm: used() counts from here."""
        self.cpu_before = self.cpu()

    def used(self):
        """Seconds of CPU since it was ready, or begin()."""
        return self.cpu() - self.cpu_before

    def rss(self):
        """Bytes."""
        with open(f"/proc/{self.child.pid}/statm", encoding="utf-8") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        """/proc/PID/fdinfo, each as a dict."""
        for path in glob.glob(f"/proc/{self.child.pid}/fdinfo/*"):
            with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
                yield dict(line.split(":\t", 1) for line in file.read().splitlines()
                           if ":\t" in line)

    def maps(self):
        """Bytes of the kernel's memory that its BPF maps have."""
        sizes = {info["map_id"]: int(info["memlock"]) for info in self.descriptors()
                 if "memlock" in info and "map_id" in info}
        return sum(sizes.values())

    # --- its end ----------------------------------------------------------------

    def lost(self):
        """What it says it lost; None: it says nothing of that."""
        text = "\n".join(self.words)
        closing = re.findall(r"^porttrace: seen .* lost (\d+)", text, re.MULTILINE)
        if closing:
            return int(closing[-1])
        if self.kind.ready in (EMPTY_READY, CARRY_READY):
            return None
        return sum(map(int, re.findall(r"lost (\d+) events", text, re.IGNORECASE)))

    def seen(self):
        """Events of the closing line; None: it has none."""
        seen = re.findall(r"^porttrace: seen (\d+)", "\n".join(self.words), re.MULTILINE)
        return int(seen[-1]) if seen else None

    def totals(self):
        """Those of porttrace's last record of JSON, after stop()."""
        with open(self.log, "rb") as file:
            file.seek(max(0, os.path.getsize(self.log) - 4096))
            return json.loads(file.read().splitlines()[-1])["porttrace"]["totals"]

    def share_of(self, events):
        """How much of its work was for these: a tracer sees other programs' sockets too."""
        return min(1.0, events / self.seen()) if self.seen() else 1.0

    def stop(self):
        """{"bytes", "lines", "stop", "lost"}: what it wrote, seconds that the end took."""
        self.check()
        begin = time.monotonic()
        self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"did not end after {PATIENCE:.0f} s") from None
        took = time.monotonic() - begin
        self.reader.join()
        if self.kind.ready == JSON.ready and self.lost() is None:
            raise Failed(f"has no closing line: {self.last_words()}")
        size = lines = 0
        for path in (self.output, self.log):
            if os.path.exists(path):
                size += os.path.getsize(path)
                with open(path, "rb") as file:
                    lines += sum(block.count(b"\n")
                                 for block in iter(lambda: file.read(1 << 20), b""))
        return {"bytes": size, "lines": lines, "stop": took, "lost": self.lost()}


@contextlib.contextmanager
def running(kind):
    """A Tracer with a folder of its own; it is stopped, or killed after an error."""
    with tempfile.TemporaryDirectory(prefix="porttrace-bench-") as folder:
        tracer = Tracer(kind, folder)
        try:
            yield tracer
        finally:
            if tracer.child.poll() is None:
                tracer.kill()


def pairs(kinds, rounds, without, traced, report):
    """Interleaved: nothing, tracer, nothing, tracer, ...  {kind's name: [results]}.

    without() gives a bench.Load of the load alone; traced(tracer) a dict of results, whose
    "load" is the same with it.  Each result gets, compared with the means of the two loads
    right before and after it: "plain", their rate; "kept", the share of it; "more",
    microseconds of CPU that the load itself takes more for one act.
    """
    results, broken = {}, set()
    without()  # warm up
    for _ in range(rounds):
        before = without()
        for kind in kinds:
            if kind.name in broken:
                continue
            try:
                with running(kind) as tracer:
                    result = traced(tracer)
            except Failed as failure:
                broken.add(kind.name)
                results[kind.name] = str(failure)
                report.fail(kind.name, failure)
                continue
            after = without()
            load = result.pop("load")
            result["plain"] = (before.rate + after.rate) / 2
            result["kept"] = load.rate / result["plain"]
            result["plain_cpu"] = (before.cpu + after.cpu) / 2
            result["more"] = load.cpu - result["plain_cpu"]
            results.setdefault(kind.name, []).append(result)
            before = after
    return results


def rows_of(kinds, results, cells):
    """A row for each kind: its name and cells(its results), or why it did not run."""
    return [(kind.name, f"does not run here: {results[kind.name]}")
            if isinstance(results.get(kind.name), str)
            else (kind.name, *cells(results[kind.name]))
            for kind in kinds if results.get(kind.name)]
