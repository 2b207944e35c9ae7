#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Whether porttrace stays as small as it is: `make soak`, hours long, not for CI.

    tests/truth/soak.py [--connections N] [--processes N] [--every N]

Runs porttrace in a network namespace of its own while load.c makes N connections and
storm.c starts N processes that live under a millisecond, in turns.  After every so many
connections it prints porttrace's memory, its descriptors, the memory and the entries of
its BPF maps, and how many lines it has written.  The verdict: flat or not.  Exit status
1 when it is not, or when records were lost.
"""
import argparse
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


class Soak:
    def __init__(self, bpftool):
        self.bpftool = bpftool
        self.samples = []
        # A pipe whose reader counts: the log of ten million connections is 25 GB.
        self.tracer = subprocess.Popen(
            [PORTTRACE, "--json", "--netns", "self"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in self.tracer.stderr:
            if line.startswith(b"porttrace: tracing"):
                break
        self.counter = subprocess.Popen(["wc", "-l"], stdin=self.tracer.stdout,
                                        stdout=subprocess.PIPE, text=True)
        self.tracer.stdout.close()
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
              " ".join(f"{name}={count}" for name, count in entries.items()), flush=True)

    def stop(self):
        self.tracer.send_signal(signal.SIGINT)
        errors = self.tracer.stderr.read()
        self.tracer.wait(60)
        lines = int(self.counter.communicate(timeout=60)[0])
        return self.tracer.returncode, lines, errors.decode(errors="replace").strip()

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


def main():
    parser = argparse.ArgumentParser(description="run porttrace for long")
    parser.add_argument("--connections", type=int,
                        default=int(os.environ.get("CONNECTIONS") or 10_000_000))
    parser.add_argument("--processes", type=int,
                        default=int(os.environ.get("PROCESSES") or 1_000_000))
    parser.add_argument("--every", type=int, default=int(os.environ.get("EVERY") or 0))
    arguments = parser.parse_args()
    harness.private_network()
    # A connection that has ended leaves nothing behind, so that ports never run out.
    harness.setting("ipv4.tcp_max_tw_buckets", 0)
    harness.setting("ipv4.ip_local_port_range", "10000 65000")
    try:
        bpftool = need("bpftool")
    except harness.Skip:
        bpftool = None
    rounds = -(-arguments.connections // ROUND)
    each = -(-arguments.processes // rounds)
    every = arguments.every or max(ROUND, arguments.connections // 40)
    soak = Soak(bpftool)
    connections = processes = shown = 0
    soak.sample(0, 0)
    for _ in range(rounds):
        count = min(ROUND, arguments.connections - connections)
        subprocess.run([os.path.join(harness.PROGRAMS, "load"), str(count), "2", "2"],
                       stdout=subprocess.DEVNULL, check=True)
        if each:
            subprocess.run(program("storm", *program("brief"), "127.0.0.1", 7000, each),
                           stdout=subprocess.DEVNULL, check=True)
        connections, processes = connections + count, processes + each
        wait_for(lambda: sockets_in("/proc/self/net") == 0, "sockets are left")
        if connections - shown >= every or connections >= arguments.connections:
            soak.sample(connections, processes)
            shown = connections
    grew = soak.verdict()
    code, lines, last = soak.stop()
    print(f"porttrace wrote {lines:,} lines and ended with {code}; {last}")
    lost = re.search(r"lost (\d+)", last)
    lost = int(lost.group(1)) if lost else -1
    print(f"verdict: {'not flat: ' + grew if grew else 'flat'}, {lost} lost, "
          f"{time.monotonic() - soak.began:.0f} s")
    return 1 if grew or code or not 0 <= lost <= MAY_HIDE * connections else 0


if __name__ == "__main__":
    sys.exit(main())
