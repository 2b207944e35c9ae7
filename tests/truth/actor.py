# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The end-to-end tests' actor, which also writes down what it does (the lines of say.h).

    python3 actor.py FD NAME

The file is $TRUTH_LOG.  It can do some things more than those tests need.
"""
import array
import errno
import importlib.util
import os
import signal
import socket
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location(
    "e2e_actor", os.path.join(os.path.dirname(HERE), "e2e", "actor.py"))
BASE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(BASE)
SOCKETS = BASE.SOCKETS

MSG_FASTOPEN, TCP_FASTOPEN = 0x20000000, 23
SO_COOKIE, SO_ATTACH_FILTER, SO_DETACH_FILTER = 57, 26, 27
SO_ATTACH_REUSEPORT_CBPF = 51
IPPROTO_MPTCP = 262
LOG = os.open(os.environ["TRUTH_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
DOOR = []


# --- writing it down ---------------------------------------------------------------------


def own_name():
    """The name of the thread group leader."""
    with open("/proc/self/comm", encoding="utf-8", errors="replace") as file:
        return file.read().rstrip("\n")


def facts_of(sock):
    """(cookie, local, remote) as they are written."""
    try:
        cookie = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), sys.byteorder)
    except OSError:
        cookie = 0
    ends = []
    for ask in (sock.getsockname, sock.getpeername):
        try:
            ends.append("{} {}".format(*ask()[:2]))
        except OSError:
            ends.append("-")
    return cookie, *ends


def say(what, began, cookie, local, remote, error=0):
    fields = (began, time.time_ns(), os.readlink("/proc/self"), own_name(), what, error,
              os.stat("/proc/self/ns/net").st_ino, cookie, local, remote,
              os.readlink("/proc/self/exe"))
    os.write(LOG, ("\t".join(map(str, fields)) + "\n").encode())


def written(what, function, asked=False):
    """FUNCTION(number, ...), and a line about it, also when it failed (asked: with what for)."""
    def call(number, *arguments, **options):
        before = facts_of(SOCKETS[number])
        began = time.time_ns()
        try:
            answer = function(number, *arguments, **options)
        except OSError as failure:
            if failure.errno == errno.EINPROGRESS:
                say("begin", began, *facts_of(SOCKETS[number]))
            else:
                end = "{} {}".format(*arguments[:2]) if asked else "-"
                # A UDP socket has a port by then.
                own = facts_of(SOCKETS[number])[1] if is_datagram(number) else before[1]
                local, remote = (end, "-") if what == "bind" else (own, end)
                say(what, began, before[0], local, remote, failure.errno)
            raise
        after = facts_of(SOCKETS[answer[0]]) if answer[0] is not None else before
        say(what, began, *after)
        return answer
    call.__name__ = function.__name__
    return call


# --- datagrams: the lines of exchanges.py -------------------------------------------------


def is_datagram(number):
    return SOCKETS[number].type == socket.SOCK_DGRAM


def passed(what, number, began, size, other=None, error=0):
    cookie, local, remote = facts_of(SOCKETS[number])
    say(f"{what} {size}", began, cookie, local, "{} {}".format(*other[:2]) if other else remote,
        error)


def send(number, size):
    """One datagram, or so many bytes of a stream."""
    if not is_datagram(number):
        return BASE.send(number, size)
    began = time.time_ns()
    try:
        sent = SOCKETS[number].send(b"x" * size)
    except OSError as failure:
        passed("sent", number, began, -1, None, failure.errno)
        raise
    passed("sent", number, began, sent)
    return number, sent


def send_to(number, size, ip, port):
    began = time.time_ns()
    try:
        answer = BASE.send_to(number, size, ip, port)
    except OSError as failure:
        passed("sent", number, began, -1, (ip, port), failure.errno)
        raise
    passed("sent", number, began, answer[1], (ip, port))
    return answer


def receive_from(number, count=1):
    began = time.time_ns()
    answer = BASE.receive_from(number, count)
    for size, *other in answer[1]:
        passed("got", number, began, size, other)
    return answer


def receive_waiting(number):
    """All datagrams that are there already."""
    count = 0
    while True:
        began = time.time_ns()
        try:
            data, other = SOCKETS[number].recvfrom(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return number, count
        except OSError as failure:
            passed("got", number, began, -1, None, failure.errno)
            continue
        passed("got", number, began, len(data), other)
        count += 1


def disconnect(number):
    began = time.time_ns()
    answer = BASE.disconnect(number)
    if is_datagram(number):
        say("disconnect", began, *facts_of(SOCKETS[number]))
    return answer


def enter(path):
    """From now on in another network namespace."""
    with open(path, "rb") as file:
        if BASE.ctypes.CDLL(None, use_errno=True).setns(file.fileno(), 0x40000000):
            raise OSError(BASE.ctypes.get_errno(), "setns")
    return None, None


# --- what it can do besides --------------------------------------------------------------


def new_socket(version=4, mptcp=False, **options):
    number, _ = BASE.new_socket(version, **options)
    if mptcp:
        SOCKETS.pop(number).close()
        number = BASE.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM, IPPROTO_MPTCP))
    if is_datagram(number):  # who has it from now on, also if it never does anything with it
        say("inherited", time.time_ns(), *facts_of(SOCKETS[number]))
    return number, None


def fast_listen(number):
    """A listener that takes data with the SYN."""
    SOCKETS[number].setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    return BASE.listen(number)


def fast_connect(number, ip, port):
    """Connect by a send."""
    SOCKETS[number].sendto(b"early", MSG_FASTOPEN, (ip, port))
    return number, None


def deaf(number, on):
    """Whether the socket gets no packet at all."""
    if on:
        program = array.array("B", struct.pack("HBBI", 6, 0, 0, 0))  # return 0: drop
        where, _ = program.buffer_info()
        SOCKETS[number].setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                                   struct.pack("HxxxxxxP", 1, where))
    else:
        SOCKETS[number].setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
    return number, None


def steer(number, member):
    """From now on the group's connections go to its MEMBERth socket."""
    program = array.array("B", struct.pack("HBBI", 6, 0, 0, member))  # return MEMBER
    where, _ = program.buffer_info()
    SOCKETS[number].setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF,
                               struct.pack("HxxxxxxP", 1, where))
    return number, None


