# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Why a bind or listen failed: each cause made for real, every holder named; warnings."""
import os
import re
import subprocess
import sys

from harness import (SLOW, Actor, Folder, Tracer, check, ip, listen_twice, one, pair, select,
                     setting)

TAKEN = "EADDRINUSE"
# Seconds that a TIME_WAIT has still left when a test looks.
LEFT = max(0, 60 - 10 * SLOW)


def failure(tracer, actor, address, action="bind", version=4, error=TAKEN, **options):
    """Let ACTOR fail to take ADDRESS: the record, as soon as it is there."""
    sock = actor.socket(version, **options).sock
    actor.bind(sock, *address, error=error)
    return tracer.wait(action=action, pid=actor.pid, outcome="failure", local=address)


def holders(record):
    return {holder.get("pid") for holder in record["porttrace.holders"]}


def holding(address, state=b"0A"):
    """The pids and descriptors that have the sockets with that port, as /proc has it."""
    port = b":%04X" % address[1]
    inodes, found = set(), set()
    for name in ("tcp", "tcp6"):
        with open("/proc/self/net/" + name, "rb") as file:
            for line in file:
                fields = line.split()
                if fields[1].endswith(port) and fields[3] == state:
                    inodes.add(f"socket:[{fields[9].decode()}]")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes:
                    found.add((int(pid), int(fd)))
        except OSError:
            continue
    return found


