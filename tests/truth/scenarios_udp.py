# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios of UDP, with programs that people run; datagrams.py says what is right."""
import os
import subprocess

import stage
from datagrams import Datagrams, counters
from stage import need, scenario, wait_for


def is_bound(port):
    """By /proc/net/udp of this namespace."""
    with open("/proc/net/udp", encoding="ascii") as file:
        return any(f":{port:04X} 00000000:0000 07" in line for line in file)


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


def dig(t, name, count, *more):
    """COUNT runs: their pids."""
    pids = set()
    for _ in range(count):
        child = t.start(need("dig"), "+short", "+tries=1", f"@{t.ip}", "-p", 7053, *more, name)
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
