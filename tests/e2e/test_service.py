# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What a service manager and a monitoring system get: metrics, notifications."""
import ctypes
import os
import shutil
import signal
import socket
import subprocess

from harness import (PATIENCE, PORTTRACE, PROGRAMS, ROOT, Actor, Folder, Skip, Tracer, alone, check,
                     load, one, parse, porttrace, read_records)


def metrics(path):
    with open(path, encoding="ascii") as file:
        return dict(line.rsplit(" ", 1) for line in file.read().splitlines()
                    if not line.startswith("#"))


def group_priority(pid):
    """The nice value of a process's session, "/autogroup-7 nice 0"; None: there are none."""
    try:
        with open(f"/proc/{pid}/autogroup", encoding="ascii") as file:
            return int(file.read().split()[2])
    except FileNotFoundError:
        return None


def test_priority():
    """It keeps up with many, but for who asked for another priority."""
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    before = group_priority("self")
    tracer = Tracer()
    assert os.getpriority(os.PRIO_PROCESS, tracer.pid) == -10
    assert group_priority(tracer.pid) == before, "the session is not its own"
    tracer.trace()
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    tracer = Tracer()
    assert os.getpriority(os.PRIO_PROCESS, tracer.pid) == 5
    tracer.trace()


def test_priority_of_a_service():
    """Which is a session of its own: where those are scheduled as groups, that counts."""
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    tracer = Tracer(command=("setsid",))
    assert os.getsid(tracer.pid) == tracer.pid
    assert os.getpriority(os.PRIO_PROCESS, tracer.pid) == -10
    assert group_priority(tracer.pid) in (-10, None)
    tracer.trace()


def test_metrics():
    with Folder() as folder:
        tracer, actor = Tracer("--metrics-file", folder("m.prom")), Actor()
        # Also while nothing happens, and whole each time.
        assert metrics(folder("m.prom"))["porttrace_written_total"]
        actor.listener()
        actor.connect(actor.socket().sock, "127.0.0.1", 9, error="ECONNREFUSED")
        records = tracer.trace()
        found = metrics(folder("m.prom"))
        totals = one(records, action="stop")["porttrace.totals"]
        assert os.listdir(folder.path) == ["m.prom"], os.listdir(folder.path)
    for name in ("seen", "written", "filtered"):
        assert int(found[f"porttrace_{name}_total"]) == totals[name], (name, found, totals)
    for stage, count in totals["lost"].items():
        assert int(found[f'porttrace_lost_total{{stage="{stage}"}}']) == count
    for action, outcome, count in (("listen", "success", 1), ("connect", "failure", 1),
                                   ("bind", "failure", 0), ("start", "success", 1)):
        name = f'porttrace_records_total{{action="{action}",outcome="{outcome}"}}'
        assert int(found[name]) == count, (name, found)
    assert sum(int(value) for name, value in found.items()
               if name.startswith("porttrace_records_total{")) == len(records)
    assert 0 < float(found["porttrace_cpu_seconds_total"]) < 60
    assert 1 << 20 < int(found["porttrace_resident_memory_bytes"]) < 1 << 28
    assert int(found["porttrace_open_fds"]) > 10
    info, = [name for name in found if name.startswith("porttrace_info{")]
    assert f'kernel="{os.uname().release}"' in info, info