def cmdline(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().decode().split("\0")[:-1]


def lone_holder(record, actor, **want):
    assert len(record["porttrace.holders"]) == 1, record
    holder = record["porttrace.holders"][0]
    want = {"pid": actor.pid, "name": actor.name, **want}
    wrong = {key: holder.get(key) for key in want if holder.get(key) != want[key]}
    assert not wrong, f"{wrong} in {holder}"
    return holder


# --- who listens ------------------------------------------------------------------------


def test_listener():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    listener = holder.listener()
    record = failure(tracer, late, listener.local)
    arguments = cmdline(holder.pid)
    own_arguments = cmdline(late.pid)
    told = lone_holder(record, holder, state="LISTEN", ip=listener.local[0],
                       port=listener.local[1], fd=listener.sock, args=arguments,
                       executable=holder.executable, user={"id": "0", "name": "root"})
    check(record, error=TAKEN, **{"porttrace.cause": "listener", "process.args": own_arguments})
    began = one(tracer.trace(), action="listen", pid=holder.pid)["@timestamp"]
    assert told["since"] == began[:23] + "Z", (told, began)
    ip_, port = listener.local
    assert re.fullmatch(
        rf"bind to {ip_}:{port} failed: port {port}/tcp is held by holder \(pid {holder.pid}, "
        rf"user root.*\), listening on {ip_}:{port} for [0-9.]+m?s", record["error.message"]), record


def test_in_the_table():
    tracer, holder, late = Tracer(json_stream=False), Actor("holder"), Actor("late")
    address = holder.listener().local
    late.bind(late.socket().sock, *address, error=TAKEN)
    tracer.wait_until(lambda: any(TAKEN in line for line in tracer.lines), "no failure told")
    line = next(line for line in tracer.stop()[0] if TAKEN in line)
    assert re.search(rf"bind +{late.pid} late +tcp 127.0.0.1:{address[1]}.* EADDRINUSE: held by "
                     rf"holder \({holder.pid}, root.*\), listening on 127.0.0.1:{address[1]} "
                     r"since \d\d:\d\d:\d\d, [0-9.]+m?s", line), line


def test_listener_older_than_the_tracer():
    holder = Actor("holder")
    listener = holder.listener()
    tracer, late = Tracer(), Actor("late")
    record = failure(tracer, late, listener.local)
    told = lone_holder(record, holder, state="LISTEN", fd=listener.sock, args=cmdline(holder.pid))
    assert "since" not in told, told
    check(record, **{"porttrace.cause": "listener"})
    tracer.trace()


def test_listen_fails():
    tracer, first, second = Tracer(), Actor("first"), Actor("second")
    listen_twice(first, second)
    record = tracer.wait(action="listen", pid=second.pid, outcome="failure")
    lone_holder(record, first, state="LISTEN")
    check(record, **{"porttrace.cause": "listener", "process.args": cmdline(second.pid)})
    assert record["error.message"].startswith("listen on 127.0.0.1:"), record
    tracer.trace()


def test_only_what_is_in_the_way():
    tracer, late = Tracer(), Actor("late")
    actors = [Actor("one"), Actor("two"), Actor("three")]
    address = actors[0].listener("127.0.0.1").local
    for actor, where in zip(actors[1:], ("127.0.0.2", "::1")):
        actor.listener(where, address[1])
    record = failure(tracer, late, address)
    assert holders(record) == {actors[0].pid}, record
    record = failure(tracer, late, ("0.0.0.0", address[1]))
    assert holders(record) == {actors[0].pid, actors[1].pid}, record
    record = failure(tracer, late, ("::", address[1]), version=6)
    assert holders(record) == {actor.pid for actor in actors}, record
    tracer.trace()


def test_bound_to_a_device():
    """Only those that are bound to no device, or to the same."""
    ip("link", "add", "one0", "type", "veth", "peer", "name", "one1")
    ip("link", "set", "one0", "up")
    tracer, late = Tracer(), Actor("late")
    other, same = Actor("other"), Actor("same")
    other.bind(other.socket(device="one0").sock, "0.0.0.0", 6001)
    same.bind(same.socket(device="lo").sock, "0.0.0.0", 6001)
    record = failure(tracer, late, ("0.0.0.0", 6001), device="lo")
    lone_holder(record, same)
    tracer.trace()


# --- who is bound, or connected ---------------------------------------------------------------


def test_bound():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    sock = holder.socket().sock
    address = holder.bind(sock, "127.0.0.1", 0).local
    record = failure(tracer, late, address)
    lone_holder(record, holder, state="BOUND", fd=sock)
    check(record, **{"porttrace.cause": "bound"})
    tracer.trace()


def test_bound_before_the_tracer():
    holder = Actor("holder")
    sock = holder.socket().sock
    address = holder.bind(sock, "127.0.0.1", 0).local
    tracer, late = Tracer(), Actor("late")
    record = failure(tracer, late, address)
    lone_holder(record, holder, state="BOUND", fd=sock)
    check(record, **{"porttrace.cause": "bound"})
    tracer.trace()


def test_connection():
    tracer, server, client, late = Tracer(), Actor("server"), Actor("client"), Actor("late")
    listener, ours, _ = pair(server, client)
    record = failure(tracer, late, ours.local)
    told = lone_holder(record, client, state="ESTABLISHED", fd=ours.sock,
                       remote={"ip": listener.local[0], "port": listener.local[1]})
    assert (told["ip"], told["port"]) == ours.local, told
    check(record, **{"porttrace.cause": "connection"})
    assert "ip_local_reserved_ports" in record["porttrace.hint"], record
    tracer.trace()


def test_connection_that_outlives_its_listener():
    tracer, server, client, late = Tracer(), Actor("server"), Actor("client"), Actor("late")
    listener, ours, theirs = pair(server, client)
    server.close(listener.sock)
    record = failure(tracer, late, listener.local)
    lone_holder(record, server, state="ESTABLISHED", fd=theirs.sock,
                remote={"ip": ours.local[0], "port": ours.local[1]})
    check(record, **{"porttrace.cause": "connection"})
    assert "SO_REUSEADDR" in record["porttrace.hint"], record
    tracer.trace()


# --- TIME_WAIT ------------------------------------------------------------------------------------


def wait_state(reuse=False):
    """A server that closed a connection first: (the server, its address)."""
    server, client = Actor("server"), Actor("client")
    listener, ours, theirs = pair(server, client, reuse=reuse)
    server.close(theirs.sock)
    client.receive(ours.sock)
    client.close(ours.sock)
    server.close(listener.sock)
    return server, listener.local, ours.local


def test_time_wait():
    tracer, late = Tracer(), Actor("late")
    server, address, remote = wait_state()
    server.leave()
    record = failure(tracer, late, address)
    told = lone_holder(record, server, state="TIME_WAIT", exited=True,
                       remote={"ip": remote[0], "port": remote[1]},
                       close={"by": "local", "how": "fin"})
    assert LEFT < told["seconds_left"] <= 60, told
    check(record, **{"porttrace.cause": "time-wait"})
    assert "former socket too" in record["porttrace.hint"], record
    assert f"server (pid {server.pid}" in record["error.message"], record
    # And it is so: SO_REUSEADDR of the late one alone does not help.
    failure(tracer, late, address, reuse=True)
    tracer.trace()


def test_time_wait_where_reuseaddr_helps():
    tracer, late = Tracer(), Actor("late")
    server, address, _ = wait_state(reuse=True)
    record = failure(tracer, late, address)
    lone_holder(record, server, state="TIME_WAIT", exited=False)
    assert record["porttrace.hint"] == "SO_REUSEADDR before bind would take the port at once", record
    late.bind(late.socket(reuse=True).sock, *address)
    tracer.trace()


def test_time_wait_older_than_the_tracer():
    """Nobody knows whose it was; that it is there, and for how long, is known."""
    _, address, remote = wait_state()
    tracer, late = Tracer(), Actor("late")
    record = failure(tracer, late, address)
    told = record["porttrace.holders"][0]
    assert told["state"] == "TIME_WAIT" and "pid" not in told, told
    assert told["remote"] == {"ip": remote[0], "port": remote[1]}, told
    assert LEFT < told["seconds_left"] <= 60, told
    check(record, **{"porttrace.cause": "time-wait"})
    tracer.trace()


# --- IPv4 and IPv6 --------------------------------------------------------------------------------------


def test_ipv6_any_holds_ipv4_too():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    port = holder.listener("::", only6=False).local[1]
    record = failure(tracer, late, ("127.0.0.1", port))
    lone_holder(record, holder, ip="::", state="LISTEN")
    check(record, **{"porttrace.cause": "dual-stack"})
    assert "IPV6_V6ONLY" in record["porttrace.hint"], record
    tracer.trace()


def test_ipv6_any_wants_ipv4_too():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    port = holder.listener("127.0.0.1").local[1]
    record = failure(tracer, late, ("::", port), version=6, only6=False)
    lone_holder(record, holder, ip="127.0.0.1")
    check(record, **{"porttrace.cause": "dual-stack"})
    late.bind(late.socket(6, only6=True).sock, "::", port)
    tracer.trace()


# --- sharing, and heirs --------------------------------------------------------------------------------------


def test_reuseport_of_another_user():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    address = holder.listener(reuseport=True).local
    late.become(65534)
    record = failure(tracer, late, address, reuseport=True)
    lone_holder(record, holder, state="LISTEN")
    check(record, **{"porttrace.cause": "reuseport-user"})
    tracer.trace()


def test_reuseport_of_one_side_only():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    address = holder.listener(reuseport=True).local
    record = failure(tracer, late, address)
    lone_holder(record, holder)
    check(record, **{"porttrace.cause": "listener"})
    assert "SO_REUSEPORT" in record["porttrace.hint"], record
    tracer.trace()


def test_child_of_a_dead_parent():
    """Of the same program, as each daemon is."""
    tracer, parent, late = Tracer(), Actor("parent"), Actor("late")
    listener = parent.listener()
    child = parent.fork()
    parent.leave()
    record = failure(tracer, late, listener.local)
    lone_holder(record, child, fd=listener.sock, former={"pid": parent.pid, "name": "parent"})
    check(record, **{"porttrace.cause": "listener"})
    assert f", which has it from parent (pid {parent.pid}, " in record["error.message"], record
    tracer.trace()


def test_program_that_inherited_a_descriptor():
    tracer, late = Tracer(), Actor("late")
    script = ("import os, socket, subprocess, sys; s = socket.socket(); s.bind(('127.0.0.1', 0)); "
              "s.listen(); s.set_inheritable(True); "
              "p = subprocess.Popen(['sleep', '60'], close_fds=False, stdout=subprocess.DEVNULL); "
              "print(os.getpid(), p.pid, s.fileno(), s.getsockname()[1])")
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)
    parent, child, fd, port = map(int, done.stdout.split())
    try:
        record = failure(tracer, late, ("127.0.0.1", port))
        assert holders(record) == {child}, record
        told = record["porttrace.holders"][0]
        assert told["name"] == "sleep" and told["fd"] == fd and told["args"] == ["sleep", "60"]
        assert told["former"]["pid"] == parent, told
        check(record, **{"porttrace.cause": "listener"})
        assert "close-on-exec" in record["porttrace.hint"], record
    finally:
        os.kill(child, 9)
    tracer.trace()


