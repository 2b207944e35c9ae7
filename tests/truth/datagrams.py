# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What UDP records must be, by what the scenario knows and what the kernel has counted.

The scenario says which process has which port, and which processes may have any other; the
kernel counts the datagrams of a namespace (/proc/net/snmp), whoever sent them.  It must not
know any scenario, nor how a tracer is run.
"""
import collections

from truth import Score, brief, end_in, my_netns

COUNTED = {"sends": ("OutDatagrams", "source.packets"),
           "receives": ("InDatagrams", "destination.packets")}


def counters():
    """{"OutDatagrams": so many}, of IPv4 and IPv6, of this namespace since it began."""
    found = collections.Counter()
    with open("/proc/net/snmp", encoding="ascii") as file:
        lines = [line.split() for line in file if line.startswith("Udp: ")]
    for name, value in zip(lines[0][1:], lines[1][1:]):
        found[name] += int(value)
    with open("/proc/net/snmp6", encoding="ascii") as file:
        for name, value in (line.split() for line in file):
            if name.startswith("Udp6"):
                found[name[4:]] += int(value)
    return found


class Datagrams:
    """The judge of a scenario of UDP."""

    def __init__(self):
        self.servers = {}     # port: pids that may have it
        self.clients = set()  # pids that may have any other
        self.parents = set()  # whose children may have any port
        self.bytes = {}       # pid: (sent, received), of all its sockets together
        self.sockets = None   # how many there were at least

    def compare(self, records):
        """A Score."""
        score, counts = Score(), counters()
        records = [r for r in records if r["porttrace"].get("netns") == my_netns()]
        self.clients |= {r["process"]["pid"] for r in records if "process" in r and
                         r["process"].get("parent", {}).get("pid") in self.parents}
        lives, passed = collections.defaultdict(list), collections.Counter()
        flows, sums = collections.Counter(), collections.defaultdict(lambda: [0, 0])
        for record in records:
            action = record["event"]["action"]
            self._judge(score, record)
            lives[end_in(record, "local")[1], record["porttrace"].get("cookie")].append(action)
            if action == "flow":
                flows[record["porttrace"].get("cookie"), end_in(record, "remote")] += 1
            if action == "close":
                source, destination = record.get("source", {}), record.get("destination", {})
                # One that is told late knows no counts: they are missing, then.
                passed["sends"] += source.get("packets", 0)
                passed["receives"] += destination.get("packets", 0)
                sums[record.get("process", {}).get("pid")][0] += source.get("bytes", 0)
                sums[record.get("process", {}).get("pid")][1] += destination.get("bytes", 0)
        for what, (name, _) in COUNTED.items():
            self._same(score, f"{what} of all", counts[name], passed[what])
        for pid, wanted in self.bytes.items():
            self._same(score, f"bytes of {pid}", wanted, tuple(sums[pid]))
        for (cookie, remote), count in flows.items():
            if cookie and count > 1:
                score.add("duplicate", f"{count} flows of {cookie} with {remote}")
        closed = sum(actions.count("close") for actions in lives.values())
        bound = sum(r["event"]["action"] == "bind" and r["event"]["outcome"] == "success"
                    for r in records)
        self._same(score, "binds and closes", bound, closed)
        if self.sockets and bound < self.sockets:
            score.add("missing", f"{bound} sockets of {self.sockets}")
        return score

    @staticmethod
    def _same(score, what, wanted, got):
        score.add("right" if wanted == got else "missing", f"{what}: {wanted}, told {got}")

    def _judge(self, score, record):
        pid = record.get("process", {}).get("pid")
        port = end_in(record, "local")[1]
        allowed = self.servers.get(port, self.clients)
        if allowed & self.parents:
            allowed = allowed | self.clients
        if record["network"]["transport"] != "udp":
            score.add("wrong", f"no UDP: {brief(record)}")
        elif pid is None:
            score.add("unknown", brief(record))
        else:
            score.add("right" if pid in allowed else "wrong",
                      f"not one of {sorted(allowed)}: {brief(record)}")
        for end in ("source", "destination"):
            peer = record.get(end, {}).get("process", {}).get("pid")
            if peer and peer not in self.clients and not any(
                    peer in pids for pids in self.servers.values()):
                score.add("wrong", f"{end} is nobody of ours: {brief(record)}")
