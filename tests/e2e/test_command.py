# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""`porttrace run`: one command and what it starts, and nothing else.  And what bash offers."""
import json
import os
import re
import signal
import subprocess
import sys

from harness import PATIENCE, PORTTRACE, Actor, Folder, alone, porttrace, program

# Connects to a port where nobody listens; says which, and as whom, on stdout.
CLIENT = ("import os, socket, sys\n"
          "s = socket.socket()\n"
          "s.connect_ex(('127.0.0.1', int(sys.argv[1])))\n"
          "print(os.getpid(), sys.argv[1])\n")


def trace(*command, options=(), **more):
    """Records and the finished process; the command's stdout is its own."""
    with Folder() as folder:
        log = folder("log.json")
        done = porttrace("run", "--json", "-o", log, *options, "--", *command, **more)
        with open(log, encoding="utf-8") as file:
            return [json.loads(line) for line in file], done


def connects(records):
    """{(pid, port)} of the connects."""
    return {(r["process"]["pid"], r["destination"]["port"]) for r in records
            if r["event"]["action"] == "connect"}


def said(done):
    return {tuple(map(int, line.split())) for line in done.stdout.splitlines()}


def test_first_thing_that_it_does():
    records, done = trace(sys.executable, "-c", CLIENT, "9001")
    assert done.returncode == 0 and connects(records) == said(done) and said(done), done


def test_what_it_starts():
    """Children of a shell, one of them detached, and one whose parent is gone."""
    script = ('"$0" -c "$1" 9001; ("$0" -c "$1" 9002) & wait; '
              'setsid sh -c \'"$0" -c "$1" 9003 & wait\' "$0" "$1"; "$0" -c "$1" 9004')
    records, done = trace("sh", "-c", script, sys.executable, CLIENT)
    assert {port for _, port in said(done)} == {9001, 9002, 9003, 9004}, done
    assert connects(records) == said(done), (records, done)


@alone
def test_all_that_they_start():
    """Many at once: a child whose beginning a hook misses would be silent to its end."""
    server, each = Actor("server"), 40
    listener = server.listener()
    server.listen(listener.sock, backlog=4096)
    script = ('for _ in 1 2 3 4 5 6 7 8 9 10; do'
              ' (for _ in $(seq "$1"); do "$2" "$3" "$4" & done; wait) & done; wait')
    records, done = trace("sh", "-c", script, "sh", str(each), *program("brief", *listener.local))
    pids = {json.loads(line)["pid"] for line in done.stdout.splitlines()}
    told = {pid for pid, _ in connects(records)}
    assert len(pids) == 10 * each and told == pids, (len(pids), len(told))


def test_nothing_else():
    """Its peer is named, but has no records here; others have none at all."""
    other = Actor()
    listener = other.listener()
    port = listener.local[1]
    records, done = trace(sys.executable, "-c", CLIENT, str(port))
    pid = next(iter(said(done)))[0]
    assert {r["process"]["pid"] for r in records if "process" in r} == {pid}, records
    connect = next(r for r in records if r["event"]["action"] == "connect")
    assert connect["destination"]["process"]["pid"] == other.pid, connect


def test_its_status():
    for status in (0, 1, 77, 255):
        assert trace("sh", "-c", f"exit {status}")[1].returncode == status
    assert trace("sh", "-c", "kill -KILL $$")[1].returncode == 128 + signal.SIGKILL


def test_its_priority():
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    _, done = trace("nice")
    assert done.stdout == "0\n", done


def test_its_streams():
    done = porttrace("run", "-o", "/dev/null", "--", "true")
    assert done.returncode == 5 and "regular file" in done.stderr, done
    with Folder() as folder:
        done = subprocess.run([PORTTRACE, "run", "-q", "-o", folder("log"), "--", "sh", "-c",
                               "cat; echo error >&2"], input="in\n", capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "in\n", "error\n"), done


def test_silent_unless_something_fails():
    done = porttrace("run", "--failed", "--", "sh", "-c", "echo fine")
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", ""), done
    done = porttrace("run", "--failed", "--", sys.executable, "-c", CLIENT, "9001")
    lines = [line for line in done.stdout.splitlines() if "ECONNREFUSED" in line]
    assert len(lines) == 1 and "127.0.0.1:9001" in lines[0] and not done.stderr, done


def test_what_is_no_command():
    done = porttrace("run", "--", "/no/such/program")
    assert done.returncode == 127 and "/no/such/program: No such file" in done.stderr, done
    done = porttrace("run", "--", "/etc/passwd")
    assert done.returncode == 126 and "/etc/passwd: Permission denied" in done.stderr, done
    done = porttrace("run")
    assert done.returncode == 2 and "COMMAND" in done.stderr, done


def test_its_options_are_its_own():
    """Behind the first word nothing is an option of porttrace, with -- or without."""
    for dashes in ((), ("--",)):
        done = porttrace("run", "-q", *dashes, "echo", "--json", "-V", "--", "x")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "--json -V -- x"), done


def test_a_signal_is_passed_on():
    """SIGTERM goes to the command, whose end is the end."""
    with subprocess.Popen([PORTTRACE, "run", "--", "sh", "-c",
                           "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.stdout.readline().strip() != "ready":
            pass
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 9, (process.returncode, errors)


def test_without_rights():
    """The tracer can't begin: the command does not run."""
    done = porttrace("run", "--", "echo", "ran",
                     command=("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"))
    assert done.returncode == 3 and "ran" not in done.stdout, done


COMPLETION = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                          "packaging", "completions", "porttrace.bash")


def bash(code, *arguments):
    """The words that it prints once the completion is there."""
    done = subprocess.run(["bash", "-c", f'. "$0"; {code}', COMPLETION, *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    assert not done.stderr, done
    return done.stdout.split()


def test_completion_of_each_command():
    """Its options are those of the command's --help; trace has no name."""
    commands = bash('echo "$_porttrace_commands"')
    assert {"run", "doctor", "who", "list", "wait", "help"} <= set(commands), commands
    for command in ("", *commands):
        told = porttrace(*filter(None, [command]), "--help").stdout
        listed = set(re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", told, re.MULTILINE))
        offered = {word for word in bash('_porttrace_options "$1"', command)
                   if word.startswith("--")}
        assert listed and offered == listed, (command, offered ^ listed)
