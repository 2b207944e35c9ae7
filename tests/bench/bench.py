# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the parts of the benchmark share: where things are, loads, figures, tables.

It measures nothing by itself.  tracers.py runs what is compared, `run` is the driver.
"""
import contextlib
import ctypes
import dataclasses
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PORTTRACE = os.path.join(ROOT, "build", "porttrace")
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x20000


@dataclasses.dataclass
class Settings:
    """How much is measured; --quick has less of everything."""

    rounds: int = 5            # pairs with and without a tracer
    connections: int = 20_000  # of one measurement
    datagrams: int = 200_000
    processes: int = 500       # short ones, of one measurement
    idle: int = 100_000        # connections that do nothing
    idle_seconds: float = 10
    full_seconds: float = 60   # at full rate
    starts: int = 20
    delays: int = 40           # lines that are waited for
    crowd: int = 2_000         # processes, that hold
    descriptors: int = 100_000
    records: int = 2_000_000   # of the user side alone
    growth: tuple = (0, 1_000, 10_000, 50_000)

    @classmethod
    def quick(cls):
        return cls(rounds=2, connections=8_000, datagrams=50_000, processes=200, idle=10_000,
                   idle_seconds=2, full_seconds=3, starts=5, delays=6, crowd=500,
                   descriptors=20_000, records=400_000, growth=(0, 1_000, 10_000))


# --- where ------------------------------------------------------------------------


def load_program(name):
    """A load: a program of its own."""
    return os.path.join(ROOT, "build", "bench", name)


def user_side_program(name):
    """A benchmark that links porttrace's user side, beside the porttrace in use."""
    out = os.path.join(ROOT, "build", os.path.dirname(os.readlink(PORTTRACE)))
    return os.path.join(out, "tests", "bench", name)


def enter_namespaces():
    """A network of our own, and a tracefs that bcc's tools and bpftrace want mounted."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET | CLONE_NEWNS):
        sys.exit(f"tests/bench/run: namespaces: {os.strerror(ctypes.get_errno())}")
    subprocess.check_call(["ip", "link", "set", "lo", "up"])
    subprocess.check_call(["mount", "--make-rprivate", "/"])
    if not os.path.exists("/sys/kernel/tracing/events"):
        subprocess.check_call(["mount", "-t", "tracefs", "tracefs", "/sys/kernel/tracing"])
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="utf-8") as file:
        file.write("10000 65000")


# --- loads ------------------------------------------------------------------------


def output_of(name, *arguments):
    """The words that a load prints."""
    command = [load_program(name), *map(str, arguments)]
    return subprocess.check_output(command, text=True).split()


@dataclasses.dataclass
class Load:
    """What a load says of itself: how many of its acts a second, and its CPU for one."""

    rate: float
    cpu: float  # microseconds


def connections(count, seconds=None):
    """Both ends are here."""
    took, made, cpu = map(float, output_of("connections", count,
                                           *([] if seconds is None else [seconds])))
    return Load(made / took, cpu / made * 1e6)


def datagrams(load, count):
    """Exchanges (echo.c)."""
    took, _, cpu = map(float, output_of("echo", load, count))
    return Load(count / took, cpu / count * 1e6)


class Holder:
    """A program that says a line when all its sockets are there, and holds them until the
    end of the `with`."""

    def __init__(self, *command, env=None):
        self.command, self.env = command, env

    def __enter__(self):
        self.child = subprocess.Popen([*map(str, self.command)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, env=self.env)
        line = self.child.stdout.readline()
        if line != b"all are there\n":
            self.__exit__()
            raise RuntimeError(f"{self.command}: not all are there: {line}")
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()


def affordable(connections):
    """As many of them as memory allows that is free now: both ends, and what knows them."""
    with open("/proc/meminfo", encoding="utf-8") as file:
        free = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable:"))
    return min(connections, free // 32)  # KiB


def held_connections(count):
    """They do nothing until the end of the `with`; both ends are here."""
    return Holder(load_program("hold"), count) if count else contextlib.nullcontext()


# --- figures ----------------------------------------------------------------------


def spread(values, digits=0):
    """"median (lowest..highest)" """
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def median_of(results, key):
    return statistics.median(result[key] for result in results)


class Disturbance:
    """What others on this machine, and its host, took of the CPUs since it was made."""

    def __init__(self):
        self.before = self._now()

    @staticmethod
    def _now():
        """Seconds of all CPUs: (all, in processes, stolen by the host, of our own family)"""
        with open("/proc/stat", encoding="utf-8") as file:
            user, nice, system, idle, wait, irq, softirq, stolen = (
                int(word) / os.sysconf("SC_CLK_TCK") for word in file.readline().split()[1:9])
        processes = user + nice + system
        own = sum(os.times()[:4])
        return processes + idle + wait + irq + softirq + stolen, processes, stolen, own

    def text(self):
        total, processes, stolen, own = (
            now - before for now, before in zip(self._now(), self.before))
        return (f"others took {max(0, processes - own) / total * 100:.0f} % of the CPUs, "
                f"the host {stolen / total * 100:.0f} %")


class Report:
    """Prints tables as they come, and keeps figures for --json and for the budgets."""

    def __init__(self):
        self.parts, self.budgets, self.failures = {}, [], []

    def keep(self, name, figures):
        self.parts[name] = figures

    def fail(self, what, message):
        """Something did not run: said at once, in its row, and again at the end."""
        text = f"{what}: {message}"
        if text not in self.failures:
            self.failures.append(text)
            print(f"bench: {text}", file=sys.stderr, flush=True)

    def budget(self, what, measured, bound, digits=0, unit="", at_least=False):
        """measured None: it was not possible to measure it."""
        if measured is None:
            verdict = "?"
        else:
            verdict = "ok" if (measured >= bound if at_least else measured <= bound) else "over"
        self.budgets.append({"what": what, "measured": measured, "bound": bound,
                             "at_least": at_least, "unit": unit, "digits": digits,
                             "verdict": verdict})

    @staticmethod
    def table(header, rows):
        """The first column to the left, the others to the right.  A row of two where there
        are more columns is a name and a remark."""
        full = [row for row in rows if len(row) == len(header)] + [header]
        widths = [max(len(str(row[i])) for row in full) for i in range(len(header))]
        widths[0] = max([widths[0], *(len(str(row[0])) for row in rows)])
        for row in [header, *rows]:
            cells = [str(row[0]).ljust(widths[0])]
            if len(row) == len(header):
                cells += [str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:])]
            else:
                cells += [str(cell) for cell in row[1:]]
            print("  ".join(cells).rstrip(), flush=True)

    def print_budgets(self):
        rows = []
        for budget in self.budgets:
            measured, bound = (
                "not measured" if value is None else
                f"{value:.{budget['digits']}f}{' ' if budget['unit'] else ''}{budget['unit']}"
                for value in (budget["measured"], budget["bound"]))
            rows.append((budget["what"], measured,
                         ("at least " if budget["at_least"] else "at most ") + bound,
                         budget["verdict"]))
        self.table(("budget", "measured", "bound", ""), rows)
        for failure in self.failures:
            print(f"did not run: {failure}")
