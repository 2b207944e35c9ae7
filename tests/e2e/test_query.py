# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""list, who and wait: what there is now, held against ss, /proc and what the actors say."""
import json
import os
import re
import socket
import subprocess
import time

from harness import (PATIENCE, PORTTRACE, SLOW, Actor, Record, check, my_netns, one, pair, parse,
                     porttrace, private_network, setting, stand_ins)

# As ss calls the states.
STATES = {"ESTAB": "ESTABLISHED", "UNCONN": "CLOSE", "SYN-RECV": "NEW_SYN_RECV",
          "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2"}


def ask(*arguments, status=0):
    """The records of one run in this namespace."""
    done = porttrace(*arguments, "--json", "--netns", "self")
    assert done.returncode == status, (done.returncode, done.stderr)
    records = [Record(json.loads(line)) for line in done.stdout.splitlines()]
    for number, record in enumerate(records, 1):
        assert record["event.sequence"] == number, record
        assert record["porttrace.netns"] == my_netns(), record
        assert not [path for path in stand_ins(record) if path != "porttrace.seconds_left"], record
    return records


def holders(record):
    """{(pid, descriptor)}"""
    return {(h["pid"], h["fd"]) for h in record.get("porttrace.holders", [])}


def wrong_usage(*arguments):
    done = porttrace(*arguments)
    assert done.returncode == 2, (arguments, done)
    assert not done.stdout, done
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


# --- list against ss ---------------------------------------------------------------------


def ss_end(text):
    """("127.0.0.1", 80); port None for "*"."""
    address, port = text.rsplit(":", 1)
    address = address.strip("[]").split("%")[0]
    if address.startswith("::ffff:"):
        address = address[7:]
    return {"*": "::"}.get(address, address), None if port == "*" else int(port)


