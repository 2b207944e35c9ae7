# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Loss: a ring that is far too small, and a tracer that sleeps.  Loss is told, exactly."""
import signal
import subprocess

from harness import Actor, Tracer, alone, check, one, program, select, setting


def overflow(ring_size, connections):
    """The records of a run whose tracer was stopped while CONNECTIONS came and went."""
    setting("ipv4.tcp_tw_reuse", 0)
    tracer = Tracer("--ring-size", ring_size)
    tracer.send_signal(signal.SIGSTOP)
    subprocess.run(program("load", connections, 1, 1), stdout=subprocess.DEVNULL, check=True)
    tracer.send_signal(signal.SIGCONT)
    return tracer.stop()


def check_loss(records, errors):
    totals = one(records, action="stop")["porttrace.totals"]
    lost = totals["lost"]
    assert lost["ring"] > 0, totals
    assert totals["seen"] == totals["written"] + totals["filtered"] + sum(lost.values()), totals
    assert totals["written"] == len(records), (totals, len(records))
    for stage, count in lost.items():
        told = sum(r["porttrace.lost.count"] for r in select(
            records, action="lost", **{"porttrace.lost.stage": stage}))
        assert told == count, f"{stage}: the stream tells {told} lost, the totals {count}"
    numbers = [record["event.sequence"] for record in records]
    gaps = numbers[-1] - len(numbers)
    assert gaps in (0, sum(lost.values())), f"{gaps} numbers are missing, {lost} were lost"
    assert f"lost {sum(lost.values())}" in errors[-1], errors


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


@alone
def test_what_is_lost_is_known_again():
    """After a loss the ledger is repaired: who holds the older socket is right."""
    setting("ipv4.tcp_tw_reuse", 0)
    tracer = Tracer("--ring-size", "4096")
    tracer.send_signal(signal.SIGSTOP)
    subprocess.run(program("load", 500, 1, 1), stdout=subprocess.DEVNULL, check=True)
    server, client = Actor("server"), Actor("client")
    listener = server.listener()
    ours = client.client(listener.local)
    theirs = server.accept(listener.sock)
    tracer.send_signal(signal.SIGCONT)
    tracer.wait(action="lost")
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    tracer.wait(action="close", local=theirs.local, remote=theirs.remote)
    records = tracer.stop()[0]
    check(one(records, action="close", local=ours.local, remote=ours.remote), pid=client.pid,
          name="client")
    check(one(records, action="close", local=theirs.local, remote=theirs.remote), pid=server.pid,
          name="server")
