# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios of UDP, with programs that people run; datagrams.py says what is right."""
import json
import os
import random
import subprocess

import stage
from datagrams import Datagrams, counters
from exchanges import Exchanges
from harness import scaled
from stage import need, program, scenario, wait_for


def is_bound(port):
    """By /proc/net/udp of this namespace."""
    with open("/proc/net/udp", encoding="ascii") as file:
        return any(f":{port:04X} 00000000:0000 07" in line for line in file)


def is_listening(port):
    with open("/proc/net/tcp", encoding="ascii") as file:
        return any(f":{port:04X} 00000000:0000 0A" in line for line in file)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read().split()


def begin(t):
    """Trace UDP, and judge it so."""
    t.judge = Datagrams()
    t.trace("--udp")
    return t.judge


def dnsmasq(t, port, *more):
    program = need("dnsmasq")
    server = t.start(program, "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                     "--user=root", "--bind-interfaces", f"--listen-address={t.ip}",
                     f"--port={port}", *more, stderr=subprocess.DEVNULL)
    wait_for(lambda: is_bound(port), "dnsmasq does not start")
    return server


def dig(t, name, count, port=7053):
    """COUNT runs: their pids."""
    pids = set()
    for _ in range(count):
        child = t.start(need("dig"), "+short", "+tries=1", f"@{t.ip}", "-p", port, name)
        assert "192.0.2.1" in t.finish(child), name
        pids.add(child.pid)
    return pids


@scenario("dnsmasq and dig", others=False)
def dns(t):
    need("dig")
    judge = begin(t)
    server = dnsmasq(t, 7053, "--address=/truth.test/192.0.2.1")
    judge.servers[7053] = {server.pid}
    judge.clients = dig(t, "truth.test", 20) | {server.pid}
    judge.sockets = 21


@scenario("dnsmasq that asks another one: a socket for each question", others=False)
def dns_forwarded(t):
    need("dig")
    judge = begin(t)
    above = dnsmasq(t, 7054, "--address=/truth.test/192.0.2.1")
    server = dnsmasq(t, 7053, f"--server={t.ip}#7054", "--cache-size=0")
    judge.servers.update({7053: {server.pid}, 7054: {above.pid}})
    judge.clients = {server.pid}
    for number in range(20):
        judge.clients |= dig(t, f"n{number}.truth.test", 1)
    judge.sockets = 42


CHRONY = """
{role}
cmdport 0
pidfile {folder}/{name}.pid
driftfile {folder}/{name}.drift
"""


def chronyd(t, name, role):
    with open(t.file(name), "w", encoding="ascii") as file:
        file.write(CHRONY.format(role=role, folder=t.folder, name=name))
    return t.start(need("chronyd"), "-d", "-x", "-u", "root", "-f", t.file(name),
                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


@scenario("chrony: a server and a client, with error queues and time stamps", others=False)
def ntp(t):
    need("chronyd")
    judge = begin(t)
    server = chronyd(t, "server", f"local stratum 1\nallow all\nport 7123\nbindaddress {t.ip}")
    wait_for(lambda: is_bound(7123), "chronyd does not start")
    client = chronyd(t, "client", f"port 0\nserver {t.ip} port 7123 iburst minpoll -2 maxpoll -2")
    judge.servers[7123] = {server.pid}
    judge.clients = {client.pid, server.pid}
    wait_for(lambda: counters()["InDatagrams"] >= 20, "chronyd does not ask")
    for child in (client, server):
        child.terminate()
        child.wait(stage.PATIENCE)
    judge.sockets = 2


UNBOUND = """
server:
  chroot: ""
  username: ""
  pidfile: ""
  directory: "{folder}"
  use-syslog: no
  logfile: "/dev/null"
  do-daemonize: no
  num-threads: 2
  so-reuseport: yes
  port: 7056
  interface: {ip}@7056
  interface: ::1@7056
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." nodefault
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {ip}@7054
"""


@scenario("unbound: two threads, a socket for each question", others=False)
def dns_threads(t):
    program, _ = need("unbound"), need("dig")
    judge = begin(t)
    above = dnsmasq(t, 7054, "--address=/truth.test/192.0.2.1")
    with open(t.file("unbound"), "w", encoding="ascii") as file:
        file.write(UNBOUND.format(folder=t.folder, ip=t.ip))
    server = t.start(program, "-d", "-c", t.file("unbound"), stderr=subprocess.DEVNULL)
    wait_for(lambda: is_bound(7056), "unbound does not start")
    judge.servers.update({7056: {server.pid}, 7054: {above.pid}})
    judge.clients = {server.pid}
    for number in range(10):
        judge.clients |= dig(t, f"n{number}.truth.test", 1, port=7056)
    judge.sockets = 23


@scenario("QUIC: ngtcp2's server and three clients", others=False)
def quic(t):
    server, client, openssl = need("gtlsserver"), need("gtlsclient"), need("openssl")
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", t.file("key"), "-out", t.file("cert")], check=True,
                   stderr=subprocess.DEVNULL)
    with open(t.file("page"), "wb") as file:
        file.write(bytes(200000))
    judge = begin(t)
    serving = t.start(server, "-q", "-d", t.folder, t.ip, 7443, t.file("key"), t.file("cert"),
                      stderr=subprocess.DEVNULL)
    wait_for(lambda: is_bound(7443), "gtlsserver does not start")
    judge.servers[7443] = {serving.pid}
    page = os.path.basename(t.file("page"))
    for _ in range(3):
        asking = t.start(client, "-q", "--exit-on-all-streams-close", t.ip, 7443,
                         f"https://localhost/{page}", stderr=subprocess.DEVNULL)
        t.finish(asking)
        judge.clients.add(asking.pid)
    judge.sockets = 4