# --- all of them ----------------------------------------------------------------------------------------------


def test_all_holders():
    """Children made before and after the tracer, and one that got it over a Unix socket."""
    server = Actor("server")
    old = server.listener()
    children = [server.fork() for _ in range(3)]
    tracer, late, friend = Tracer(), Actor("late"), Actor("friend")
    children += [server.fork() for _ in range(3)]
    server.give(old.sock, friend.door().data)
    friend.take()
    heir = friend.fork()
    assert heir.pid
    record = failure(tracer, late, old.local)
    truth = holding(old.local)
    assert len({pid for pid, _ in truth}) == 9, truth
    assert holders(record) == {pid for pid, _ in truth}, (record, truth)
    assert {(h["pid"], h["fd"]) for h in record["porttrace.holders"]} <= truth, (record, truth)
    for holder in record["porttrace.holders"]:
        assert holder["args"] == cmdline(holder["pid"]), holder
    tracer.trace()


def test_who_closed_it_holds_it_no_more():
    tracer, server, late = Tracer(), Actor("server"), Actor("late")
    listener = server.listener()
    child = server.fork()
    server.close(listener.sock)
    record = failure(tracer, late, listener.local)
    lone_holder(record, child)
    check(record, **{"porttrace.cause": "listener"})
    tracer.trace()


