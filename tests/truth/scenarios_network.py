# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios about the network: namespaces, protocols, handshakes, sockets that are older."""
import os
import signal
import socket
import subprocess

import harness
from scenarios_processes import ROUNDS, pairs
from stage import Skip, end, program, scenario, visit, wait_for

setting, scaled = harness.setting, harness.scaled


# --- namespaces --------------------------------------------------------------------------


@scenario("the same four-tuple in two namespaces")
def same_four_tuple(t):
    far = t.namespace()
    t.trace()
    here = (t.actor("server-here"), t.actor("client-here"))
    there = (t.actor("server-there", inside=far.inside), t.actor("client-there", inside=far.inside))
    listeners = [server.listener(t.ip, 7000) for server, _ in (here, there)]
    for number in range(ROUNDS):
        ends = []
        for (server, client), listener in zip((here, there), listeners):
            sock = client.socket().sock
            client.bind(sock, t.ip, 20000 + number)
            client.connect(sock, *listener.local)
            ends.append((client, sock, server, server.accept(listener.sock).sock))
        for client, ours, server, theirs in ends:
            end(client, ours, server, theirs)


def veth(t, ipv6=False):
    """A link between this namespace (.1) and another (.2): (the other, its address)."""
    far = t.namespace()
    harness.ip("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(far.pid))
    ours, theirs = ("fd00::1", "fd00::2") if ipv6 else ("10.77.0.1", "10.77.0.2")
    more = ["nodad"] if ipv6 else []
    width = "/64" if ipv6 else "/24"
    harness.ip("address", "add", ours + width, "dev", "near", *more)
    harness.ip("link", "set", "near", "up")
    far.run("ip", "address", "add", theirs + width, "dev", "far", *more)
    far.run("ip", "link", "set", "far", "up")
    return far, theirs


def over_veth(t, ipv6):
    far, address = veth(t, ipv6)
    t.trace()
    server, client = t.actor("server", inside=far.inside), t.actor("client")
    listener = server.listener(address)
    for number in range(40):
        ours = client.client(listener.local)
        theirs = server.accept(listener.sock)
        if number % 2:
            end(client, ours.sock, server, theirs.sock)
        else:
            end(server, theirs.sock, client, ours.sock)


@scenario("veth between two namespaces, both ends named")
def veth_ipv4(t):
    over_veth(t, False)


@scenario("veth between two namespaces, IPv6")
def veth_ipv6(t):
    over_veth(t, True)


# --- protocols -----------------------------------------------------------------------------


@scenario("MPTCP: one connection, not two")
def mptcp(t):
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).close()
    except OSError as error:
        raise Skip(f"no MPTCP: {error.strerror}") from error
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    sock = server.socket(mptcp=True).sock
    server.bind(sock, t.ip, 7000)
    server.listen(sock)
    for number in range(ROUNDS):
        # Every fourth one comes from a client that knows nothing of it.
        ours = client.connect(client.socket(mptcp=number % 4 != 0).sock, t.ip, 7000)
        theirs = server.accept(sock)
        client.send(ours.sock, 50)
        end(client, ours.sock, server, theirs.sock)


@scenario("TCP Fast Open, client and server")
def fast_open(t):
    setting("ipv4.tcp_fastopen", 3)
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    sock = server.socket().sock
    server.bind(sock, t.ip, 7000)
    server.fast_listen(sock)
    for _ in range(ROUNDS):
        ours = client.fast_connect(client.socket().sock, t.ip, 7000)
        theirs = server.accept(sock)
        server.receive(theirs.sock, 5)
        client.close(ours.sock)
        server.close(theirs.sock)


@scenario("self-connect")
def self_connect(t):
    t.trace()
    actor = t.actor("narcissus")
    for number in range(ROUNDS):
        sock = actor.socket().sock
        actor.bind(sock, t.ip, 7000 + number)
        actor.connect(sock, t.ip, 7000 + number)
        actor.send(sock, 10)
        actor.receive(sock, 10)
        actor.close(sock)


@scenario("simultaneous open")
def simultaneous_open(t):
    """Both are deaf while they call: the SYNs are sent again once both have called."""
    t.trace()
    left, right = t.actor("left"), t.actor("right")
    ends = []
    for number in range(10):
        one, other = (t.ip, 21000 + number), (t.ip, 22000 + number)
        for actor, own in ((left, one), (right, other)):
            ends.append((actor, actor.socket().sock))
            actor.bind(ends[-1][1], *own)
            actor.deaf(ends[-1][1], True)
        left.connect_later(ends[-2][1], *other, error="EINPROGRESS")
        right.connect_later(ends[-1][1], *one, error="EINPROGRESS")
    for actor, sock in ends:
        actor.deaf(sock, False)
    for actor, sock in ends:
        actor.finish_connect(sock)
    for actor, sock in ends:
        actor.close(sock)


@scenario("IPv6")
def ipv6(t):
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    listener = server.listener("::1")
    for _ in range(ROUNDS):
        visit(client, server, listener)


@scenario("dual stack and IPv4-mapped addresses")
def dual_stack(t):
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    sock = server.socket(6, only6=False).sock
    server.bind(sock, "::", 7000)
    server.listen(sock)
    for number in range(ROUNDS * 3):
        version, address = ((4, t.ip), (6, "::1"), (6, f"::ffff:{t.ip}"))[number % 3]
        ours = client.connect(client.socket(version).sock, address, 7000)
        theirs = server.accept(sock)
        end(client, ours.sock, server, theirs.sock)


