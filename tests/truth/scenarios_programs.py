# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios with servers that people run; what they did is taken from their own logs."""
import os
import shutil
import signal
import subprocess

from stage import PATIENCE, Skip, need, scenario, wait_for
from stage import program as our_program


def is_listening(port):
    """By /proc/net/tcp of this namespace."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        return any(f":{port:04X} 00000000:0000 0A" in line for line in file)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().rstrip("\n")


def served(t, pid, local, client, count, talk):
    """COUNT connections that PID accepts; talk(client, its end) makes it answer."""
    for _ in range(count):
        ours = client.client(local)
        t.truth.say("accept", pid, local, ours.local, name=name_of(pid))
        talk(client, ours)
        client.close(ours.sock)


# --- nginx ------------------------------------------------------------------------------

NGINX = """
daemon off; master_process on; worker_processes 4; pid {folder}/pid; error_log {folder}/error;
user root; events {{ worker_connections 512; }}
http {{
  log_format truth '$pid $remote_addr $remote_port $server_addr $server_port $connection';
  access_log {folder}/access truth; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen {ip}:7000; location / {{ return 200 "hello"; }} }}
}}
"""


def ask(client, ours, path="/"):
    client.speak(ours.sock, f"GET {path} HTTP/1.0\r\n\r\n")
    client.receive(ours.sock)


@scenario("nginx, four workers, and its reload")
def nginx(t):
    program = need("nginx")
    with open(t.file("nginx.conf"), "w", encoding="ascii") as file:
        file.write(NGINX.format(folder=t.folder, ip=t.ip))
    t.trace()
    master = t.start(program, "-p", t.folder, "-c", t.file("nginx.conf"), "-e", t.file("error"),
                     stderr=subprocess.DEVNULL)
    wait_for(lambda: is_listening(7000) and len(children(master.pid)) == 4, "nginx does not start")
    old = set(children(master.pid))
    clients = [t.actor(f"client-{n}") for n in range(4)]
    for number in range(60):
        client = clients[number % 4]
        ours = client.client((t.ip, 7000))
        ask(client, ours)
        client.close(ours.sock)
    # These began with the old workers and end after the reload.
    half = [(client, client.client((t.ip, 7000))) for client in clients for _ in range(5)]
    for client, ours in half:
        client.speak(ours.sock, "GET / HTTP/1.0\r\n")
    wait_for(lambda: taken(half), "nginx does not accept")
    master.send_signal(signal.SIGHUP)
    wait_for(lambda: len(set(children(master.pid)) - old) == 4, "nginx does not reload")
    for number in range(40):
        client = clients[number % 4]
        ours = client.client((t.ip, 7000))
        ask(client, ours)
        client.close(ours.sock)
    for client, ours in half:
        client.speak(ours.sock, "\r\n")
        client.receive(ours.sock)
        client.close(ours.sock)
    wait_for(lambda: not old & set(children(master.pid)), "old workers stay")
    workers = old | set(children(master.pid))
    master.send_signal(signal.SIGQUIT)
    master.wait(PATIENCE)
    local = (t.ip, 7000)
    for what in ("bind", "listen"):
        t.truth.say(what, master.pid, local, name="nginx", cookie=-1)
    for worker in workers:
        t.truth.say("inherited", worker, local, name="nginx", cookie=-1, ended=1)
    with open(t.file("access"), encoding="ascii") as file:
        lines = [line.split() for line in file]
    assert len(lines) == 120, f"nginx wrote down {len(lines)} connections"
    assert {int(words[0]) for words in lines} <= workers
    for pid, ip, port, _, _, _ in lines:
        t.truth.say("accept", int(pid), local, (ip, int(port)), name="nginx")


def taken(half):
    """Whether the server has read what each of them sent: nothing waits in a queue."""
    with open("/proc/net/tcp", encoding="ascii") as file:
        waiting = [line.split() for line in file if ":1B58 " in line[:30]]
    return all(words[4].endswith(":00000000") for words in waiting if words[3] in ("0A", "01"))


# --- others ------------------------------------------------------------------------------


@scenario("redis-server")
def redis(t):
    program = need("redis-server")
    t.trace()
    server = t.start(program, "--bind", t.ip, "--port", 7000, "--save", "", "--dir", t.folder)
    wait_for(lambda: is_listening(7000), "redis does not listen")
    t.truth.silent.add(server.pid)
    for what in ("bind", "listen"):
        t.truth.say(what, server.pid, (t.ip, 7000), name=name_of(server.pid), cookie=-1)

    def talk(client, ours):
        client.speak(ours.sock, "PING\r\n")
        client.receive(ours.sock, 7)
    served(t, server.pid, (t.ip, 7000), t.actor("client"), 30, talk)


@scenario("PostgreSQL: a process for each connection")
def postgres(t):
    initdb, program, psql = need("initdb"), need("postgres"), need("psql")
    data = t.file("data")
    os.mkdir(data)
    shutil.chown(data, "nobody")
    as_nobody = ["setpriv", "--reuid", "nobody", "--clear-groups", "env", f"HOME={data}"]
    done = subprocess.run([*as_nobody, initdb, "-D", data, "-A", "trust", "-U", "truth", "-N",
                           "--no-locale"], capture_output=True, check=False)
    if done.returncode:
        raise Skip("initdb fails: " + done.stderr.decode(errors="replace").strip()[:80])
    t.trace()
    server = t.start(*as_nobody, program, "-D", data, "-h", t.ip, "-p", 7000, "-k", data,
                     "-c", "fsync=off", stderr=subprocess.DEVNULL)
    wait_for(lambda: is_listening(7000), "postgres does not listen")
    local = (t.ip, 7000)
    t.truth.silent.add(server.pid)
    for what in ("bind", "listen"):
        t.truth.say(what, server.pid, local, name="postgres", cookie=-1)
    for _ in range(8):
        client = t.start(psql, "-h", t.ip, "-p", 7000, "-U", "truth", "-Atc",
                         "select pg_backend_pid(), inet_client_port()", "postgres")
        backend, port = map(int, t.finish(client).split("|"))
        ends = ("127.0.0.1", port)
        t.truth.say("accept", server.pid, local, ends, name="postgres", cookie=-port)
        t.truth.say("inherited", backend, local, ends, name="postgres", cookie=-port, ended=1)
        t.truth.say("connect", client.pid, ends, local, name="psql")
    server.send_signal(signal.SIGINT)
    server.wait(PATIENCE)


@scenario("sshd: forks, and executes itself again")
def sshd(t):
    program, keygen = need("sshd"), need("ssh-keygen")
    key = t.file("key")
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with open(t.file("config"), "w", encoding="ascii") as file:
        file.write(f"ListenAddress {t.ip}\nPort 7000\nHostKey {key}\nPidFile none\nUsePAM no\n")
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    t.trace()
    server = t.start(program, "-D", "-f", t.file("config"), stderr=subprocess.DEVNULL)
    wait_for(lambda: is_listening(7000), "sshd does not listen")
    local, client = (t.ip, 7000), t.actor("client")
    t.truth.silent.add(server.pid)
    for what in ("bind", "listen"):
        t.truth.say(what, server.pid, local, name="sshd", cookie=-1)
    for number in range(10):
        ours = client.client(local)
        client.wait_readable(ours.sock)  # its banner: the child is there
        t.truth.say("accept", server.pid, local, ours.local, name="sshd", cookie=-2 - number)
        for child in children(server.pid):
            t.truth.say("inherited", child, local, ours.local, name="sshd", cookie=-2 - number,
                        ended=1)
        client.close(ours.sock)


@scenario("curl")
def curl(t):
    program = need("curl")
    t.trace()
    server = t.actor("server")
    listener = server.listener(t.ip)
    for _ in range(10):
        child = t.start(program, "-s", "-o", "/dev/null", "--http0.9", "-w", "%{local_port}",
                        f"http://{t.ip}:{listener.local[1]}/")
        theirs = server.accept(listener.sock)
        server.wait_readable(theirs.sock)
        server.send(theirs.sock, 10)
        server.shutdown(theirs.sock)
        port = int(t.finish(child))
        assert port == theirs.remote[1]
        t.truth.say("connect", child.pid, theirs.remote, listener.local, name="curl",
                    executable=os.path.realpath(program))
        server.receive(theirs.sock)
        server.close(theirs.sock)


# --- servers with threads --------------------------------------------------------------------

PYTHON_SERVER = """
import http.server, sys
http.server.ThreadingHTTPServer((sys.argv[1], 7000),
                                http.server.SimpleHTTPRequestHandler).serve_forever()