@scenario("iperf3 by UDP: bytes and datagrams as it counts them", others=False)
def throughput(t):
    program = need("iperf3")
    judge = begin(t)
    server = t.start(program, "--server", "--one-off", "--bind", t.ip, "--port", 7201)
    wait_for(lambda: is_listening(7201), "iperf3 does not start")
    client = t.start(program, "--client", t.ip, "--port", 7201, "--udp", "--bitrate", "100M",
                     "--bytes", "2M", "--parallel", 2, "--json")
    end = json.loads(t.finish(client))["end"]
    streams = len(end["streams"])
    t.finish(server)
    judge.servers[7201] = {server.pid}
    judge.clients = {client.pid}
    judge.sockets = 4
    # Besides, each says hello with four bytes, and is answered.  The server may end before it read
    # the last datagrams; it told the client how much it had.
    sent, received = (end[side]["bytes"] + 4 * streams for side in ("sum_sent", "sum_received"))
    judge.bytes = {client.pid: (sent, 4 * streams), server.pid: (4 * streams, received)}


RSYSLOG = """
module(load="imudp" TimeRequery="1")
input(type="imudp" port="7514" address="{ip}")
*.* action(type="omfile" file="{log}")
"""


@scenario("rsyslog: a line from each of ten loggers", others=False)
def syslog(t):
    program, logger = need("rsyslogd"), need("logger")
    judge = begin(t)
    with open(t.file("conf"), "w", encoding="ascii") as file:
        file.write(RSYSLOG.format(ip=t.ip, log=t.file("log")))
    server = t.start(program, "-n", "-f", t.file("conf"), "-i", t.file("pid"),
                     stderr=subprocess.DEVNULL)
    wait_for(lambda: is_bound(7514), "rsyslogd does not start")
    judge.servers[7514] = {server.pid}
    for number in range(10):
        child = t.start(logger, "--udp", "--server", t.ip, "--port", 7514, f"line {number}")
        t.finish(child)
        judge.clients.add(child.pid)
    wait_for(lambda: counters()["InDatagrams"] == 10, "rsyslogd does not read")
    judge.sockets = 11


@scenario("socat: a process for each datagram's sender", others=False)
def forking(t):
    program = need("socat")
    judge = begin(t)
    # How long it goes on with one direction when the other one has ended.
    patience = ("-t", stage.PATIENCE)
    server = t.start(program, *patience, f"UDP-RECVFROM:7600,bind={t.ip},fork",
                     "SYSTEM:cat; echo done")
    wait_for(lambda: is_bound(7600), "socat does not start")
    judge.servers[7600] = {server.pid}
    judge.parents.add(server.pid)
    for _ in range(5):
        child = t.start(program, *patience, "STDIO", f"UDP:{t.ip}:7600", stdin=subprocess.PIPE)
        child.stdin.write("hello")
        child.stdin.close()
        assert child.stdout.readline() == "hellodone\n"
        child.terminate()
        child.wait(stage.PATIENCE)
        judge.clients.add(child.pid)
    judge.clients.add(server.pid)
    judge.sockets = 6
    wait_for(lambda: not children_of(server.pid), "socat's children do not end")


