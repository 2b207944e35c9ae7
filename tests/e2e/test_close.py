# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""close: how connections end, for both ends."""
from harness import SLOW, Actor, Tracer, check, loopback_silent, none, one, pair


def closes(tracer, client, server):
    """The close records of both ends of the only connection."""
    for actor in (client, server):
        tracer.wait(action="close", pid=actor.pid, socket="connection")
    records = tracer.trace()
    return [one(records, action="close", pid=actor.pid, socket="connection")
            for actor in (client, server)]


def exchange(server, client, there=1000, back=2345, address="127.0.0.1"):
    """A connection that carried THERE bytes to the server and BACK bytes to the client."""
    _, ours, theirs = pair(server, client, address)
    client.send(ours.sock, there)
    server.receive(theirs.sock, there)
    server.send(theirs.sock, back)
    client.receive(ours.sock, back)
    return ours, theirs


def check_ends(ends, by, how, there, back):
    """BY is the client's view; the server's is the other way around."""
    for record, side in zip(ends, (by, {"local": "remote", "remote": "local"}[by])):
        check(record, by=side, how=how, **{"source.bytes": there, "destination.bytes": back})


def test_client_first():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    ours, theirs = exchange(server, client)
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    mine, other = closes(tracer, client, server)
    check(mine, by="local", how="fin", direction="egress", local=ours.local, remote=ours.remote,
          name="client", attribution="connect")
    check(other, by="remote", how="fin", direction="ingress", local=theirs.local,
          remote=theirs.remote, name="server", attribution="accept")
    for record in (mine, other):
        check(record, source=ours.local, destination=ours.remote, outcome="success",
              **{"source.bytes": 1000, "destination.bytes": 2345,
                 "source.process.pid": client.pid, "destination.process.pid": server.pid})
        assert record["event.duration"] > 0


def test_server_first():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    ours, theirs = exchange(server, client, 3, 70000)
    server.close(theirs.sock)
    client.receive(ours.sock)
    client.close(ours.sock)
    check_ends(closes(tracer, client, server), by="remote", how="fin", there=3, back=70000)


def test_half_closed():
    """The client shuts its side down, the server goes on to send."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    client.send(ours.sock, 10)
    client.shutdown(ours.sock)
    server.receive(theirs.sock)
    server.send(theirs.sock, 500)
    server.close(theirs.sock)
    client.receive(ours.sock)
    client.close(ours.sock)
    check_ends(closes(tracer, client, server), by="local", how="fin", there=10, back=500)


def test_nothing_sent():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    for record in closes(tracer, client, server):
        check(record, **{"source.bytes": 0, "destination.bytes": 0})


def test_ipv6():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    ours, theirs = exchange(server, client, address="::1")
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    for record in closes(tracer, client, server):
        check(record, source=ours.local, destination=ours.remote, ip_version="ipv6",
              **{"source.bytes": 1000, "destination.bytes": 2345})


def test_reset_by_linger():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    ours, theirs = exchange(server, client)
    client.reset(ours.sock)
    server.receive(theirs.sock, error="ECONNRESET")
    mine, other = closes(tracer, client, server)
    check(mine, by="local", how="reset", local=ours.local, remote=ours.remote,
          source=ours.local, destination=ours.remote)
    check(other, by="remote", how="reset", local=theirs.local, remote=theirs.remote)
    for record in (mine, other):
        check(record, **{"source.bytes": 1000, "destination.bytes": 2345})


def test_reset_by_unread_data():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    server.send(theirs.sock, 100)
    client.wait_readable(ours.sock)
    client.close(ours.sock)
    server.receive(theirs.sock, error="ECONNRESET")
    check_ends(closes(tracer, client, server), by="local", how="reset", there=0, back=100)


def test_reset_before_accept():
    """The connection in the queue is reset: its end has no owner but is told."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)
    client.reset(ours.sock)
    tracer.wait(action="close", pid=client.pid)
    records = tracer.trace()
    check(one(records, action="close", pid=client.pid), by="local", how="reset",
          source=ours.local)
    none(records, action="accept")


def test_timed_out():
    """The other end falls silent: the client gives up after its TCP_USER_TIMEOUT."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, _ = pair(server, client)
    client.user_timeout(ours.sock, 300)
    loopback_silent()
    client.send(ours.sock, 50)
    client.receive(ours.sock, error="ETIMEDOUT")
    tracer.wait(action="close", pid=client.pid)
    records = tracer.trace()
    check(one(records, action="close", pid=client.pid), how="timeout", local=ours.local)
    none(records, action="close", pid=server.pid, socket="connection")


def test_ends_with_its_process():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    exchange(server, client)
    client.leave()
    server.leave()
    mine, other = closes(tracer, client, server)
    check(mine, by="local", how="fin", name="client")
    check(other, by="remote", how="fin", name="server")


def test_life():
    """event.duration is the life of the connection as its process saw it."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    ours, theirs = exchange(server, client)
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    for actor in (client, server):
        tracer.wait(action="close", pid=actor.pid)
    records = tracer.trace()
    begin = one(records, action="connect")["@timestamp"]
    record = one(records, action="close", pid=client.pid)
    between = nanoseconds(record["@timestamp"]) - nanoseconds(begin)
    assert 0 <= record["event.duration"] - between < 50_000_000 * SLOW, (record, between)


def nanoseconds(timestamp):
    """Of the day; a test that runs over midnight may fail."""
    hours, minutes, seconds = timestamp[11:-1].split(":")
    return (int(hours) * 3600 + int(minutes) * 60) * 10**9 + int(seconds.replace(".", ""))
