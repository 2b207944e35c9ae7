# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""UDP in list, who, wait and run, and older sockets that are in the way."""
import json
import re
import subprocess

import harness
from harness import Actor, Record, Tracer, check, one, parse, porttrace


def ask(*arguments, status=0):
    """The records of one run in this namespace."""
    done = porttrace(*arguments, "--json", "--netns", "self")
    assert done.returncode == status, (done.returncode, done.stderr)
    return [Record(json.loads(line)) for line in done.stdout.splitlines()]


def holders(record):
    return {(h["pid"], h["fd"]) for h in record.get("porttrace.holders", [])}


def ss_end(text):
    address, port = text.rsplit(":", 1)
    address = address.strip("[]").split("%")[0]
    return {"*": "::"}.get(address, address), None if port == "*" else int(port)


def ss_sockets():
    """{(local, remote): {(pid, fd)}}"""
    found = {}
    for line in subprocess.run(["ss", "-H", "-uanp"], capture_output=True, text=True,
                               check=True).stdout.splitlines():
        words = line.split(None, 5)
        remote = ss_end(words[4])
        key = ss_end(words[3]), remote if remote[1] else None
        users = re.findall(r"pid=(\d+),fd=(\d+)", words[5] if len(words) > 5 else "")
        found[key] = {(int(pid), int(fd)) for pid, fd in users}
    return found


def test_list_as_ss():
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    for address in ("127.0.0.1", "::1", "0.0.0.0", "::"):
        theirs = server.datagram(address)
    theirs = server.datagram()
    for _ in range(5):
        client.connect(client.socket(udp=True).sock, *theirs.local)
    child = server.fork()
    records = ask("list", "--udp")
    mine = {}
    for record in records:
        check(record, transport="udp", socket="datagram", **{"porttrace.state": None})
        remote = record.get("porttrace.remote.ip"), record.get("porttrace.remote.port")
        mine[(record["porttrace.local.ip"], record["porttrace.local.port"]),
             remote if remote[1] else None] = holders(record)
    assert mine == ss_sockets()
    assert (child.pid, theirs.sock) in mine[theirs.local, None], mine
    both = ask("list")
    assert one(both, local=listener.local)["network.transport"] == "tcp"
    assert len(both) == len(records) + 1, both
    assert not harness.select(ask("list", "--tcp"), transport="udp")
    assert len(ask("list", "--listening", "-u")) == 5


def test_list_table():
    server, client = Actor("server"), Actor("client")
    theirs = server.datagram()
    ours = client.connect(client.socket(udp=True).sock, *theirs.local)
    rows = [" ".join(line.split()) for line in porttrace(
        "list", "--netns", "self").stdout.splitlines()]
    assert f"BOUND udp 127.0.0.1:{theirs.local[1]} root server {server.pid}" in rows, rows
    assert [row for row in rows if row.startswith(
        f"CONNECTED udp 127.0.0.1:{ours.local[1]} > 127.0.0.1:{theirs.local[1]} root")], rows


def test_who():
    """A port of TCP and one of UDP are two."""
    tcp, udp = Actor("tcp"), Actor("udp")
    port = tcp.listener().local[1]
    udp.datagram("0.0.0.0", port)
    assert [(r["network.transport"], r["process.pid"]) for r in ask("who", str(port))] == [
        ("tcp", tcp.pid), ("udp", udp.pid)]
    assert one(ask("who", f"{port}/udp"))["process.pid"] == udp.pid
    assert one(ask("who", f"{port}/tcp"))["process.pid"] == tcp.pid
    assert one(ask("who", "-u", str(port)))["process.pid"] == udp.pid
    lines = porttrace("who", str(port), "--netns", "self").stdout.splitlines()
    assert [line.split(" ")[1].split(",")[0] for line in lines if line.startswith("port ")] == [
        f"{port}/tcp", f"{port}/udp"], lines
    assert [line for line in lines if line.startswith(
        f"  BOUND 0.0.0.0:{port}, all interfaces")], lines
    udp.leave()
    done = porttrace("who", f"{port}/udp", "--netns", "self")
    assert (done.returncode, done.stderr) == (1, f"porttrace: nobody holds {port}/udp\n"), done


