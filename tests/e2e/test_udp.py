# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""UDP: what takes a port, with whom it exchanges datagrams, and how many."""
import subprocess
import sys

import harness
from harness import Actor, Folder, Skip, Tracer, check, none, one, scaled, select

NOWHERE = ("192.0.2.1", 9)  # there is no route to it


# Sixteen processes at once: a socket, a datagram, its end; and again.
CLOSING = """
import os, socket, sys
for _ in range(16):
    if not os.fork():
        for _ in range(int(sys.argv[2])):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"x", ("127.0.0.1", int(sys.argv[1])))
        os._exit(0)
for _ in range(16):
    os.wait()
"""


def needs_datagrams():
    """Skip where sends and receives are not seen: before 6.3, without fentry and fexit."""
    if harness.kernel_version() < (6, 3) and "calls" in harness.HOOKS:
        raise Skip("this kernel does not show datagrams without fentry and fexit")


def amounts(sent, received):
    """What a close says of the two ends: (bytes, datagrams) each way."""
    return {"source.bytes": sent[0], "source.packets": sent[1],
            "destination.bytes": received[0], "destination.packets": received[1]}


def test_bind():
    tracer, actor = Tracer(), Actor("binder")
    for address in (("127.0.0.1", 5300), ("::1", 5301), ("0.0.0.0", 5302)):
        actor.datagram(*address)
    records = tracer.trace()
    for address in (("127.0.0.1", 5300), ("::1", 5301), ("0.0.0.0", 5302)):
        record = one(records, action="bind", local=address)
        check(record, outcome="success", pid=actor.pid, name="binder", transport="udp",
              source=address, socket="datagram", attribution="bind", direction=None,
              **{"porttrace.state": None, "porttrace.remote": None})
    check(one(records, action="bind", local=("0.0.0.0", 5302)),
          **{"porttrace.local.scope": "any"})


def test_service_is_of_udp():
    tracer, actor = Tracer(), Actor()
    actor.datagram("127.0.0.1", 123)
    check(one(tracer.trace(), action="bind", pid=actor.pid),
          **{"porttrace.local.service": "ntp", "porttrace.local.range": "well-known"})


def test_bind_by_the_kernel():
    needs_datagrams()
    tracer, server, sender, caller = Tracer(), Actor(), Actor("sender"), Actor("caller")
    address = server.datagram().local
    sends = sender.socket(udp=True).sock
    port = sender.send_to(sends, 3, *address).local[1]
    calls = caller.connect(caller.socket(udp=True).sock, *address).local
    records = tracer.trace()
    check(one(records, action="bind", pid=sender.pid), local=("0.0.0.0", port), socket="datagram",
          attribution="send", **{"porttrace.local.ephemeral": True})
    check(one(records, action="bind", pid=caller.pid), local=calls, remote=(None, None),
          attribution="connect")


def test_closed_by_many():
    """As bind/in_use_by_many: what a kernel that preempts itself hides is counted."""
    needs_datagrams()
    tracer, server, each = Tracer("-e", "close"), Actor("server"), scaled(100, least=50)
    subprocess.run([sys.executable, "-c", CLOSING, str(server.datagram().local[1]), str(each)],
                   check=True)
    records = tracer.trace()
    told = len(select(records, action="close", name="python3", **{"source.packets": 1}))
    skipped = one(records, action="stop")["porttrace.totals"]["skipped"]
    assert 16 * each - skipped <= told <= 16 * each, (told, 16 * each, skipped)


def test_in_use():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    address = holder.datagram().local
    late.bind(late.socket(udp=True).sock, *address, error="EADDRINUSE")
    record = one(tracer.trace(), action="bind", pid=late.pid)
    check(record, outcome="failure", error="EADDRINUSE", local=address, transport="udp",
          socket="datagram", **{"porttrace.cause": "bound"})
    (told,) = record["porttrace.holders"]
    assert (told["pid"], told["name"], told["port"]) == (holder.pid, "holder", address[1]), told
    assert record["error.message"].startswith(
        f"bind to 127.0.0.1:{address[1]} failed: port {address[1]}/udp is held by holder (pid {holder.pid}, user root), bound to "
        f"127.0.0.1:{address[1]} for"), record["error.message"]


