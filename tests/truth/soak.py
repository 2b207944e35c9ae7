#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whether porttrace stays as small as it is: `make soak`, hours long, not for CI.

    tests/truth/soak.py [--connections N] [--processes N] [--every N]
    tests/truth/soak.py --minutes N [--rate N] [--starts N]

Runs porttrace in a network namespace of its own while load.c makes N connections and
storm.c starts N processes that live under a millisecond, in turns.  After every so many
connections it prints porttrace's memory, its descriptors, the memory and the entries of
its BPF maps, and how many lines it has written.  The verdict: flat or not.  Exit status
1 when it is not, or when records were lost.

With --minutes as a service does it: so many connections and starts of processes a second,
into a log that is rotated (33 GB in half an hour; below TMPDIR), which has to have every
sequence number once, in order, over all its files.
"""
import argparse
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from stage import harness, need, program, sockets_in, wait_for  # noqa: E402
from tracers import PORTTRACE  # noqa: E402

SEQUENCE = re.compile(rb'"sequence":(\d+)')

ROUND = 50_000        # connections at a time: what load.c can keep apart
WARM_UP = 0.2         # of the samples: until then it may grow
MAY_GROW = 0.05       # of the memory after that, or
MAY_GROW_KIB = 1024   # so much, whichever is more
MAY_HIDE = 1 / 500    # of the connections, what the kernel may hide from every hook


def status(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{field}:\s+(\d+)", file.read(), re.MULTILINE).group(1))


def maps_of(pid):
    """{name: (id, memory in KiB)} of its BPF maps."""
    found = {}
    for number in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
                fields = dict(line.split(":", 1) for line in file if ":" in line)
        except OSError:
            continue
        if "map_id" in fields:
            found[int(fields["map_id"])] = int(fields.get("memlock", 0)) // 1024
    return found


def entries_in(bpftool, number):
    """How many entries a hash map has; None for others."""
    done = subprocess.run([bpftool, "-j", "map", "dump", "id", str(number)], capture_output=True,
                          text=True, check=False)
    try:
        return len(json.loads(done.stdout))
    except (ValueError, TypeError):
        return None


def hash_maps(bpftool, pid):
    """{name: id} of the hash maps: their entries must come and go."""
    ids = maps_of(pid)
    done = subprocess.run([bpftool, "-j", "map", "show"], capture_output=True, text=True,
                          check=False)
    try:
        return {m["name"]: m["id"] for m in json.loads(done.stdout)
                if m["id"] in ids and m["type"] in ("hash", "lru_hash")}
    except (ValueError, KeyError):
        return {}


class Pipe:
    """Where the lines go: to who counts them, as those of ten million connections are 40 GB."""

    options = ()

    def __init__(self):
        self.counter = subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.stdout = self.counter.stdin

    def opened(self):
        self.stdout.close()

    def lost(self):
        return {}

    def lines(self):
        return int(self.counter.stdout.read())


class Log:
    """A log that is rotated, as a service has it."""

    stdout = subprocess.DEVNULL

    def __init__(self, folder):
        self.path = folder("log")
        self.metrics = folder("metrics")
        self.options = ("-o", self.path, "--rotate-size", "256M", "--rotate-keep", "9999",
                        "--metrics-file", self.metrics)

    def opened(self):
        pass

    def lost(self):
        """What the tracer itself said some seconds ago, by stage."""
        with open(self.metrics, encoding="ascii") as file:
            found = re.findall(r'^porttrace_lost_total{stage="(\w+)"} (\d+)$', file.read(),
                               re.MULTILINE)
        return {stage: int(count) for stage, count in found if count != "0"}

    def lines(self):
        """How many, all in order: each has the number after the one before."""
        paths = sorted(glob.glob(self.path + ".*"), key=lambda p: -int(p.rpartition(".")[2]))
        last = 0
        for path in [*paths, self.path]:
            with open(path, "rb") as file:
                for line in file:
                    number = int(SEQUENCE.search(line).group(1))
                    assert number == last + 1 and line.endswith(b"}\n"), \
                        f"{path}: {number} follows {last}"
                    last = number
        print(f"{len(paths) + 1} files")
        return last


class Soak:
    def __init__(self, bpftool, output):
        self.bpftool = bpftool
        self.samples = []
        self.output = output
        self.tracer = subprocess.Popen(
            [PORTTRACE, "--json", "--netns", "self", *output.options],
            stdin=subprocess.DEVNULL, stdout=output.stdout, stderr=subprocess.PIPE)
        for line in self.tracer.stderr:
            if line.startswith(b"porttrace: tracing"):
                break
        output.opened()
        self.began = time.monotonic()
        self.hashes = hash_maps(bpftool, self.tracer.pid) if bpftool else {}

    def sample(self, connections, processes):
        pid = self.tracer.pid
        # Of its own, apart from the ring: that counts as it is touched, twice 8 MiB in the end.
        anon, fds = status(pid, "RssAnon"), len(os.listdir(f"/proc/{pid}/fd"))
        entries = {name: entries_in(self.bpftool, number) for name, number in self.hashes.items()}
        self.samples.append((anon, fds, sum(filter(None, entries.values()))))
        print(f"{time.monotonic() - self.began:7.0f} s{connections:>12,} connections"
              f"{processes:>11,} processes  RSS {status(pid, 'VmRSS'):,} KiB (peak "
              f"{status(pid, 'VmHWM'):,}, without ring and program {anon:,})  "
              f"{fds} descriptors  maps {sum(maps_of(pid).values()):,} KiB  " +
              " ".join(f"{name}={count}" for name, count in entries.items()) +
              "".join(f" lost({stage})={n}" for stage, n in self.output.lost().items()),
              flush=True)

    def stop(self):
        self.tracer.send_signal(signal.SIGINT)
        errors = self.tracer.stderr.read()
        self.tracer.wait(60)
        return self.tracer.returncode, self.output.lines(), errors.decode(errors="replace").strip()

    def verdict(self):
        """What grew, as text; empty: it is flat."""
        settled = self.samples[max(1, int(len(self.samples) * WARM_UP)):]
        if len(settled) < 2:
            return "too few samples for a verdict"
        half = len(settled) // 2
        grew = []
        for name, column, least in (("memory in KiB", 0, MAY_GROW_KIB), ("descriptors", 1, 0),
                                    ("map entries", 2, 200)):
            # The low points: what is there between two bursts, not during one.
            early = min(s[column] for s in settled[:half])
            late = min(s[column] for s in settled[half:])
            if late > early + max(least, early * MAY_GROW):
                grew.append(f"{name} from {early:,} to {late:,}")
        return ", ".join(grew)


def burst(connections, processes):
    """So many connections, then so many processes; until no socket is left."""
    subprocess.run([os.path.join(harness.PROGRAMS, "load"), str(connections), "2", "2"],
                   stdout=subprocess.DEVNULL, check=True)
    if processes:
        subprocess.run(program("storm", *program("brief"), "127.0.0.1", 7000, processes),
                       stdout=subprocess.DEVNULL, check=True)
    wait_for(lambda: sockets_in("/proc/self/net") == 0, "sockets are left")


def as_fast_as_it_goes(soak, arguments):
    """How many connections there were."""
    rounds = -(-arguments.connections // ROUND)
    each = -(-arguments.processes // rounds)
    every = arguments.every or max(ROUND, arguments.connections // 40)
    connections = processes = shown = 0
    for _ in range(rounds):
        count = min(ROUND, arguments.connections - connections)
        burst(count, each)
        connections, processes = connections + count, processes + each
        if connections - shown >= every or connections >= arguments.connections:
            soak.sample(connections, processes)
            shown = connections
    return connections


def at_a_rate(soak, arguments):
    """How many connections there were: fewer, where the machine is too busy for that many."""
    limit = 60 * arguments.minutes
    done = shown = 0
    while time.monotonic() - soak.began < limit:
        burst(arguments.rate, arguments.starts)
        done += 1
        time.sleep(max(0, soak.began + done - time.monotonic()))
        if time.monotonic() - soak.began >= shown + limit / 40:
            shown = time.monotonic() - soak.began
            soak.sample(done * arguments.rate, done * arguments.starts)
    took = time.monotonic() - soak.began
    print(f"{done * arguments.rate / took:.0f} connections and {done * arguments.starts / took:.0f} "
          f"starts of processes a second, for {took:.0f} s")
    return done * arguments.rate


def judge(soak, connections):
    """The exit status."""
    grew = soak.verdict()
    code, lines, last = soak.stop()
    print(f"porttrace wrote {lines:,} lines and ended with {code}; {last}")
    lost = re.search(r"lost (\d+)", last)
    lost = int(lost.group(1)) if lost else -1
    # Only what the kernel hid from every hook is not ours: in a log the stages are told apart.
    stages = soak.output.lost()
    ours = sum(n for stage, n in stages.items() if stage != "missed")
    print(f"verdict: {'not flat: ' + grew if grew else 'flat'}, {lost} lost {stages or ''}, "
          f"{time.monotonic() - soak.began:.0f} s")
    return 1 if grew or code or ours or not 0 <= lost <= MAY_HIDE * connections else 0


def main():
    parser = argparse.ArgumentParser(description="run porttrace for long")
    parser.add_argument("--connections", type=int,
                        default=int(os.environ.get("CONNECTIONS") or 10_000_000))
    parser.add_argument("--processes", type=int,
                        default=int(os.environ.get("PROCESSES") or 1_000_000))
    parser.add_argument("--every", type=int, default=int(os.environ.get("EVERY") or 0))
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--starts", type=int, default=200)
    arguments = parser.parse_args()
    harness.private_network()
    # A connection that has ended leaves nothing behind, so that ports never run out.
    harness.setting("ipv4.tcp_max_tw_buckets", 0)
    harness.setting("ipv4.ip_local_port_range", "10000 65000")
    try:
        bpftool = need("bpftool")
    except harness.Skip:
        bpftool = None
    with harness.Folder() as folder:
        perform = at_a_rate if arguments.minutes else as_fast_as_it_goes
        soak = Soak(bpftool, Log(folder) if arguments.minutes else Pipe())
        soak.sample(0, 0)
        connections = perform(soak, arguments)
        return judge(soak, connections)


if __name__ == "__main__":
    sys.exit(main())
