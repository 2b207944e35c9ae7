# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios with sockets that the kernel makes for itself, while some process is current."""
import subprocess

from scenarios_processes import ROUNDS
from stage import PATIENCE, Skip, end, need, scenario, wait_for
from truth import KERNEL


def endpoint(t, *arguments):
    """Tell the path manager of Multipath TCP an address of ours: the pid that did."""
    child = t.start(need("ip"), "mptcp", "endpoint", *arguments, stderr=subprocess.PIPE)
    _, errors = child.communicate(timeout=PATIENCE)
    if child.returncode:
        raise Skip(f"ip mptcp: {errors.strip()[:80]}")
    return child.pid


def add_endpoint(t, port):
    endpoint(t, "add", t.ip, "id", 1, "signal", "port", port)
    t.truth.say("listen", KERNEL, (t.ip, port), cookie=-port)


def delete_endpoint(t, port):
    """The kernel closes its listener because somebody wants it."""
    t.truth.say("asked", endpoint(t, "delete", "id", 1), (t.ip, port), cookie=-port)


@scenario("the kernel listens for itself (MPTCP's path manager)")
def kernel_listener(t):
    t.trace()
    client = t.actor("client")
    for number in range(ROUNDS):
        add_endpoint(t, 7000 + number)
        sock = client.socket().sock  # it takes no connection, but joins to one
        client.bind(sock, t.ip, 20000 + number)
        client.connect(sock, t.ip, 7000 + number, error="ECONNREFUSED")
        client.close(sock)
        delete_endpoint(t, 7000 + number)


@scenario("the kernel's listener is older than the tracer", others=False)
def kernel_listener_older(t):
    add_endpoint(t, 7000)
    t.trace("--snapshot")
    delete_endpoint(t, 7000)


@scenario("the kernel joins a connection to its own listener")
def kernel_join(t):
    """MPTCP: the server announces another port, and the client's kernel connects there.

    Neither is a connection that anybody made: there is one, as there was.
    """
    t.trace()
    add_endpoint(t, 7001)
    subprocess.run([need("ip"), "mptcp", "limits", "set", "subflow", "2", "add_addr_accepted",
                    "2"], check=True)
    server, client = t.actor("server"), t.actor("client")
    sock = server.socket(mptcp=True).sock
    server.bind(sock, t.ip, 7000)
    server.listen(sock)
    joined = 0
    for _ in range(5):
        ours = client.connect(client.socket(mptcp=True).sock, t.ip, 7000)
        theirs = server.accept(sock)
        client.send(ours.sock, 5)
        server.receive(theirs.sock, 5)
        try:
            wait_for(lambda: sockets_at(7001) == 2, "", 2)
            joined += 1
        except AssertionError:
            pass  # the announcement is not sent again before a minute or two
        end(client, ours.sock, server, theirs.sock)
        wait_for(lambda: sockets_at(7001) == 0, "the join stays")
    if not joined:
        raise Skip("the kernel does not join")
    delete_endpoint(t, 7001)


def sockets_at(port):
    """How many connections have that port at an end, by /proc/net/tcp."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        return sum(f":{port:04X} " in line[:35] and line.split()[3] == "01" for line in file)