def test_kernel():
    """Multipath TCP's path manager listens by itself."""
    tracer, late = Tracer(), Actor("late")
    ip("mptcp", "endpoint", "add", "127.0.0.1", "port", "6004", "signal")
    record = failure(tracer, late, ("127.0.0.1", 6004))
    told = record["porttrace.holders"][0]
    assert told["kernel"] is True and "pid" not in told, told
    check(record, **{"porttrace.cause": "kernel"})
    tracer.trace()


def test_another_namespace():
    """The tracer is in one network namespace, the port and what waits there in another."""
    here = Actor("here")
    inode = here.new_network().data
    tracer = Tracer(json_stream=False, namespace=("--netns", str(inode)))
    listener = here.listener("127.0.0.1", 8080)
    here.bind(here.socket().sock, "127.0.0.1", 8080, error=TAKEN)
    tracer.wait_until(lambda: any(TAKEN in line for line in tracer.lines), "no failure told")
    client = here.client(listener.local)
    theirs = here.accept(listener.sock)
    here.close(theirs.sock)
    here.receive(client.sock)
    here.close(client.sock)
    here.close(listener.sock)
    here.bind(here.socket().sock, "127.0.0.1", 8080, error=TAKEN)
    tracer.wait_until(lambda: sum(TAKEN in line for line in tracer.lines) == 2, "not told")
    first, second = [line for line in tracer.stop()[0] if TAKEN in line]
    assert f"held by here ({here.pid}, " in first, first
    assert re.search(rf"in TIME_WAIT for \d+ s more: here \({here.pid}, ", second), second


# --- it is nobody's fault -------------------------------------------------------------------------------------------


def test_privileged():
    tracer, late = Tracer(), Actor("late")
    setting("ipv4.ip_unprivileged_port_start", 500)
    late.become(65534)
    record = failure(tracer, late, ("127.0.0.1", 81), error="EACCES")
    check(record, **{"porttrace.cause": "privileged", "porttrace.holders": None})
    assert "ports below 500" in record["error.message"], record
    late.bind(late.socket().sock, "127.0.0.1", 500)
    tracer.trace()


def test_not_local():
    tracer, late = Tracer(), Actor("late")
    for address, version in (("192.0.2.7", 5000), 4), (("2001:db8::7", 5000), 6):
        record = failure(tracer, late, address, version=version, error="EADDRNOTAVAIL")
        check(record, **{"porttrace.cause": "not-local"})
        assert f"{address[0]} is no address of this machine" in record["error.message"], record
    tracer.trace()


def test_exhausted():
    tracer, holder, late = Tracer(), Actor("holder"), Actor("late")
    setting("ipv4.ip_local_port_range", "40000 40001")
    for _ in range(2):
        holder.bind(holder.socket().sock, "127.0.0.1", 0)
    late.bind(late.socket().sock, "127.0.0.1", 0, error=TAKEN)
    record = tracer.wait(action="bind", pid=late.pid, outcome="failure")
    check(record, **{"porttrace.cause": "exhausted", "porttrace.local.port": None})
    late.listen(late.socket().sock, error=TAKEN)
    check(tracer.wait(action="listen", pid=late.pid, outcome="failure"),
          **{"porttrace.cause": "exhausted"})
    tracer.trace()


def test_bound_already():
    tracer, late = Tracer(), Actor("late")
    sock = late.socket().sock
    own = late.bind(sock, "127.0.0.1", 0).local
    late.bind(sock, "127.0.0.1", 5002, error="EINVAL")
    record = tracer.wait(action="bind", pid=late.pid, outcome="failure")
    check(record, local=("127.0.0.1", 5002), **{"porttrace.cause": "already-bound"})
    assert f"the socket has {own[0]}:{own[1]} already" in record["error.message"], record
    tracer.trace()