def test_tcp_is_not_in_the_way():
    """A failed bind of UDP is never laid to a TCP socket of that port, nor the other way."""
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    tcp = holder.listener().local
    holder.datagram(*tcp)
    late.bind(late.socket(udp=True).sock, *tcp, error="EADDRINUSE")
    late.bind(late.socket().sock, *tcp, error="EADDRINUSE")
    records = tracer.trace()
    for transport, cause in (("udp", "bound"), ("tcp", "listener")):
        check(one(records, action="bind", pid=late.pid, transport=transport),
              **{"porttrace.cause": cause})


def test_shared_addresses():
    """SO_REUSEADDR on both lets two UDP sockets have one port; nothing fails."""
    tracer, first, second = Tracer(), Actor(), Actor()
    address = first.datagram(reuse=True).local
    second.datagram(*address, reuse=True)
    records = select(tracer.trace(), action="bind", local=address)
    assert [r["event.outcome"] for r in records] == ["success"] * 2, records


def test_other_failures():
    tracer, actor = Tracer(), Actor()
    actor.bind(actor.socket(udp=True).sock, "192.0.2.7", 5000, error="EADDRNOTAVAIL")
    actor.become(65534)
    actor.bind(actor.socket(udp=True).sock, "127.0.0.1", 80, error="EACCES")
    records = tracer.trace()
    check(one(records, error="EADDRNOTAVAIL"), local=("192.0.2.7", 5000),
          **{"porttrace.cause": "not-local"})
    check(one(records, error="EACCES"), local=("127.0.0.1", 80), transport="udp",
          **{"porttrace.cause": "privileged"})


def test_connect():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    address = server.datagram().local
    ours = client.connect(client.socket(udp=True).sock, *address)
    client.send(ours.sock, 5)
    client.close(ours.sock)
    records = tracer.trace()
    check(one(records, action="connect"), pid=client.pid, outcome="success", transport="udp",
          local=ours.local, remote=address, source=ours.local, destination=address,
          direction="egress", socket="datagram", attribution="connect",
          **{"destination.process.pid": server.pid, "source.process.pid": client.pid})
    none(records, action="flow", pid=client.pid)
    check(one(records, action="close", pid=client.pid), remote=address, direction="egress")


def test_connect_fails():
    tracer, actor = Tracer(), Actor()
    actor.connect(actor.socket(udp=True).sock, *NOWHERE, error="ENETUNREACH")
    check(one(tracer.trace(), action="connect"), pid=actor.pid, outcome="failure",
          error="ENETUNREACH", remote=NOWHERE)


def test_connect_again():
    tracer, server, client = Tracer(), Actor(), Actor()
    first, second = server.datagram().local, server.datagram().local
    sock = client.socket(udp=True).sock
    before = client.connect(sock, *first).local
    client.disconnect(sock)
    after = client.connect(sock, *second).local
    client.connect(sock, *first)
    client.close(sock)
    records = select(tracer.trace(), pid=client.pid)
    assert [r["event.action"] for r in records] == [
        "bind", "connect", "close", "bind", "connect", "connect", "close"], records
    check(records[2], local=before)
    check(records[4], local=after, remote=second)
    check(records[6], local=after, remote=first)


def exchange(ip, back=7):
    """Three datagrams of 5 bytes, and one back: (server, client, their Answers)."""
    server, client = Actor("server"), Actor("client")
    theirs = server.datagram(ip)
    sock = client.socket(6 if ":" in ip else 4, udp=True).sock
    for _ in range(3):
        ours = client.send_to(sock, 5, *theirs.local)
    came = server.receive_from(theirs.sock, 3).data
    assert [size for size, *_ in came] == [5] * 3
    address = tuple(came[0][1:])
    server.send_to(theirs.sock, back, *address)
    client.receive_from(sock)
    return server, client, theirs, ours, address