@scenario("a UDP echo at full speed, bound by one and used by another", others=False)
def udp_echo(t):
    judge = begin(t)
    program = os.path.join(stage.ROOT, "build", "bench", "echo")
    child = t.start(program, "server", 50000)
    said = t.finish(child).split()
    judge.clients = {child.pid, int(said[1])}
    # The server was killed before its socket was closed, by whoever had it too.
    judge.bytes = {child.pid: (10000000, 10000000)}
    judge.sockets = 2


@scenario("a socket for each question, ten thousand times", others=False)
def udp_questions(t):
    judge = begin(t)
    program = os.path.join(stage.ROOT, "build", "bench", "echo")
    child = t.start(program, "query", 10000)
    said = t.finish(child).split()
    judge.clients = {child.pid, int(said[1])}
    # The server was killed before its socket was closed, by whoever had it too.
    judge.bytes = {child.pid: (2000000, 2000000)}
    judge.sockets = 10001


@scenario("UDP: SO_REUSEPORT, inherited, connected or not", others=False)
def udp_shared(t):
    judge = begin(t)
    first, second = t.actor("first"), t.actor("second")
    client, other = t.actor("client"), t.actor("other")
    judge.clients = {client.pid, other.pid}
    shared = [a.bind(a.socket(4, udp=True, reuseport=True).sock, t.ip, 7000)
              for a in (first, second)]
    judge.servers[7000] = {first.pid, second.pid}
    inherited = first.bind(first.socket(4, udp=True).sock, t.ip, 7001)
    child = first.fork()
    judge.servers[7001] = {first.pid, child.pid}
    judge.servers[7000].add(child.pid)
    passed = second.bind(second.socket(4, udp=True).sock, t.ip, 7002)
    judge.servers[7002] = {second.pid}
    ours = client.socket(4, udp=True).sock
    for _ in range(50):
        client.send_to(ours, 10, t.ip, 7001)
        child.receive_from(inherited.sock)
        client.send_to(ours, 10, t.ip, 7002)
        second.receive_from(passed.sock)
    theirs = other.connect(other.socket(4, udp=True).sock, t.ip, 7001)
    for _ in range(20):
        other.send(theirs.sock, 7)
        child.receive_from(inherited.sock)
    first.close(inherited.sock)
    child.close(inherited.sock)
    for actor, answer in zip((first, second), shared):
        actor.close(answer.sock)
    judge.sockets = 6
    judge.bytes = {client.pid: (1000, 0), other.pid: (140, 0)}


# --- every call written down ---------------------------------------------------------------


def exact(t, *arguments):
    """Trace UDP, and judge each socket by what was written down of it."""
    t.judge = Exchanges(t.truth)
    t.trace("--udp", *arguments)
    t.judge.began = t.porttrace.began


def tricks(t, *names):
    """datagram.c does it: one tracer for several."""
    exact(t)
    for name in names:
        t.run(*program("datagram", name, t.ip))


@scenario("UDP: every call that sends and receives", others=False)
def udp_calls(t):
    tricks(t, "messages", "write", "unnamed", "flags", "corked", "segments", "spliced")


@scenario("UDP: connect, again, to nowhere; sends that fail", others=False)
def udp_connects(t):
    tricks(t, "again", "failures", "failed-connect", "refused")


@scenario("UDP: IPv4 and IPv6 on one socket, multicast, broadcast", others=False)
def udp_addresses(t):
    tricks(t, "dual", "multicast")


@scenario("UDP: io_uring", others=False)
def udp_ring(t):
    tricks(t, "ring", "ring-thread", "ring-waits", "ring-zc")


@scenario("UDP: forked workers, orphans, exec, threads, pidfd_getfd(2)", others=False)
def udp_processes(t):
    tricks(t, "forked", "orphaned", "becomes", "threads", "stolen")


