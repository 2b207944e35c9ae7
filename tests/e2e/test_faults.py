# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Outputs that fail, each really: tracing goes on, what is lost is counted and told."""
import contextlib
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

from harness import (PATIENCE, PORTTRACE, PROGRAMS, READY, Actor, Folder, Skip, Tracer, alone,
                     check_accounts, check_promises, live, load, mount, one, parse, private_mounts,
                     read_records, select)


def peak_memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:"))


def check_came_back(tracer, actor, paths=None):
    """After the fault: the run goes on, its accounts are exact, and it ends well."""
    address = actor.listener().local
    tracer.wait_error("works again")
    memory = peak_memory(tracer.pid)
    tracer.end()
    for reader in tracer.readers:
        reader.join(PATIENCE)
    records = tracer.records
    if tracer.output:
        records = []
        for path in paths or [tracer.output]:
            records += read_records(path)
    check_promises(records)
    totals = check_accounts(records, [e for e in tracer.errors if ": seen " in e])
    one(records, action="listen", local=address, pid=actor.pid)
    # The ring is 8 MiB, what waits 16 MiB, and the sockets have their room too.
    assert memory < 64 << 20, f"{memory >> 20} MiB"
    return totals, records


@contextlib.contextmanager
def small_disk():
    """A folder that is a file system of 1 MiB."""
    private_mounts()
    with Folder() as folder:
        mount("-t", "tmpfs", "-o", "size=1m,mode=755", "tmpfs", folder.path)
        yield folder
        subprocess.run(["umount", folder.path], check=True)


def make_larger(folder):
    mount("-o", "remount,size=100m", folder.path)


@alone
def test_disk_full():
    """It is made larger after a while."""
    with small_disk() as folder:
        tracer, actor = Tracer(output=folder("log")), Actor()
        load(20000)
        tracer.wait_error("No space left")
        assert tracer.process.poll() is None
        make_larger(folder)
        totals, records = check_came_back(tracer, actor)
        assert totals["lost"]["sink"] > 0, totals
        assert totals["lost"]["ring"] == 0, totals
        assert [r["porttrace.lost.stage"] for r in select(records, action="lost")] == ["sink"]


@alone
def test_disk_full_for_a_moment():
    """What waits is not lost."""
    with small_disk() as folder:
        tracer, actor = Tracer(output=folder("log")), Actor()
        load(1500)
        tracer.wait_error("No space left")
        make_larger(folder)
        totals, records = check_came_back(tracer, actor)
        assert not sum(totals["lost"].values()), totals
        assert len(live(records)) >= 6000


@alone
def test_disk_full_until_the_end():
    """Whole lines stay, and a run that could write something is no failure."""
    with small_disk() as folder:
        tracer = Tracer(output=folder("log"))
        load(1500)
        tracer.wait_error("No space left")
        tracer.end()
        tracer.wait_error("could not be written")
        records = read_records(folder("log"))
        assert select(records, action="start") and not select(records, action="stop")


def test_disk_full_from_the_beginning():
    with small_disk() as folder:
        with open(folder("filler"), "wb") as file, open(folder("log"), "wb"):
            file.write(bytes((1 << 20) - 4096))
            try:
                file.write(bytes(1 << 20))
                file.flush()
            except OSError:
                pass
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
        done = subprocess.run([PORTTRACE, "--json", "--netns", "self", "--duration", "1", "-o",
                               folder("log")], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 5, done
        assert "No space left" in done.stderr, done
        assert os.path.getsize(folder("log")) == 0


@alone
def test_broken_disk():
    """EIO for a while."""
    with Folder() as folder:
        tracer = Tracer(output=folder("log"), environment={
            "LD_PRELOAD": os.path.join(PROGRAMS, "failing_write.so"), "BROKEN": folder("broken")})
        actor = Actor()
        with open(folder("broken"), "wb"):
            pass
        load(20000)
        tracer.wait_error("Input/output error")
        os.unlink(folder("broken"))
        totals, _ = check_came_back(tracer, actor)
        assert totals["lost"]["sink"] > 0, totals


@alone
def test_read_only_file_system():
    """An ext4 that finds itself broken and goes read-only, repaired by mounting it again."""
    private_mounts()
    with Folder() as folder:
        with open(folder("disk"), "wb") as file:
            file.truncate(64 << 20)
        os.mkdir(folder("mnt"))
        if not shutil.which("mkfs.ext4"):
            raise Skip("no mkfs.ext4")
        subprocess.run(["mkfs.ext4", "-q", folder("disk")], check=True)
        mount("-o", "loop,errors=remount-ro", folder("disk"), folder("mnt"))
        device = os.path.basename(subprocess.run(
            ["findmnt", "-no", "SOURCE", folder("mnt")], capture_output=True, text=True,
            check=True).stdout.strip())
        tracer, actor = Tracer(output=folder("mnt/log")), Actor()
        tracer.wait_until(lambda: os.path.getsize(folder("mnt/log")), "no start record")
        with open(f"/sys/fs/ext4/{device}/trigger_fs_error", "w", encoding="ascii") as file:
            file.write("1")
        load(1000)
        tracer.wait_until(lambda: any("Read-only" in e or "Input/output" in e
                                      for e in tracer.errors), "the output does not fail")
        # Somebody repairs it below the tracer, whose file is of the old mount.
        subprocess.run(["umount", "-l", folder("mnt")], check=True)
        os.rename(folder("disk"), folder("broken"))
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder("mnt"))
        tracer.send_signal(signal.SIGHUP)
        address = actor.listener().local
        tracer.wait_error("works again")
        tracer.end()
        records = read_records(folder("mnt/log"))
        one(records, action="listen", local=address)
        assert not sum(one(records, action="stop")["porttrace.totals.lost"].values())
        assert len(live(records)) >= 4000
        subprocess.run(["umount", folder("mnt")], check=True)


