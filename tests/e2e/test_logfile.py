# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Log files over time: rotation from inside and outside, crashes, two at once."""
import datetime
import glob
import os
import shutil
import signal
import subprocess
import threading
import time

from harness import (PATIENCE, Actor, Folder, Record, Skip, Tracer, alone, check_promises, live,
                     load, objects_of, one, parse, read_records, select)


def wait_for(condition, otherwise):
    """Until CONDITION() is true; what it returned."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.002)  # nothing tells of a change in a file
    raise AssertionError(otherwise)


class Connections:
    """Connections, until it is stopped."""

    def __init__(self):
        self.done = False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.done:
            load(500)

    def stop(self):
        self.done = True
        self.thread.join()


def lines_of(path):
    with open(path, "rb") as file:
        return file.readlines()


def check_complete(paths, lost=0):
    """Every sequence number exactly once over all files, and the totals are those."""
    records = sorted((r for path in paths for r in read_records(path)),
                     key=lambda r: r["event.sequence"])
    numbers = [record["event.sequence"] for record in records]
    assert numbers == list(range(1, len(numbers) + 1)), \
        f"{len(numbers)} records, {len(set(numbers))} numbers, the last is {numbers[-1]}"
    check_promises(records)
    totals = one(records, action="stop")["porttrace.totals"]
    assert totals["written"] == len(records), (totals, len(records))
    assert sum(totals["lost"].values()) == lost, totals
    return records


@alone
def test_sighup_a_thousand_times():
    """Renamed and opened again under load: every sequence number exactly once."""
    with Folder() as folder:
        tracer = Tracer("-q", output=folder("log"), ready=False)
        wait_for(lambda: os.path.exists(folder("log")) and os.path.getsize(folder("log")),
                 "no start record")
        connections = Connections()
        for i in range(1000):
            os.rename(folder("log"), folder(f"log-{i:04}"))
            tracer.send_signal(signal.SIGHUP)
            wait_for(lambda: os.path.exists(folder("log")), "not opened again")
        connections.stop()
        tracer.end()
        paths = sorted(glob.glob(folder("log*")))
        assert len(paths) == 1001, len(paths)
        records = check_complete(paths)
        # In the order of the names too: no record went into an older file.
        in_order = [r["event.sequence"] for path in paths[1:] + paths[:1]
                    for r in read_records(path)]
        assert in_order == [r["event.sequence"] for r in records]
        assert len(live(records)) > 2000, len(records)


def rotated(folder, keep, connections):
    """A run whose log is of more than one file."""
    tracer = Tracer("--rotate-size", "64K", "--rotate-keep", str(keep), output=folder("log"))
    load(connections)
    tracer.end()


@alone
def test_rotate_by_size():
    with Folder() as folder:
        rotated(folder, keep=9999, connections=3000)
        paths = glob.glob(folder("log*"))
        assert len(paths) > 20, paths
        for path in paths:
            assert os.path.getsize(path) <= 65536, path
            assert os.stat(path).st_mode & 0o7777 == 0o640, path
        check_complete(paths)
        # The youngest of the old ones is .1.
        last = read_records(folder("log.1"))[-1]["event.sequence"]
        assert read_records(folder("log"))[0]["event.sequence"] == last + 1


@alone
def test_rotate_keeps_so_many():
    with Folder() as folder:
        rotated(folder, keep=2, connections=1000)
        assert sorted(os.listdir(folder.path)) == ["log", "log.1", "log.2"]
        numbers = [r["event.sequence"] for name in ("log.2", "log.1", "log")
                   for r in read_records(folder(name))]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_logrotate():
    """The real one, as packaging/porttrace.logrotate has it: create, delaycompress."""
    logrotate = shutil.which("logrotate", path="/usr/sbin:/usr/bin")
    if not logrotate:
        raise Skip("logrotate is not installed")
    with Folder() as folder:
        tracer, actor = Tracer("-v", output=folder("log")), Actor()
        with open(folder("conf"), "w", encoding="ascii") as file:
            file.write(f"""{folder("log")} {{
                rotate 9
                create 0640 root root
                compress
                delaycompress
                postrotate
                    kill -HUP {tracer.pid}
                endscript
            }}\n""")
        os.chmod(folder("conf"), 0o644)
        addresses = []
        for turn in range(3):
            addresses.append(actor.listener().local)
            subprocess.run([logrotate, "-f", "-s", folder("state"), folder("conf")], check=True)
            wait_for(lambda: sum("opened again" in e for e in tracer.errors) > turn,
                     "not opened again")
        tracer.end()
        for name in ("log.2.gz", "log.3.gz"):
            subprocess.run(["gunzip", folder(name)], check=True)
        records = check_complete([folder(n) for n in ("log", "log.1", "log.2", "log.3")])
        for address in addresses:
            one(records, action="listen", local=address)


def test_file_is_written_within_a_second():
    with Folder() as folder:
        tracer, actor = Tracer(output=folder("log")), Actor()
        for _ in range(3):
            address = actor.listener().local

            def told(local=address):
                return select(read_records(folder("log")), action="listen", local=local)
            wait_for(told, "the listen is not in the file")
            # By the file's own time: this process may be late.
            written = os.stat(folder("log")).st_mtime
            when = datetime.datetime.fromisoformat(one(told())["@timestamp"][:26] + "+00:00")
            assert written - when.timestamp() <= 1, (written, when)
        tracer.trace()


def still_there(kind, number):
    done = subprocess.run(["bpftool", kind, "show", "id", number], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


@alone
def test_killed_under_load():
    """SIGKILL: nothing stays in the kernel, the next start ends the line that was torn."""
    with Folder() as folder:
        tracer = Tracer(output=folder("log"))
        objects = objects_of(tracer.pid)
        assert {"prog", "map", "link"} == {kind for kind, _ in objects}, objects
        for kind, number in objects:
            assert still_there(kind, number), (kind, number)
        connections = Connections()
        wait_for(lambda: os.path.getsize(folder("log")) > 100000, "the log does not grow")
        tracer.process.kill()
        tracer.process.wait()
        killed = time.monotonic()
        connections.stop()
        wait_for(lambda: time.monotonic() - killed >= 1, "")
        left = [thing for thing in objects if still_there(*thing)]
        assert not left, left
        # SIGKILL may cut a large write between two pages; else the last line is cut here.
        before = lines_of(folder("log"))
        if before[-1].endswith(b"\n"):
            os.truncate(folder("log"), os.path.getsize(folder("log")) - 7)
        again, actor = Tracer(output=folder("log")), Actor()
        address = actor.listener().local
        again.end()
        lines = lines_of(folder("log"))
        assert lines[:len(before) - 1] == before[:-1]
        records = [parse(line) for line in before[:-1]]
        assert [r["event.sequence"] for r in records] == list(range(1, len(before)))
        # The torn line was ended.
        after = [parse(line) for line in lines[len(before):]]
        # The gap is visible: a start without a stop before it.
        assert after[0]["event.action"] == "start" and after[-1]["event.action"] == "stop"
        one(after, action="listen", local=address)
        assert not select(records, action="stop")


@alone
def test_two_at_once():
    """Neither disturbs the other, and each tells everything."""
    with Folder() as folder:
        both = [Tracer(output=folder("first")), Tracer(output=folder("second"))]
        load(1000)
        first = both[0].stop()[0]
        late = Actor().listener().local
        second = both[1].stop()[0]

    def facts(records):
        return sorted((r["event.action"], r.get("process.pid"), str(r.get("porttrace.local")),
                       str(r.get("porttrace.remote"))) for r in live(records)
                      if r.get("porttrace.local.port") != late[1])
    assert facts(first) == facts(second)
    assert len(facts(first)) >= 4000
    one(second, action="listen", local=late)
    for records in (first, second):
        assert not select(records, action="lost"), select(records, action="lost")


@alone
def test_two_in_one_file():
    """Whole lines of both, also while one of them rotates the file."""
    with Folder() as folder:
        rotation = ("--rotate-size", "256K", "--rotate-keep", "9999")
        both = [Tracer(*rotation, output=folder("log")), Tracer(*rotation, output=folder("log"))]
        load(1000)
        for tracer in both:
            tracer.end()
        records = [r for path in glob.glob(folder("log*")) for r in read_records(path)]
        stops = select(records, action="stop")
        assert len(stops) == 2
        assert sum(stop["porttrace.totals"]["written"] for stop in stops) == len(records)
        assert all(isinstance(record, Record) for record in records)
