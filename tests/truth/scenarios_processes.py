# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios about who did it: ends of all kinds, forks, programs, threads, names."""
import select
import signal
import subprocess

from harness import scaled
from stage import PATIENCE, SKIP_STATUS, Skip, end, need, program, scenario, visit

ROUNDS = 20


def pairs(t, count=ROUNDS, server=None, client=None):
    """(server, client, listener, [(client's end, server's end)])"""
    server, client = server or t.actor("server"), client or t.actor("client")
    listener = server.listener(t.ip)
    made = []
    for _ in range(count):
        ours = client.client(listener.local)
        made.append((ours, server.accept(listener.sock)))
    return server, client, listener, made


# --- how connections end ------------------------------------------------------------------


@scenario("passive open, the client closes")
def passive_open(t):
    t.trace()
    server, client, _, made = pairs(t)
    for ours, theirs in made:
        client.send(ours.sock, 100)
        end(client, ours.sock, server, theirs.sock)


@scenario("the server closes first")
def close_by_the_server(t):
    t.trace()
    server, client, _, made = pairs(t)
    for ours, theirs in made:
        end(server, theirs.sock, client, ours.sock)


@scenario("reset by the client")
def reset_by_the_client(t):
    t.trace()
    server, client, _, made = pairs(t)
    for ours, theirs in made:
        client.reset(ours.sock)
        server.receive(theirs.sock, error="ECONNRESET")
        server.close(theirs.sock)


@scenario("reset by the server, unread data")
def reset_by_the_server(t):
    t.trace()
    server, client, _, made = pairs(t)
    for number, (ours, theirs) in enumerate(made):
        if number % 2:
            server.reset(theirs.sock)
        else:
            client.send(ours.sock, 10)
            server.wait_readable(theirs.sock)
            server.close(theirs.sock)
        client.receive(ours.sock, error="ECONNRESET")
        client.close(ours.sock)


@scenario("the server ends with open connections")
def server_exit(t):
    t.trace()
    server, client, _, made = pairs(t)
    server.leave()
    for ours, _ in made:
        client.receive(ours.sock)
        client.close(ours.sock)


@scenario("kill -9 of server and client")
def kill_nine(t):
    t.trace()
    first, client, _, made = pairs(t)
    first.kill()
    for ours, _ in made:
        client.receive(ours.sock)
    second, _, _, _ = pairs(t, client=client)
    client.kill()
    second.kill()


# --- forks ----------------------------------------------------------------------------------


@scenario("pre-forking server, four workers accept")
def preforking(t):
    t.trace()
    master, client = t.actor("master"), t.actor("client")
    listener = master.listener(t.ip)
    workers = [master.fork() for _ in range(4)]
    for number, worker in enumerate(workers):
        worker.rename(f"worker-{number}")
    for turn in range(80):
        worker = workers[turn % 4]
        visit(client, worker, listener)


@scenario("fork after accept, the child serves")
def fork_after_accept(t):
    t.trace()
    server, count = t.listening(*program("play", "fork", t.ip, 7000, 60))[0], 60
    t.run(*program("play", "connect", t.ip, 7000, count))
    t.finish(server)


@scenario("fork after accept, the parent ends first")
def parent_ends_first(t):
    t.trace()
    server, client, _, made = pairs(t)
    child = server.fork()
    server.kill()
    for ours, theirs in made:
        end(child, theirs.sock, client, ours.sock)


@scenario("inetd: accept, fork, exec")
def inetd(t):
    t.trace()
    server, client = t.actor("inetd"), t.actor("client")
    service = t.copy("play", "fingerd")
    listener = server.listener(t.ip)
    for _ in range(ROUNDS):
        ours = client.client(listener.local)
        theirs = server.accept(listener.sock)
        child = server.fork()
        server.close(theirs.sock)
        child.execute(service, "serve", f"@{theirs.sock}")
        client.send(ours.sock, 10)
        client.close(ours.sock)
        child.gone()


@scenario("a listener whose parent is dead")
def inherited_listener(t):
    t.trace()
    parent, client = t.actor("parent"), t.actor("client")
    listener = parent.listener(t.ip)
    child = parent.fork()
    child.rename("child")
    parent.kill()
    for _ in range(ROUNDS):
        visit(client, child, listener)


# --- sockets that are handed over --------------------------------------------------------------


@scenario("a connection passed over a Unix socket")
def passed_connection(t):
    t.trace()
    server, client, _, made = pairs(t)
    worker = t.actor("worker")
    worker.open_door(f"truth-{worker.pid}")
    for ours, theirs in made:
        server.hand_over(theirs.sock, f"truth-{worker.pid}")
        passed = worker.take()
        server.close(theirs.sock)
        end(worker, passed.sock, client, ours.sock)


