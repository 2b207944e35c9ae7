# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the processes of a scenario wrote down, and how a tracer's answers compare.

Lines (say.h, actor.py) become Facts: what must be told, of which socket, and which
processes may be named for it.  score() compares them with porttrace's records,
score_rows() with the rows of a tool that prints a pid for each end of a connection.
It must not know any scenario, nor how a tracer is run.
"""
import collections
import datetime
import errno
import json
import os

Line = collections.namedtuple(
    "Line", "began ended pid name what error netns cookie local remote executable")

# A record's time may be so far from the times that the process took itself: two clocks.
TIME_SLACK = 50_000_000 * float(os.environ.get("PORTTRACE_SLOW") or 1)
OPENERS = ("connect", "accept")
DATAGRAMS = ("sent", "got", "unnamed", "peeked", "error", "disconnect")  # see exchanges.py
KERNEL = 0  # in a pid's place: the kernel did that, for itself
VERDICTS = ("right", "wrong", "missing", "duplicate", "unknown")
SHOWN = 12  # complaints of each kind


def plain(ip):
    """An IPv4-mapped address is written as IPv4."""
    return ip[7:] if ip.lower().startswith("::ffff:") and "." in ip else ip


def end_of(text):
    if text == "-":
        return None
    ip, port = text.split(" ")
    return (plain(ip), int(port)) if int(port) else None


def parse_line(text):
    fields = text.rstrip("\n").split("\t")
    began, ended, pid, name, what, error, netns, cookie, local, remote, executable = fields
    return Line(int(began), int(ended), int(pid), name, what,
                errno.errorcode[int(error)] if int(error) else None, int(netns), int(cookie),
                end_of(local), end_of(remote), executable.removesuffix(" (deleted)"))


class Fact:
    """One thing that happened: a record must tell it, naming one of `pids`."""

    __slots__ = ("what", "netns", "local", "remote", "error", "pids", "names", "executables",
                 "actors", "began", "ended", "cookie", "needed", "verdict")

    def __init__(self, what, netns, local, remote, pids, error=None, names=None, executables=None,
                 actors=None, began=0, ended=0, cookie=0, needed=True):
        self.what, self.netns, self.local, self.remote = what, netns, local, remote
        self.pids, self.error, self.names, self.executables = pids, error, names, executables
        self.actors = pids if actors is None else actors
        self.began, self.ended, self.cookie, self.needed = began, ended, cookie, needed
        self.verdict = None

    def key(self):
        return self.what, self.netns, self.local, self.remote, self.error

    def __str__(self):
        ends = " > ".join(f"{e[0]}:{e[1]}" for e in (self.local, self.remote) if e)
        return f"{self.what} {ends}" + (f" {self.error}" if self.error else "")


class Socket:
    """The life of one socket, as the lines about it tell."""

    def __init__(self):
        self.kind = None
        self.netns = self.local = self.remote = None
        self.owner = None
        self.holders, self.names = set(), set()
        self.askers = set()  # who made the kernel end it, without having had it
        self.cookie = 0
        self.opened = None   # (began, ended)
        self.closed = (0, 0)  # of the last close that was written down


class Truth:
    """All lines of a scenario."""

    def __init__(self, path):
        self.path = path
        self.lines = []
        self.facts = []
        self.sockets = []
        self.silent = set()    # pids of programs that do not write down everything
        self.unseen = set()    # (what, pid) that no hook of this kernel sees
        self.optional = []     # Facts that may be told
        self.names = collections.defaultdict(set)
        self.executables = collections.defaultdict(set)
        self.children = collections.defaultdict(list)  # pid: [(time, child)]

    # --- taking it down -------------------------------------------------------------

    def say(self, what, pid, local, remote=None, *, name="", error=None, netns=0, executable="",
            began=0, ended=0, cookie=0):
        """On behalf of a program that cannot.

        Lines about one socket have one cookie, a negative one: the real one is not known.
        """
        self.lines.append(Line(began, ended, pid, name, what, error, netns or my_netns(), cookie,
                               local, remote, executable))

    def read(self):
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8", errors="replace") as file:
                self.lines += [parse_line(line) for line in file]
        self.lines.sort(key=lambda line: line.ended)
        for line in self.lines:
            if line.name:
                self.names[line.pid].add(line.name)
            if line.executable:
                self.executables[line.pid].add(line.executable)
            if line.what == "forked":  # by the child: its parent's pid is in `cookie`
                self.children[line.cookie].append((line.began, line.pid))

    def read_load(self, text, netns=0):
        """What load.c and storm.c print of their connections: facts without times."""
        netns = netns or my_netns()
        for line in text.splitlines():
            what, pid, client_port, ip, port, _ = line.split()
            client = ("127.0.0.1", int(client_port))
            local, remote = (client, (ip, int(port))) if what == "connect" else \
                ((ip, int(port)), client)
            pids = frozenset((int(pid),))
            self.facts.append(Fact(what, netns, local, remote, pids))
            self.facts.append(Fact("close", netns, local, remote, pids))

    # --- what follows from it ---------------------------------------------------------

    def heirs(self, pid, since):
        """Who was forked from PID after SINCE, and so holds what it held."""
        for began, child in self.children[pid]:
            if began >= since:
                yield child
                yield from self.heirs(child, since)

    def conclude(self):
        """Facts from lines."""
        open_sockets = {}
        for line in self.lines:
            if line.what.split(" ")[0] not in DATAGRAMS:
                self._take(line, open_sockets)
        for sock in self.sockets:
            pids = set(sock.holders)
            for pid in sock.holders:
                pids.update(self.heirs(pid, sock.opened[0] if sock.opened else 0))
            sock.holders = pids
            names = sock.names
            if not sock.closed[0]:  # nobody wrote the end down, or who it was then
                names = set().union(*(self.names[pid] for pid in pids))
            programs = set().union(*(self.executables[pid] for pid in pids))
            if sock.kind != "failed":
                remote = sock.remote if sock.kind == "connection" else None
                self.facts.append(Fact("close", sock.netns, sock.local, remote, pids, names=names,
                                       executables=programs, cookie=sock.cookie,
                                       actors=pids | sock.askers))
        return self

    def _take(self, line, known):
        # An accepted MPTCP socket has its listener's cookie: the ends count first.
        ends = (line.netns, line.local, line.remote)
        sock = known.get((line.cookie, ends)) or known.get(line.cookie) or known.get(ends)
        if sock and sock.cookie > 0 and line.cookie > 0 and sock.cookie != line.cookie:
            sock = None  # the same ends again
        if line.what == "accept" or (line.what in ("connect", "listen") and sock and
                                     sock.closed[0]):
            sock = None  # or the same socket again
        if line.what == "forked":
            return
        if line.what == "asked":
            if sock:
                sock.askers.add(line.pid)
            return
        if line.what in ("close", "inherited", "received"):
            if sock:
                sock.holders.add(line.pid)
                sock.names.add(line.name)
                if line.what == "close":
                    sock.closed = (line.began, line.ended)
            return
        if line.what == "queued":  # whose listener it waits in
            sock = None
        elif line.what != "begin":
            self._happened(line)
        if line.error and line.what != "connect":
            return
        if not sock or (sock.kind == "connection" and not line.cookie):
            sock = Socket()
            self.sockets.append(sock)
        sock.netns, sock.cookie, sock.owner = line.netns, line.cookie, line.pid
        sock.local, sock.remote = line.local, line.remote or sock.remote
        known[ends] = known[line.cookie, ends] = sock
        if line.cookie:
            known[line.cookie] = sock
        sock.holders.add(line.pid)
        sock.names.add(line.name)
        if line.error:
            sock.kind = "failed"
        else:
            sock.kind = {"bind": "bound", "listen": "listener", "begin": "failed"}.get(
                line.what, "connection")
        if not sock.opened or line.what in ("listen", *OPENERS):
            sock.opened = (line.began, line.ended)

    def _happened(self, line):
        remote = line.remote if line.what in OPENERS else None
        self.facts.append(Fact(
            line.what, line.netns, line.local, remote, frozenset((line.pid,)), error=line.error,
            names={line.name} if line.name else None,
            executables={line.executable} if line.executable else None,
            began=line.began, ended=line.ended, cookie=line.cookie,
            needed=(line.what, line.pid) not in self.unseen))

    def connections(self):
        counts = collections.Counter(f.what for f in self.facts if f.what in OPENERS)
        return max(counts.values(), default=0)


def my_netns():
    return os.stat("/proc/self/ns/net").st_ino


# --- records ------------------------------------------------------------------------------


def read_records(path):
    with open(path, "rb") as file:
        return [json.loads(line) for line in file]


def end_in(record, which):
    end = record["porttrace"].get(which)
    return (end["ip"], end["port"]) if end and "ip" in end and "port" in end else None


def nanoseconds(record):
    text = record["@timestamp"]
    seconds = datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()
    return int(seconds) * 1_000_000_000 + int(text[20:29])


def pid_in(record, end):
    """(is there a process, its pid) of source or destination."""
    process = record.get(end, {}).get("process")
    return process.get("pid") if process else None


class Score:
    """How one tracer did in one scenario."""

    def __init__(self):
        self.counts = collections.Counter({verdict: 0 for verdict in VERDICTS})
        self.complaints = collections.defaultdict(list)
        self.told = collections.Counter()  # stage: what the tracer itself said that it lost

    def add(self, verdict, about=""):
        self.counts[verdict] += 1
        if verdict != "right" and len(self.complaints[verdict]) < SHOWN:
            self.complaints[verdict].append(about)


class Judge:
    """Compares facts with records."""

    def __init__(self, truth, namespaces=None, window=None):
        self.truth, self.window = truth, window
        self.namespaces = namespaces or {my_netns()}
        self.score = Score()
        self.accepted = {}  # (local, remote): sequence of the record that told it
        self.openers = collections.defaultdict(list)  # cookie: facts
        self.ends = collections.defaultdict(set)   # (local, remote): pids that may hold that end
        self.ports = collections.defaultdict(set)  # port: pids that ever had it
        for fact in truth.facts + truth.optional:
            if fact.remote and not fact.error:
                self.ends[fact.netns, fact.local, fact.remote] |= fact.pids
                self.ends[None, fact.local, fact.remote] |= fact.pids
            if fact.local:
                self.ports[fact.local[1]] |= fact.pids

    def compare(self, records):
        found = collections.defaultdict(list)
        for record in records:
            action = record["event"]["action"]
            if action == "lost":
                lost = record["porttrace"]["lost"]
                self.score.told[lost["stage"]] += lost["count"]
            if action in ("lost", "start", "stop") or \
                    record["porttrace"]["netns"] not in self.namespaces:
                continue
            key = (action, record["porttrace"]["netns"], end_in(record, "local"),
                   end_in(record, "remote"), record.get("error", {}).get("code"))
            found[key].append(record)
            if action == "accept":
                self.accepted[key[2], key[3]] = record["event"]["sequence"]
        if self.window:
            self._around_the_start(found)
        facts = collections.defaultdict(list)
        for fact in self.truth.facts:
            facts[fact.key()].append(fact)
        for key, those in facts.items():
            self._pair(those, found.pop(key, []))
        for fact in self.truth.optional:
            for record in found.pop(fact.key(), []):
                self._judge(fact, record)
        for key, those in found.items():
            self._nobody_said(key, those)
        return self.score

    def _pair(self, facts, records):
        """Facts and records with the same key: by cookie where there are several."""
        if len(facts) > 1 or len(records) > 1:
            records = sorted(records, key=lambda r: r["event"]["sequence"])
            by_cookie = {r["porttrace"].get("cookie"): r for r in reversed(records)}
            pairs, rest = [], []
            for fact in facts:
                record = by_cookie.pop(fact.cookie, None) if fact.cookie > 0 else None
                if record is None:
                    rest.append(fact)
                else:
                    pairs.append((fact, record))
                    records.remove(record)
            pairs += zip(rest, records)
            surplus, lacking = records[len(rest):], rest[len(records):]
        else:
            pairs, surplus, lacking = list(zip(facts, records)), records[len(facts):], \
                facts[len(records):]
        for fact, record in pairs:
            self._judge(fact, record)
        for record in surplus:
            self.score.add("duplicate", f"told again: {brief(record)}")
        for fact in lacking:
            if fact.needed:
                self.score.add("missing", f"{fact} (of {sorted(fact.pids)})")

    def _judge(self, fact, record):
        wrong = list(self._wrong(fact, record))
        if wrong:
            verdict, about = "wrong", "; ".join(wrong)
        else:
            about = self._unknown(fact, record)
            verdict = "unknown" if about else "right"
        self.score.add(verdict, f"{about}: {fact}: {brief(record)}" if about else "")

    def _wrong(self, fact, record):
        process = record.get("process", {})
        pid = process.get("pid")
        if (record["porttrace"].get("attribution") == "kernel") != (KERNEL in fact.pids):
            yield f"by {record['porttrace'].get('attribution')}, not {sorted(fact.pids)}"
        if pid is not None:
            if pid not in fact.pids:
                yield f"pid {pid}, not {sorted(fact.pids)}"
            if fact.names and process.get("name") not in fact.names:
                yield f"name {process.get('name')}, not {sorted(fact.names)}"
            if fact.executables and process.get("executable", "?") not in fact.executables | {"?"}:
                yield f"program {process['executable']}, not {sorted(fact.executables)}"
        actor = record["porttrace"].get("actor", {}).get("pid")
        if actor is not None and actor not in fact.actors:
            yield f"actor {actor}, not {sorted(fact.actors)}"
        late = record["porttrace"].get("late")  # it says when that was noticed
        if fact.began and not late and not fact.began - TIME_SLACK <= nanoseconds(record) <= \
                fact.ended + TIME_SLACK:
            yield f"time {record['@timestamp']}, {nanoseconds(record) - fact.began} ns from the call"
        if record["event"]["action"] in ("connect", "accept", "close") and fact.remote:
            yield from self._wrong_ends(fact, record)

    def _wrong_ends(self, fact, record):
        local, remote = self._sides(fact, record)
        if local and pid_in(record, local) not in (fact.pids | {None}):
            yield f"{local}.process.pid {pid_in(record, local)}, not {sorted(fact.pids)}"
        other = pid_in(record, remote) if remote else None
        if other is None:
            return
        right = self._behind(fact)
        # A connection that was not accepted yet may name who has the listener.
        if fact.what == "connect" or not right:
            right = right | self.ports[fact.remote[1]]
        if other not in right:
            yield f"{remote}.process.pid {other}, not {sorted(right)}"

    def _behind(self, fact):
        """Who may be at the other end."""
        return self.ends.get((fact.netns, fact.remote, fact.local)) or \
            self.ends.get((None, fact.remote, fact.local)) or set()

    @staticmethod
    def _sides(fact, record):
        """("source", "destination") in the order local, remote."""
        source = record.get("source", {})
        if (source.get("ip"), source.get("port")) == fact.local:
            return "source", "destination"
        return ("destination", "source") if source else (None, None)

    def _unknown(self, fact, record):
        if "process" not in record and KERNEL not in fact.pids:
            return f"no process ({record['porttrace'].get('attribution')})"
        if fact.what in ("accept", "close") and fact.remote and \
                self._behind(fact) - {KERNEL}:
            _, remote = self._sides(fact, record)
            if remote and pid_in(record, remote) is None and \
                    not self._is_early(fact, record):
                return f"no {remote}.process"
        return None

    def _is_early(self, fact, record):
        """The end of a connection that nobody had accepted yet: nobody is behind it."""
        accepted = self.accepted.get((fact.remote, fact.local), 0)
        return record["event"]["sequence"] < accepted

    def _nobody_said(self, key, records):
        """Records of what nobody wrote down."""
        for record in records:
            pid = record.get("process", {}).get("pid")
            if pid in self.truth.silent or key[0] == "open":
                continue
            # A port that was bound and then failed to connect is released in the end.
            if key[0] == "close" and record["porttrace"]["socket"] == "bound" and \
                    (pid is None or pid in self.ports[key[2][1]]):
                continue
            known = any(fact.local == key[2] and fact.remote == key[3] and fact.what == key[0]
                        for fact in self.truth.facts)
            self.score.add("duplicate" if known else "wrong",
                           f"nobody did that: {brief(record)} {key[4] or ''}")

    # --- sockets that are older than the tracer ----------------------------------------

    def _around_the_start(self, found):
        """Each end is told once: as `open`, or by what opened it."""
        began, ready = self.window
        kept = []
        lives = {(s.netns, s.local, s.remote if s.kind == "connection" else None, s.cookie): s
                 for s in self.truth.sockets}
        for fact in self.truth.facts:
            sock = lives.get((fact.netns, fact.local, fact.remote, fact.cookie))
            if sock is None:
                kept.append(fact)
                continue
            if fact.what != "close":
                continue  # all of a socket's facts are looked at with its end
            kept += self._life(fact, sock, began, ready, found)
        self.truth.facts = kept

    def _life(self, close, sock, began, ready, found):
        """The facts of one socket's life that are left to compare."""
        opener = self._facts_of(sock.cookie)
        last = sock.closed[1] or 1 << 63
        if last < began - TIME_SLACK:
            return []
        where = (sock.netns, sock.local, close.remote)
        opens = self._of_cookie(found, ("open", *where, None), sock)
        if sock.opened[0] > ready + TIME_SLACK:
            return opener + [close]
        old = Fact("open", *where, close.pids, names=close.names, cookie=sock.cookie)
        if sock.opened[1] < began:
            # Certain to be there before: `open`, and never by what opened it.
            if last > ready + TIME_SLACK:
                return [old, close]
            old.needed = close.needed = False
            return [old, close]
        # Opened while the tracer started: by one or by the other.
        for fact in opener:
            fact.needed = False
        told = opens or any(self._of_cookie(found, f.key(), sock) for f in opener)
        old.needed = False
        close.needed = bool(told) or last > ready + TIME_SLACK
        if opens and any(f.what == "connect" and self._of_cookie(found, f.key(), sock)
                         for f in opener):
            self.score.add("duplicate", f"open and connect: {close}")
        if not told and last > ready + TIME_SLACK:
            self.score.add("missing", f"neither open nor opened: {close}")
        return [*opener, old, close]

    def _facts_of(self, cookie):
        """What opened a socket."""
        if not self.openers:
            for fact in self.truth.facts:
                if fact.what != "close":
                    self.openers[fact.cookie].append(fact)
        return self.openers[cookie]

    @staticmethod
    def _of_cookie(found, key, sock):
        return [r for r in found.get(key, []) if r["porttrace"].get("cookie") in
                (None, sock.cookie)]


