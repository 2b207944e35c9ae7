# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Sockets that the kernel makes for itself while a process is current: nobody is named.

Where this kernel has the modules; MPTCP's listeners are in tests/truth.
"""
import contextlib
import ctypes
import os
import subprocess

from harness import PATIENCE, Actor, Skip, Tracer, check, none, one

LIBC = ctypes.CDLL(None, use_errno=True)


def module(name):
    """Is it there, or can it be had?"""
    if os.path.isdir("/sys/module/" + name.replace("-", "_")):
        return
    done = subprocess.run(["modprobe", name], capture_output=True, check=False)
    if done.returncode:
        raise Skip(f"no module {name}")


def kernel_connects(name, begin):
    """begin(port) makes the kernel connect, from a process that then waits for an answer."""
    module(name)
    server = Actor("server")
    listener = server.listener()
    tracer = Tracer()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):  # what asked for it fails in the end
            begin(listener.local[1])
        os._exit(0)
    theirs = server.accept(listener.sock)
    server.close(listener.sock)
    server.reset(theirs.sock)
    tracer.wait(action="close", pid=server.pid, socket="connection")
    os.kill(child, 9)
    os.waitpid(child, 0)
    records = tracer.trace()
    ends = {"source.process.pid": None, "destination.process.pid": server.pid}
    check(one(records, action="connect", outcome="success", source=theirs.remote),
          attribution="kernel", **{"process.pid": None}, **ends)
    check(one(records, action="accept", source=theirs.remote), **ends)
    none(records, pid=child)


def mount(kind, source, options):
    os.makedirs("/tmp/porttrace-mount", exist_ok=True)
    LIBC.mount(source, b"/tmp/porttrace-mount", kind, 0, options.encode())


def test_nfs():
    kernel_connects("nfsv4", lambda port: mount(
        b"nfs4", b"127.0.0.1:/", f"addr=127.0.0.1,clientaddr=127.0.0.1,port={port},retrans=1"))


def test_cifs():
    kernel_connects("cifs", lambda port: mount(
        b"cifs", b"//127.0.0.1/x", f"ip=127.0.0.1,port={port},user=x,pass=x,unc=\\\\127.0.0.1\\x"))


def test_9p():
    kernel_connects("9p", lambda port: mount(
        b"9p", b"127.0.0.1", f"trans=tcp,port={port},version=9p2000.L"))


def test_nvme():
    def begin(port):
        with open("/dev/nvme-fabrics", "r+b", buffering=0) as file:
            file.write(f"transport=tcp,traddr=127.0.0.1,trsvcid={port},nqn=porttrace".encode())
    module("nvme-tcp")
    if not os.path.exists("/dev/nvme-fabrics"):
        raise Skip("no /dev/nvme-fabrics")
    kernel_connects("nvme-tcp", begin)


def test_rds():
    """It listens in each network namespace, as soon as it is loaded."""
    unload = ("rmmod", "rds_tcp")
    if os.path.isdir("/sys/module/rds_tcp"):
        subprocess.run(unload, check=False, timeout=PATIENCE)
    tracer = Tracer()
    module("rds_tcp")
    # Or the namespaces of all tests that follow would have that listener too.
    subprocess.run(unload, check=True, timeout=PATIENCE)
    record = one(tracer.trace(), action="listen")
    check(record, attribution="kernel", **{"process.pid": None, "porttrace.local.port": 16385})
