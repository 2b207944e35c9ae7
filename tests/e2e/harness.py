# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What every end-to-end test uses, and the program that runs one of them.

A test is a function test_*() in a file test_*.py here.  tests/run starts a process for
each, in a network namespace of its own (only `lo`, up); by hand:

    python3 tests/e2e/harness.py FILE FUNCTION

A test starts a Tracer (porttrace, restricted to this namespace), lets Actors (processes
of their own) use sockets, stops the tracer, and compares its records with what the
actors themselves say of their pids and ports.  Nothing here sleeps: one waits for a
line or a record.
"""
import collections
import contextlib
import ctypes
import fcntl
import glob
import importlib.util
import json
import os
import re
import select as select_module
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PORTTRACE = os.environ.get("PORTTRACE", os.path.join(ROOT, "build", "porttrace"))
# Which hooks the tracers take (porttrace --hooks), on kernels that have a choice.
HOOKS = ["--hooks", os.environ["PORTTRACE_HOOKS"]] if os.environ.get("PORTTRACE_HOOKS") else []
PROGRAMS = os.path.join(ROOT, "build", "e2e")
READY = "porttrace: tracing"
# How much slower than a machine of today this one is: a software-emulated one says 10
# (tests/vm).  One waits that much longer, and big loads are that much smaller.
SLOW = float(os.environ.get("PORTTRACE_SLOW") or 1)
PATIENCE = 15 * SLOW  # seconds to wait for what must come

CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x20000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class Skip(Exception):
    """Raised with the reason by a test that cannot run here."""


def scaled(count, least=1):
    """COUNT, or as much of it as a slow machine can do; no fewer than LEAST."""
    return max(least, int(count / SLOW))


def kernel_version():
    """(6, 12) of 6.12.117"""
    return tuple(int(part) for part in re.findall(r"\d+", os.uname().release)[:2])


def alone(test):
    """Marks a test that wants the machine for itself (tests/run looks for the name)."""
    return test


# --- records -----------------------------------------------------------------------

ACTIONS = {"bind", "listen", "connect", "accept", "flow", "close", "state", "open", "lost",
           "start", "stop"}
ABOUT_THE_RUN = {"lost", "start", "stop"}
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")

# Short names for what tests ask for most; anything else is given as in events.md.
SHORT = {
    "action": "event.action",
    "outcome": "event.outcome",
    "error": "error.code",
    "pid": "process.pid",
    "name": "process.name",
    "ip_version": "network.type",
    "transport": "network.transport",
    "direction": "network.direction",
    "socket": "porttrace.socket",
    "attribution": "porttrace.attribution",
    "by": "porttrace.close.by",
    "how": "porttrace.close.how",
    "old": "porttrace.state.old",
    "new": "porttrace.state.new",
}
ENDS = {"local": "porttrace.local", "remote": "porttrace.remote",
        "source": "source", "destination": "destination"}


class Record(dict):
    """One line of the stream; record["process.pid"] reaches into the objects."""

    def __getitem__(self, path):
        value = self.get(path)
        if value is None:
            raise AssertionError(f"no {path} in {self}")
        return value

    def get(self, path, default=None):
        value = self
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                return default
            value = dict.__getitem__(value, key)
        return value

    def __str__(self):
        return json.dumps(self)


def expand(want):
    """{"local": (ip, port), "pid": 7} as pairs of full field names and values."""
    for key, value in want.items():
        if key in ENDS:
            yield ENDS[key] + ".ip", value[0]
            yield ENDS[key] + ".port", value[1]
        else:
            yield SHORT.get(key, key), value


def differences(record, want):
    """What of WANT is not so in RECORD; a wanted None means that the field is absent."""
    return [f"{path} is {record.get(path)!r}, not {value!r}"
            for path, value in expand(want) if record.get(path) != value]


def brief(record):
    """A line about a record, for messages."""
    def end(name):
        return f"{record.get(name + '.ip', '')}:{record.get(name + '.port', '')}"
    parts = [str(record.get("event.sequence")), record.get("event.action", "?"),
             record.get("event.outcome", ""), record.get("error.code", ""),
             f"pid {record.get('process.pid')}", record.get("process.name", ""),
             end("porttrace.local"), end("porttrace.remote"),
             record.get("porttrace.socket", ""), record.get("porttrace.attribution", "")]
    if record.get("event.action") == "state":
        parts.append(f"{record.get('porttrace.state.old')} > {record.get('porttrace.state.new')}")
    if record.get("event.action") == "close":
        parts.append(f"{record.get('porttrace.close.by')} {record.get('porttrace.close.how')}")
    return " ".join(part for part in parts if part)


def select(records, **want):
    return [record for record in records if not differences(record, want)]


def one(records, **want):
    """The only record like WANT, or a failure that lists what is there instead."""
    found = select(records, **want)
    if len(found) == 1:
        return found[0]
    near = sorted((r for r in records if r.get("event.action") == want.get("action", r.get(
        "event.action"))), key=lambda r: len(differences(r, want)))
    lines = [f"{len(found)} records instead of one like {want}"]
    if found:
        lines += ["  " + brief(record) for record in found]
    elif near:
        lines += ["nearest: " + brief(near[0])] + ["  " + d for d in differences(near[0], want)]
    raise AssertionError("\n".join(lines))


def none(records, **want):
    found = select(records, **want)
    if found:
        raise AssertionError("\n".join([f"there must be no record like {want}"] +
                                       ["  " + brief(record) for record in found]))


def check(record, **want):
    wrong = differences(record, want)
    if wrong:
        raise AssertionError("\n".join([brief(record)] + ["  " + line for line in wrong]))
    return record


def live(records):
    """Those about sockets."""
    return [record for record in records if record.get("event.action") not in ABOUT_THE_RUN]


def stand_ins(value, path=""):
    """The fields that should have been left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from stand_ins(inner, f"{path}.{key}" if path else key)
    elif value is None or value == "" or value == {} or (
            value == 0 and path.endswith((".pid", ".port", ".cookie", ".netns"))):
        yield path