@scenario("UDP: processes that live under a millisecond", others=False)
def udp_brief(t):
    tricks(t, "brief")


@scenario("UDP: SO_REUSEPORT, four processes that each answer", others=False)
def udp_reuseport(t):
    exact(t)
    workers = [t.actor(f"worker-{i}") for i in range(4)]
    client = t.actor("client")
    for member, worker in enumerate(workers):
        sock = worker.bind(worker.socket(udp=True, reuseport=True).sock, t.ip, 7100).sock
        worker.steer(sock, member)
        asking = client.socket(udp=True).sock
        for _ in range(3):
            client.send_to(asking, 5, t.ip, 7100)
            (_, *where), = worker.receive_from(sock).data
            worker.send_to(sock, 6, *where)
            client.receive_from(asking)
        client.close(asking)


def ask(client, server, sock, address):
    """A new socket of CLIENT, one datagram each way."""
    asking = client.socket(6 if ":" in address[0] else 4, udp=True).sock
    client.send_to(asking, 5, *address)
    (_, *where), = server.receive_from(sock).data
    server.send_to(sock, 6, *where)
    client.receive_from(asking)
    client.close(asking)


@scenario("UDP: passed over a Unix socket, the giver ends", others=False)
def udp_passed(t):
    exact(t)
    giver, heir, client = t.actor("giver"), t.actor("heir"), t.actor("client")
    name = f"truth-{heir.pid}"
    heir.open_door(name)
    unused = giver.bind(giver.socket(udp=True).sock, t.ip, 7200)
    used = giver.bind(giver.socket(udp=True).sock, t.ip, 7201)
    ask(client, giver, used.sock, used.local)
    for theirs in (unused, used):
        giver.hand_over(theirs.sock, name)
        ours = heir.take().sock
        ask(client, heir, ours, theirs.local)
    giver.kill()
    for ours in (ours,):
        ask(client, heir, ours, used.local)
        heir.close(ours)


@scenario("UDP: connected by one process, used and closed by another", others=False)
def udp_connected_for(t):
    exact(t)
    server, parent = t.actor("server"), t.actor("parent")
    theirs = server.datagram(t.ip)
    ours = parent.connect(parent.socket(udp=True).sock, *theirs.local)
    child = parent.fork()
    parent.close(ours.sock)
    child.send(ours.sock, 9)
    server.receive_from(theirs.sock)
    child.disconnect(ours.sock)
    child.send_to(ours.sock, 9, *theirs.local)
    child.close(ours.sock)


@scenario("UDP: older than the tracer", others=False)
def udp_older(t):
    server, client, idle = t.actor("server"), t.actor("client"), t.actor("idle")
    theirs = server.datagram(t.ip)
    old = client.socket(udp=True).sock
    client.send_to(old, 5, *theirs.local)
    server.receive_from(theirs.sock)
    connected = client.connect(client.socket(udp=True).sock, *theirs.local)
    client.send(connected.sock, 5)
    server.receive_from(theirs.sock)
    unused = idle.datagram(t.ip)
    shared = idle.datagram(t.ip)
    child = idle.fork()
    nothing = client.socket(udp=True).sock
    exact(t)
    client.send_to(old, 6, *theirs.local)
    client.send(connected.sock, 7)
    client.send_to(nothing, 8, *theirs.local)
    server.receive_from(theirs.sock, 3)
    ask(client, child, shared.sock, shared.local)
    idle.close(shared.sock)
    child.close(shared.sock)
    idle.close(unused.sock)
    child.close(unused.sock)
    client.disconnect(connected.sock)
    client.connect(connected.sock, *theirs.local)
    client.send(connected.sock, 7)
    server.receive_from(theirs.sock)


@scenario("UDP: one process in two namespaces, the same ports in both", others=False)
def udp_namespaces(t):
    space = t.namespace()
    exact(t)
    t.judge.namespaces = None
    walker, there = t.actor("walker"), t.actor("there", inside=space.inside)
    here = walker.datagram("127.0.0.1", 7300)
    theirs = there.datagram("127.0.0.1", 7301)
    walker.enter(f"/proc/{space.pid}/ns/net")
    inside = walker.datagram("127.0.0.1", 7300)
    walker.send_to(inside.sock, 5, *theirs.local)
    there.receive_from(theirs.sock)
    there.send_to(theirs.sock, 6, *inside.local)
    walker.receive_from(inside.sock)
    walker.send_to(here.sock, 7, "127.0.0.1", 7301)  # nobody is there, in its own namespace