@scenario("a listener passed over a Unix socket, the giver ends")
def passed_listener(t):
    t.trace()
    giver, taker, client = t.actor("giver"), t.actor("taker"), t.actor("client")
    listener = giver.listener(t.ip)
    taker.open_door(f"truth-{taker.pid}")
    giver.hand_over(listener.sock, f"truth-{taker.pid}")
    passed = taker.take()
    for number in range(ROUNDS):
        if number == ROUNDS // 2:
            giver.leave()
        ours = client.client(listener.local)
        theirs = taker.accept(passed.sock)
        end(client, ours.sock, taker, theirs.sock)


def activated(t, *options, accepts):
    """systemd-socket-activate listens; play serves.  Its own lines are written for it."""
    activate = need("systemd-socket-activate")
    t.trace()
    command = program("play", *accepts)
    child = t.start(activate, "-l", f"{t.ip}:7000", *options, "-E", "TRUTH_LOG", *command,
                    stderr=subprocess.STDOUT)
    local = (t.ip, 7000)
    for line in child.stdout:
        if "Listening on" in line:
            break
    t.truth.silent.add(child.pid)
    for what in ("bind", "listen"):
        t.truth.say(what, child.pid, local, name="systemd-socket-", cookie=-1,
                    executable=activate)
    return child


@scenario("socket activation: the service accepts")
def socket_activation(t):
    child = activated(t, accepts=("accept", 3, ROUNDS))
    t.run(*program("play", "connect", t.ip, 7000, ROUNDS))
    out, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 0, out


@scenario("socket activation: a service for each connection")
def socket_activation_accept(t):
    child = activated(t, "--accept", "--inetd", accepts=("serve", 0))
    client = t.actor("client")
    local = (t.ip, 7000)
    for _ in range(ROUNDS):
        ours = client.client(local)
        client.send(ours.sock, 5)
        t.truth.say("accept", child.pid, local, ours.local, name="systemd-socket-")
        client.shutdown(ours.sock)
        client.receive(ours.sock)  # until the service has closed
        client.close(ours.sock)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=PATIENCE)


# --- programs, threads, names ----------------------------------------------------------------------


@scenario("exec: the program before and after")
def exec_before_and_after(t):
    t.trace()
    server = t.actor("server")
    service = t.copy("play", "second")
    for _ in range(5):
        changing = t.actor("first")
        listener = changing.listener(t.ip)
        client = t.actor("client")
        before = client.client(listener.local)
        changing.accept(listener.sock)
        client.close(before.sock)
        changing.execute(service, "accept", f"@{listener.sock}", "4")
        for _ in range(4):
            after = client.client(listener.local)
            client.close(after.sock)
        changing.gone()
    listener = server.listener(t.ip)
    for _ in range(5):
        changing = t.actor("first")
        visit(changing, server, listener)
        changing.execute(service, "connect", t.ip, str(listener.local[1]), "4")
        for _ in range(4):
            theirs = server.accept(listener.sock)
            server.receive(theirs.sock)
            server.close(theirs.sock)
        changing.gone()


@scenario("threads with names of their own")
def threads(t):
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    listener = server.socket()
    server.in_thread("t-bind", "bind", listener.sock, t.ip, 7000)
    listener = server.in_thread("t-listen", "listen", listener.sock)
    for number in range(ROUNDS):
        ours = client.in_thread(f"t-{number}", "connect", client.socket().sock, *listener.local)
        theirs = server.in_thread("t-accept", "accept", listener.sock)
        client.in_thread("t-close", "close", ours.sock)
        server.receive(theirs.sock)
        server.in_thread("t-close", "close", theirs.sock)


@scenario("a name that changes")
def changed_name(t):
    t.trace()
    server, client = t.actor("server"), t.actor("client")
    listener = server.listener(t.ip)
    for number in range(ROUNDS):
        client.rename(f"client {number}")
        ours = client.client(listener.local)
        server.rename(f"server {number}")
        theirs = server.accept(listener.sock)
        end(client, ours.sock, server, theirs.sock)


@scenario(f"{scaled(3000):,} processes that live under a millisecond")
def short_lives(t):
    t.trace()
    t.load(*program("storm", *program("brief"), t.ip, 7000, scaled(3000)))