def check_promises(records):
    """What events.md promises of every record."""
    last = 0
    for record in records:
        assert TIMESTAMP.match(record["@timestamp"]), record
        assert record["event.action"] in ACTIONS, record
        assert record["host.name"], record
        assert record["event.sequence"] > last, f"sequence does not grow: {record}"
        last = record["event.sequence"]
        assert not list(stand_ins(record)), f"{list(stand_ins(record))} in {record}"
        assert record["event.outcome"] in ("success", "failure", "unknown"), record
        if record["event.action"] in ABOUT_THE_RUN:
            continue
        assert (record["event.outcome"] == "failure") or not record.get("error.code"), record
        assert record["network.transport"] in ("tcp", "udp"), record
        assert (record["network.transport"] == "udp") == (
            record["porttrace.socket"] == "datagram"), record
        assert record["porttrace.netns"] == my_netns(), f"foreign namespace: {record}"
        assert record.get("process") or record["porttrace.attribution"] in (
            "unknown", "inherit", "kernel"), record


def check_accounts(records, errors):
    """seen = written + filtered + lost, and the stream tells each loss; the totals."""
    totals = one(records, action="stop")["porttrace.totals"]
    lost = totals["lost"]
    assert totals["seen"] == totals["written"] + totals["filtered"] + sum(lost.values()), totals
    assert totals["written"] == len(records), (totals, len(records))
    for stage, count in lost.items():
        told = sum(r["porttrace.lost.count"] for r in select(
            records, action="lost", **{"porttrace.lost.stage": stage}))
        assert told == count, f"{stage}: the stream tells {told} lost, the totals {count}"
    assert f"lost {sum(lost.values())}" in errors[-1], errors
    # What the sink lost had its number already.
    numbers = [record["event.sequence"] for record in records]
    assert numbers[-1] - len(numbers) == lost["sink"], (numbers[-1], len(numbers), lost)
    return totals


def my_netns():
    return os.stat("/proc/self/ns/net").st_ino


# --- the tracer ------------------------------------------------------------------------