@alone
def test_removed_folder():
    with Folder() as folder:
        os.mkdir(folder("logs"))
        tracer, actor = Tracer(output=folder("logs/log")), Actor()
        tracer.wait_until(lambda: os.path.getsize(folder("logs/log")), "no start record")
        first = open(folder("logs/log"), "rb")  # what was in it, for the test alone
        shutil.rmtree(folder("logs"))
        load(20000)
        tracer.wait_error("No such file")
        os.mkdir(folder("logs"))
        address = actor.listener().local
        tracer.wait_error("works again")
        tracer.end()
        with first, open(folder("logs/log"), "rb") as file:
            records = [parse(line) for line in first] + [parse(line) for line in file]
        totals = check_accounts(records, [e for e in tracer.errors if ": seen " in e])
        assert totals["lost"]["sink"] > 0
        one(records, action="listen", local=address)


def stopped_reader(path, source):
    """A process that copies SOURCE to PATH, stopped at once."""
    with open(path, "wb") as file:
        reader = subprocess.Popen(["cat"], stdin=source, stdout=file)
    reader.send_signal(signal.SIGSTOP)
    os.waitpid(reader.pid, os.WUNTRACED)
    return reader


@alone
def test_reader_sleeps():
    """porttrace | something that is stopped: it goes on when that goes on."""
    with Folder() as folder:
        theirs, ours = os.pipe()
        reader = stopped_reader(folder("copy"), theirs)
        os.close(theirs)
        tracer, actor = Tracer(stdout=ours), Actor()
        os.close(ours)
        load(20000)
        tracer.wait_error("read too slowly")
        reader.send_signal(signal.SIGCONT)
        actor.listener()  # something to write; it may still find no room
        tracer.wait_error("works again")
        address = actor.listener().local
        tracer.end()
        assert reader.wait(PATIENCE) == 0
        records = read_records(folder("copy"))
        totals = check_accounts(records, [e for e in tracer.errors if ": seen " in e])
        assert totals["lost"]["sink"] > 0 and totals["lost"]["ring"] == 0, totals
        one(records, action="listen", local=address)


def test_reader_never_wakes():
    """Ctrl-C ends it all the same."""
    with Folder() as folder:
        theirs, ours = os.pipe()
        reader = stopped_reader(folder("copy"), theirs)
        os.close(theirs)
        tracer = Tracer(stdout=ours)
        os.close(ours)
        load(500)
        tracer.end()
        tracer.wait_error("could not be written")
        reader.kill()
        reader.wait()


def test_slow_reader_gets_a_long_snapshot():
    """What is read from the kernel in one go waits for its reader: nothing is lost."""
    each, count = 5000, 25000  # more than waits, as records
    keep = "import socket, sys\n" \
        "keep = [socket.create_server((sys.argv[1], 10000 + i), backlog=1)" \
        f" for i in range({each})]\n" \
        "print('ready', flush=True)\nsys.stdin.read()"
    others = [subprocess.Popen([sys.executable, "-c", keep, f"127.0.0.{i + 1}"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               preexec_fn=lambda: resource.setrlimit(
                                   resource.RLIMIT_NOFILE, (each + 100, each + 100)))
              for i in range(count // each)]
    for other in others:
        assert other.stdout.readline() == b"ready\n"
    process = subprocess.Popen([PORTTRACE, "--json", "--netns", "self", "--snapshot", "-e",
                                "open"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = 0
    for line in process.stdout:
        seen += parse(line).get("event.action") == "open"
        if seen % 2000 == 0:
            time.sleep(0.1)  # that is the slowness
        if seen == count:
            break
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert seen == count and b'"open"' not in rest
    for other in others:
        other.communicate()
    assert b", lost 0" in errors.splitlines()[-1], errors


def test_head():
    """porttrace | head: quiet, and nothing is lost of what nobody wants."""
    with subprocess.Popen([PORTTRACE, "--netns", "self"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline().startswith(READY)
        head = subprocess.Popen(["head", "-3"], stdin=process.stdout, stdout=subprocess.PIPE)
        process.stdout.close()
        actor = Actor()
        while head.poll() is None:
            actor.listener()
        actor.listener()
        errors = process.stderr.readlines()
        assert process.wait(PATIENCE) == 0, errors
    assert len(errors) == 1 and errors[0].rstrip().endswith("lost 0"), errors


def test_table_counts_records():
    """The header of the table is no record."""
    with open("/dev/full", "wb") as full:
        tracer, actor = Tracer(json_stream=False, stdout=full), Actor()
        actor.bind(actor.socket().sock, "127.0.0.1", 7400)
        tracer.wait_error("No space left")
        tracer.send_signal(signal.SIGINT)
        assert tracer.process.wait(PATIENCE) == 5, tracer.errors
    tracer.wait_error("lost 1")  # whatever other namespaces do is filtered
    totals = re.search(r"written (\d+), .* lost (\d+)", tracer.errors[-1])
    assert totals.groups() == ("0", "1"), tracer.errors


def test_terminal_that_is_stopped():
    """Ctrl-S, and then Ctrl-C."""
    ours, theirs = pty.openpty()
    tracer = Tracer(json_stream=False, stdout=theirs)
    os.close(theirs)
    load(500)
    tracer.end()
    os.close(ours)
