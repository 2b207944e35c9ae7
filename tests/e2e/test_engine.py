# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A container of a real engine: its id and runtime are what the engine says itself."""
import contextlib
import ctypes
import glob
import json
import os
import resource
import shutil
import subprocess

from harness import PATIENCE, Actor, Folder, Skip, Tracer, check, one

CLONE_NEWNS, MS_PRIVATE_REC, MNT_DETACH = 0x20000, 0x44000, 2
PARENTS = "/sys/fs/cgroup/*/libpod_parent"
LIBC = ctypes.CDLL(None, use_errno=True)

SERVER = """
import socket
door = socket.create_server(("127.0.0.1", 7060))
guest, _ = door.accept()
guest.send(b"hello")
guest.recv(1)
"""


def hide_hybrid():
    """crun wants one version of control groups: take v2 away where v1 is, for us alone."""
    if LIBC.unshare(CLONE_NEWNS) or LIBC.mount(b"none", b"/", None, MS_PRIVATE_REC, None):
        raise OSError(ctypes.get_errno(), "mount namespace")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line.split() for line in file]
    points = {words[4] for words in mounts if "cgroup2" in words}
    if any("cgroup" in words for words in mounts):
        for point in points:
            LIBC.umount2(point.encode(), MNT_DETACH)


def root_of_a_container(folder):
    """A root that borrows the programs of this machine."""
    root = folder("root")
    os.mkdir(root)
    options = ["--rootfs", root]
    for name in ("usr", "etc", "proc", "sys", "dev", "tmp", "run"):
        os.mkdir(os.path.join(root, name))
    options[:0] = ["--volume", "/usr:/usr:ro"]
    for name in ("bin", "lib", "lib64"):
        if os.path.islink("/" + name):
            os.symlink(os.readlink("/" + name), os.path.join(root, name))
        elif os.path.isdir("/" + name):
            os.mkdir(os.path.join(root, name))
            options[:0] = ["--volume", f"/{name}:/{name}:ro"]
    return options


class Podman:
    """An engine with a store of its own."""

    def __init__(self, folder):
        program = shutil.which("podman")
        if not program:
            raise Skip("podman is not installed")
        hide_hybrid()
        self.parents = set(glob.glob(PARENTS))
        self.command = [program, "--root", folder("store"), "--runroot", folder("run"),
                        "--tmpdir", folder("tmp"), "--cgroup-manager=cgroupfs",
                        "--events-backend=none"]

    def run(self, *arguments):
        done = subprocess.run([*self.command, *arguments], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False, timeout=3 * PATIENCE)
        if done.returncode:
            raise Skip("podman does not work here: " +
                       done.stderr.strip().rpartition("\n")[2][:120])
        return done.stdout.strip()

    def create(self, folder, *command):
        """Without more rights than this process has: limits may only be lowered."""
        limits = []
        for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
            soft, hard = resource.getrlimit(kind)
            most = min([value for value in (soft, hard) if value > 0] or [1024])
            limits += ["--ulimit", f"{name}={min(most, 1024)}:{min(most, 1024)}"]
        return self.run("create", "--network=host", *limits, *root_of_a_container(folder), *command)

    def remove(self, number):
        """And the control groups that it leaves behind, if its monitor has left them."""
        self.run("rm", "--force", "--time=0", number)
        for path in set(glob.glob(PARENTS)) - self.parents:
            for group, _, _ in os.walk(path, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(group)


def test_podman():
    """A server in a container, as itself and as the other end of a client outside."""
    with Folder() as folder:
        engine = Podman(folder)
        number = engine.create(folder, "/usr/bin/python3", "-I", "-S", "-c", SERVER)
        try:
            tracer, client = Tracer(), Actor("client")
            engine.run("start", number)
            pid = json.loads(engine.run("inspect", number))[0]["State"]["Pid"]
            assert engine.run("ps", "--no-trunc", "--quiet") == number
            tracer.wait(action="listen", local=("127.0.0.1", 7060))
            ours = client.client(("127.0.0.1", 7060))
            client.receive(ours.sock, 5)
            client.close(ours.sock)
            tracer.wait(action="close", pid=pid, socket="connection")
            records = tracer.trace()
        finally:
            engine.remove(number)
    inside = {"container.id": number, "container.runtime": "podman", "service.name": None}
    for action in ("bind", "listen", "accept"):
        check(one(records, action=action), pid=pid, **inside)
    check(one(records, action="close", pid=pid, socket="connection"), **inside)
    check(one(records, action="connect"), pid=client.pid, **{
        "container.id": None, "destination.process.pid": pid})
