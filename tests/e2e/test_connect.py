# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""connect and accept: how handshakes end, and who took the connection."""
import os

from harness import Actor, Tracer, check, far_network, ip, kernel_version, none, one, pair, setting


def test_success():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    sock = client.socket().sock
    ours = client.connect(sock, *listener.local)
    cookie = client.cookie(sock).data
    server.accept(listener.sock)
    records = tracer.trace()
    record = one(records, action="connect")
    check(record, outcome="success", error=None, pid=client.pid, name="client",
          ip_version="ipv4", direction="egress", local=ours.local, remote=listener.local,
          source=ours.local, destination=listener.local, socket="connection",
          attribution="connect")
    # Before 5.12 a tracing program can't ask for it, and this client asked later.
    known = (cookie,) if kernel_version() >= (5, 12) else (cookie, None)
    assert record.get("porttrace.cookie") in known, (record, cookie)
    check(record, **{
        "process.executable": client.executable, "process.parent.pid": client.parent,
        "process.user.id": "0", "process.user.name": "root",
        "source.process.pid": client.pid, "source.process.name": "client",
        "source.process.executable": client.executable,
        "destination.process.pid": server.pid, "destination.process.name": "server"})
    assert 0 < record["event.duration"] <= ours.seconds * 1e9, record


def test_accept():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    record = one(tracer.trace(), action="accept")
    check(record, outcome="success", pid=server.pid, name="server", direction="ingress",
          local=theirs.local, remote=theirs.remote, source=ours.local, destination=ours.remote,
          socket="connection", attribution="accept", ip_version="ipv4")
    check(record, **{"source.process.pid": client.pid, "source.process.name": "client",
                     "destination.process.pid": server.pid,
                     "destination.process.name": "server"})


def test_accept_while_it_waits():
    """accept(2) was called before the connection came."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    server.begin_accept(listener.sock)
    ours = client.client(listener.local)
    server.result()
    check(one(tracer.trace(), action="accept"), pid=server.pid, source=ours.local)


def in_system_call(pid, numbers):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[0] in numbers


def test_accept_that_waits_since_before_the_start():
    """A program at a function of the kernel sees only calls that begin after it was attached."""
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    server.begin_accept(listener.sock)
    accepts = ("43", "288") if os.uname().machine == "x86_64" else ("202", "242")
    while not in_system_call(server.pid, accepts):
        os.sched_yield()
    tracer = Tracer()
    ours = client.client(listener.local)
    theirs = server.result()
    client.close(ours.sock)
    server.close(theirs.sock)
    tracer.wait(action="close", source=ours.local, **{"network.direction": "ingress"})
    records = tracer.trace()
    check(one(records, action="accept"), pid=server.pid, attribution="accept",
          source=ours.local)
    for end, pid in (("ingress", server.pid), ("egress", client.pid)):
        check(one(records, action="close", socket="connection", direction=end), pid=pid)


def test_never_accepted_makes_no_accept():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    client.client(listener.local)
    records = tracer.trace()
    one(records, action="connect", pid=client.pid)
    none(records, action="accept")


def test_accepted_after_the_client_left():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)
    client.send(ours.sock, 77)
    client.close(ours.sock)
    theirs = server.accept(listener.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    tracer.wait(action="close", pid=server.pid)
    records = tracer.trace()
    one(records, action="accept", pid=server.pid, source=ours.local)
    one(records, action="close", pid=server.pid, **{"source.bytes": 77})


def test_ipv6():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client, "::1")
    records = tracer.trace()
    one(records, action="connect", pid=client.pid, ip_version="ipv6", local=ours.local,
        remote=ours.remote, source=ours.local, destination=ours.remote)
    one(records, action="accept", pid=server.pid, ip_version="ipv6", local=theirs.local,
        remote=theirs.remote)


def test_dual_stack_server():
    """An IPv4 client of an IPv6 socket: the addresses are written as IPv4."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener("::", only6=False)
    address = ("127.0.0.1", listener.local[1])
    ours = client.client(address)
    theirs = server.accept(listener.sock)
    server.close(theirs.sock)
    client.close(ours.sock)
    tracer.wait(action="close", pid=client.pid)
    tracer.wait(action="close", pid=server.pid)
    records = tracer.trace()
    for action in ("accept", "close"):
        check(one(records, action=action, pid=server.pid), ip_version="ipv4", local=address,
              remote=ours.local)
    check(one(records, action="connect"), ip_version="ipv4", destination=address,
          **{"destination.process.pid": server.pid})