def test_listen_of_a_connection():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    _, ours, _ = pair(server, client)
    client.listen(ours.sock, error="EINVAL")
    record = tracer.wait(action="listen", pid=client.pid, outcome="failure")
    check(record, **{"porttrace.cause": "invalid"})
    assert "without a connection" in record["error.message"], record
    tracer.trace()


def test_wrong_family():
    tracer, late = Tracer(), Actor("late")
    late.bind_raw(late.socket().sock, "0a00" "1388" + "00" * 24, error="EAFNOSUPPORT")
    record = tracer.wait(action="bind", pid=late.pid, outcome="failure")
    check(record, error="EAFNOSUPPORT", **{"porttrace.cause": "invalid"})
    assert "family" in record["error.message"], record
    tracer.trace()


def test_too_short():
    tracer, late = Tracer(), Actor("late")
    late.bind_raw(late.socket().sock, "0200" "1388" "7f00", error="EINVAL")
    record = tracer.wait(action="bind", pid=late.pid, outcome="failure")
    check(record, error="EINVAL", **{"porttrace.cause": "invalid"})
    assert "too short" in record["error.message"], record
    tracer.trace()


# --- warnings -----------------------------------------------------------------------------------------------------------


def test_warning_reuseport_join():
    tracer, first, second = Tracer(), Actor("first"), Actor("second")
    address = first.listener("127.0.0.1", 6010, reuseport=True).local
    first.listener(*address, reuseport=True)
    second.listener(*address, reuseport=True)
    records = tracer.trace()
    for record in select(records, pid=first.pid):
        check(record, **{"porttrace.warning": None})
    for action in ("bind", "listen"):
        check(one(records, action=action, pid=second.pid),
              **{"porttrace.warning": ["reuseport-join"]})


def test_warning_ephemeral_listener():
    tracer, actor = Tracer(), Actor("server")
    setting("ipv4.ip_local_port_range", "40000 41000")
    setting("ipv4.ip_local_reserved_ports", "40002")
    for port in (40001, 40002, 39999):
        actor.listener("127.0.0.1", port)
    chosen = actor.listener("127.0.0.1", 0).local[1]
    actor.listen(actor.socket().sock)
    records = tracer.trace()
    warned = {record["porttrace.local.port"] for record in records
              if record.get("porttrace.warning") == ["ephemeral-listener"]}
    assert warned == {40001}, (warned, chosen)


def test_warning_service_port_taken():
    tracer, service, server, client = (Tracer(), Actor("service"), Actor("server"),
                                       Actor("client"))
    address = server.listener("127.0.0.1", 8000).local
    listener = service.listener("127.0.0.1", 40000)
    service.close(listener.sock)
    setting("ipv4.ip_local_port_range", "40000 40000")
    client.client(address)
    record = one(tracer.trace(), action="connect")
    check(record, source=("127.0.0.1", 40000), **{"porttrace.warning": ["service-port-taken"]})


def test_warnings_in_the_table():
    tracer, first, second = Tracer(json_stream=False), Actor("first"), Actor("second")
    address = first.listener("127.0.0.1", 6010, reuseport=True).local
    second.listener(*address, reuseport=True)
    lines = [line for line in tracer.stop()[0] if "warning" in line]
    assert len(lines) == 2 and all(
        line.endswith(f"warning: joins a port by SO_REUSEPORT of first {first.pid}")
        for line in lines), lines


# --- under load -------------------------------------------------------------------------------------------------------------


def test_one_that_tries_again_and_again():
    """Nothing is lost, each failure is explained, and the first ones in full."""
    with Folder() as folder:
        tracer, holder = Tracer(output=folder("log")), Actor("holder")
        address = holder.listener().local
        children = [holder.fork() for _ in range(3)]
        full = {holder.pid, *(child.pid for child in children)}
        script = ("import socket\ns = socket.socket()\nn = 0\n"
                  f"while n < 30000:\n try: s.bind({address!r}); break\n"
                  " except OSError: n += 1\nprint(n)")
        done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)
        assert int(done.stdout) == 30000
        failed = select(tracer.trace(), action="bind", outcome="failure")
    assert len(failed) == 30000, len(failed)
    for record in failed:
        check(record, **{"porttrace.cause": "listener"})
        assert holder.pid in holders(record) and holders(record) <= full, record
    assert holders(failed[0]) == full, failed[0]
