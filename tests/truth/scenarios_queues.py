# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios with connections that nobody accepted: they are whose the listener is."""
import socket
import subprocess

from stage import PATIENCE, Skip, need, scenario, wait_for

WAITING = 8


def queue(t, client, listener, *holders, count=WAITING):
    """Connections that wait in a listener which these processes have."""
    made = []
    for _ in range(count):
        made.append(client.client(listener))
        say_queued(t, listener, made[-1].local, *holders)
    wait_for(lambda: waiting(listener[1]) >= count, "they do not wait")
    return made


def say_queued(t, listener, remote, *holders):
    """That a connection waited: whoever had the listener may be named for its end."""
    for number, holder in enumerate(holders):
        t.truth.say("inherited" if number else "queued", holder.pid, listener, remote,
                    cookie=-remote[1], began=number + 1, ended=number + 1)


def waiting(port):
    """How many connections wait to be accepted there."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        rows = [line.split() for line in file]
    return sum(int(row[4].partition(":")[2], 16) for row in rows
               if row[1].endswith(f":{port:04X}") and row[3] == "0A")


def shared_listener(actor, ip, port=7000):
    sock = actor.socket(reuseport=True).sock
    actor.bind(sock, ip, port)
    return actor.listen(sock)


@scenario("a listener forks, dies, its child has what waited")
def queue_outlives_the_listener(t):
    t.trace()
    parent, client = t.actor("parent"), t.actor("client")
    listener = parent.listener(t.ip)
    made = [client.client(listener.local) for _ in range(WAITING)]
    child = parent.fork()
    child.rename("child")
    parent.kill()
    for ours in made:
        say_queued(t, listener.local, ours.local, child)
        client.reset(ours.sock)
    child.close(listener.sock)


def end_clients(client, made):
    for ours in made:
        client.receive(ours.sock, error="ECONNRESET")
        client.close(ours.sock)


@scenario("a listener is closed while connections wait")
def queue_closed(t):
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    listener = server.listener(t.ip)
    made = queue(t, client, listener.local, server)
    server.close(listener.sock)
    end_clients(client, made)


@scenario("a listener with waiting connections ends, another process has the port")
def queue_of_a_group(t):
    """Its own connections end with it: they are not the other's, who listens on."""
    t.trace()
    first, second, client = t.actor("first"), t.actor("second"), t.actor("client")
    listener = shared_listener(first, t.ip)
    made = queue(t, client, listener.local, first)
    shared_listener(second, t.ip)
    first.close(listener.sock)
    end_clients(client, made)


@scenario("the same, by kill -9")
def queue_of_a_group_killed(t):
    t.trace()
    first, second, client = t.actor("first"), t.actor("second"), t.actor("client")
    listener = shared_listener(first, t.ip)
    made = queue(t, client, listener.local, first)
    shared_listener(second, t.ip)
    first.kill()
    end_clients(client, made)


def connections_move(ip):
    """Whether they do: some of Debian's 5.10 have tcp_migrate_req, and nothing that heeds it."""
    first, second = (socket.socket() for _ in range(2))
    with first, second, socket.socket() as client:
        for listener in (first, second):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        first.bind((ip, 0))
        first.listen()
        client.connect(first.getsockname())
        second.bind(first.getsockname())
        second.listen()
        first.close()
        second.setblocking(False)
        try:
            second.accept()[0].close()
        except BlockingIOError:
            return False
    return True


@scenario("waiting connections move to another listener (tcp_migrate_req)")
def queue_migrates(t):
    try:
        with open("/proc/sys/net/ipv4/tcp_migrate_req", "w", encoding="ascii") as file:
            file.write("1")
    except OSError as error:
        raise Skip(f"no tcp_migrate_req: {error.strerror}") from error
    if not connections_move(t.ip):
        raise Skip("this kernel has tcp_migrate_req and moves nothing")
    t.trace()
    first, second, client = t.actor("first"), t.actor("second"), t.actor("client")
    listener = shared_listener(first, t.ip)
    waiting = [client.client(listener.local) for _ in range(WAITING)]
    other = shared_listener(second, t.ip)
    first.close(listener.sock)
    accepted = [second.accept(other.sock) for _ in range(WAITING // 2)]
    for theirs in accepted:
        second.close(theirs.sock)
    for ours in waiting:
        if ours.local not in [theirs.remote for theirs in accepted]:
            say_queued(t, listener.local, ours.local, first, second)
        client.reset(ours.sock)


@scenario("a listener on any address, then another one on this address")
def queue_before_a_better_listener(t):
    t.trace()
    first, second, client = t.actor("first"), t.actor("second"), t.actor("client")
    shared_listener(first, "0.0.0.0")
    made = queue(t, client, (t.ip, 7000), first)
    shared_listener(second, t.ip)
    for ours in made:
        client.reset(ours.sock)


@scenario("the queue of a listener whose parent is dead")
def queue_of_an_heir(t):
    t.trace()
    parent, client = t.actor("parent"), t.actor("client")
    listener = parent.listener(t.ip)
    child = parent.fork()
    child.rename("child")
    parent.kill()
    made = queue(t, client, listener.local, child)
    for ours in made[:WAITING // 2]:
        client.reset(ours.sock)
    child.close(listener.sock)
    end_clients(client, made[WAITING // 2:])


@scenario("ss -K: somebody else ends the sockets")
def destroyed(t):
    """A child has them, the parent that made the listener is dead: ss had none of them."""
    kill = need("ss")
    t.trace()
    parent, client = t.actor("parent"), t.actor("client")
    listener = parent.listener(t.ip)
    child = parent.fork()
    child.rename("child")
    parent.kill()
    made = queue(t, client, listener.local, child)
    done = t.start(kill, "-K", "-t", "-l", "src", f"{t.ip}:{listener.local[1]}",
                   stderr=subprocess.DEVNULL)
    done.communicate(timeout=PATIENCE)
    if waiting(listener.local[1]):
        raise Skip("ss -K does not work here")
    t.truth.say("asked", done.pid, listener.local)
    for ours in made:
        t.truth.say("asked", done.pid, listener.local, ours.local, cookie=-ours.local[1], ended=9)
    end_clients(client, made)
    child.close(listener.sock)