def ss_sockets():
    """{(state, local, remote): {(pid, fd)}}"""
    lines = subprocess.run(["ss", "-H", "-tanp"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    found = {}
    for line in lines:
        words = line.split(None, 5)
        state = STATES.get(words[0], words[0].replace("-", "_"))
        remote = ss_end(words[4])
        key = state, ss_end(words[3]), remote if remote[1] else None
        users = re.findall(r"pid=(\d+),fd=(\d+)", words[5] if len(words) > 5 else "")
        assert key not in found, key
        found[key] = {(int(pid), int(fd)) for pid, fd in users}
    return found


def our_sockets(records):
    found = {}
    for record in records:
        local = record["porttrace.local.ip"], record["porttrace.local.port"]
        remote = None
        if record.get("porttrace.remote.port"):
            remote = record["porttrace.remote.ip"], record["porttrace.remote.port"]
        key = record["porttrace.state.new"], local, remote
        assert key not in found, f"twice: {key}"
        found[key] = holders(record)
    return found


def test_list_as_ss():
    """A busy namespace; every difference has its reason."""
    server, client, third = Actor("server"), Actor("client"), Actor("third")
    bound = {}
    for ip in ("127.0.0.1", "::1", "0.0.0.0", "::"):
        server.listener(ip)
    for _ in range(20):
        pair(server, client)
    for _ in range(5):
        pair(server, third, "::1")
    listener = server.listener()
    for _ in range(3):
        client.client(listener.local)  # nobody accepts these
    for _ in range(7):  # the client closes first
        _, ours, theirs = pair(server, client)
        client.close(ours.sock)
        server.receive(theirs.sock)
        server.close(theirs.sock)
    _, ours, theirs = pair(server, client)  # half closed
    client.shutdown(ours.sock)
    server.receive(theirs.sock)
    child = server.fork()
    for version, ip in ((4, "127.0.0.1"), (6, "::")):
        sock = third.socket(version).sock
        address = third.bind(sock, ip, 0).local
        bound["CLOSE", (address[0], address[1]), None] = {(third.pid, sock)}
    theirs, mine = ss_sockets(), our_sockets(ask("list"))
    # What ss shows, and no more than the bound ones besides.
    assert len(theirs) > 60, theirs
    for key, users in theirs.items():
        assert key in mine, f"list lacks {key}"
        assert mine[key] == users, f"{key}: {mine[key]}, ss: {users}"
    assert {key: mine[key] for key in mine if key not in theirs} == bound, mine.keys() - theirs
    states = {state for state, _, _ in mine}
    assert states >= {"LISTEN", "ESTABLISHED", "TIME_WAIT", "FIN_WAIT2", "CLOSE_WAIT", "CLOSE"}
    assert {(child.pid, listener.sock)} < mine["LISTEN", listener.local, None], mine


def test_list_of_another_namespace():
    """Sockets without a descriptor are seen where they are."""
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)  # nobody accepts it
    there = my_netns()
    private_network()
    assert my_netns() != there
    done = porttrace("list", "--json", "--netns", str(there))
    records = [parse(line.encode() + b"\n") for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(records) == 3, done
    check(one(records, pid=client.pid), local=ours.local, **{"porttrace.netns": there})
    waiting = one(records, local=listener.local, remote=ours.local)
    check(waiting, attribution="inherit", pid=None, **{"source.process.pid": client.pid,
                                                       "porttrace.state.new": "ESTABLISHED"})


def test_list_filters_and_order():
    server, client = Actor("server"), Actor("client")
    listener, ours, _ = pair(server, client)
    sock = client.socket().sock
    bound = client.bind(sock, "127.0.0.1", 0).local
    assert [r["porttrace.socket"] for r in ask("list")] == [
        "listener", "bound", "connection", "connection"]
    records = ask("list", "--listening")
    assert [r["porttrace.socket"] for r in records] == ["listener", "bound"]
    check(records[0], local=listener.local, pid=server.pid, action="open")
    records = ask("list", "--pid", str(client.pid))
    assert {r["porttrace.local.port"] for r in records} == {ours.local[1], bound[1]}
    assert not ask("list", "--local-port", "1")
    assert not ask("list", "-6")
    check(one(ask("list", "--remote-port", str(listener.local[1]))), local=ours.local,
          **{"destination.process.pid": server.pid})


def test_list_filters_look_at_each_holder():
    server = Actor("server")
    listener = server.listener()
    child = server.fork()
    for actor in (server, child):
        record = one(ask("list", "-p", str(actor.pid)), local=listener.local)
        assert holders(record) == {(a.pid, listener.sock) for a in (server, child)}


def test_list_table():
    server, client = Actor("server"), Actor("client")
    listener, ours, _ = pair(server, client)
    lines = porttrace("list", "--netns", "self", "-n").stdout.splitlines()
    assert lines[0].split() == ["STATE", "NET", "LOCAL", "REMOTE", "[PROCESS]", "USER", "PROCESS"]
    assert len(lines) == 4, lines
    address = "127.0.0.1:%d"
    assert lines[1].split() == ["LISTEN", "tcp", address % listener.local[1], "0", "server",
                                str(server.pid)], lines[1]
    mine = [line for line in lines if line.endswith(f" client {client.pid}")]
    assert len(mine) == 1 and f"- {address % listener.local[1]} [server {server.pid}]" in mine[0]
    assert address % ours.local[1] in mine[0]


# --- who -----------------------------------------------------------------------------------


def who(port, *arguments):
    done = porttrace("who", str(port), "--netns", "self", *arguments)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.splitlines()


def test_who_listens():
    server = Actor("server")
    listener = server.listener("0.0.0.0")
    port = listener.local[1]
    record = one(ask("who", str(port)))
    check(record, local=listener.local, pid=server.pid, socket="listener",
          **{"porttrace.state.new": "LISTEN", "porttrace.local.scope": "any"})
    held = record["porttrace.holders"]
    assert len(held) == 1 and held[0]["fd"] == listener.sock, held
    assert held[0]["executable"] == server.executable
    assert held[0]["args"][-1] == "server", held
    assert held[0]["user"]["id"] == "0"
    assert "since" not in held[0]  # an iterator does not see that
    lines = who(port)
    assert lines[0].startswith(f"port {port}/tcp"), lines
    assert lines[1] == f"  LISTEN 0.0.0.0:{port}, all interfaces", lines
    assert f"server {server.pid}, user root" in lines[2], lines
    assert f"descriptor {listener.sock}, runs since " in lines[2], lines
    assert lines[3].endswith(" server"), lines
    assert lines[4] == f"    to free it: kill {server.pid}", lines


def test_who_scopes():
    server = Actor("server")
    for ip, scope in (("127.0.0.1", "loopback only"), ("::1", "loopback only"),
                      ("::", "all interfaces, IPv4 too")):
        listener = server.listener(ip)
        assert who(listener.local[1])[1].endswith(", " + scope)
    listener = server.listener("::", only6=1)
    assert who(listener.local[1])[1].endswith(", all interfaces, IPv6 only")


def test_who_is_bound_only():
    actor = Actor("holder")
    sock = actor.socket().sock
    address = actor.bind(sock, "127.0.0.1", 0).local
    check(one(ask("who", str(address[1]))), pid=actor.pid, socket="bound", local=address)
    lines = who(address[1])
    assert lines[1] == "  BOUND 127.0.0.1:%d, loopback only, does not listen" % address[1], lines


def test_who_connected():
    server, client = Actor("server"), Actor("client")
    listener, ours, theirs = pair(server, client)
    record = one(ask("who", str(ours.local[1])))
    check(record, pid=client.pid, socket="connection", **{"porttrace.local.ephemeral": True})
    assert "in ip_local_port_range" in who(ours.local[1])[0]
    records = ask("who", str(listener.local[1]))
    assert [r["porttrace.socket"] for r in records] == ["listener", "connection"]
    assert holders(records[1]) == {(server.pid, theirs.sock)}


def test_who_has_time_wait():
    server, client = Actor("server"), Actor("client")
    _, ours, theirs = pair(server, client)
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    record = one(ask("who", str(ours.local[1])))
    check(record, pid=None, **{"porttrace.state.new": "TIME_WAIT"})
    assert max(0, 60 - 10 * SLOW) < record["porttrace.seconds_left"] <= 60, record
    assert not holders(record)
    lines = who(ours.local[1])
    assert re.search(r"TIME_WAIT .*, \d+ s left$", lines[1]), lines
    assert "it frees itself" in lines[2], lines


def test_who_inherited():
    """Who bound it has ended; a child still has the descriptor."""
    parent = Actor("parent")
    listener = parent.listener()
    child = parent.fork()
    parent.leave()
    record = one(ask("who", str(listener.local[1])))
    assert holders(record) == {(child.pid, listener.sock)}, record
    assert who(listener.local[1])[-1] == f"    to free it: kill {child.pid}"


def test_who_was_given_it():
    """Passed by SCM_RIGHTS: both hold it, each under its own number."""
    giver, taker = Actor("giver"), Actor("taker")
    taker.socket()  # so that the numbers differ
    listener = giver.listener()
    giver.give(listener.sock, taker.door().data)
    taken = taker.take()
    assert taken.sock != listener.sock
    record = one(ask("who", str(listener.local[1])))
    assert holders(record) == {(giver.pid, listener.sock), (taker.pid, taken.sock)}, record
    giver.leave()
    record = one(ask("who", str(listener.local[1])))
    assert holders(record) == {(taker.pid, taken.sock)}, record


def test_who_in_another_namespace():
    server = Actor("server")
    listener = server.listener()
    there = my_netns()
    private_network()
    done = porttrace("who", str(listener.local[1]), "--netns", str(there))
    assert done.returncode == 0 and f"netns={there}" in done.stdout, done
    done = porttrace("who", str(listener.local[1]), "--netns", "self")
    assert done.returncode == 1 and not done.stdout, done
    assert done.stderr == f"porttrace: nobody holds {listener.local[1]}\n", done


def test_who_of_several():
    setting("ipv4.ip_local_port_range", "20000 20100")
    server = Actor("server")
    for port in (8080, 8081, 9000):
        server.listener("127.0.0.1", port)
    assert [r["porttrace.local.port"] for r in ask("who", "9000/tcp", "8080-8089")] == [
        8080, 8081, 9000]
    done = porttrace("who", "8080-8089", "7", "http/tcp", "--netns", "self")
    assert done.returncode == 0, done
    assert done.stderr.splitlines() == ["porttrace: nobody holds 7",
                                        "porttrace: nobody holds http/tcp"], done
    assert [line for line in done.stdout.splitlines() if line.startswith("port ")] == [
        "port 8080/tcp (http-alt), registered", "port 8081/tcp (tproxy), registered"], done


def test_who_of_two_processes():
    server = Actor("server")
    listener = server.listener()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        records = ask("who", str(other.getsockname()[1]), str(listener.local[1]))
    assert {r["process.pid"] for r in records} == {server.pid, os.getpid()}, records


def test_who_shows_some_connections():
    """Those that were accepted are in nobody's way: eight, unless all are asked for."""
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    for _ in range(11):
        client.client(listener.local)
        server.accept(listener.sock)
    lines = who(listener.local[1])
    assert lines[-1] == "  and 3 more connections; --wide shows them", lines
    assert len([line for line in lines if "ESTABLISHED" in line]) == 8
    lines = who(listener.local[1], "--wide")
    assert len([line for line in lines if "ESTABLISHED" in line]) == 11


# --- wait ------------------------------------------------------------------------------------


class Wait:
    """A running `porttrace wait`; when the constructor returns, it waits."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [PORTTRACE, "wait", *map(str, arguments), "--netns", "self"], text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        assert line.startswith("porttrace: waiting until"), line

    def goes_on(self):
        return self.process.poll() is None

    def result(self):
        # Not communicate(): it does not know of what readline() has read too much.
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return self.process.wait(PATIENCE), out, err


def test_wait_until_taken():
    server = Actor("server")
    sock = server.socket().sock
    address = server.bind(sock, "127.0.0.1", 0).local
    waiting = Wait(address[1], "--json", "--timeout", "60")
    assert waiting.goes_on()  # bound is not enough
    server.listen(sock)
    status, out, _ = waiting.result()
    assert status == 0
    record = check(parse(out.encode()), pid=server.pid, local=address, socket="listener",
                   **{"porttrace.state.new": "LISTEN"})
    assert record["porttrace.holders"][0]["since"][:17] <= record["@timestamp"][:17], record


def test_wait_for_what_is_there():
    server = Actor("server")
    listener = server.listener()
    done = porttrace("wait", str(listener.local[1]), "--netns", "self")
    assert done.returncode == 0 and not done.stderr, done
    assert f"server {server.pid}" in done.stdout, done
    done = porttrace("wait", "1", "--free", "--netns", "self")
    assert done.returncode == 0 and done.stderr == "porttrace: 1 is free\n", done


def test_wait_until_free():
    """The last holder counts."""
    server = Actor("server")
    listener = server.listener()
    child = server.fork()
    waiting = Wait(listener.local[1], "--free")
    server.close(listener.sock)
    assert waiting.goes_on()
    child.close(listener.sock)
    status, out, err = waiting.result()
    assert (status, out) == (0, ""), (status, out, err)
    assert err == f"porttrace: {listener.local[1]} is free\n"


def test_wait_is_over():
    waiting = Wait("1", "--timeout", "0.2")
    status, out, err = waiting.result()
    assert (status, out) == (1, "")
    assert err == "porttrace: timed out: nobody listens on 1\n", err


def test_wait_does_not_look_again_and_again():
    """It sleeps for seconds in one call: what wakes it are records (of other processes too)."""
    waiting = Wait("1", "--timeout", "60")
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline and waiting.goes_on()
        with open(f"/proc/{waiting.process.pid}/syscall", encoding="ascii") as file:
            words = file.read().split()
        # epoll_wait(epoll, events, 2, milliseconds)
        if len(words) > 4 and words[3] == "0x2":
            assert int(words[4], 16) > 1000, words
            break
    waiting.process.terminate()
    assert waiting.result()[0] == 1


# --- what is refused ---------------------------------------------------------------------------


def test_bad_ports():
    allowed = "a port is a number from 1 to 65535, a range as 8000-8080, or a service name"
    for port in ("0", "65536", "-1x", "8080-", "nosuchservice", "0/tcp", "80:81", ""):
        line = wrong_usage("who", "--", port)
        assert line == f"porttrace: {port or repr('')}: {allowed}", line
    assert "80-70: a range goes from the lower" in wrong_usage("who", "80-70")
    for port in ("http/xyz", "80/", "80/TCP"):
        assert wrong_usage("who", port) == f"porttrace: {port}: after a port comes /tcp or /udp"
    assert wrong_usage("who") == "porttrace: who: PORT[/tcp|/udp]... is missing"
    assert "waits for one port" in wrong_usage("wait", "80-81")
    assert "one of them" in wrong_usage("wait", "80", "--free", "--taken")
    assert "'81' is too much" in wrong_usage("wait", "80", "81")
    assert "'80' is too much" in wrong_usage("list", "80")


def test_commands_say_what_there_is():
    line = wrong_usage("whoo", "80")
    assert line.startswith("porttrace: unknown command 'whoo'; there are "), line
    assert {"who", "list", "wait"} <= set(line.rsplit(" are ", 1)[1].split(", ")), line
    assert wrong_usage("list", "--snapshot").startswith("porttrace: list has no --snapshot; it "
                                                        "has --pid ")
    assert wrong_usage("--free").startswith("porttrace: tracing has no --free; it has --pid ")
    for arguments in (("help",), ("--help",), ("help", "who"), ("who", "--help")):
        done = porttrace(*arguments)
        assert done.returncode == 0 and done.stdout.startswith("Usage: porttrace"), done


def test_without_root():
    for arguments in (("list",), ("who", "80"), ("wait", "80")):
        done = porttrace(*arguments, command=("setpriv", "--reuid", "65534", "--clear-groups",
                                              "--inh-caps=-all", "--bounding-set=-all"))
        assert done.returncode == 3 and not done.stdout, done
        assert len(done.stderr.splitlines()) == 1 and "sudo porttrace" in done.stderr, done


def test_reader_goes_away():
    server = Actor("server")
    server.listener()
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([PORTTRACE, "list", "--netns", "self"], stdout=write, check=False,
                          stderr=subprocess.PIPE, timeout=PATIENCE)
    os.close(write)
    assert done.returncode == 0 and not done.stderr, done