def finish_connect(number):
    """Wait for a connect that did not: it is written down with its outcome."""
    sock = SOCKETS[number]
    sock.setblocking(True)
    began = time.time_ns() - 30_000_000_000
    cookie, local, _ = facts_of(sock)
    sock.settimeout(20 * float(os.environ.get("PORTTRACE_SLOW") or 1))
    try:
        sock.send(b"x")
        error = 0
    except OSError as failure:
        error = failure.errno
    say("connect", began, cookie, local, facts_of(sock)[2], error)
    return number, None


def abort(number, ip, port):
    """Close what is still connecting."""
    began = time.time_ns()
    cookie, local, _ = facts_of(SOCKETS[number])
    BASE.close(number)
    say("connect", began, cookie, local, f"{ip} {port}", errno.ECONNABORTED)
    return None, None


def open_door(name):
    """Where another process may hand a socket to this one."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    door.bind("\0" + name)
    DOOR.append(door)
    return None, None


def shut_door():
    DOOR.pop().close()
    return None, None


def hand_over(number, name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.connect("\0" + name)
        socket.send_fds(way, [b"x"], [SOCKETS[number].fileno()])
    return number, None


def take():
    _, files, _, _ = socket.recv_fds(DOOR[0], 1, 1)
    sock = socket.socket(fileno=files[0])
    number = BASE.keep(sock)
    say("received", time.time_ns(), *facts_of(sock))
    return number, None


def execute(path, *arguments):
    """Become another program; "@3" among the arguments is socket 3's descriptor."""
    for number, sock in SOCKETS.items():
        if f"@{number}" in arguments:
            sock.set_inheritable(True)
    os.execv(path, [path, *(a[1:] if a.startswith("@") else a for a in arguments)])


def speak(number, text):
    SOCKETS[number].sendall(text.encode())
    return number, None


def descriptor(number, wanted):
    """Make the socket that descriptor too, as a service expects it."""
    os.dup2(SOCKETS[number].fileno(), wanted, inheritable=True)
    return number, None


BASE.OPERATIONS.update({
    "socket": new_socket,
    "bind": written("bind", BASE.bind, asked=True),
    "listen": written("listen", BASE.listen),
    "fast_listen": written("listen", fast_listen),
    "connect": written("connect", BASE.connect, asked=True),
    "fast_connect": written("connect", fast_connect, asked=True),
    "connect_later": written("connect", BASE.connect_later, asked=True),
    "accept": written("accept", BASE.accept),
    "close": written("close", BASE.close),
    "reset": written("close", BASE.reset),
})
BASE.OPERATIONS.update({f.__name__: f for f in (
    send, send_to, receive_from, receive_waiting, disconnect, enter,
    deaf, steer, finish_connect, abort, open_door, shut_door, hand_over, take, execute, speak, descriptor)})


def after_fork():
    """A child writes down whose child it is, in the cookie's place."""
    say("forked", time.time_ns(), os.getppid(), "-", "-")


os.register_at_fork(after_in_child=after_fork)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    BASE.rename(sys.argv[2])
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    BASE.serve(channel)


if __name__ == "__main__":
    main()
