# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where a scenario takes place: its actors, programs, network namespaces and tracers.

A scenario is a function that gets a Stage: it starts actors, calls stage.trace(), lets
them use sockets, and returns; the stage then ends all of them, waits until no socket is
left, stops the tracers and scores them.  Nothing sleeps for a fixed time.
"""
import collections
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))

# pylint: disable=wrong-import-position
import harness  # noqa: E402
from tracers import Porttrace, private_tracefs  # noqa: E402
from truth import Judge, Score, Truth, my_netns, score_rows  # noqa: E402

Skip = harness.Skip
PROGRAMS = os.path.join(ROOT, "build", "truth")
SLOW = harness.SLOW
PATIENCE = 20 * SLOW
SKIP_STATUS = 77  # of a program that cannot do that here
SCENARIOS = {}
Scenario = collections.namedtuple("Scenario", "name title function others lossy")


def scenario(title, others=True, lossy=False):
    """Makes a scenario of a function.

    others: the other tools are asked too.  lossy: records are lost on purpose; what is
    told must be right all the same.
    """
    def note(function):
        SCENARIOS[function.__name__] = Scenario(function.__name__, title, function, others, lossy)
        return function
    return note


def program(name, *arguments):
    """A C program of this folder, compiled by make."""
    path = os.path.join(PROGRAMS, name)
    assert os.access(path, os.X_OK), f"{path} is missing: make truth-programs"
    return [path, *map(str, arguments)]


def need(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Skip(f"{name} is not installed")
    return path


class Actor(harness.Actor):
    """An actor that writes down what it does."""

    everybody = []

    def __init__(self, name="actor", channel=None, inside=()):
        if channel is None:
            channel, theirs = socket.socketpair()
            subprocess.Popen([*inside, "/usr/bin/python3", "-I", "-S", "-B",
                              os.path.join(HERE, "actor.py"), str(theirs.fileno()), name],
                             pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
            theirs.close()
        super().__init__(name, channel)
        self.watch = os.pidfd_open(self.pid)
        Actor.everybody.append(self)

    def fork(self):
        return adopt(super().fork())

    def execute(self, *arguments):
        """Become another program; it is no actor any more."""
        self._begin("execute", arguments, {})
        line = self.stream.readline()
        assert not line, f"{self.name} cannot execute {arguments}: {line}"

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self.gone()

    def end(self):
        """Be gone, also out of a call that waits."""
        if not select.select([self.watch], [], [], 0 if self.pending else SLOW)[0]:
            os.kill(self.pid, signal.SIGKILL)
        self.gone()

    def gone(self):
        """Wait until it is."""
        assert select.select([self.watch], [], [], PATIENCE)[0], \
            f"{self.name} does not end"


def end(first, sock, second, peer):
    """FIRST closes its end of a connection, then SECOND, which sees that, the other one."""
    first.close(sock)
    second.receive(peer)
    second.close(peer)


def visit(client, server, listener):
    """A connection to LISTENER that SERVER accepts and CLIENT ends."""
    ours = client.client(listener.local)
    theirs = server.accept(listener.sock)
    end(client, ours.sock, server, theirs.sock)


def adopt(child):
    """A forked actor, from the class that made it."""
    child.__class__ = Actor
    child.watch = os.pidfd_open(child.pid)
    Actor.everybody.append(child)
    return child


class Namespace:
    """Another network namespace, kept by a process of its own."""

    def __init__(self, *how):
        self.holder = subprocess.Popen(["unshare", *(how or ["--net"]), "--", "sh", "-c",
                                        "echo; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.pid = self.holder.pid
        self.inode = os.stat(f"/proc/{self.pid}/ns/net").st_ino
        self.inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--"]
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command):
        subprocess.run([*self.inside, *command], check=True, stdin=subprocess.DEVNULL)

    def end(self):
        self.holder.stdin.close()
        self.holder.wait(PATIENCE)


class Stage:
    """One scenario's world."""

    def __init__(self, name, folder, others):
        self.name, self.folder = name, folder
        self.want_others = others
        self.truth = Truth(os.path.join(folder, "truth"))
        self.namespaces = []
        self.porttrace = None
        self.others = []
        self.programs = []
        self.snapshot = False
        self.judge = None  # of what is compared in a way of its own
        self.cleanups = []
        # An address that no other test of this machine uses: the other tools show them all.
        self.ip = f"127.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}.1"
        os.environ["TRUTH_LOG"] = self.truth.path

    # --- for scenarios ----------------------------------------------------------------

    def actor(self, name="actor", **options):
        return Actor(name, **options)

    def namespace(self):
        self.namespaces.append(Namespace())
        return self.namespaces[-1]

    def start(self, *command, **options):
        """A program that is to be there until it is finished or the scenario is."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        child = subprocess.Popen([str(word) for word in command], text=True, **options)
        self.programs.append(child)
        return child

    def listening(self, *command, **options):
        """A program that says when it listens: (itself, its pid)."""
        child = self.start(*command, **options)
        line = child.stdout.readline()
        if not line.startswith("listening "):
            status = child.wait(PATIENCE)
            if status == SKIP_STATUS:
                raise Skip(f"{os.path.basename(command[0])}: this kernel has no such thing")
            raise AssertionError(f"{command} ended with {status}")
        return child, int(line.split()[1])

    def finish(self, child, skip=True):
        """Wait for a program's end: what it printed."""
        out, _ = child.communicate(timeout=60 * SLOW)
        if skip and child.returncode == SKIP_STATUS:
            raise Skip(f"{child.args[0]}: this kernel has no such thing")
        assert child.returncode == 0, f"{child.args} ended with {child.returncode}"
        return out

    def run(self, *command, **options):
        return self.finish(self.start(*command, **options))

    def trace(self, *arguments, wait=True):
        """Start the tracers."""
        inodes = [my_netns(), *(space.inode for space in self.namespaces)]
        where = [word for inode in inodes for word in ("--netns", inode)]
        self.snapshot = "--snapshot" in arguments
        if self.want_others and private_tracefs():
            self.others = [other(self.folder) for other in self.want_others]
        # What the programs do by UDP besides is written down in scenarios_udp.py only.
        transport = [] if "--udp" in arguments else ["--tcp"]
        self.porttrace = Porttrace(os.path.join(self.folder, "records"), *where, *transport,
                                   *arguments, wait=wait)

    def copy(self, name, new):
        """A program under another name, and its path."""
        path = os.path.join(self.folder, new)
        shutil.copy(program(name)[0], path)
        return path

    def load(self, *command):
        """load.c or storm.c: their connections are written down, their listener is not."""
        self.truth.read_load(self.run(*command))
        self.truth.silent.add(self.programs[-1].pid)

    def file(self, name):
        return os.path.join(self.folder, name)

    # --- for the runner ------------------------------------------------------------------

    def end_all(self):
        """End actors and programs, and wait until all sockets are gone."""
        for actor in Actor.everybody:
            actor.stream.close()
            actor.channel.close()
        for actor in Actor.everybody:
            actor.end()
        for child in self.programs:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(5 * SLOW)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        for path in ["/proc/self/net", *(f"/proc/{space.pid}/net" for space in self.namespaces)]:
            wait_for(lambda path=path: sockets_in(path) == 0, f"sockets are left in {path}")

    def score(self):
        """{tracer: Score or None where it does not run}"""
        records = self.porttrace.stop()
        for other in self.others:
            other.stop()
        self.truth.read()
        self.truth.conclude()
        facts = list(self.truth.facts)
        connections = self.truth.connections()
        namespaces = {my_netns(), *(space.inode for space in self.namespaces)}
        window = (self.porttrace.began, self.porttrace.ready) if self.snapshot else None
        judge = self.judge or Judge(self.truth, namespaces, window)
        scores = {"porttrace": judge.compare(records)}
        counts = scores["porttrace"].counts
        expected = sum(counts.values()) - counts["duplicate"]
        for other in self.others:
            scores[other.name] = None
            if other.process:
                scores[other.name] = total = Score()
                for claimed, rows in other.scored(facts):
                    part = score_rows(claimed, rows)
                    total.counts.update(part.counts)
                    for verdict, complaints in part.complaints.items():
                        total.complaints[verdict] += complaints
        for space in self.namespaces:
            space.end()
        return connections, expected, scores


def sockets_in(path):
    """How many TCP and UDP sockets a namespace has, those in TIME_WAIT left out."""
    count = 0
    for name, word in (("sockstat", "TCP:"), ("sockstat6", "TCP6:"),
                       ("sockstat", "UDP:"), ("sockstat6", "UDP6:")):
        with open(os.path.join(path, name), encoding="ascii") as file:
            for line in file:
                words = line.split()
                if words[0] == word:
                    count += int(words[words.index("inuse") + 1])
    return count


def wait_for(condition, otherwise, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.005)