def test_wait():
    server = Actor("server")
    sock = server.socket(udp=True).sock
    port = server.listener().local[1]  # TCP, which is not waited for
    waiting = subprocess.Popen(
        [harness.PORTTRACE, "wait", f"{port}/udp", "--json", "--timeout", "60", "--netns", "self"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiting.stderr.readline().startswith("porttrace: waiting until")
    server.bind(sock, "127.0.0.1", port)
    out = waiting.stdout.read()
    assert waiting.wait(harness.PATIENCE) == 0
    check(parse(out.encode()), pid=server.pid, socket="datagram", transport="udp")


def test_wait_until_free():
    if harness.kernel_version() < (6, 3) and "calls" in harness.HOOKS:
        raise harness.Skip("this kernel does not show the end of UDP sockets")
    server = Actor("server")
    ours = server.datagram()
    server.listener("127.0.0.1", ours.local[1])
    waiting = subprocess.Popen(
        [harness.PORTTRACE, "wait", f"{ours.local[1]}/udp", "--free", "--netns", "self"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert waiting.stderr.readline().startswith("porttrace: waiting until")
    server.close(ours.sock)
    assert waiting.wait(harness.PATIENCE) == 0


def test_older_holders():
    """Of a socket that is older than the tracer, and that a child has too."""
    holder, late = Actor("holder"), Actor("late")
    ours = holder.datagram()
    child = holder.fork()
    tracer = Tracer()
    late.bind(late.socket(udp=True).sock, *ours.local, error="EADDRINUSE")
    record = one(tracer.trace(), action="bind", pid=late.pid)
    assert {h["pid"] for h in record["porttrace.holders"]} == {holder.pid, child.pid}, record
    assert record["porttrace.holders"][0]["state"] == "BOUND", record


def test_client_in_the_way():
    """A client has the port that a server wants; nobody else could have given it."""
    client, server, late = Actor("client"), Actor("server"), Actor("late")
    tracer = Tracer()
    local = client.connect(client.socket(udp=True).sock, *server.datagram().local).local
    late.bind(late.socket(udp=True).sock, *local, error="EADDRINUSE")
    record = one(tracer.trace(), action="bind", pid=late.pid)
    assert "ip_local_reserved_ports" in record["porttrace.hint"], record
    assert record["porttrace.holders"][0]["pid"] == client.pid, record


def test_reuseport_joins():
    first, second = Actor("first"), Actor("second")
    tracer = Tracer()
    local = first.datagram(reuseport=True).local
    first.listener(*local, reuseport=True)
    second.datagram(*local, reuseport=True)
    record = one(tracer.trace(), action="bind", pid=second.pid)
    check(record, outcome="success", **{"porttrace.warning": ["reuseport-join"]})


def test_reuseport_of_another_user():
    first, second = Actor("first"), Actor("second")
    second.become(65534)
    tracer = Tracer()
    local = first.datagram(reuseport=True).local
    second.bind(second.socket(udp=True, reuseport=True).sock, *local, error="EADDRINUSE")
    check(one(tracer.trace(), action="bind", pid=second.pid),
          **{"porttrace.cause": "reuseport-user"})


def test_dual_stack():
    first, second = Actor("first"), Actor("second")
    tracer = Tracer()
    port = first.datagram("::").local[1]
    second.bind(second.socket(udp=True).sock, "127.0.0.1", port, error="EADDRINUSE")
    check(one(tracer.trace(), action="bind", pid=second.pid),
          **{"porttrace.cause": "dual-stack"})


def test_run():
    done = porttrace("run", "--json", "--udp", "-e", "bind", "--", "/usr/bin/python3", "-c",
                     "import socket; s = socket.socket(type=socket.SOCK_DGRAM);"
                     "s.bind(('127.0.0.1', 5312))")
    assert done.returncode == 0, done
    records = [Record(json.loads(line)) for line in done.stdout.splitlines()
               if line.startswith("{")]
    check(one(records, action="bind"), local=("127.0.0.1", 5312), transport="udp")