def check_exchange(ip):
    needs_datagrams()
    tracer = Tracer()
    server, client, theirs, ours, address = exchange(ip)
    client.close(ours.sock)
    server.close(theirs.sock)
    records = tracer.trace()
    check(one(records, action="flow", pid=client.pid), local=ours.local, remote=theirs.local,
          direction="egress", socket="datagram", attribution="send", outcome="success",
          transport="udp", ip_version="ipv6" if ":" in ip else "ipv4",
          **{"destination.process.pid": server.pid})
    check(one(records, action="flow", pid=server.pid), local=theirs.local, remote=address,
          source=address, destination=theirs.local, direction="ingress",
          **{"source.process.pid": client.pid})
    check(one(records, action="close", pid=client.pid), attribution="send", **amounts(
        (15, 3), (7, 1)))
    check(one(records, action="close", pid=server.pid), attribution="bind", **amounts(
        (7, 1), (15, 3)))


def test_flow():
    check_exchange("127.0.0.1")


def test_flow_ipv6():
    check_exchange("::1")


def test_flow_of_mapped_address():
    """A socket of IPv6 that speaks IPv4."""
    needs_datagrams()
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    theirs = server.datagram("::")
    ours = client.send_to(client.socket(udp=True).sock, 1, "127.0.0.1", theirs.local[1]).local
    server.receive_from(theirs.sock)
    records = tracer.trace()
    check(one(records, action="flow", pid=server.pid), ip_version="ipv4",
          remote=("127.0.0.1", ours[1]))


def test_empty_datagram_and_peek():
    needs_datagrams()
    tracer, server, client = Tracer(), Actor(), Actor()
    theirs = server.datagram()
    sock = client.socket(udp=True).sock
    client.send_to(sock, 0, *theirs.local)
    server.peek_from(theirs.sock)
    server.receive_from(theirs.sock)
    server.close(theirs.sock)
    client.close(sock)
    records = tracer.trace()
    one(records, action="flow", pid=server.pid)
    check(one(records, action="close", pid=client.pid), **amounts((0, 1), (0, 0)))
    check(one(records, action="close", pid=server.pid), **amounts((0, 0), (0, 1)))


def test_who_does_not_ask_from_where():
    needs_datagrams()
    tracer, server, client = Tracer(), Actor(), Actor()
    theirs = server.datagram()
    for _ in range(2):
        client.send_to(client.socket(udp=True).sock, 9, *theirs.local)
    server.receive(theirs.sock, 18)
    check(one(tracer.trace(), action="flow", pid=server.pid), local=theirs.local,
          remote=(None, None), direction="ingress")


def test_send_that_fails_is_no_flow():
    needs_datagrams()
    tracer, actor = Tracer(), Actor()
    sock = actor.socket(udp=True).sock
    actor.send_to(sock, 1, *NOWHERE, error="ENETUNREACH")
    actor.close(sock)
    records = tracer.trace()
    none(records, action="flow")
    one(records, action="bind", pid=actor.pid)
    check(one(records, action="close", pid=actor.pid), **amounts((0, 0), (0, 0)))


def test_multicast_and_broadcast():
    needs_datagrams()
    harness.ip("address", "add", "10.9.0.1/24", "dev", "lo")
    harness.ip("route", "add", "224.0.0.0/4", "dev", "lo")
    harness.ip("route", "add", "255.255.255.255", "dev", "lo")
    tracer, actor = Tracer(), Actor()
    sock = actor.socket(udp=True).sock
    for address in ("224.0.0.251", "255.255.255.255", "10.9.0.1"):
        actor.send_to(sock, 1, address, 5353)
    records = tracer.trace()
    for address, scope in (("224.0.0.251", "multicast"), ("255.255.255.255", "broadcast"),
                           ("10.9.0.1", None)):
        check(one(records, action="flow", remote=(address, 5353)),
              **{"porttrace.remote.scope": scope})


