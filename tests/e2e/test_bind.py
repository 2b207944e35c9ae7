# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""bind: what took which port, or failed to."""
import subprocess
import sys

from harness import Actor, Tracer, check, none, one, scaled, select

# So many processes that each fail so often: a port, and how often.
FAILING = """
import os, socket, sys
for _ in range(16):
    if os.fork():
        continue
    for _ in range(int(sys.argv[2])):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", int(sys.argv[1])))
            except OSError:
                pass
    os._exit(0)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def test_ipv4():
    tracer, actor = Tracer(), Actor("binder")
    sock = actor.socket().sock
    actor.bind(sock, "127.0.0.1", 8080)
    cookie = actor.cookie(sock).data
    record = one(tracer.trace(), action="bind", pid=actor.pid)
    check(record, outcome="success", error=None, name="binder", ip_version="ipv4",
          local=("127.0.0.1", 8080), source=("127.0.0.1", 8080), remote=(None, None),
          direction=None, socket="bound", attribution="bind")
    check(record, **{"porttrace.local.scope": "loopback", "porttrace.local.range": "registered",
                     "porttrace.local.ephemeral": False})
    # The kernel numbers a socket when somebody asks; a bind may come before that.
    assert record.get("porttrace.cookie") in (None, cookie), (record, cookie)


def test_ipv6():
    tracer, actor = Tracer(), Actor()
    actor.bind(actor.socket(6).sock, "::1", 8081)
    record = one(tracer.trace(), action="bind", pid=actor.pid)
    check(record, outcome="success", ip_version="ipv6", local=("::1", 8081))


def test_any_address():
    tracer, actor = Tracer(), Actor()
    actor.bind(actor.socket().sock, "0.0.0.0", 8082)
    actor.bind(actor.socket(6).sock, "::", 8083)
    records = tracer.trace()
    for address in (("0.0.0.0", 8082), ("::", 8083)):
        check(one(records, action="bind", local=address), pid=actor.pid, outcome="success",
              **{"porttrace.local.scope": "any"})


def test_port_0_tells_the_real_one():
    tracer, actor = Tracer(), Actor()
    address = actor.bind(actor.socket().sock, "127.0.0.1", 0).local
    record = one(tracer.trace(), action="bind", pid=actor.pid)
    check(record, outcome="success", local=address, **{"porttrace.local.ephemeral": True})


def test_well_known_service():
    tracer, actor = Tracer(), Actor()
    actor.bind(actor.socket().sock, "127.0.0.1", 80)
    check(one(tracer.trace(), action="bind", pid=actor.pid), local=("127.0.0.1", 80),
          **{"porttrace.local.range": "well-known", "porttrace.local.service": "http"})


def test_in_use():
    tracer, holder, actor = Tracer(), Actor("holder"), Actor("late")
    address = holder.listener().local
    actor.bind(actor.socket().sock, *address, error="EADDRINUSE")
    records = tracer.trace()
    record = one(records, action="bind", pid=actor.pid)
    check(record, outcome="failure", error="EADDRINUSE", local=address, source=address,
          name="late", ip_version="ipv4")
    one(records, action="bind", pid=holder.pid, outcome="success", local=address)


def test_in_use_by_many():
    """Of those at once a kernel that preempts itself may hide some, and counts them; no other may."""
    tracer, holder, each = Tracer("-e", "bind", "--failed"), Actor("holder"), scaled(200, least=50)
    port = holder.listener().local[1]
    subprocess.run([sys.executable, "-c", FAILING, str(port), str(each)], check=True)
    records = tracer.trace()
    told = len(select(records, action="bind", outcome="failure", error="EADDRINUSE"))
    skipped = one(records, action="stop")["porttrace.totals"]["skipped"]
    assert 16 * each - skipped <= told <= 16 * each, (told, 16 * each, skipped)


def test_in_use_ipv6():
    tracer, holder, actor = Tracer(), Actor("holder"), Actor("late")
    address = holder.listener("::1").local
    actor.bind(actor.socket(6).sock, *address, error="EADDRINUSE")
    check(one(tracer.trace(), action="bind", pid=actor.pid), outcome="failure",
          error="EADDRINUSE", local=address, ip_version="ipv6")


def test_address_of_another_machine():
    tracer, actor = Tracer(), Actor()
    actor.bind(actor.socket().sock, "192.0.2.7", 5000, error="EADDRNOTAVAIL")
    check(one(tracer.trace(), action="bind", pid=actor.pid), outcome="failure",
          error="EADDRNOTAVAIL", local=("192.0.2.7", 5000))


def test_privileged_port():
    tracer, actor = Tracer(), Actor("web")
    actor.become(65534)
    actor.bind(actor.socket().sock, "0.0.0.0", 81, error="EACCES")
    check(one(tracer.trace(), action="bind", pid=actor.pid), outcome="failure", error="EACCES",
          local=("0.0.0.0", 81), **{"process.user.id": "65534", "process.user.name": "nobody"})


def test_second_bind_of_a_socket():
    tracer, actor = Tracer(), Actor()
    sock = actor.socket().sock
    actor.bind(sock, "127.0.0.1", 5001)
    actor.bind(sock, "127.0.0.1", 5002, error="EINVAL")
    records = tracer.trace()
    one(records, action="bind", outcome="success", local=("127.0.0.1", 5001))
    one(records, action="bind", outcome="failure", error="EINVAL", local=("127.0.0.1", 5002))


def test_released():
    """A socket that was bound and did nothing else."""
    tracer, actor = Tracer(), Actor()
    sock = actor.socket().sock
    address = actor.bind(sock, "127.0.0.1", 5003).local
    actor.close(sock)
    record = one(tracer.trace(), action="close", pid=actor.pid)
    check(record, local=address, socket="bound")
    assert record["event.duration"] > 0


def test_socket_that_was_never_bound_tells_nothing():
    tracer, actor = Tracer(), Actor()
    actor.close(actor.socket().sock)
    none(tracer.trace(), pid=actor.pid)
