# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Filters: each shows what it should, and nothing else."""
from harness import Actor, Tracer, live

# The traffic of every test here, as (who, action, outcome, IP version).
LISTEN4, LISTEN6 = 7501, 7502


class Traffic:
    """Two servers and two clients; alice uses IPv4, bob IPv6, both also fail once."""

    def __init__(self):
        self.web, self.mail = Actor("web"), Actor("mail")
        self.alice, self.bob = Actor("alice"), Actor("bob")
        # By its pid or user, a process is known only when it runs; sockets come later.
        self.bob.become(65534)

    def flow(self):
        for server, client, ip, port in ((self.web, self.alice, "127.0.0.1", LISTEN4),
                                         (self.mail, self.bob, "::1", LISTEN6)):
            listener = server.listener(ip, port)
            ours = client.client(listener.local)
            theirs = server.accept(listener.sock)
            client.close(ours.sock)
            server.receive(theirs.sock)
            server.close(theirs.sock)
            server.close(listener.sock)
        self.alice.connect(self.alice.socket().sock, "127.0.0.2", 9, error="ECONNREFUSED")
        self.bob.connect(self.bob.socket(6).sock, "::1", 19, error="ECONNREFUSED")


def everything():
    """(process name, action, outcome, ...) of all the records of the traffic."""
    for server, client, version, port in (("web", "alice", "ipv4", LISTEN4),
                                          ("mail", "bob", "ipv6", LISTEN6)):
        yield server, "bind", "success", version, port, None
        yield server, "listen", "success", version, port, None
        yield client, "connect", "success", version, None, port
        yield server, "accept", "success", version, port, None
        yield client, "close", "success", version, None, port
        yield server, "close", "success", version, port, None
        yield server, "close", "success", version, port, None
    yield "alice", "connect", "failure", "ipv4", None, 9
    yield "bob", "connect", "failure", "ipv6", None, 19


def seen(record):
    """The same of a record; of ports only those that the test chose."""
    def chosen(path):
        port = record.get(path)
        return port if port in (LISTEN4, LISTEN6, 9, 19) else None
    return (record["process.name"], record["event.action"], record["event.outcome"],
            record["network.type"], chosen("porttrace.local.port"),
            chosen("porttrace.remote.port"))


def check_filter(*arguments, keep, traffic=None):
    """With ARGUMENTS exactly those are shown for which keep(who, action, ...) holds."""
    traffic = traffic or Traffic()
    tracer = Tracer(*arguments)
    traffic.flow()
    expected = sorted((item for item in everything() if keep(*item)), key=str)
    wait_for_all(tracer, len(expected))
    found = sorted((seen(record) for record in live(tracer.trace())), key=str)
    missing, extra = list(expected), []
    for item in found:
        if item in missing:
            missing.remove(item)
        else:
            extra.append(item)
    assert not missing and not extra, f"{arguments}: missing {missing}, not wanted {extra}"


def wait_for_all(tracer, number):
    """The ends of connections may be told after close(2) returned."""
    try:
        tracer.wait_until(lambda: len(live(tracer.records)) >= number, "too few records")
    except AssertionError:
        pass


def test_none():
    check_filter(keep=lambda *_: True)


def test_port():
    check_filter("--port", str(LISTEN4),
                 keep=lambda who, action, outcome, version, local, remote:
                 LISTEN4 in (local, remote))


def test_port_list_and_range():
    check_filter("-P", f"9,{LISTEN6}-{LISTEN6 + 5}",
                 keep=lambda who, action, outcome, version, local, remote:
                 {LISTEN6, 9} & {local, remote})


def test_local_port():
    check_filter("--local-port", str(LISTEN4),
                 keep=lambda who, action, outcome, version, local, remote: local == LISTEN4)


def test_remote_port():
    check_filter("--remote-port", str(LISTEN4),
                 keep=lambda who, action, outcome, version, local, remote: remote == LISTEN4)


def test_pid():
    traffic = Traffic()
    check_filter("--pid", str(traffic.alice.pid), "-p", str(traffic.web.pid),
                 keep=lambda who, *_: who in ("alice", "web"), traffic=traffic)


def test_comm():
    check_filter("--comm", "al*", "--comm", "mai?", keep=lambda who, *_: who in ("alice", "mail"))


def test_user():
    check_filter("--user", "nobody", keep=lambda who, *_: who == "bob")


def test_user_by_number():
    check_filter("--user", "65534", keep=lambda who, *_: who == "bob")


def test_event():
    check_filter("--event", "accept,listen",
                 keep=lambda who, action, *_: action in ("accept", "listen"))


def test_failed():
    check_filter("--failed", keep=lambda who, action, outcome, *_: outcome == "failure")


def test_ipv4():
    check_filter("-4", keep=lambda who, action, outcome, version, *_: version == "ipv4")


def test_ipv6():
    check_filter("-6", keep=lambda who, action, outcome, version, *_: version == "ipv6")


def test_both_versions():
    check_filter("-4", "-6", "--tcp", keep=lambda *_: True)


def test_net():
    check_filter("--net", "127.0.0.2/32",
                 keep=lambda who, action, outcome, version, local, remote: remote == 9)


def test_net_ipv6():
    check_filter("--net", "::1",
                 keep=lambda who, action, outcome, version, *_: version == "ipv6")


def test_kinds_combine():
    check_filter("--failed", "--comm", "bob", "--event", "connect",
                 keep=lambda who, action, outcome, *_: who == "bob" and outcome == "failure")


def test_other_namespace_is_not_shown():
    """An inode number that is no network namespace of anybody."""
    tracer, actor = Tracer("--netns", "1", namespace=()), Actor()
    actor.listener()
    assert not live(tracer.trace())


def test_owners_are_kept_behind_the_filter():
    """What a filter hides is still known: the peer of a connection that is shown."""
    server, client = Actor("server"), Actor("client")
    tracer = Tracer("--event", "close", "--comm", "client")
    listener = server.listener()
    ours = client.client(listener.local)
    theirs = server.accept(listener.sock)
    client.close(ours.sock)
    server.close(theirs.sock)  # until then the client's end may stay in FIN_WAIT2
    record = tracer.wait(action="close", pid=client.pid)
    tracer.trace()
    assert record["destination.process.pid"] == server.pid, record