def test_bound_by_one_and_used_by_another():
    needs_datagrams()
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    theirs = server.datagram()
    worker = server.fork()
    client.send_to(client.socket(udp=True).sock, 4, *theirs.local)
    worker.receive_from(theirs.sock)
    server.close(theirs.sock)
    worker.close(theirs.sock)
    records = tracer.trace()
    check(one(records, action="flow", pid=worker.pid), attribution="receive",
          **{"porttrace.creator.pid": server.pid})
    check(one(records, action="close", local=theirs.local), pid=worker.pid,
          attribution="receive", **{"porttrace.creator.pid": server.pid})


def test_passed_to_another():
    needs_datagrams()
    tracer, binder, user, server = Tracer(), Actor("binder"), Actor("user"), Actor()
    ours = binder.datagram()
    binder.give(ours.sock, user.door().data)
    sock = user.take().sock
    binder.leave()
    user.send_to(sock, 2, *server.datagram().local)
    user.close(sock)
    records = tracer.trace()
    check(one(records, action="flow"), pid=user.pid, attribution="send", local=ours.local,
          **{"porttrace.creator.pid": binder.pid})
    check(one(records, action="close", local=ours.local), pid=user.pid, **amounts((2, 1), (0, 0)))


def test_workers_share_a_socket():
    """The first that uses it keeps it; what another does is that one's doing."""
    needs_datagrams()
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    theirs = server.datagram()
    first, second = server.fork(), server.fork()
    for worker in (first, second, first):
        client.send_to(client.socket(udp=True).sock, 4, *theirs.local)
        worker.receive_from(theirs.sock)
    records = select(tracer.trace(), action="flow", local=theirs.local)
    assert [(r["process.pid"], r.get("porttrace.actor.pid")) for r in records] == [
        (first.pid, None), (first.pid, second.pid), (first.pid, None)], records


def test_who_uses_what_it_bound_keeps_it():
    needs_datagrams()
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    theirs = server.datagram()
    child = server.fork()
    for actor in (server, child):
        client.send_to(client.socket(udp=True).sock, 4, *theirs.local)
        actor.receive_from(theirs.sock)
    records = select(tracer.trace(), action="flow", local=theirs.local)
    assert [(r["process.pid"], r["porttrace.attribution"], r.get("porttrace.actor.pid"))
            for r in records] == [(server.pid, "bind", None), (server.pid, "bind", child.pid)]


def test_older_than_the_tracer():
    needs_datagrams()
    server, client = Actor("server"), Actor("client")
    theirs = server.datagram()
    ours = client.connect(client.socket(udp=True).sock, *theirs.local)
    client.send(ours.sock, 1)
    tracer = Tracer("--snapshot")
    client.send(ours.sock, 2)
    server.receive_from(theirs.sock, 2)
    client.close(ours.sock)
    server.close(theirs.sock)
    records = tracer.trace()
    check(one(records, action="open", local=theirs.local), pid=server.pid, socket="datagram",
          attribution="snapshot", remote=(None, None))
    check(one(records, action="open", local=ours.local), pid=client.pid, remote=theirs.local)
    none(records, action="bind")
    check(one(records, action="close", local=ours.local), pid=client.pid,
          **amounts((2, 1), (0, 0)))
    check(one(records, action="close", local=theirs.local), pid=server.pid,
          **amounts((0, 0), (3, 2)))


def test_death_closes():
    tracer, actor = Tracer(), Actor()
    local = actor.datagram().local
    actor.leave()
    if harness.kernel_version() >= (6, 3) or "calls" not in harness.HOOKS:
        check(one(tracer.trace(), action="close", local=local), pid=actor.pid)


