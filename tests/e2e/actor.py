# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process that uses sockets as the test tells it, and says what came of it.

    python3 actor.py FD NAME

Each line on FD is [operation, arguments, options] in JSON; the answer is a line with the
error's name or null, the socket's number, its two ends, and the time that it took.
"""
import ctypes
import errno
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

SOCKETS = {}
SLOW = float(os.environ.get("PORTTRACE_SLOW") or 1)
DOORS = []


def keep(sock):
    number = sock.fileno()
    SOCKETS[number] = sock
    return number


def new_socket(version=4, only6=None, reuse=False, reuseport=False, device=None, udp=False):
    sock = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET,
                         socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    if only6 is not None:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only6)
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    return keep(sock), None


def bind(number, ip, port):
    SOCKETS[number].bind((ip, port))
    return number, None


def bind_raw(number, address):
    """bind(2) to an address given as hex digits, byte by byte."""
    data = bytes.fromhex(address)
    if ctypes.CDLL(None, use_errno=True).bind(number, data, len(data)):
        raise OSError(ctypes.get_errno(), "bind")
    return number, None


def listen(number, backlog=128):
    SOCKETS[number].listen(backlog)
    return number, None


def user_timeout(number, milliseconds):
    """How long what was sent may stay unanswered."""
    SOCKETS[number].setsockopt(socket.IPPROTO_TCP, 18, milliseconds)
    return number, None


def connect(number, ip, port):
    SOCKETS[number].connect((ip, port))
    return number, None


def connect_later(number, ip, port):
    """A connect that does not wait."""
    SOCKETS[number].setblocking(False)
    SOCKETS[number].connect((ip, port))
    return number, None


def accept(number):
    return keep(SOCKETS[number].accept()[0]), None


def send(number, size):
    SOCKETS[number].sendall(b"x" * size)
    return number, size


def receive(number, size=None):
    """SIZE bytes, or all up to the end of the stream."""
    got = 0
    while size is None or got < size:
        data = SOCKETS[number].recv(min(65536, (size or 1 << 30) - got))
        if not data:
            break
        got += len(data)
    if size is not None and got != size:
        raise OSError(errno.ENODATA, "the stream ended early")
    return number, got


def send_to(number, size, ip, port):
    """A datagram."""
    SOCKETS[number].setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return number, SOCKETS[number].sendto(b"x" * size, (ip, port))


def receive_from(number, count=1):
    """Datagrams: how large they were, and where each came from."""
    got = [SOCKETS[number].recvfrom(65536) for _ in range(count)]
    return number, [[len(data), *address[:2]] for data, address in got]


def peek_from(number):
    """A datagram, without taking it."""
    return number, len(SOCKETS[number].recvfrom(65536, socket.MSG_PEEK)[0])


def spray(number, count, port):
    """A datagram to each of COUNT loopback addresses."""
    for i in range(count):
        address = f"127.{1 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"
        SOCKETS[number].sendto(b"x", (address, port))
    return number, count


def disconnect(number):
    """connect(AF_UNSPEC)"""
    if ctypes.CDLL(None, use_errno=True).connect(number, bytes(16), 16):
        raise OSError(ctypes.get_errno(), "connect")
    return number, None


def wait_readable(number):
    """Until there is data, without taking it."""
    SOCKETS[number].recv(1, socket.MSG_PEEK)
    return number, None


def shutdown(number):
    SOCKETS[number].shutdown(socket.SHUT_WR)
    return number, None


def close(number):
    SOCKETS.pop(number).close()
    return None, None


def reset(number):
    SOCKETS[number].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return close(number)


def cookie(number):
    value = SOCKETS[number].getsockopt(socket.SOL_SOCKET, 57, 8)
    return number, int.from_bytes(value, sys.byteorder)


def door():
    """A Unix socket at which another actor may give() something: its name."""
    DOORS.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    DOORS[-1].bind("")
    return None, DOORS[-1].getsockname().decode("latin-1")


def give(number, name):
    """Send a socket to who waits at that door; it stays ours too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(name.encode("latin-1"))
        socket.send_fds(sender, [b"x"], [number])
    return number, None


def take():
    """What somebody gave at the latest door."""
    _, (number,), _, _ = socket.recv_fds(DOORS[-1], 1, 1)
    return keep(socket.socket(fileno=number)), None


def new_network():
    """From now on in a network namespace of its own, with loopback: its inode."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return None, os.stat("/proc/self/ns/net").st_ino


def become(uid):
    """Another effective user, without capabilities."""
    os.setegid(uid)
    os.seteuid(uid)
    return None, None


def rename(name):
    """Another name, given as latin-1 so that it can be any bytes."""
    with open("/proc/self/comm", "wb") as file:
        file.write(name.encode("latin-1"))
    return None, None


def spawn(*command):
    """Run a program to its end: what it printed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=20 * SLOW)
    return None, json.loads(done.stdout or "null")


def in_thread(name, operation, *arguments):
    """Do OPERATION in a new thread called NAME."""
    box = []

    def work():
        with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w",
                  encoding="ascii") as file:
            file.write(name)
        try:
            box.append((OPERATIONS[operation](*arguments), None))
        except OSError as error:
            box.append((None, error))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    result, error = box[0]
    if error:
        raise error
    return result


OPERATIONS = {f.__name__: f for f in (
    bind, listen, connect, connect_later, accept, send, receive, wait_readable, shutdown, close,
    send_to, receive_from, peek_from, spray, disconnect,
    reset, user_timeout, cookie, become, rename, spawn, in_thread, bind_raw, door, give, take,
    new_network)}
OPERATIONS["socket"] = new_socket


def ends(number):
    """Both ends of a socket as [ip, port], None where there is no such end."""
    result = []
    for ask in (socket.socket.getsockname, socket.socket.getpeername):
        try:
            address = ask(SOCKETS[number])
            result.append([address[0], address[1]])
        except (KeyError, OSError):
            result.append(None)
    return result


def answer(operation, arguments, options):
    number = data = error = None
    begin = time.monotonic()
    try:
        number, data = OPERATIONS[operation](*arguments, **options)
    except OSError as failure:
        error = errno.errorcode.get(failure.errno, str(failure))
        number = arguments[0] if arguments and arguments[0] in SOCKETS else None
    seconds = time.monotonic() - begin
    local, remote = ends(number)
    return {"error": error, "sock": number, "local": local, "remote": remote,
            "seconds": seconds, "data": data}


def greet(stream):
    with open("/proc/self/comm", encoding="utf-8", errors="replace") as file:
        name = file.read().rstrip("\n")
    tell(stream, {"pid": os.getpid(), "parent": os.getppid(), "name": name,
                  "executable": os.readlink("/proc/self/exe"), "uid": os.geteuid()})


def tell(stream, what):
    stream.write(json.dumps(what) + "\n")
    stream.flush()


def serve(channel):
    stream = channel.makefile("rw", encoding="utf-8")
    greet(stream)
    while line := stream.readline():
        operation, arguments, options = json.loads(line)
        if operation == "leave":
            break
        if operation == "fork":
            child = os.fork()
            if child == 0:
                door = socket.socket(socket.AF_UNIX)
                door.connect(arguments[0].encode("latin-1"))
                # The parent's channel stays the parent's.
                os.close(channel.fileno())
                return serve(door)
            tell(stream, {"error": None, "sock": None, "local": None, "remote": None,
                          "seconds": 0, "data": child})
            continue
        tell(stream, answer(operation, arguments, options))
    os._exit(0)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    rename(sys.argv[2])
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