@scenario("SO_REUSEPORT, a program chooses the process")
def steered(t):
    t.trace()
    members, client = [t.actor(f"member-{n}") for n in range(4)], t.actor("client")
    listeners = []
    for member in members:
        sock = member.socket(reuseport=True).sock
        member.bind(sock, t.ip, 7000)
        listeners.append(member.listen(sock).sock)
    for number in range(40):
        who = number * 3 % 4
        members[number % 4].steer(listeners[number % 4], who)
        ours = client.client((t.ip, 7000))
        theirs = members[who].accept(listeners[who])
        end(client, ours.sock, members[who], theirs.sock)


# --- handshakes that fail -----------------------------------------------------------------


@scenario("connects that are refused")
def refused(t):
    t.trace()
    client = t.actor("client")
    for number in range(ROUNDS):
        sock = client.socket().sock
        client.bind(sock, t.ip, 23000 + number)
        client.connect(sock, t.ip, 7000, error="ECONNREFUSED")
        client.close(sock)


@scenario("non-blocking connects that are aborted")
def aborted(t):
    harness.far_network(answers=True)
    t.trace()
    client = t.actor("client")
    for number in range(ROUNDS):
        sock = client.socket().sock
        client.bind(sock, "10.9.0.1", 23000 + number)
        client.connect_later(sock, "10.9.0.2", 7000, error="EINPROGRESS")
        client.abort(sock, "10.9.0.2", 7000)


@scenario("binds that fail")
def failed_binds(t):
    t.trace()
    holder, other = t.actor("holder"), t.actor("other")
    holder.listener(t.ip, 7000)
    for _ in range(ROUNDS):
        sock = other.socket().sock
        other.bind(sock, t.ip, 7000, error="EADDRINUSE")
        other.close(sock)


# --- sockets that are older than the tracer ----------------------------------------------------


@scenario("sockets older than the tracer", others=False)
def older(t):
    server, client, listener, made = pairs(t, 40)
    worker = server.fork()
    t.trace("--snapshot")
    for number, (ours, theirs) in enumerate(made):
        client.close(ours.sock)
        end(server, theirs.sock, worker, theirs.sock)
        if number % 4 == 0:
            new = client.client(listener.local)
            accepted = worker.accept(listener.sock)
            end(client, new.sock, worker, accepted.sock)


@scenario("sockets on their way to another process when the tracer starts", others=False)
def in_flight(t):
    """Nobody has a descriptor of them: they are nobody's until somebody takes them."""
    server, client, _, made = pairs(t, 10)
    taker = t.actor("taker")
    taker.open_door(f"truth-{taker.pid}")
    for _, theirs in made:
        server.hand_over(theirs.sock, f"truth-{taker.pid}")
        server.close(theirs.sock)
    t.trace("--snapshot")
    for ours, _ in made:
        passed = taker.take()
        end(taker, passed.sock, client, ours.sock)


@scenario("thousands of sockets come and go while it starts", others=False)
def churn(t):
    setting("ipv4.tcp_tw_reuse", 0)
    setting("ipv4.ip_local_port_range", "10000 65000")
    churns = [t.start(*program("churn", t.ip, 7000 + n, 500), stdin=subprocess.PIPE)
              for n in range(2)]
    for child in churns:
        assert child.stdout.readline() == "open\n"
    t.trace("--snapshot", "--flush-interval", 50)
    # And a while with the tracer: until it has told 500 connects.
    wait_for(lambda: opened(t.file("records")) > 500, "no connects are told")
    for child in churns:
        t.finish(child)


def opened(path):
    with open(path, "rb") as file:
        return sum(b'"action":"connect"' in line for line in file)


# --- a hard life -----------------------------------------------------------------------------


@scenario("records lost: a small ring, a stopped tracer", others=False, lossy=True)
def lost_records(t):
    t.trace("--ring-size", "64K")
    server, client, _, made = pairs(t)
    os.kill(t.porttrace.process.pid, signal.SIGSTOP)
    t.load(os.path.join(harness.PROGRAMS, "load"), 3000, 2, 2)
    for ours, theirs in made:
        end(client, ours.sock, server, theirs.sock)
    os.kill(t.porttrace.process.pid, signal.SIGCONT)
    wait_for(lambda: b'"action":"lost"' in open(t.file("records"), "rb").read(),
             "the loss is not told")
    pairs(t, 40, server, client)


def receive_steering(t, cpus):
    """Packets of lo are taken in on any of these CPUs."""
    os.mkdir(t.file("sys"))  # of this namespace, where nobody else sees it
    subprocess.run(["mount", "-t", "sysfs", "sysfs", t.file("sys")], check=True)
    try:
        with open(t.file("sys/class/net/lo/queues/rx-0/rps_cpus"), "w", encoding="ascii") as file:
            file.write(cpus)
    except OSError as error:
        raise Skip(f"no RPS: {error.strerror}") from error


def load(t, connections, clients, servers):
    setting("ipv4.tcp_tw_reuse", 0)
    setting("ipv4.tcp_max_tw_buckets", 4 * connections)
    setting("ipv4.ip_local_port_range", "10000 65000")
    t.trace()
    t.load(os.path.join(harness.PROGRAMS, "load"), connections, clients, servers)


@scenario(f"load: {scaled(40_000):,} connections, 2 clients, 2 servers")
def load_2_2(t):
    load(t, scaled(40_000), 2, 2)


@scenario(f"load: {scaled(15_000):,} connections, 1 client, 1 server")
def load_1_1(t):
    load(t, scaled(15_000), 1, 1)


@scenario(f"load: {scaled(25_000):,} connections, 16 clients, 8 servers")
def load_16_8(t):
    load(t, scaled(25_000), 16, 8)


@scenario(f"load: {scaled(20_000):,} connections with RPS on both CPUs")
def load_rps(t):
    receive_steering(t, "3")
    load(t, scaled(20_000), 2, 2)