def test_filters():
    needs_datagrams()
    only_udp, only_tcp, flows = Tracer("--udp"), Tracer("--tcp"), Tracer("-e", "flow")
    server, client = Actor(), Actor()
    tcp, udp = server.listener().local, server.datagram().local
    client.client(tcp)
    client.send_to(client.socket(udp=True).sock, 1, *udp)
    for tracer, transport in ((only_udp, "udp"), (only_tcp, "tcp")):
        records = harness.live(tracer.trace())
        assert records and not [r for r in records if r["network.transport"] != transport], records
    records = harness.live(flows.trace())
    assert [r["event.action"] for r in records] == ["flow"], records


def test_other_namespace():
    tracer, actor = Tracer(), Actor()
    actor.new_network()
    actor.datagram()
    none(tracer.trace(), transport="udp")


def test_kernels_own():
    """VXLAN has a socket that no process has, though one is current when it is bound."""
    needs_datagrams()
    tracer, actor = Tracer(), Actor()
    made = subprocess.run(["ip", "link", "add", "vx0", "type", "vxlan", "id", "5", "remote",
                           "127.0.0.1", "dstport", "4789", "dev", "lo"], check=False,
                          stderr=subprocess.PIPE, text=True)
    if made.returncode:
        raise Skip(f"no VXLAN: {made.stderr.strip()}")
    subprocess.run(["ip", "link", "set", "vx0", "up"], check=True)
    actor.bind(actor.socket(udp=True).sock, "0.0.0.0", 4789, error="EADDRINUSE")
    subprocess.run(["ip", "link", "delete", "vx0"], check=True)
    records = tracer.trace()
    for record in (one(records, action="bind", outcome="success"), one(records, action="close")):
        check(record, local=("0.0.0.0", 4789), pid=None, attribution="kernel", transport="udp")
    check(one(records, error="EADDRINUSE"), pid=actor.pid, **{"porttrace.cause": "kernel"})


def test_raw_sockets_are_none():
    tracer, actor = Tracer(), Actor()
    actor.spawn("/usr/bin/python3", "-c", "import socket;"
                "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 17);"
                "s.bind(('127.0.0.1', 0)); s.sendto(bytes(8), ('127.0.0.1', 0));"
                "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 6); s.bind(('127.0.0.1', 0))")
    assert not harness.live(tracer.trace())


@harness.alone
def test_many_remote_addresses():
    """No more flows are kept than there is room for; the rest is counted."""
    needs_datagrams()
    count = scaled(100000, 70000)
    with Folder() as folder:  # a pipe's reader might be too slow
        tracer, actor = Tracer(output=folder("log")), Actor("spray")
        sock = actor.socket(udp=True).sock
        actor.spray(sock, count, 5353)
        actor.close(sock)
        records, errors, status = tracer.stop()
    assert not status
    told = select(records, action="flow", pid=actor.pid)
    totals = harness.check_accounts(records, errors)
    assert len({r["porttrace.remote.ip"] for r in told}) == len(told)
    # Sockets of other namespaces take some of the room, and lose some too.
    assert 65536 / 2 < len(told) <= 65536 + 1, len(told)
    assert totals["lost"]["map"] >= count - len(told) and not totals["lost"]["ring"], totals
    check(one(records, action="close", pid=actor.pid), **amounts((count, count), (0, 0)))


def test_table():
    needs_datagrams()
    tracer = Tracer(json_stream=False)
    server, client, theirs, ours, _ = exchange("127.0.0.1")
    client.close(ours.sock)
    server.close(theirs.sock)
    lines = tracer.stop()[0]
    flow = f"flow {client.pid} client udp 0.0.0.0:{ours.local[1]} > 127.0.0.1:{theirs.local[1]}"
    assert [line for line in lines if flow in " ".join(line.split())], lines
    assert [line for line in lines if "sent 15 B received 7 B in 3+1 datagrams" in line], lines
