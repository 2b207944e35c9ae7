# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where a process lives: its container and its service, by its control group; pid namespaces."""
import os
import secrets
import subprocess

from harness import PATIENCE, PORTTRACE, Actor, Skip, Tracer, check, one, parse

SERVICE = """
import socket
guest, _ = socket.socket(fileno=3).accept()
guest.recv(1)
"""
CALL = "import socket; socket.create_connection(('127.0.0.1', 7061)).close()"


def hierarchies():
    """Where the control groups are that porttrace asks: v1's memory, else v2."""
    mounts = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            words, _, rest = line.strip().partition(" - ")
            kind, _, options = rest.split(" ", 2)
            if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
                mounts.setdefault(kind, words.split(" ")[4])
    return mounts


class Groups:
    """Control groups that are gone when the test is over."""

    def __init__(self, kind):
        mounts = hierarchies()
        if kind not in mounts:
            raise Skip(f"no {kind} hierarchy here")
        self.root = mounts[kind]
        self.made = []

    def __enter__(self):
        return self

    def make(self, *names):
        path = self.root
        for name in names:
            path = os.path.join(path, name)
            try:
                os.mkdir(path)
            except FileExistsError:
                continue
            except OSError as error:
                raise Skip(f"no control groups can be made: {error.strerror}") from error
            self.made.append(path)
        return path

    def move(self, pid, path):
        with open(os.path.join(path, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(pid))

    def __exit__(self, *_):
        for path in reversed(self.made):
            with open(os.path.join(path, "cgroup.procs"), encoding="ascii") as file:
                for pid in file.read().split():
                    self.move(pid, self.root)
            os.rmdir(path)


def container_is_named(kind):
    """A process that is in a container, is moved to a service, and out of it."""
    with Groups(kind) as groups:
        number = secrets.token_hex(32)
        inside = groups.make(f"porttrace-test-{os.getpid()}", f"docker-{number}.scope")
        service = groups.make(f"porttrace-test-{os.getpid()}", "web.service")
        tracer, actor = Tracer(), Actor("moving")
        sock = actor.socket().sock
        for mount in hierarchies().values():  # v1's root says nothing, so v2 is asked
            groups.move(actor.pid, mount)
        groups.move(actor.pid, inside)
        actor.bind(sock, "127.0.0.1", 7050)
        groups.move(actor.pid, service)
        actor.bind(actor.socket().sock, "127.0.0.1", 7051)
        groups.move(actor.pid, groups.root)
        actor.bind(actor.socket().sock, "127.0.0.1", 7052)
        groups.move(actor.pid, inside)
        actor.close(sock)
        records = tracer.trace()
    check(one(records, action="bind", local=("127.0.0.1", 7050)), pid=actor.pid, **{
        "container.id": number, "container.runtime": "docker", "service.name": None})
    check(one(records, action="bind", local=("127.0.0.1", 7051)), pid=actor.pid, **{
        "container.id": None, "container.runtime": None, "service.name": "web.service"})
    check(one(records, action="bind", local=("127.0.0.1", 7052)), pid=actor.pid, **{
        "container.id": None, "service.name": None})


def test_container_v2():
    container_is_named("cgroup2")


def test_container_v1():
    container_is_named("cgroup")


def test_socket_unit():
    """pid 1 listens, the service accepts.  Where systemd runs, in its network namespace."""
    if not os.path.isdir("/run/systemd/system"):
        raise Skip("systemd does not run here")
    unit = f"porttrace-test-{os.getpid()}"
    tracer = Tracer("--port", "7061", namespace=("--netns", str(os.stat("/proc/1/ns/net").st_ino)))
    subprocess.run(["systemd-run", "--quiet", "--collect", f"--unit={unit}",
                    "--socket-property=ListenStream=127.0.0.1:7061", "/usr/bin/python3", "-c",
                    SERVICE], check=True)
    try:
        subprocess.run(["nsenter", "--net=/proc/1/ns/net", "/usr/bin/python3", "-c", CALL],
                       check=True)
        tracer.wait(action="accept", local=("127.0.0.1", 7061))
        records = tracer.trace()
    finally:
        subprocess.run(["systemctl", "stop", f"{unit}.socket", f"{unit}.service"], check=False)
    check(one(records, action="listen"), pid=1)
    check(one(records, action="accept"), **{
        "service.name": f"{unit}.service", "porttrace.creator.pid": 1})


# --- another pid namespace -------------------------------------------------------------------


OTHER_PIDS = ("unshare", "--pid", "--fork", "--mount-proc")


def test_another_pid_namespace():
    """Pids are those of the first one, and of older sockets nobody is named wrongly."""
    server = Actor("server")
    address = server.listener().local
    with subprocess.Popen([*OTHER_PIDS, PORTTRACE, "--json", "--netns", "self", "--snapshot",
                           "--count", "2"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as tracer:
        line = tracer.stderr.readline()
        assert b"is not the initial pid namespace" in line, line
        line = tracer.stderr.readline()
        assert b"tracing" in line, line
        client = Actor("client")
        client.connect(client.socket().sock, "127.0.0.1", 9, error="ECONNREFUSED")
        records = [parse(line) for line in tracer.stdout]
    check(one(records, action="open"), local=address, pid=None,
          **{"porttrace.attribution": "unknown"})
    check(one(records, action="connect"), pid=client.pid, name="client")


def test_who_in_another_pid_namespace():
    server = Actor("server")
    port = server.listener().local[1]
    done = subprocess.run([*OTHER_PIDS, PORTTRACE, "who", str(port), "--netns", "self"],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "no process of this pid namespace holds it" in done.stdout, done
    assert "is not the initial pid namespace" in done.stderr, done
    assert done.returncode == 0, done
