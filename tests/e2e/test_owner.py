# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who is behind a socket: older sockets, children, programs, threads, names."""
import ctypes
import json
import re
import subprocess

from harness import (Actor, Tracer, alone, bpftool, check, live, map_of, my_netns, none, one, pair,
                     private_network, program, scaled, select, wait_in_accept)

RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


# --- sockets older than the tracer -----------------------------------------------------


def test_snapshot():
    server, client = Actor("server"), Actor("client")
    listener, ours, theirs = pair(server, client)
    tracer = Tracer("--snapshot")
    later = Actor("later")
    tracer.wait(action="connect", source=later.client(listener.local).local)
    records = tracer.trace()
    check(one(records, action="open", socket="listener"), pid=server.pid, name="server",
          local=listener.local, source=listener.local, attribution="snapshot",
          **{"process.executable": server.executable, "porttrace.local.scope": "loopback"})
    check(one(records, action="open", pid=client.pid), socket="connection", name="client",
          local=ours.local, remote=ours.remote)
    check(one(records, action="open", pid=server.pid, socket="connection"), local=theirs.local,
          remote=theirs.remote)
    actions = [record["event.action"] for record in live(records)]
    assert actions == ["open"] * 3 + ["connect"], actions


def test_snapshot_ipv6():
    server, client = Actor("server"), Actor("client")
    listener, ours, _ = pair(server, client, "::1")
    tracer = Tracer("--snapshot")
    records = tracer.trace()
    check(one(records, action="open", socket="listener"), local=listener.local,
          ip_version="ipv6", pid=server.pid)
    check(one(records, action="open", pid=client.pid), local=ours.local, remote=ours.remote)


def test_snapshot_of_another_namespace():
    """Also what no descriptor leads to: a connection that nobody has accepted yet."""
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)
    there = my_netns()
    with open("/proc/self/ns/net", "rb") as home:
        private_network()
        tracer = Tracer("--snapshot", namespace=("--netns", str(there)))
        assert not ctypes.CDLL(None).setns(home.fileno(), 0)
    records = tracer.trace()
    check(one(records, action="open", local=listener.local, remote=ours.local), pid=None,
          attribution="inherit", **{"porttrace.state.new": "ESTABLISHED"})
    assert len(select(records, action="open")) == 3


def test_no_snapshot_unless_asked_for():
    server, client = Actor("server"), Actor("client")
    pair(server, client)
    none(Tracer().trace(), action="open")


def test_older_connection_ends():
    """Its close has the right owners and bytes, with or without --snapshot."""
    server, client = Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    client.send(ours.sock, 600)
    tracer = Tracer()
    client.send(ours.sock, 66)
    client.close(ours.sock)
    assert server.receive(theirs.sock).data == 666
    server.close(theirs.sock)
    for actor in (client, server):
        tracer.wait(action="close", pid=actor.pid)
    records = tracer.trace()
    mine = check(one(records, action="close", pid=client.pid), name="client", by="local",
                 how="fin", local=ours.local, remote=ours.remote, attribution="snapshot")
    other = check(one(records, action="close", pid=server.pid), name="server", by="remote",
                  how="fin", attribution="snapshot")
    # Which end began it may not be known any more, but then there are no ends to mix up.
    for record in (mine, other):
        if record.get("network.direction"):
            check(record, source=ours.local, **{"source.bytes": 666, "destination.bytes": 0})


def test_older_listener():
    """It accepts, it is the other end of a connect, and it stops."""
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    tracer = Tracer()
    ours = client.client(listener.local)
    server.accept(listener.sock)
    server.close(listener.sock)
    records = tracer.trace()
    check(one(records, action="connect"), pid=client.pid,
          **{"destination.process.pid": server.pid, "destination.process.name": "server"})
    check(one(records, action="accept"), pid=server.pid, source=ours.local)
    check(one(records, action="close", socket="listener"), pid=server.pid, local=listener.local)


def test_older_and_waiting():
    """A server that waits in accept(2) while the tracer starts, as most do."""
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    server.begin_accept(listener.sock)
    wait_in_accept(server)
    tracer = Tracer()
    ours = client.client(listener.local)
    theirs = server.result()
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    tracer.wait(action="close", local=theirs.local, remote=theirs.remote)
    records = tracer.trace()
    check(one(records, action="accept"), pid=server.pid, name="server", source=ours.local)
    check(one(records, action="close", local=theirs.local, remote=theirs.remote), pid=server.pid)