class Tracer:
    """A running porttrace; when the constructor returns, it traces."""

    running = []

    def __init__(self, *arguments, json_stream=True, namespace=("--netns", "self"), output=None,
                 ready=True, stdout=subprocess.PIPE, environment=None, command=()):
        self.json_stream = json_stream
        self.records, self.lines, self.errors = [], [], []
        self.news = threading.Condition()
        command = [*command, PORTTRACE, *(["--json"] if json_stream else []), *HOOKS, *namespace,
                   *arguments]
        self.output = output
        if output:
            command += ["-o", output]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout,
                                        stderr=subprocess.PIPE,
                                        env={**os.environ, **(environment or {})})
        self.pid = self.process.pid
        self.readers = [self._reader(self.process.stderr, self._on_error)]
        if self.process.stdout:
            self.readers.append(self._reader(self.process.stdout, self._on_line))
        Tracer.running.append(self)
        if ready:
            self.wait_until(lambda: any(line.startswith(READY) for line in self.errors),
                       f"no line '{READY}' on stderr")

    def _reader(self, stream, tell):
        def read():
            for line in stream:
                with self.news:
                    tell(line)
                    self.news.notify_all()
            with self.news:
                self.news.notify_all()
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _on_line(self, line):
        if self.json_stream:
            self.records.append(parse(line))
        else:
            self.lines.append(line.decode(errors="surrogateescape").rstrip("\n"))

    def _on_error(self, line):
        self.errors.append(line.decode(errors="replace").rstrip("\n"))

    def wait_until(self, condition, otherwise):
        deadline = time.monotonic() + PATIENCE
        with self.news:
            while not condition():
                left = deadline - time.monotonic()
                ended = not any(reader.is_alive() for reader in self.readers)
                if left <= 0 or ended:
                    if condition():
                        return
                    how = f", it ended with {self.process.wait()}" if ended else ""
                    raise AssertionError(f"{otherwise}{how}; stderr: {self.errors}")
                self.news.wait(min(left, 0.2))

    def wait_error(self, word):
        """Until a line on stderr has WORD in it."""
        self.wait_until(lambda: any(word in line for line in self.errors),
                        f"no line with '{word}' on stderr")

    def wait(self, **want):
        """The first record like WANT, as soon as it is there."""
        try:
            self.wait_until(lambda: select(self.records, **want), f"no record like {want} came")
        except AssertionError:
            one(self.records, **want)
            raise
        return select(self.records, **want)[0]

    def send_signal(self, number):
        self.process.send_signal(number)

    def finish(self):
        """Wait for its end: (records or lines, stderr lines, exit status)."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"porttrace does not end; stderr: {self.errors}") from None
        for reader in self.readers:
            reader.join(PATIENCE)
        if not self.json_stream:
            return self.lines, self.errors, status
        if self.output:
            self.records = read_records(self.output)
        check_promises(self.records)
        return self.records, self.errors, status

    def stop(self, number=signal.SIGINT):
        """As ctrl-C does; the run must have been a good one."""
        self.send_signal(number)
        out, errors, status = self.finish()
        assert status == 0, f"exit status {status}; stderr: {errors}"
        assert not [line for line in errors if "Sanitizer" in line], errors
        return out, errors, status

    def end(self):
        """stop() for those who read themselves what it wrote."""
        self.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE) == 0, self.errors

    def trace(self):
        """stop() for those who want nothing but the records, all of which were kept."""
        records = self.stop()[0]
        none(records, action="lost")
        return records


def parse(line):
    """A line of the stream; it must be exactly one JSON object."""
    text = line.decode("utf-8")
    assert text.endswith("\n"), f"no LF at the end of {text!r}"
    return Record(json.loads(text))


def read_records(path):
    """All of a file; every line must be a whole one."""
    with open(path, "rb") as file:
        return [parse(line) for line in file]


def porttrace(*arguments, command=(), **options):
    """Run it to its end: a CompletedProcess with text."""
    return subprocess.run([*command, PORTTRACE, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, check=False, **options)


def objects_of(pid):
    """The ids of the BPF objects that a process has open."""
    found = set()
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        with open(path, encoding="ascii") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key in ("prog_id", "map_id", "link_id"):
                    found.add((key[:-3], value.strip()))
    return found


def map_of(pid, name):
    """The id of a process's BPF map."""
    maps = bpftool("map", "show")
    ours = {number for kind, number in objects_of(pid) if kind == "map"}
    found, = [m["id"] for m in maps if str(m["id"]) in ours and m.get("name") == name]
    return found


