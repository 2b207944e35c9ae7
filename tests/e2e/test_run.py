# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The program itself: how it begins and ends, its arguments, rights and output."""
import os
import re
import shutil
import signal
import subprocess
import time

from harness import (PATIENCE, PORTTRACE, READY, SLOW, Actor, Folder, Tracer, check, live, none,
                     one, pair, parse, porttrace, scaled, select)


# --- the end ---------------------------------------------------------------------------


def check_totals(errors):
    """The closing line, `lost 0` included."""
    line = errors[-1]
    assert line.startswith("porttrace: "), errors
    assert re.search(r"\blost 0\b", line), line


def test_ctrl_c():
    tracer, actor = Tracer(), Actor()
    actor.listener()
    records, errors, _ = tracer.stop(signal.SIGINT)
    check_totals(errors)
    assert records[0]["event.action"] == "start" and records[-1]["event.action"] == "stop"


def test_terminate():
    tracer, actor = Tracer(), Actor()
    actor.listener()
    records, errors, _ = tracer.stop(signal.SIGTERM)
    check_totals(errors)
    check(records[-1], action="stop")
    one(records, action="listen", pid=actor.pid)


def test_one_ready_line():
    errors = Tracer().stop()[1]
    assert len([line for line in errors if line.startswith(READY)]) == 1, errors


def test_what_happens_after_the_ready_line_is_seen():
    """Ten times: the first thing after it."""
    actor = Actor()
    for port in range(7200, 7200 + scaled(10, least=2)):
        tracer = Tracer()
        actor.bind(actor.socket().sock, "127.0.0.1", port)
        one(tracer.trace(), action="bind", pid=actor.pid, local=("127.0.0.1", port))


def test_start_and_stop_records():
    tracer, actor = Tracer(), Actor()
    actor.listener()
    records = tracer.trace()
    assert records[0]["host.boot.id"]
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        check(records[0], **{"host.boot.id": file.read().strip()})
    totals = records[-1]["porttrace.totals"]
    assert totals["seen"] == totals["written"] + totals["filtered"] + sum(totals["lost"].values())
    assert totals["written"] == len(records), (totals, len(records))


def test_reader_goes_away():
    """porttrace | head -1"""
    with subprocess.Popen(
            [PORTTRACE, "--json", "--netns", "self"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        errors = []
        for line in process.stderr:
            errors.append(line)
            if line.startswith(READY):
                break
        head = subprocess.run(["head", "-1"], stdin=process.stdout, stdout=subprocess.PIPE,
                              check=True)
        process.stdout.close()
        assert parse(head.stdout)["event.action"] == "start"
        Actor().listener()
        errors += process.stderr.readlines()
        assert process.wait(PATIENCE) == 0, errors
    assert len(errors) <= 2, errors
    for line in errors:
        assert "rror" not in line and "ipe" not in line, errors


def test_count():
    tracer, actor = Tracer("--count", "3"), Actor()
    for port in range(7300, 7310):
        actor.bind(actor.socket().sock, "127.0.0.1", port)
    records, errors, status = tracer.finish()
    assert status == 0, errors
    ports = [record["porttrace.local.port"] for record in live(records)]
    assert ports == [7300, 7301, 7302], ports


def test_duration():
    before = time.monotonic()
    records, errors, status = Tracer("--duration", "0.5").finish()
    took = time.monotonic() - before
    assert status == 0, errors
    assert 0.5 <= took < 3 * SLOW, took
    check(records[-1], action="stop")


def test_idle_stays_idle():
    """Nothing in its own namespace: nothing but start and stop."""
    assert not live(Tracer("--duration", "0.3").finish()[0])


# --- arguments -----------------------------------------------------------------------------

# The wrong arguments, and what the message has to name.
WRONG = [
    (["--port", "70000"], "70000"),
    (["--port", "0"], "0"),
    (["--port", "8080-80"], "8080-80"),
    (["-P", "80,,81"], "80,,81"),
    (["--local-port", "x y"], "x y"),
    (["--remote-port", "-1"], "-1"),
    (["--net", "10.0.0.0/33"], "10.0.0.0/33"),
    (["--net", "300.0.0.1"], "300.0.0.1"),
    (["--net", "fe80::/129"], "fe80::/129"),
    (["--event", "birth"], "birth"),
    (["-e", ""], "event"),
    (["--pid", "abc"], "abc"),
    (["--pid", "0"], "0"),
    (["-p", "12x"], "12x"),
    (["--user", "no-such-user-here"], "no-such-user-here"),
    (["--netns", "no-such-netns"], "no-such-netns"),
    (["--color", "pink"], "pink"),
    (["--count", "0"], "0"),
    (["--count", "many"], "many"),
    (["--duration", "-1"], "-1"),
    (["--ring-size", "5000"], "5000"),
    (["--flush-interval", "never"], "never"),
    (["--no-such-option"], "--no-such-option"),
    (["--port"], "--port"),
    (["no-such-command"], "no-such-command"),
]


def test_wrong_arguments():
    for arguments, named in WRONG:
        done = porttrace(*arguments)
        about = f"{arguments}: {done}"
        assert done.returncode == 2, about
        assert done.stdout == "", about
        assert done.stderr.count("\n") == 1 and done.stderr.startswith("porttrace: "), about
        assert named in done.stderr, about


def test_help_and_version():
    done = porttrace("--help")
    assert done.returncode == 0 and "--json" in done.stdout and not done.stderr, done
    done = porttrace("--version")
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout), done


# --- rights -----------------------------------------------------------------------------------


def test_without_root():
    with Folder() as folder:
        # The tree may lie where nobody else may look.
        shutil.copy(PORTTRACE, folder("porttrace"))
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
             folder("porttrace"), "--json"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 3, done
    assert done.stdout == "", done
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("porttrace: "), done
    assert "sudo" in done.stderr, done
    assert re.search(r"CAP_[A-Z]+|root", done.stderr), done


# --- output --------------------------------------------------------------------------------------


def test_file():
    with Folder() as folder:
        os.umask(0)
        tracer, actor = Tracer(output=folder("log.json")), Actor()
        address = actor.listener().local
        records = tracer.trace()
        one(records, action="listen", pid=actor.pid, local=address)
        assert os.stat(folder("log.json")).st_mode & 0o7777 == 0o640


def test_file_is_appended_to():
    with Folder() as folder:
        with open(folder("log.json"), "w", encoding="ascii") as file:
            file.write("{}\n")
        Tracer("-o", folder("log.json")).stop()
        with open(folder("log.json"), "rb") as file:
            lines = file.readlines()
    assert lines[0] == b"{}\n"
    assert [parse(line)["event.action"] for line in lines[1:]] == ["start", "stop"]


def check_refused(path):
    done = porttrace("--json", "--netns", "self", "--duration", "5", "-o", path)
    assert done.returncode == 5, done
    assert done.stderr.count("\n") == 1 and path in done.stderr, done


def test_file_refuses_a_symlink():
    with Folder() as folder:
        os.symlink(folder("target"), folder("link"))
        check_refused(folder("link"))
        assert not os.path.exists(folder("target"))


def test_file_refuses_what_is_no_regular_file():
    with Folder() as folder:
        os.mkfifo(folder("fifo"))
        check_refused(folder("fifo"))
        check_refused(folder.path)


def test_file_refuses_a_second_link():
    with Folder() as folder:
        with open(folder("first"), "w", encoding="ascii"):
            pass
        os.link(folder("first"), folder("second"))
        check_refused(folder("second"))


def test_file_refuses_a_folder_of_everybody():
    with Folder() as folder:
        os.chmod(folder.path, 0o777)
        check_refused(folder("log.json"))


def test_file_in_a_missing_folder():
    with Folder() as folder:
        check_refused(folder("missing/log.json"))


def test_full_device():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PORTTRACE, "--json", "--netns", "self", "--duration", "1"],
                              stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 5, done