def test_older_and_in_use():
    """A bind that fails because of a socket that the tracer never saw being bound."""
    holder, actor = Actor("holder"), Actor("late")
    address = holder.listener().local
    tracer = Tracer()
    actor.bind(actor.socket().sock, *address, error="EADDRINUSE")
    check(one(tracer.trace(), action="bind"), pid=actor.pid, error="EADDRINUSE", local=address)


# --- processes ------------------------------------------------------------------------------


def test_fork_after_accept():
    """A server that forks for each connection: the child is the one that ends it."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    child = server.fork()
    assert child.parent == server.pid
    server.close(theirs.sock)
    child.send(theirs.sock, 5)
    client.receive(ours.sock, 5)
    child.close(theirs.sock)
    client.receive(ours.sock)
    client.close(ours.sock)
    tracer.wait(action="close", local=theirs.local, remote=theirs.remote)
    records = tracer.trace()
    check(one(records, action="accept"), pid=server.pid)
    check(one(records, action="close", local=theirs.local, remote=theirs.remote),
          pid=server.pid, by="local", **{"porttrace.actor.pid": child.pid})


def test_fork_before_accept():
    """A pre-forking server: the worker that accepts is the owner of the connection."""
    tracer, master, client = Tracer(), Actor("master"), Actor("client")
    listener = master.listener()
    worker = master.fork()
    worker.rename("worker")
    ours = client.client(listener.local)
    theirs = worker.accept(listener.sock)
    worker.close(theirs.sock)
    client.receive(ours.sock)
    client.close(ours.sock)
    tracer.wait(action="close", pid=worker.pid)
    tracer.wait(action="close", pid=client.pid)
    records = tracer.trace()
    check(one(records, action="accept"), pid=worker.pid, name="worker",
          **{"process.parent.pid": master.pid, "process.parent.name": "master",
             "destination.process.pid": worker.pid, "source.process.pid": client.pid})
    check(one(records, action="close", pid=worker.pid), attribution="accept",
          source=ours.local)
    check(one(records, action="close", pid=client.pid), **{
        "source.process.pid": client.pid, "destination.process.pid": worker.pid})


def test_short_lived_program():
    """One that is gone after a millisecond still has its name, program and parent."""
    tracer, server, shell = Tracer(), Actor("server"), Actor("shell")
    listener = server.listener()
    command = program("brief", *listener.local)
    said = shell.spawn(*command).data
    tracer.wait(action="close", pid=said["pid"])
    records = tracer.trace()
    source = ("127.0.0.1", said["port"])
    check(one(records, action="connect"), pid=said["pid"], name="brief", source=source,
          destination=listener.local, **{
              "process.executable": command[0], "process.parent.pid": shell.pid,
              "process.parent.name": "shell"})
    check(one(records, action="close", pid=said["pid"]), name="brief", source=source, by="local",
          how="fin")


def test_many_short_lived_programs():
    tracer, server, shell = Tracer(), Actor("server"), Actor("shell")
    listener = server.listener(port=7100)
    said = [shell.spawn(*program("brief", *listener.local)).data for _ in range(scaled(50, least=10))]
    for one_of_them in said:
        tracer.wait(action="close", pid=one_of_them["pid"])
    records = tracer.trace()
    for one_of_them in said:
        source = ("127.0.0.1", one_of_them["port"])
        check(one(records, action="connect", pid=one_of_them["pid"]), source=source, name="brief")
        check(one(records, action="close", pid=one_of_them["pid"]), source=source, name="brief")


@alone
def test_ended_programs_are_forgotten():
    """All of them at once: an end that a hook misses would leave its entry for months."""
    tracer, server = Tracer(), Actor("server")
    listener = server.listener(port=7101)
    server.listen(listener.sock, backlog=4096)
    script = 'for _ in $(seq "$1"); do "$2" "$3" "$4" & done; wait'
    command = program("brief", *listener.local)
    said = subprocess.run(["sh", "-c", script, "sh", "400", *command],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    entries = bpftool("map", "dump", "id", map_of(tracer.pid, "processes"))
    ended = {json.loads(line)["pid"] for line in said.splitlines()}
    left = ended & {entry["formatted"]["key"] for entry in entries}
    records = tracer.stop()[0]
    assert select(records, action="connect", name="brief") and not left, (len(left), left and min(left))


def test_thread():
    """A thread belongs to its process, and has its leader's name."""
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.in_thread("a-thread", "connect", client.socket().sock, *listener.local)
    theirs = server.in_thread("b-thread", "accept", listener.sock)
    client.in_thread("c-thread", "close", ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    tracer.wait(action="close", pid=client.pid)
    tracer.wait(action="close", pid=server.pid)
    records = tracer.trace()
    for action in ("connect", "close"):
        one(records, action=action, pid=client.pid, name="client", source=ours.local)
    for action in ("accept", "close"):
        one(records, action=action, pid=server.pid, name="server", source=ours.local)
    for record in live(records):
        assert "thread" not in str(record), record


def test_bind_in_a_thread():
    tracer, actor = Tracer(), Actor("leader")
    sock = actor.socket().sock
    actor.in_thread("a-thread", "bind", sock, "127.0.0.1", 7001)
    actor.in_thread("a-thread", "bind", actor.socket().sock, "127.0.0.1", 7001,
                    error="EADDRINUSE")
    records = tracer.trace()
    one(records, action="bind", outcome="success", pid=actor.pid, name="leader")
    one(records, action="bind", error="EADDRINUSE", pid=actor.pid, name="leader")


def test_new_name():
    """The name is the one at the moment of the event."""
    tracer, actor = Tracer(), Actor("before")
    actor.bind(actor.socket().sock, "127.0.0.1", 7002)
    actor.rename("after")
    actor.bind(actor.socket().sock, "127.0.0.1", 7003)
    records = tracer.trace()
    check(one(records, action="bind", local=("127.0.0.1", 7002)), name="before", pid=actor.pid)
    check(one(records, action="bind", local=("127.0.0.1", 7003)), name="after", pid=actor.pid)


def test_identity():
    """entity_id: the same for every record of a process, another for another process."""
    tracer, first, second = Tracer(), Actor("same"), Actor("same")
    for port in (7010, 7011):
        first.bind(first.socket().sock, "127.0.0.1", port)
    second.bind(second.socket().sock, "127.0.0.1", 7012)
    records = tracer.trace()
    ids = {r["process.entity_id"] for r in select(records, action="bind", pid=first.pid)}
    assert len(ids) == 1, ids
    assert one(records, action="bind", pid=second.pid)["process.entity_id"] not in ids
    start = one(records, action="bind", pid=second.pid)["process.start"]
    assert RFC3339.match(start), start


def test_user():
    tracer, actor = Tracer(), Actor("web")
    actor.bind(actor.socket().sock, "127.0.0.1", 7020)
    actor.become(65534)
    actor.bind(actor.socket().sock, "127.0.0.1", 7021)
    records = tracer.trace()
    check(one(records, action="bind", local=("127.0.0.1", 7020)), **{
        "process.user.id": "0", "process.user.name": "root"})
    check(one(records, action="bind", local=("127.0.0.1", 7021)), **{
        "process.user.id": "65534", "process.user.name": "nobody"})


def test_arguments():
    tracer, server, shell = Tracer("--args"), Actor("server"), Actor("shell")
    command = program("brief", *server.listener().local)
    shell.spawn(*command)
    record = one(tracer.trace(), action="connect")
    assert record["process.args"] == command, record


def test_no_arguments_unless_asked_for():
    tracer, actor = Tracer(), Actor()
    actor.bind(actor.socket().sock, "127.0.0.1", 7030)
    check(one(tracer.trace(), action="bind"), **{"process.args": None})


def test_hostile_name():
    tracer, actor = Tracer(), Actor()
    actor.rename('\x1b[2J"\\\n\xff')
    actor.bind(actor.socket().sock, "127.0.0.1", 7040)
    check(one(tracer.trace(), action="bind", pid=actor.pid), name='\x1b[2J"\\\n\ufffd')


def test_hostile_name_in_the_table():
    tracer, actor = Tracer(json_stream=False), Actor()
    actor.rename("\x1b[2J\nx")
    actor.bind(actor.socket().sock, "127.0.0.1", 7041)
    lines = tracer.stop()[0]
    line, = [line for line in lines if ":7041" in line]
    assert str(actor.pid) in line and "\\x1b[2j\\x0ax" in line.lower(), line
    assert not [line for line in lines if "\x1b" in line], lines


def test_everything_in_the_wide_table():
    """What a record says of its process, and that somebody else has bound the port."""
    tracer, master, client = Tracer("--wide", "--args", "--utc", json_stream=False), \
        Actor("master"), Actor("client")
    listener = master.listener(port=7042)
    worker = master.fork()
    worker.rename("worker")
    client.client(listener.local)
    worker.accept(listener.sock)
    lines = tracer.stop()[0]
    line, = [line for line in lines if " accept " in line]
    assert f" {worker.pid} worker " in line and f" root     master {master.pid} " in line, line
    words = line.partition("7042 <")[2].split()
    assert {f"exe={worker.executable}", "by=accept", "creator=[master"} <= set(words), line
    start, = [word for word in words if word.startswith("start=")]
    assert RFC3339.match(start[6:] + "Z"), line
    assert " args=" in line and "actor.py" in line, line