def test_dual_stack_client():
    """An IPv6 socket that connects to ::ffff:127.0.0.1."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    sock = client.socket(6).sock
    ours = client.connect(sock, "::ffff:127.0.0.1", listener.local[1])
    theirs = server.accept(listener.sock)
    records = tracer.trace()
    check(one(records, action="connect"), pid=client.pid, ip_version="ipv4",
          local=("127.0.0.1", ours.local[1]), remote=listener.local,
          **{"destination.process.pid": server.pid})
    check(one(records, action="accept"), source=theirs.remote,
          **{"source.process.pid": client.pid})


def test_non_blocking():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.connect_later(client.socket().sock, *listener.local, error="EINPROGRESS")
    server.accept(listener.sock)
    check(one(tracer.trace(), action="connect"), outcome="success", pid=client.pid,
          source=ours.local)


def test_bound_client():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    sock = client.socket().sock
    client.bind(sock, "127.0.0.2", 0)
    ours = client.connect(sock, *listener.local)
    records = tracer.trace()
    one(records, action="bind", pid=client.pid, local=ours.local)
    one(records, action="connect", pid=client.pid, local=ours.local, remote=listener.local)


# --- failures --------------------------------------------------------------------------


def check_failed(records, client, error, address):
    record = one(records, action="connect", pid=client.pid)
    check(record, outcome="failure", error=error, remote=address, destination=address,
          direction="egress", **{"source.process.pid": client.pid})
    # What was never established cannot end.
    none(records, action="close", socket="connection")
    return record


def test_refused():
    tracer, client = Tracer(), Actor("client")
    # The kernel forgets the address of a socket that failed, but not its port.
    ours = client.connect(client.socket().sock, "127.0.0.1", 9, error="ECONNREFUSED")
    record = check_failed(tracer.trace(), client, "ECONNREFUSED", ("127.0.0.1", 9))
    check(record, local=("127.0.0.1", ours.local[1]), source=("127.0.0.1", ours.local[1]))
    assert 0 < record["event.duration"] <= ours.seconds * 1e9


def test_refused_ipv6():
    tracer, client = Tracer(), Actor("client")
    client.connect(client.socket(6).sock, "::1", 9, error="ECONNREFUSED")
    check_failed(tracer.trace(), client, "ECONNREFUSED", ("::1", 9))


def test_refused_when_bound():
    tracer, client = Tracer(), Actor("client")
    sock = client.socket().sock
    address = client.bind(sock, "127.0.0.1", 0).local
    client.connect(sock, "127.0.0.1", 9, error="ECONNREFUSED")
    check(check_failed(tracer.trace(), client, "ECONNREFUSED", ("127.0.0.1", 9)),
          local=address)


def test_refused_then_success_on_one_socket():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    sock = client.socket().sock
    client.connect(sock, "127.0.0.1", 9, error="ECONNREFUSED")
    ours = client.connect(sock, *listener.local)
    records = tracer.trace()
    one(records, action="connect", error="ECONNREFUSED", remote=("127.0.0.1", 9))
    one(records, action="connect", outcome="success", local=ours.local, remote=listener.local)


def test_network_unreachable():
    tracer, client = Tracer(), Actor("client")
    client.connect(client.socket().sock, "192.0.2.1", 80, error="ENETUNREACH")
    check_failed(tracer.trace(), client, "ENETUNREACH", ("192.0.2.1", 80))


def test_network_unreachable_ipv6():
    tracer, client = Tracer(), Actor("client")
    client.connect(client.socket(6).sock, "2001:db8::1", 80, error="ENETUNREACH")
    check_failed(tracer.trace(), client, "ENETUNREACH", ("2001:db8::1", 80))


def test_host_unreachable_by_route():
    ip("route", "add", "unreachable", "192.0.2.0/24")
    tracer, client = Tracer(), Actor("client")
    client.connect(client.socket().sock, "192.0.2.1", 80, error="EHOSTUNREACH")
    check_failed(tracer.trace(), client, "EHOSTUNREACH", ("192.0.2.1", 80))


def test_host_unreachable_since_nobody_answers():
    far_network(answers=False)
    tracer, client = Tracer(), Actor("client")
    took = client.connect(client.socket().sock, "10.9.0.2", 80, error="EHOSTUNREACH").seconds
    record = check_failed(tracer.trace(), client, "EHOSTUNREACH", ("10.9.0.2", 80))
    assert 0 < record["event.duration"] <= took * 1e9
    assert record["porttrace.local.ip"] == "10.9.0.1"


def test_timed_out():
    far_network(answers=True)
    setting("ipv4.tcp_syn_retries", 1)
    tracer, client = Tracer(), Actor("client")
    sock = client.socket().sock
    client.user_timeout(sock, 500)
    took = client.connect(sock, "10.9.0.2", 80, error="ETIMEDOUT").seconds
    record = check_failed(tracer.trace(), client, "ETIMEDOUT", ("10.9.0.2", 80))
    assert 0.4e9 < record["event.duration"] <= took * 1e9
    assert record["porttrace.local.ip"] == "10.9.0.1"


def test_aborted_by_its_own_process():
    far_network(answers=True)
    tracer, client = Tracer(), Actor("client")
    ours = client.connect_later(client.socket().sock, "10.9.0.2", 80, error="EINPROGRESS")
    client.close(ours.sock)
    check(check_failed(tracer.trace(), client, "ECONNABORTED", ("10.9.0.2", 80)),
          local=ours.local)


def test_aborted_by_the_end_of_its_process():
    far_network(answers=True)
    tracer, client = Tracer(), Actor("client")
    client.connect_later(client.socket().sock, "10.9.0.2", 80, error="EINPROGRESS")
    client.leave()
    tracer.wait(action="connect", pid=client.pid)
    check_failed(tracer.trace(), client, "ECONNABORTED", ("10.9.0.2", 80))


def test_already_connected():
    """A call that changes nothing about the socket is no connection."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)
    client.connect(ours.sock, *listener.local, error="EISCONN")
    one(tracer.trace(), action="connect", pid=client.pid, outcome="success")