def brief(record):
    """A line about a record."""
    def end(name):
        there = end_in(record, name)
        return f"{there[0]}:{there[1]}" if there else ""
    process = record.get("process", {})
    trace = record["porttrace"]
    return " ".join(filter(None, (
        f"#{record['event']['sequence']}", record["event"]["action"], end("local"), end("remote"),
        f"pid {process.get('pid')}", process.get("name"), trace.get("socket"),
        trace.get("attribution"))))


# --- rows of other tools ----------------------------------------------------------------------


def score_rows(facts, rows):
    """How often the pid that a tool prints for an end of a connection is the owner's.

    facts: what the tool claims to show, each with `local` and `remote`.  rows: lists of
    pids by (local, remote); it does not show the network namespace.
    """
    score = Score()
    wanted = collections.defaultdict(list)
    for fact in facts:
        wanted[fact.local, fact.remote].append(fact)
    for ends, those in wanted.items():
        pids = list(rows.get(ends, []))
        for fact in list(those):  # in its favour: whichever row fits
            fitting = next((pid for pid in pids if pid in fact.pids), None)
            if fitting is not None:
                pids.remove(fitting)
                those.remove(fact)
                score.add("right")
        for fact in those:
            if not pids:
                score.add("missing", str(fact))
            elif (pid := pids.pop(0)) == 0:  # the idle task: it names nobody
                score.add("unknown", str(fact))
            else:
                score.add("wrong", f"pid {pid}, not {sorted(fact.pids)}: {fact}")
        for pid in pids:
            score.add("duplicate", f"{ends} again, pid {pid}")
    return score