@scenario("UDP: IPv6", others=False)
def udp_six(t):
    exact(t)
    server, client = t.actor("server"), t.actor("client")
    theirs = server.datagram("::1")
    ask(client, server, theirs.sock, theirs.local)
    ours = client.connect(client.socket(6, udp=True).sock, *theirs.local)
    client.send(ours.sock, 3)
    server.receive_from(theirs.sock)


# --- at random -------------------------------------------------------------------------------


class Chaos:
    """Processes that do anything with sockets, their own, inherited or given."""

    def __init__(self, t, seed):
        self.t, self.random = t, random.Random(seed)
        self.actors = [t.actor(f"actor-{i}") for i in range(3)]
        self.has = {actor: [] for actor in self.actors}  # (number, version) of sockets
        self.addresses = []

    def step(self):
        actor = self.random.choice(self.actors)
        what = self.random.choices(
            ("new", "bind", "connect", "disconnect", "send", "send_to", "receive", "close",
             "fork", "kill", "give"),
            (6, 5, 4, 3, 8, 10, 10, 3, 1, 1, 2))[0]
        if what == "new":
            version = self.random.choice((4, 4, 6))
            self.has[actor].append((actor.socket(version, udp=True).sock, version))
        elif what in ("fork", "kill"):
            getattr(self, what)(actor)
        elif self.has[actor]:
            getattr(self, what)(actor, *self.random.choice(self.has[actor]))

    def attempt(self, actor, operation, *arguments):
        """Whether it works does not matter."""
        try:
            answer = getattr(actor, operation)(*arguments)
        except AssertionError as failure:
            assert "expected success" in str(failure), failure
            return
        if answer.local and answer.local[1]:
            ip = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(answer.local[0], answer.local[0])
            self.addresses = [*self.addresses[-9:], (ip, answer.local[1])]

    def address(self, version):
        """Where somebody may be."""
        ip, port = self.random.choice([("192.0.2.1", 9), ("127.0.0.1", 9), ("::1", 9),
                                       *self.addresses])
        if version == 4:
            return (ip if "." in ip else "127.0.0.1"), port
        return (ip if ":" in ip else f"::ffff:{ip}"), port

    def bind(self, actor, sock, version):
        port = self.random.choice((0, 0, 7100, 7101, 7102))
        self.attempt(actor, "bind", sock, *self.address(version)[:1], port)

    def connect(self, actor, sock, version):
        self.attempt(actor, "connect", sock, *self.address(version))

    def disconnect(self, actor, sock, _):
        self.attempt(actor, "disconnect", sock)

    def send(self, actor, sock, _):
        self.attempt(actor, "send", sock, self.random.randrange(100))

    def send_to(self, actor, sock, version):
        self.attempt(actor, "send_to", sock, self.random.randrange(100), *self.address(version))

    def receive(self, actor, sock, _):
        actor.receive_waiting(sock)

    def close(self, actor, sock, version):
        actor.close(sock)
        self.has[actor].remove((sock, version))

    def give(self, actor, sock, version):
        heir = self.random.choice(self.actors)
        heir.open_door(f"truth-{heir.pid}")
        actor.hand_over(sock, f"truth-{heir.pid}")
        self.has[heir].append((heir.take().sock, version))
        heir.shut_door()

    def fork(self, actor):
        if len(self.actors) < 8:
            child = actor.fork()
            self.has[child] = list(self.has[actor])
            self.actors.append(child)

    def kill(self, actor):
        if len(self.actors) > 2:
            self.actors.remove(actor)
            actor.kill()


@scenario("UDP: anything, at random", others=False)
def udp_random(t):
    seed = int(os.environ.get("TRUTH_SEED", 1))  # the same each time; another one finds more
    exact(t)
    chaos = Chaos(t, seed)
    for _ in range(scaled(2000)):
        chaos.step()