"""
NODE_SERVER = """
require("http").createServer((_, answer) => answer.end("hello")).listen(7000, process.argv[1]);
"""
JAVA_SERVER = """
import java.net.*;
class Main {
    public static void main(String[] words) throws Exception {
        ServerSocket door = new ServerSocket(7000, 50, InetAddress.getByName(words[0]));
        for (;;) {
            Socket guest = door.accept();
            new Thread(() -> {
                try (guest) {
                    while (guest.getInputStream().read() >= 0)
                        guest.getOutputStream().write(1);
                } catch (Exception error) {
                }
            }).start();
        }
    }
}
"""


def with_threads(t, command, talk, count=30):
    t.trace()
    server = t.start(*command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: is_listening(7000) or is_listening_6(7000), f"{command[0]} does not listen",
             3 * PATIENCE)
    t.truth.silent.add(server.pid)
    for what in ("bind", "listen"):
        t.truth.say(what, server.pid, (t.ip, 7000), name=name_of(server.pid), cookie=-1)
    served(t, server.pid, (t.ip, 7000), t.actor("client"), count, talk)


def is_listening_6(port):
    """By /proc/net/tcp6: Java takes IPv4 with IPv6 sockets."""
    with open("/proc/net/tcp6", encoding="ascii") as file:
        return any(f":{port:04X} " in line[:45] and line.split()[3] == "0A" for line in file)


@scenario("Python: a thread for each connection")
def python_threads(t):
    with_threads(t, [need("python3"), "-I", "-c", PYTHON_SERVER, t.ip], ask)


@scenario("Node.js")
def node(t):
    with_threads(t, [need("node"), "-e", NODE_SERVER, "--", t.ip], ask)


@scenario("Java: a thread for each connection")
def java(t):
    with open(t.file("Main.java"), "w", encoding="ascii") as file:
        file.write(JAVA_SERVER)

    def talk(client, ours):
        client.send(ours.sock, 3)
        client.receive(ours.sock, 3)
    with_threads(t, [need("java"), t.file("Main.java"), t.ip], talk)


# --- xinetd ----------------------------------------------------------------------------------

XINETD = """
service truth
{{
    type = UNLISTED
    socket_type = stream
    protocol = tcp
    port = 7000
    bind = {ip}
    wait = no
    user = root
    server = {program}
    server_args = serve 0
    env = TRUTH_LOG={log}
    per_source = UNLIMITED
    cps = 1000 1
}}
"""


@scenario("xinetd: a program for each connection")
def xinetd(t):
    server = need("xinetd")
    with open(t.file("xinetd.conf"), "w", encoding="ascii") as file:
        file.write(XINETD.format(ip=t.ip, program=our_program("play")[0], log=t.truth.path))
    t.trace()
    child = t.start(server, "-dontfork", "-f", t.file("xinetd.conf"), "-pidfile", t.file("pid"),
                    stderr=subprocess.DEVNULL)
    wait_for(lambda: is_listening(7000), "xinetd does not listen")
    t.truth.silent.add(child.pid)
    for what in ("bind", "listen"):
        t.truth.say(what, child.pid, (t.ip, 7000), name="xinetd", cookie=-1, executable=server)
    client = t.actor("client")
    for _ in range(20):
        ours = client.client((t.ip, 7000))
        client.send(ours.sock, 5)
        t.truth.say("accept", child.pid, (t.ip, 7000), ours.local, name="xinetd")
        client.shutdown(ours.sock)
        client.receive(ours.sock)  # until the program has closed
        client.close(ours.sock)
