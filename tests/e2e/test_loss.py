# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Loss: a ring that is far too small, and a tracer that sleeps.  Loss is told, exactly."""
import os
import re
import signal
import time

from harness import (PROGRAMS, Actor, Folder, Skip, Tracer, alone, check, check_accounts,
                     kernel_version, live, load, mount, one, private_mounts, select)


def overflow(ring_size, connections):
    """The records of a run whose tracer was stopped while CONNECTIONS came and went."""
    tracer = Tracer("--ring-size", ring_size)
    tracer.send_signal(signal.SIGSTOP)
    load(connections)
    tracer.send_signal(signal.SIGCONT)
    return tracer.stop()


def check_loss(records, errors):
    totals = check_accounts(records, errors)
    assert totals["lost"]["ring"] > 0, totals


@alone
def test_tiny_ring():
    records, errors, _ = overflow("64K", 3000)
    check_loss(records, errors)
    # What was in the ring before it was full is there.
    assert select(records, action="listen")


@alone
def test_smallest_ring():
    records, errors, _ = overflow("4096", 1000)
    check_loss(records, errors)


def told_lost(records):
    return sum(record["porttrace.lost.count"] for record in select(records, action="lost"))


@alone
def test_what_is_lost_is_known_again():
    """After a loss the ledger is repaired: who holds the older socket is right."""
    tracer = Tracer("--ring-size", "64K")
    tracer.send_signal(signal.SIGSTOP)
    load(500)
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)
    theirs = server.accept(listener.sock)
    tracer.send_signal(signal.SIGCONT)
    # A small ring may have lost something at the start, too: that is told before.
    tracer.wait_until(lambda: told_lost(tracer.records) > 500, "the loss is not told")
    # That may be told before what is in the ring, and a listen always has room: once it is there,
    # the others have room too.
    tracer.wait(action="listen", local=server.listener().local)
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    tracer.wait(action="close", local=theirs.local, remote=theirs.remote)
    records = tracer.stop()[0]
    check(one(records, action="close", local=ours.local, remote=ours.remote), pid=client.pid,
          name="client")
    check(one(records, action="close", local=theirs.local, remote=theirs.remote), pid=server.pid,
          name="server")


@alone
def test_tracer_sleeps_for_ten_seconds():
    # Into a file: tens of thousands of records are more than this program reads in time.
    with Folder() as folder:
        tracer = Tracer("--ring-size", "2M", output=folder("log"))
        tracer.send_signal(signal.SIGSTOP)
        wake = time.monotonic() + 10  # that long is the fault
        while time.monotonic() < wake:
            load(2000)
        tracer.send_signal(signal.SIGCONT)
        actor = Actor()
        address = actor.listener().local
        records, errors, _ = tracer.stop()
    check_loss(records, errors)
    one(records, action="listen", local=address, pid=actor.pid)


@alone
def test_full_map():
    """No room for sockets: counted, and who is behind them is not guessed."""
    tracer = Tracer(environment={"LD_PRELOAD": os.path.join(PROGRAMS, "failing_map.so"),
                                 "FULL_MAP": "sockets"})
    actor = Actor()
    listeners = [actor.listener().local for _ in range(40)]
    load(200)
    records, errors, _ = tracer.stop()
    totals = check_accounts(records, errors)
    assert totals["lost"]["map"] > 0, totals
    for record in live(records):
        assert record.get("process.pid") != actor.pid or \
            record["porttrace.local.port"] in [port for _, port in listeners], record


@alone
def test_skipped_hooks():
    """The kernel leaves out programs that would interrupt themselves: made up for, exactly."""
    if kernel_version() < (5, 12):  # 05b24ff9b2cf
        raise Skip("this kernel leaves out none")
    private_mounts()
    mount("-t", "sysfs", "sysfs", "/sys")  # of this namespace
    with open("/sys/class/net/lo/queues/rx-0/rps_cpus", "w", encoding="ascii") as file:
        file.write("3")  # softirq may come at any moment
    tracer = Tracer("-v")
    for _ in range(5):
        load(2000, 2, 2)
    records, errors, _ = tracer.stop()
    totals = check_accounts(records, [e for e in errors if ": seen " in e])
    told, = [re.search(r"skipped hooks (\d+) times, told later (\d+)", e) for e in errors
             if "skipped hooks" in e]
    assert int(told.group(1)) > 0 and int(told.group(2)) > 0, told
    assert totals["lost"]["ring"] == totals["lost"]["map"] == totals["lost"]["sink"] == 0, totals
