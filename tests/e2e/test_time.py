# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The clock is set while it runs: order, durations and identities do not care."""
import datetime
import os

from harness import PROGRAMS, Actor, Folder, Tracer, live, one


def when(record):
    return datetime.datetime.fromisoformat(record["@timestamp"][:26]).timestamp()


def test_the_clock_is_set():
    """An hour forth, and then two back."""
    with Folder() as folder:
        tracer = Tracer(environment={"LD_PRELOAD": os.path.join(PROGRAMS, "failing_clock.so"),
                                     "STEP": folder("step")})
        server, client = Actor("server"), Actor("client")
        listener = server.listener()
        tracer.wait(action="listen", local=listener.local)
        ends, steps = [], [0, 3600, -3600]
        for step in steps:
            with open(folder("new"), "w", encoding="ascii") as file:
                file.write(str(step))
            os.rename(folder("new"), folder("step"))
            # The first record may still have the offset of before.
            settled = client.listener().local
            tracer.wait(action="listen", local=settled)
            ours = client.client(listener.local)
            ends.append((ours, server.accept(listener.sock)))
            tracer.wait(action="accept", remote=ours.local)
        for ours, theirs in ends:
            client.close(ours.sock)
            server.receive(theirs.sock)
            server.close(theirs.sock)
            tracer.wait(action="close", local=ours.local)
        records = tracer.trace()
    assert [r["event.sequence"] for r in records] == list(range(1, len(records) + 1))
    # In the order in which things happened, whatever the clock said.
    connects = [one(records, action="connect", local=ours.local) for ours, _ in ends]
    closes = [one(records, action="close", local=ours.local) for ours, _ in ends]
    numbers = [r["event.sequence"] for r in connects + closes]
    assert numbers == sorted(numbers), numbers
    # The time of day is that of the clock.
    for before, after, step in zip(connects, connects[1:], (3600, -7200)):
        assert abs(when(after) - when(before) - step) < 30, (before, after)
    for record in closes:
        assert 0 < record["event.duration"] < 60e9, record
    for actor in (server, client):
        who = {r["process.entity_id"] for r in live(records) if r.get("process.pid") == actor.pid}
        assert len(who) == 1, who