def test_promtool_likes_the_metrics():
    promtool = shutil.which("promtool")
    if not promtool:
        raise Skip("promtool is not installed")
    with Folder() as folder:
        Tracer("--metrics-file", folder("m.prom")).trace()
        with open(folder("m.prom"), "rb") as file:
            done = subprocess.run([promtool, "check", "metrics"], stdin=file,
                                  capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stdout and not done.stderr, done


@alone
def test_metrics_tell_of_a_full_ring():
    """The most since the last time, and every loss."""
    with Folder() as folder:
        tracer = Tracer("--ring-size", "64K", "--metrics-file", folder("m.prom"))
        tracer.send_signal(signal.SIGSTOP)
        load(500)
        tracer.send_signal(signal.SIGCONT)
        tracer.wait_until(lambda: float(metrics(folder("m.prom"))["porttrace_ring_used_ratio"])
                          > 0.8, "it was not full")
        assert int(metrics(folder("m.prom"))['porttrace_lost_total{stage="ring"}']) > 0
        tracer.stop()


def test_metrics_refuse_what_a_log_refuses():
    with Folder() as folder:
        with open(folder("target"), "w", encoding="ascii") as file:
            file.write("precious")
        os.symlink(folder("target"), folder("m.prom"))
        done = porttrace("--netns", "self", "--metrics-file", folder("m.prom"))
        assert done.returncode == 5 and "--metrics-file" in done.stderr, done
        with open(folder("target"), encoding="ascii") as file:
            assert file.read() == "precious"


def test_metrics_come_back():
    """Their folder goes, and comes back: tracing goes on, and they are written again."""
    with Folder() as folder:
        os.mkdir(folder("sub"))
        tracer = Tracer("--metrics-file", folder("sub/m.prom"))
        os.rename(folder("sub"), folder("gone"))
        tracer.wait_error("can't be written")
        os.mkdir(folder("sub"))
        tracer.wait_error("written again")
        assert "porttrace_written_total" in metrics(folder("sub/m.prom"))
        tracer.trace()


def test_notifications():
    """READY=1 when it traces, signs of life, RELOADING=1 on SIGHUP, STOPPING=1."""
    with Folder() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(folder("notify"))
        sock.settimeout(PATIENCE)
        with subprocess.Popen(
                [PORTTRACE, "--json", "--netns", "self", "-o", folder("log")],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env={**os.environ, "NOTIFY_SOCKET": folder("notify"),
                     "WATCHDOG_USEC": "1000000"}) as process:
            assert sock.recv(4096).startswith(b"READY=1")
            assert sock.recv(4096) == b"WATCHDOG=1"
            assert sock.recv(4096) == b"WATCHDOG=1"
            process.send_signal(signal.SIGHUP)
            news = [sock.recv(4096) for _ in range(4)]
            assert any(n.startswith(b"RELOADING=1\nMONOTONIC_USEC=") for n in news), news
            assert b"READY=1" in news, news
            process.send_signal(signal.SIGTERM)
            while sock.recv(4096) != b"STOPPING=1":
                pass
            assert process.wait(PATIENCE) == 0
            process.stderr.read()


# --- rights ------------------------------------------------------------------------------

CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_BPF = 0, 1, 19, 21, 39
PR_CAPBSET_DROP = 24


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def capabilities(status, name):
    bits = int(status[name], 16)
    return {number for number in range(64) if bits >> number & 1}


def test_rights_that_it_never_had():
    """As in a container: what is not there can't be kept."""
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0) == 0
    tracer = Tracer()
    kept = capabilities(status_of(tracer.pid), "CapEff")
    assert kept in ({CAP_BPF}, {CAP_SYS_ADMIN}), kept
    assert not any("given up" in line for line in tracer.errors), tracer.errors
    tracer.trace()


def test_rights_are_given_up():
    with Folder() as folder:
        tracer = Tracer(output=folder("log"))
        status = status_of(tracer.pid)
        for name in ("CapEff", "CapPrm"):
            kept = capabilities(status, name)
            assert kept in ({CAP_BPF, CAP_SYS_PTRACE}, {CAP_SYS_ADMIN, CAP_SYS_PTRACE}), kept
        for name in ("CapInh", "CapBnd", "CapAmb"):
            assert not capabilities(status, name), (name, status[name])
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        tracer.trace()
        # Another user's directory: root can't open files there again without a right.
        os.mkdir(folder("home"))
        os.chown(folder("home"), 1234, 1234)
        tracer = Tracer("-o", folder("home/log"), environment={"SUDO_UID": "1234"})
        assert CAP_DAC_OVERRIDE in capabilities(status_of(tracer.pid), "CapEff")
        os.rename(folder("home/log"), folder("home/log.1"))
        tracer.send_signal(signal.SIGHUP)
        address = Actor().listener().local
        tracer.stop()
        with open(folder("home/log"), encoding="utf-8") as file:
            assert f'"port":{address[1]},' in file.read()


