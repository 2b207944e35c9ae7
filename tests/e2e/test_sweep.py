# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The look at all known sockets: what no hook saw is found, told once and counted.

An end that each hook missed can't be made at will.  So a socket that does not exist is put
into the map of known ones, as it would be left there: a real connection's entry, under an
address that no socket has.
"""
import signal
import struct
import subprocess
import sys
import time

from harness import (PATIENCE, Actor, Tracer, alone, bpftool, check_accounts, load, map_of, one,
                     pair, scaled)

NOWHERE = 0x1000  # no address of the kernel's
COOKIE = 1 << 50  # as no socket has


def leave_behind(tracer, end):
    """The entry of a connection whose end was missed; END's is the pattern."""
    number = map_of(tracer.pid, "sockets")
    for entry in bpftool("map", "dump", "id", number):
        value = entry["formatted"]["value"]
        if (value["local_port"], value["remote_port"]) == (end.local[1], end.remote[1]):
            break
    else:
        raise AssertionError(f"{end} is not known")
    bytes_of = [int(byte, 16) for byte in entry["value"]]
    bytes_of[:8] = struct.pack("<Q", COOKIE)
    bpftool("map", "update", "id", number, "key", *struct.pack("<Q", NOWHERE), "value", *bytes_of)


def check_told(records, client, ours):
    record = one(records, action="close", **{"porttrace.cookie": COOKIE})
    assert record["porttrace.late"], record
    assert record["process.pid"] == client.pid, record
    assert (record["porttrace.local.port"], record["porttrace.remote.port"]) == \
        (ours.local[1], ours.remote[1]), record


def test_at_the_end():
    tracer, server, client = Tracer("-v"), Actor("server"), Actor("client")
    _, ours, _ = pair(server, client)
    tracer.wait(action="accept", remote=ours.local)
    leave_behind(tracer, ours)
    records, errors, _ = tracer.stop()
    check_told(records, client, ours)
    check_accounts(records, [e for e in errors if ": seen " in e])


@alone
def test_after_a_loss():
    """Each ten seconds or more, if something happened; and at once when something was lost."""
    tracer, server, client = Tracer("--ring-size", "256K", "-e", "connect,accept,close"), \
        Actor("server"), Actor("client")
    _, ours, _ = pair(server, client)
    tracer.wait(action="accept", remote=ours.local)
    leave_behind(tracer, ours)
    tracer.send_signal(signal.SIGSTOP)
    load(2000)
    tracer.send_signal(signal.SIGCONT)
    tracer.wait(action="close", **{"porttrace.cookie": COOKIE})
    records, errors, _ = tracer.stop()
    check_told(records, client, ours)
    check_accounts(records, errors)


def hold_many(count):
    """A process that listens on so many ports: (process, its ports)."""
    script = "import resource, socket, sys\n" \
        "count = int(sys.argv[1])\n" \
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n" \
        "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n" \
        "keep = [socket.create_server((f'127.0.0.{1 + i // 5000}', 10000 + i % 5000), backlog=1)" \
        " for i in range(count)]\n" \
        "print('ready', flush=True)\nsys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", script, str(count)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"ready\n"
    return holder


@alone
def test_recall_of_many():
    """After a loss all that is known is told again, through a ring that holds an eighth of it."""
    tracer = Tracer("--ring-size", "256K", "-e", "connect,accept,close")
    with hold_many(scaled(15000)):
        server, client = Actor("server"), Actor("client")
        tracer.send_signal(signal.SIGSTOP)
        load(2000)  # from now on there is no room for connections
        pairs = [pair(server, client)[1] for _ in range(50)]
        tracer.send_signal(signal.SIGCONT)
        while not knows(tracer, client, pairs.pop()):
            # It looks once a second whether there was a loss, and tells nobody when.
            again = time.monotonic() + PATIENCE / 50
            tracer.wait_until(lambda at=again: time.monotonic() > at, "")
        records, errors, _ = tracer.stop()
        check_accounts(records, errors)


def knows(tracer, client, ours):
    """Ends one connection: whether it is told who is at its other end."""
    client.close(ours.sock)
    record = tracer.wait(action="close", local=ours.local, pid=client.pid)
    return record.get("destination.process.name") == "server"