@scenario("one pid, many processes")
def pid_reuse(t):
    t.trace()
    first, second = t.copy("play", "first"), t.copy("play", "second")
    server, _ = t.listening(*program("play", "listen", t.ip, 7000, 120))
    done = t.start(*program("reuse", 120), first, "connect", t.ip, "7000", "1", "--",
                   second, "connect", t.ip, "7000", "1")
    used = int(t.finish(done))
    if used < 20:
        raise Skip(f"the pid was used {used} times only")
    if used < 120:
        t.run(*program("play", "connect", t.ip, 7000, 120 - used))
    t.finish(server)


@scenario("a pid namespace in a user namespace")
def pid_namespace(t):
    t.trace()
    need("unshare")
    server, _ = t.listening("unshare", "--user", "--map-root-user", "--pid", "--fork",
                            *program("play", "listen", t.ip, 7000, 40))
    client = t.start("unshare", "--user", "--pid", "--fork", "--kill-child",
                     *program("play", "connect", t.ip, 7000, 40))
    t.finish(client)
    t.finish(server)
    # /proc is the one of the outside: none of those pids is one of the inner namespace.
    with open(t.truth.path, encoding="utf-8") as file:
        pids = {int(line.split("\t")[2]) for line in file}
    assert len(pids) == 2 and min(pids) > 2, pids


@scenario("SO_REUSEPORT, four processes")
def reuseport(t):
    t.trace()
    members, client = [t.actor(f"member-{n}") for n in range(4)], t.actor("client")
    listeners = []
    for member in members:
        sock = member.socket(reuseport=True).sock
        member.bind(sock, t.ip, 7000)
        listeners.append(member.listen(sock).sock)
    for member, listener in zip(members, listeners):
        member.begin_accept(listener)
    for _ in range(80):
        ours = client.client((t.ip, 7000))
        who = readable(members)
        theirs = members[who].result()
        end(client, ours.sock, members[who], theirs.sock)
        members[who].begin_accept(listeners[who])


def readable(actors):
    """Which of them has answered."""
    ready, _, _ = select.select([a.channel for a in actors], [], [], PATIENCE)
    assert ready, "nobody accepts"
    return next(n for n, a in enumerate(actors) if a.channel in ready)


# --- io_uring -------------------------------------------------------------------------------


def uring(t, server_mode, client_mode, count=60):
    t.trace()
    server, _ = t.listening(*program("uring", "server", t.ip, 7000, count, server_mode))
    client = t.start(*program("uring", "client", t.ip, 7000, count, client_mode))
    if client.wait(3 * PATIENCE) == 1 and server.poll() == SKIP_STATUS:
        raise Skip(f"io_uring: this kernel has no {server_mode} accept")
    t.finish(client)
    t.finish(server)


@scenario("io_uring: bind, listen, accept, connect")
def io_uring(t):
    uring(t, "plain", "plain")


@scenario("io_uring with a submission thread")
def io_uring_sqpoll(t):
    uring(t, "sqpoll", "sqpoll")


@scenario("io_uring: accept and connect only")
def io_uring_calls(t):
    uring(t, "calls", "plain")


@scenario("io_uring: one request accepts all")
def io_uring_multishot(t):
    uring(t, "multishot", "plain")


@scenario("io_uring: accepted into a slot, without a descriptor")
def io_uring_direct(t):
    uring(t, "direct", "plain")


def old_program():
    """play.c for 32 bit, if this machine makes and runs such programs."""
    path = program("play")[0] + "32"
    try:
        subprocess.run([path], check=False)
    except OSError as error:
        raise Skip(f"no programs of 32 bit: {error.strerror}") from error
    return path


@scenario("a 32-bit client")
def client_32(t):
    path = old_program()
    t.trace()
    server, _ = t.listening(*program("play", "fork", t.ip, 7000, 40))
    t.run(path, "connect", t.ip, 7000, 40)
    t.finish(server)


@scenario("a 32-bit server")
def server_32(t):
    """The tracepoints of system calls do not see its calls: unknown, but not wrong."""
    path = old_program()
    t.trace()
    server, pid = t.listening(path, "listen", t.ip, 7000, 40)
    t.run(*program("play", "connect", t.ip, 7000, 40))
    t.finish(server)
    t.truth.unseen.add(("bind", pid))


@scenario("io_uring: a socket in a slot connects")
def io_uring_slot(t):
    uring(t, "calls", "direct")


@scenario("io_uring: each request by a thread of the kernel")
def io_uring_worker(t):
    uring(t, "worker", "worker")


@scenario("io_uring: a child uses its parent's ring")
def io_uring_heir(t):
    uring(t, "heir", "heir")