def test_everything_works_without_them():
    """Sweeps, processes of other users, SIGHUP, rotation, metrics; nothing is refused."""
    with Folder() as folder:
        with open(folder("m.prom"), "w", encoding="ascii"):
            pass
        os.chown(folder("m.prom"), 0, 1234)
        tracer = Tracer("-v", "--rotate-size", "64K", "--rotate-keep", "99", "--metrics-file",
                        folder("m.prom"), "--ring-size", "4096", "--wide", output=folder("log"))
        stranger = Actor("stranger")
        stranger.become(1234)
        address = stranger.listener().local
        # After a loss everything is read again, by an iterator.
        tracer.send_signal(signal.SIGSTOP)
        load(500)
        tracer.send_signal(signal.SIGCONT)
        late = Actor("late").listener().local
        os.rename(folder("log"), folder("log.old"))
        tracer.send_signal(signal.SIGHUP)
        tracer.end()
        records = []
        for name in os.listdir(folder.path):
            if name.startswith("log"):
                records += read_records(folder(name))
        found = one(records, action="listen", local=address)
        check(found, pid=stranger.pid, **{"process.executable": stranger.executable,
                                          "process.user.id": "1234"})
        one(records, action="listen", local=late)
        assert os.stat(folder("m.prom")).st_gid == 1234
    for line in tracer.errors:
        assert "was refused" not in line and "can't" not in line, tracer.errors


def test_a_call_that_is_not_allowed():
    """It fails, is told by its name, and tracing goes on."""
    with Folder() as folder:
        tracer = Tracer(output=folder("log"), environment={
            "LD_PRELOAD": os.path.join(PROGRAMS, "failing_sandbox.so"),
            "MISBEHAVE": folder("now")})
        with open(folder("now"), "w", encoding="ascii"):
            pass
        address = Actor().listener().local
        tracer.wait_error("system call mkdir")
        assert not os.path.exists(folder("now.made"))
        one(tracer.stop()[0], action="listen", local=address)


# --- the configuration --------------------------------------------------------------------


def test_config():
    """The installed one, with other paths: JSON into a file, rotated."""
    with Folder() as folder, \
            open(os.path.join(ROOT, "packaging", "porttrace.conf"), encoding="ascii") as file:
        text = file.read()
        assert "/var/log/porttrace/porttrace.json" in text
        with open(folder("conf"), "w", encoding="ascii") as conf:
            conf.write(text.replace("/var/log/porttrace", folder.path) +
                       "metrics-file = " + folder("m.prom") + "\n")
        tracer = Tracer("--config", folder("conf"))
        address = Actor().listener().local
        tracer.stop()
        with open(folder("porttrace.json"), "rb") as log:
            one([parse(line) for line in log], action="listen", local=address)
        assert metrics(folder("m.prom"))


def test_wrong_config():
    with Folder() as folder:
        with open(folder("conf"), "w", encoding="ascii") as file:
            file.write("json = yes\n\nport = 80,70000\n")
        done = porttrace("--config", folder("conf"))
        assert done.returncode == 2, done
        assert done.stderr.count("\n") == 1 and folder("conf") in done.stderr, done
        assert "line 3: port: " in done.stderr, done
        done = porttrace("--config", folder("missing"))
        assert done.returncode == 2 and "No such file" in done.stderr, done


def test_unit_is_valid():
    """systemd accepts it, and thinks well of its sandbox."""
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        raise Skip("no systemd-analyze")
    with Folder() as folder, \
            open(os.path.join(ROOT, "packaging", "porttrace.service"), encoding="ascii") as file:
        unit = folder("porttrace.service")
        with open(unit, "w", encoding="ascii") as copy:
            copy.write(file.read().replace("@BINDIR@/porttrace", PORTTRACE))
        done = subprocess.run([analyze, "security", "--offline=true", "--threshold=35", unit],
                              capture_output=True, text=True, check=False)
        if "unrecognized option" in done.stderr:
            raise Skip("systemd-analyze is too old")
        assert done.returncode == 0 and "nknown" not in done.stderr, done