def test_table():
    """For people: a header once in a pipe, then a line for each event."""
    tracer, server, client = Tracer(json_stream=False), Actor("server"), Actor("client")
    listener, ours, _ = pair(server, client)
    lines = tracer.stop()[0]
    assert len([line for line in lines if "TIME" in line and "PROCESS" in line]) == 1, lines
    assert "TIME" in lines[0], lines
    assert not [line for line in lines if "\x1b" in line], lines
    for action, actor in (("bind", server), ("listen", server), ("connect", client),
                          ("accept", server)):
        found = [line.split() for line in lines if f" {action} " in line]
        assert len(found) == 1, (action, lines)
        assert str(actor.pid) in found[0] and actor.name in found[0], found
    line, = [line for line in lines if " connect " in line]
    for port in (ours.local[1], listener.local[1]):
        assert f":{port}" in line, line


def test_table_tells_failures():
    tracer, client = Tracer(json_stream=False), Actor("client")
    client.connect(client.socket().sock, "127.0.0.1", 9, error="ECONNREFUSED")
    lines = tracer.stop()[0]
    line, = [line for line in lines if " connect " in line]
    assert "127.0.0.1:9" in line and "refused" in line.lower(), line


def test_event_state():
    """Every change of state of one connection, and nothing but changes of state."""
    tracer, server, client = Tracer("--event", "state"), Actor("server"), Actor("client")
    listener, ours, theirs = pair(server, client)
    client.close(ours.sock)
    server.receive(theirs.sock)
    server.close(theirs.sock)
    server.close(listener.sock)
    tracer.wait(action="state", new="CLOSE", old="LAST_ACK")
    records = tracer.trace()
    assert {record["event.action"] for record in live(records)} == {"state"}
    for old, new in (("CLOSE", "SYN_SENT"), ("SYN_SENT", "ESTABLISHED"),
                     ("ESTABLISHED", "FIN_WAIT1"), ("FIN_WAIT1", "FIN_WAIT2"),
                     ("FIN_WAIT2", "CLOSE")):
        check(one(records, action="state", old=old, new=new), pid=client.pid,
              remote=listener.local)
    for old, new in (("ESTABLISHED", "CLOSE_WAIT"), ("CLOSE_WAIT", "LAST_ACK"),
                     ("LAST_ACK", "CLOSE")):
        check(one(records, action="state", old=old, new=new), pid=server.pid,
              local=listener.local, remote=ours.local)
    for old, new in (("CLOSE", "LISTEN"), ("LISTEN", "CLOSE")):
        check(one(records, action="state", old=old, new=new), pid=server.pid,
              local=listener.local)
    one(records, action="state", old="SYN_RECV", new="ESTABLISHED")


def test_no_states_unless_asked_for():
    tracer, server, client = Tracer(), Actor("server"), Actor("client")
    pair(server, client)
    none(tracer.trace(), action="state")


def test_other_namespaces():
    """Without --netns self this namespace is seen too, among all the others."""
    tracer, actor = Tracer("--comm", "all-of-them", namespace=()), Actor("all-of-them")
    address = actor.listener().local
    one(tracer.trace(), action="listen", pid=actor.pid, local=address)


def test_kill_leaves_nothing_behind():
    tracer = Tracer()
    tracer.process.kill()
    tracer.process.wait()
    again = Tracer()
    Actor().listener()
    assert select(again.trace(), action="listen")
