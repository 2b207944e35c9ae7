# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""listen: sockets that begin to take connections, or fail to."""
from harness import Actor, Tracer, check, listen_twice, none, one


def test_listen():
    tracer, actor = Tracer(), Actor("server")
    address = actor.listener().local
    record = one(tracer.trace(), action="listen")
    check(record, outcome="success", pid=actor.pid, name="server", local=address, source=address,
          remote=(None, None), socket="listener", ip_version="ipv4",
          **{"process.executable": actor.executable, "porttrace.local.scope": "loopback"})


def test_ipv6_any():
    tracer, actor = Tracer(), Actor()
    address = actor.listener("::").local
    check(one(tracer.trace(), action="listen"), pid=actor.pid, local=address, ip_version="ipv6",
          **{"porttrace.local.scope": "any"})


def test_without_bind():
    tracer, actor = Tracer(), Actor()
    address = actor.listen(actor.socket().sock).local
    records = tracer.trace()
    check(one(records, action="listen"), outcome="success", pid=actor.pid, local=address,
          **{"porttrace.local.ephemeral": True})
    none(records, action="bind", pid=actor.pid)


def test_again_tells_nothing():
    tracer, actor = Tracer(), Actor()
    listener = actor.listener()
    actor.listen(listener.sock, 5)
    one(tracer.trace(), action="listen", pid=actor.pid)


def test_conflict():
    tracer, first, second = Tracer(), Actor("first"), Actor("second")
    address = listen_twice(first, second)
    records = tracer.trace()
    one(records, action="listen", pid=first.pid, outcome="success", local=address)
    one(records, action="listen", pid=second.pid, outcome="failure", error="EADDRINUSE",
        local=address)
    none(records, action="close", pid=second.pid, socket="listener")


def test_listener_stopped():
    tracer, actor = Tracer(), Actor()
    listener = actor.listener()
    actor.close(listener.sock)
    records = tracer.trace()
    record = one(records, action="close")
    check(record, pid=actor.pid, local=listener.local, socket="listener",
          **{"source.bytes": None, "destination.bytes": None})
    assert record["event.duration"] > 0


def test_listener_that_ends_with_its_process():
    tracer, actor = Tracer(), Actor()
    listener = actor.listener()
    actor.leave()
    tracer.wait(action="close", local=listener.local)
    one(tracer.trace(), action="close", socket="listener", pid=actor.pid)


def test_reuseport():
    tracer, first, second = Tracer(), Actor("first"), Actor("second")
    address = first.listener(reuseport=True).local
    second.listener(*address, reuseport=True)
    records = tracer.trace()
    for actor in (first, second):
        one(records, action="listen", pid=actor.pid, outcome="success", local=address)
