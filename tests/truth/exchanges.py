# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What UDP records must be, by what the processes wrote down of each socket.

Every call on a socket is a line (datagram.c, actor.py), and each socket has its cookie.  From
the lines follow the records: the ports that it took, by whom, each connect, one flow for each
remote address of a socket that is not connected to it, and an end with the sums.  It must not
know any scenario, nor how a tracer is run.
"""
import collections

from truth import KERNEL, Score, brief, end_in

LATER = ("sent", "got", "unnamed", "peeked", "error")
Wanted = collections.namedtuple("Wanted", "action port remote error pids")


class Life:
    """One socket: what must be told of it, in order."""

    def __init__(self, cookie):
        self.cookie = cookie
        self.wanted = []
        self.holders = set()
        self.netns = self.port = 0
        self.connected = None
        self.ports = set()   # that it ever had
        self.was_connected = set()  # an address that it was connected to may make a flow later
        self.met = set()     # remote addresses of flows
        self.named = False   # something came that said from where
        self.sent, self.got = [0, 0], [0, 0]  # bytes, datagrams

    def take(self, line, untold):
        """The next line about it; untold: it was before the tracer began."""
        kept = self.wanted, self.met, self.named, self.sent, self.got
        if untold:
            self.wanted, self.met, self.sent, self.got = [], set(), [0, 0], [0, 0]
        self._take(line)
        if untold:
            self.wanted, self.met, self.named, self.sent, self.got = kept

    def _take(self, line):
        what, _, amount = line.what.partition(" ")
        if line.local and not line.error:
            self.ports.add(line.local[1])
        self.holders.add(line.pid)
        self.netns = line.netns
        if what in ("bind", "connect", "disconnect"):
            getattr(self, "_" + what)(line)
        elif what in LATER:
            self._passed(what, int(amount), line)

    def _want(self, action, line, remote=None, error=None, port=None):
        self.wanted.append(Wanted(action, port or self.port, remote, error, {line.pid}))

    def _bind(self, line):
        if line.error:
            # Of any port: none is told, as the kernel chose none.
            self._want("bind", line, error=line.error, port=line.local[1] if line.local else -1)
            return
        self.port = line.local[1]
        self._want("bind", line)

    def _has_port(self, line):
        """The kernel gives it one where it has none."""
        if not self.port and line.local:
            self.port = line.local[1]
            self._want("bind", line)

    def _connect(self, line):
        self._has_port(line)
        self._want("connect", line, line.remote, line.error)
        if not line.error:
            self.connected = line.remote
            self.was_connected.add(line.remote)

    def _disconnect(self, line):
        self.connected = None
        if not line.local and self.port:  # it had not asked for that one
            self._want("close", line)
            self.port = 0

    def _passed(self, what, amount, line):
        self._has_port(line)
        if line.error or what in ("peeked", "error"):
            if what == "peeked" and not line.error:
                self._meet(line)
            return
        sums = self.sent if what == "sent" else self.got
        sums[0] += amount
        sums[1] += 1
        if what == "unnamed":
            if not self.named and not self.connected:
                self._want("flow", line)
            self.named = True
        elif line.remote:
            self.named |= what == "got"
            self._meet(line)

    def _meet(self, line):
        if not self.port:  # what had come before the port was taken away
            return
        if line.remote != self.connected and line.remote not in self.met:
            self.met.add(line.remote)
            if line.remote not in self.was_connected:
                self._want("flow", line, line.remote)


class Exchanges:
    """The judge of a scenario of UDP where every socket's life was written down."""

    def __init__(self, truth, namespaces=None):
        self.truth, self.namespaces = truth, namespaces
        self.began = 0  # when the tracer was started
        self.others = set()  # pids of programs that write nothing down
        self.score = Score()
        self.ports = collections.defaultdict(set)  # (netns, port): pids that ever had it
        self.nameless = []  # records of sockets that had no cookie yet

    def compare(self, records):
        """A Score."""
        lives = {}
        for line in self.truth.lines:
            if line.what == "forked" or not line.cookie:
                continue
            lives.setdefault(line.cookie, Life(line.cookie)).take(
                line, line.ended < self.began)
        told = collections.defaultdict(list)
        for record in records:
            trace = record["porttrace"]
            if record["event"]["action"] == "lost":
                self.score.told[trace["lost"]["stage"]] += trace["lost"]["count"]
            elif record["event"]["action"] not in ("start", "stop", "open") and (
                    not self.namespaces or trace["netns"] in self.namespaces):
                told[trace.get("cookie")].append(record)
        self.nameless = told.pop(None, [])
        for life in lives.values():
            life.holders |= {heir for pid in life.holders for heir in self.truth.heirs(pid, 0)}
            for port in life.ports:
                self.ports[life.netns, port] |= life.holders
        for cookie, life in lives.items():
            self._judge_life(life, told.pop(cookie, []))
        for those in (*told.values(), self.nameless):
            for record in those:
                if record.get("process", {}).get("pid") not in self.others:
                    self.score.add("wrong", f"nobody said that: {brief(record)}")
        return self.score

    def _judge_life(self, life, records):
        closes = [r for r in records if r["event"]["action"] == "close"]
        rest = list(records)
        if life.port:
            self._judge_end(life, closes[-1] if closes else None)
            if closes:
                rest.remove(closes[-1])
        for wanted in life.wanted:
            for those in (rest, self.nameless):
                fitting = [r for r in those if self._is(r, wanted)]
                record = next((r for r in fitting if self._did(r) in wanted.pids),
                              fitting[0] if fitting else None)
                if record:
                    those.remove(record)
                    self._judge(wanted, record, life)
                    break
            else:
                self.score.add("missing", f"{life.cookie}: {wanted}")
        optional = set(life.was_connected)
        for record in rest:
            remote = end_in(record, "remote")
            if record["event"]["action"] == "flow" and remote in optional:
                optional.remove(remote)
                wrong = self._wrong(record, life)
                self.score.add("wrong" if wrong else "right", f"{wrong}: {brief(record)}")
                continue
            self.score.add("duplicate", f"nobody did that: {brief(record)}")

    @staticmethod
    def _is(record, wanted):
        if record["event"]["action"] != wanted.action or \
                record.get("error", {}).get("code") != wanted.error:
            return False
        # What io_uring asked for in vain is not known (README.md, "Limits").
        local, remote = end_in(record, "local"), end_in(record, "remote")
        if (local and local[1] != wanted.port) or (not local and not wanted.error):
            return False
        return wanted.action == "close" or remote == wanted.remote or \
            (not remote and wanted.error)

    @staticmethod
    def _did(record):
        process = record.get("process", {})
        return record["porttrace"].get("actor", process).get("pid")

    def _judge(self, wanted, record, life):
        """Who did it is the actor, or the owner where there is none."""
        trace = record["porttrace"]
        owner = record.get("process", {}).get("pid")
        did = self._did(record)
        if KERNEL in wanted.pids:
            right = trace.get("attribution") == "kernel" and owner is None
            self.score.add("right" if right else "wrong", brief(record))
        elif did is None:
            self.score.add("unknown", brief(record))
        elif did not in wanted.pids:
            self.score.add("wrong", f"done by {did}, not {sorted(wanted.pids)}: {brief(record)}")
        elif wrong := self._wrong(record, life):
            self.score.add("wrong", f"{wrong}: {brief(record)}")
        else:
            self.score.add("right")

    def _wrong(self, record, life):
        """What names somebody else than those who had the socket, or have the other end."""
        process = record.get("process", {})
        for who in (process, record["porttrace"].get("actor", {})):
            pid = who.get("pid")
            if pid is not None and pid not in life.holders:
                return f"{pid}, not {sorted(life.holders)}"
            if pid is not None and who["name"] not in self.truth.names[pid]:
                return f"name {who['name']}, not {sorted(self.truth.names[pid])}"
        remote = end_in(record, "remote")
        for end in ("source", "destination") if remote else ():
            there = record.get(end, {})
            peer = there.get("process", {}).get("pid")
            right = self.ports[life.netns, remote[1]] \
                if (there.get("ip"), there.get("port")) == remote else life.holders
            if peer is not None and peer not in right:
                return f"{end} is {peer}, not {sorted(right)}"
        return None

    def _judge_end(self, life, record):
        if record is None:
            self.score.add("missing", f"{life.cookie}: close of port {life.port}")
            return
        owner = record.get("process", {}).get("pid")
        source, destination = record["source"], record.get("destination", {})
        sums = [[source.get("bytes"), source.get("packets")],
                [destination.get("bytes"), destination.get("packets")]]
        if sums != [life.sent, life.got]:
            self.score.add("wrong", f"{sums}, not {[life.sent, life.got]}: {brief(record)}")
        elif wrong := self._wrong(record, life):
            self.score.add("wrong", f"{wrong}: {brief(record)}")
        elif record["porttrace"]["local"]["port"] != life.port:
            self.score.add("wrong", f"port {life.port}: {brief(record)}")
        else:
            self.score.add("unknown" if owner is None else "right", brief(record))