def bpftool(*arguments):
    """What it prints, parsed."""
    done = subprocess.run(["bpftool", "-j", *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise AssertionError(f"bpftool {arguments}: {done.stdout}{done.stderr}")
    return json.loads(done.stdout or "null")


# --- the actors ---------------------------------------------------------------------------

Answer = collections.namedtuple("Answer", "sock local remote seconds data")


class Actor:
    """A process that uses sockets as it is told; see actor.py for what it can do.

    actor.connect(sock, ip, port) waits for the end of the call and fails unless the call
    worked, or failed with the errno that error= names.  begin_connect() and so on do
    not wait; result() does.
    """

    def __init__(self, name="actor", channel=None):
        if channel is None:
            channel, theirs = socket.socketpair()
            subprocess.Popen(["/usr/bin/python3", "-I", "-S", os.path.join(HERE, "actor.py"),
                              str(theirs.fileno()), name], pass_fds=[theirs.fileno()],
                             stdin=subprocess.DEVNULL)
            theirs.close()
        channel.settimeout(PATIENCE + 30)
        self.channel = channel
        self.stream = channel.makefile("rw", encoding="utf-8")
        hello = json.loads(self.stream.readline())
        self.pid, self.executable, self.uid = hello["pid"], hello["executable"], hello["uid"]
        self.parent, self.name = hello["parent"], hello["name"]
        self.pending = None

    def __getattr__(self, operation):
        if operation.startswith("__"):
            raise AttributeError(operation)
        if operation.startswith("begin_"):
            return lambda *arguments, **options: self._begin(operation[6:], arguments, options)

        def call(*arguments, **options):
            self._begin(operation, arguments, options)
            return self.result()
        return call

    def _begin(self, operation, arguments, options):
        assert self.pending is None, f"{self.name} is still in {self.pending[0]}"
        self.pending = (operation, options.pop("error", None))
        self.stream.write(json.dumps([operation, arguments, options]) + "\n")
        self.stream.flush()

    def result(self):
        operation, expected = self.pending
        self.pending = None
        line = self.stream.readline()
        assert line, f"{self.name} died in {operation}"
        answer = json.loads(line)
        assert answer["error"] == expected, \
            f"{self.name}: {operation}: {answer['error'] or 'worked'}, " \
            f"expected {expected or 'success'}"
        return Answer(answer["sock"], end(answer["local"]), end(answer["remote"]),
                      answer["seconds"], answer["data"])

    def listener(self, ip="127.0.0.1", port=0, **options):
        """A new listening socket: its Answer, local is where it listens."""
        sock = self.socket(6 if ":" in ip else 4, **options).sock
        self.bind(sock, ip, port)
        return self.listen(sock)

    def datagram(self, ip="127.0.0.1", port=0, **options):
        """A new UDP socket that is bound: its Answer."""
        return self.bind(self.socket(6 if ":" in ip else 4, udp=True, **options).sock, ip, port)

    def client(self, address, **options):
        """A new connection to ADDRESS."""
        sock = self.socket(6 if ":" in address[0] else 4).sock
        return self.connect(sock, *address, **options)

    def fork(self):
        """Another Actor, its child, with all of its sockets under the same numbers."""
        with socket.socket(socket.AF_UNIX) as door:
            door.bind("")
            door.listen()
            door.settimeout(PATIENCE)
            self.begin_fork(door.getsockname().decode("latin-1"))
            channel, _ = door.accept()
            self.result()
        return Actor(channel=channel)

    def leave(self):
        """End, and be gone: with its sockets, which its last word does not prove."""
        watch = os.pidfd_open(self.pid)
        self._begin("leave", (), {})
        assert not self.stream.readline()
        assert select_module.select([watch], [], [], PATIENCE)[0], f"{self.name} does not end"
        os.close(watch)


def end(address):
    return tuple(address) if address else None


# By machine: accept and accept4.  (wchan would be 0 on 5.10.)
ACCEPT_CALLS = {"x86_64": ("43", "288"), "aarch64": ("202", "242")}


def wait_in_accept(actor):
    """Until the actor waits in accept(2)."""
    calls = ACCEPT_CALLS.get(os.uname().machine)
    if not calls:
        raise Skip(f"the numbers of system calls of {os.uname().machine} are not known here")
    deadline = time.monotonic() + PATIENCE
    where = ""
    while where not in calls:
        assert time.monotonic() < deadline, f"{actor.name} is not in accept but in {where}"
        with open(f"/proc/{actor.pid}/syscall", encoding="ascii") as file:
            where = file.read().split()[0]


def pair(server, client, ip="127.0.0.1", **options):
    """A connection between two actors: (listener, the client's end, the server's end)."""
    listener = server.listener(ip, **options)
    theirs = client.client(listener.local)
    return listener, theirs, server.accept(listener.sock)


def listen_twice(first, second):
    """
    Two sockets may be bound to a port with SO_REUSEADDR; only one can listen: the first
    actor's.  Their address.
    """
    theirs = first.socket(reuse=True).sock
    address = first.bind(theirs, "127.0.0.1", 0).local
    sock = second.socket(reuse=True).sock
    second.bind(sock, *address)
    first.listen(theirs)
    second.listen(sock, error="EADDRINUSE")
    return address


def program(name, *arguments):
    """The path of a C program of this folder, compiled by make."""
    path = os.path.join(PROGRAMS, name)
    assert os.access(path, os.X_OK), f"{path} is missing: make e2e-programs"
    return [path, *map(str, arguments)]


def load(connections, clients=1, servers=1):
    """Each connection makes four records, of more than 2 kB together; no two ends come twice."""
    setting("ipv4.tcp_tw_reuse", 0)
    subprocess.run(program("load", connections, clients, servers), stdout=subprocess.DEVNULL,
                   check=True)


# --- the namespace --------------------------------------------------------------------------


def setting(name, value):
    """A sysctl of this network namespace; Skip where the kernel has no such thing."""
    try:
        with open("/proc/sys/net/" + name.replace(".", "/"), "w", encoding="ascii") as file:
            file.write(str(value))
    except OSError as error:
        raise Skip(f"cannot set {name}: {error.strerror}") from error


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def far_network(answers):
    """A link to 10.9.0.0/24 on which nobody is.

    answers: somebody owns 10.9.0.2's hardware address but drops what it gets (a black
    hole); else nobody does (host unreachable, and soon).
    """
    ip("link", "add", "far0", "type", "veth", "peer", "name", "far1")
    ip("address", "add", "10.9.0.1/24", "dev", "far0")
    ip("link", "set", "far1", "up")
    ip("link", "set", "far0", "up")
    if answers:
        ip("neighbour", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:99", "dev", "far0",
           "nud", "permanent")
    else:
        setting("ipv4.neigh.far0.retrans_time_ms", 50)


def loopback_silent():
    """From now on every packet to 127.0.0.1 vanishes, for sockets that live already too."""
    ip("rule", "add", "priority", "1", "to", "127.0.0.0/8", "blackhole")
    ip("rule", "delete", "priority", "0")


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def private_network():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    loopback_up()


def private_mounts():
    """From now on what is mounted is seen by this test alone."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        raise Skip("no mount namespace: " + os.strerror(ctypes.get_errno()))
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def mount(*arguments):
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


class Folder:
    """A temporary folder that only root can write, open to all for reading."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="porttrace-test-")
        os.chmod(self.path, 0o755)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def __call__(self, name):
        return os.path.join(self.path, name)


# --- one test -----------------------------------------------------------------------------------


def run(path, function):
    spec = importlib.util.spec_from_file_location("test", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    private_network()
    getattr(module, function)()


def perform(path, function):
    """Runs one test, and ends with its status."""
    status = 0
    try:
        run(path, function)
    except Skip as reason:
        print(reason)
        status = 77
    except Exception as error:  # pylint: disable=broad-except
        traceback.print_exc(file=sys.stdout)
        for tracer in Tracer.running:
            print(f"stderr of {' '.join(tracer.process.args)}:")
            print("\n".join("  " + line for line in tracer.errors))
            out = [brief(r) for r in tracer.records] + tracer.lines
            print(f"{len(out)} records:")
            print("\n".join("  " + line for line in out[:80]))
        text = str(error).strip() or type(error).__name__
        print(text.splitlines()[0])
        status = 1
    for tracer in Tracer.running:
        if tracer.process.poll() is None:
            tracer.process.kill()
    sys.stdout.flush()
    # Reader threads may still wait for what never comes.
    os._exit(status)


def perform_in_child(path, function, log, limit):
    """Its exit status, or None: it took longer than LIMIT seconds."""
    child = os.fork()
    if child == 0:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_APPEND)
        for number, fd in enumerate((os.open("/dev/null", os.O_RDONLY), out, out)):
            os.dup2(fd, number)
        os.closerange(3, 256)
        perform(path, function)
    watch = os.pidfd_open(child)
    ended = select_module.select([watch], [], [], limit)[0]
    os.close(watch)
    # The test's helpers are in its group; they must not outlive it.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if ended else None


def serve(channel):
    """
    Runs a test for each line "[FILE, FUNCTION, LOG, LIMIT]", in a child: Python and this file,
    which are a good part of a test where all is slow, are begun with once.
    """
    for request in channel:
        channel.write(json.dumps(perform_in_child(*json.loads(request))) + "\n")
        channel.flush()


def main():
    # The tests import this file as `harness`: let it be the same module.
    sys.modules["harness"] = sys.modules["__main__"]
    if sys.argv[1] == "--serve":
        with socket.socket(fileno=int(sys.argv[2])) as sock:
            serve(sock.makefile("rw", encoding="utf-8"))
    else:
        perform(*sys.argv[1:])


if __name__ == "__main__":
    main()
