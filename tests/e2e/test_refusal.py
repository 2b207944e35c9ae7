# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where a right is missing, or something of the kernel's: it works, or says in one line why not.

Lockdown, which no machine gets out of again, is real in tests/vm/guest only.
"""
import json
import os
import resource
import subprocess

from harness import (HOOKS, Actor, Skip, Tracer, check, kernel_version, mount, one, porttrace,
                     private_mounts)

COMMANDS = ((), ("list",), ("who", "9"))


def rights(*capabilities):
    """Root with these capabilities only, as "+bpf"; or with all but "-sys_admin"."""
    keep = ",".join(capabilities)
    if not keep.startswith("-"):
        keep = f"-all,{keep}".rstrip(",")
    return ("setpriv", f"--bounding-set={keep}", f"--inh-caps={keep}")


def refused(status, *words, command=(), commands=COMMANDS):
    """Each command ends with that status and one line that has the words; doctor agrees."""
    for arguments in commands:
        limit = () if arguments else ("--duration", "0.1", *HOOKS)
        done = porttrace(*arguments, *limit, command=command)
        lines = done.stderr.splitlines()
        assert (done.returncode, len(lines)) == (status, 1), done
        assert all(word in lines[0] for word in words), (words, lines)
    return diagnose(*HOOKS, status=status, command=command)


def diagnose(*arguments, status=0, command=()):
    done = porttrace("doctor", "--json", *arguments, command=command)
    report = json.loads(done.stdout)
    assert done.returncode == status and report["ready"] is (not status), done
    last = porttrace("doctor", *arguments, command=command).stdout.splitlines()[-1]
    assert (last == "ready") is (not status), last
    return report


def verdict(report, name):
    return one_of(report["checks"], "name", name)["verdict"]


def one_of(dicts, key, value):
    found = [d for d in dicts if d[key] == value]
    assert len(found) == 1, (key, value, dicts)
    return found[0]


def unmount(kind):
    """Until nothing of that type is mounted."""
    with open("/proc/self/mounts", encoding="utf-8") as file:
        mounts = [line.split()[1] for line in file if line.split()[2] == kind]
    for path in reversed(mounts):
        subprocess.run(["umount", "--lazy", path], check=True)


def life(*options, command=()):
    """What a tracer with these rights tells of a connection and of a datagram: its records."""
    server, client = Actor("server"), Actor("client")
    older = server.listener()
    tracer = Tracer("--snapshot", *options, command=command)
    listener, theirs, guest = server.listener(), client.socket().sock, client.datagram()
    near = client.connect(theirs, *listener.local)
    server.accept(listener.sock)
    client.send_to(guest.sock, 1, *server.datagram().local)
    records = tracer.trace()
    check(one(records, action="open", local=older.local), pid=server.pid, name="server")
    check(one(records, action="listen", local=listener.local), pid=server.pid, name="server")
    check(one(records, action="connect", transport="tcp"), pid=client.pid, name="client",
          local=near.local)
    check(one(records, action="accept"), pid=server.pid, name="server")
    return records


# --- rights ------------------------------------------------------------------------------


def test_no_cap_bpf():
    report = refused(3, "CAP_BPF missing", "sudo porttrace", command=rights("+perfmon", "+net_admin"))
    assert verdict(report, "rights") == "rights", report


def test_no_cap_perfmon():
    report = refused(3, "CAP_PERFMON missing", "sudo porttrace", command=rights("+bpf", "+net_admin"))
    assert verdict(report, "rights") == "rights", report


def test_no_rights():
    report = refused(3, "CAP_BPF and CAP_PERFMON missing", "sudo porttrace", command=rights())
    assert verdict(report, "rights") == "rights", report


def test_another_user_namespace():
    """Its root has all capabilities, and they count for nothing."""
    command = ("unshare", "--user", "--map-root-user")
    report = refused(3, "user namespace", "sudo porttrace", command=command)
    assert verdict(report, "rights") == "rights", report


def test_no_cap_net_admin():
    """Where UDP takes cgroup programs it is not seen, which is said; the rest is."""
    command = rights("-net_admin")
    datagrams = one_of(diagnose(*HOOKS, command=command)["hooks"], "fact", "datagrams")
    seen = datagrams["way"] != "none"
    assert seen or "CAP_NET_ADMIN" in datagrams["why"] or kernel_version() < (6, 3), datagrams
    records = life(command=command)
    assert seen == any(r.get("event.action") == "flow" for r in records), datagrams


def test_no_cap_sys_admin():
    """Functions can be traced then, without the BTF of modules (which libbpf looks into before
    6.2); system calls where tracefs can be opened.
    """
    command = rights("-sys_admin")
    done = porttrace("--duration", "0.1", *HOOKS, command=command)
    if done.returncode:
        assert done.returncode == 3 and "CAP_SYS_ADMIN" in done.stderr, done
        diagnose(*HOOKS, status=3, command=command)
    else:
        life(command=command)
    done = porttrace("list", command=command)
    assert done.returncode == 0, done


def test_no_cap_sys_ptrace():
    life(command=rights("-sys_ptrace"))


# --- what is mounted ---------------------------------------------------------------------


def test_no_btf():
    private_mounts()
    mount("-t", "tmpfs", "none", "/sys/kernel/btf")
    report = refused(4, "/sys/kernel/btf/vmlinux")
    assert verdict(report, "BTF") == "kernel", report


def test_lockdown_is_read():
    """As the kernel would tell it; what it then does is seen in guests."""
    private_mounts()
    mount("-t", "tmpfs", "none", "/sys/kernel/security")
    for text, status in (("none [integrity] confidentiality\n", 0),
                         ("none integrity [confidentiality]\n", 4)):
        with open("/sys/kernel/security/lockdown", "w", encoding="ascii") as file:
            file.write(text)
        report = refused(4, "lockdown=confidentiality", "integrity") if status else diagnose()
        assert verdict(report, "lockdown") == ("kernel" if status else "good"), report
        assert "[" + one_of(report["checks"], "name", "lockdown")["value"] + "]" in text, report


def test_no_tracefs():
    """It is opened without being mounted."""
    private_mounts()
    unmount("tracefs")
    unmount("debugfs")
    report = diagnose("--hooks", "calls")
    assert "not mounted" in one_of(report["checks"], "name", "tracefs")["value"], report
    life("--hooks", "calls")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        assert "tracefs" not in file.read()


def test_no_tracefs_and_no_right_to_open_it():
    private_mounts()
    unmount("tracefs")
    unmount("debugfs")
    done = porttrace("--hooks", "calls", "--tcp", "--duration", "0.1",
                     command=rights("-sys_admin"))
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 3 and "CAP_SYS_ADMIN" in last and "sudo porttrace" in last, done
    diagnose("--hooks", "calls", status=3, command=rights("-sys_admin"))


def test_no_cgroups():
    """Nothing of them is mounted: the hierarchy is opened all the same, and seen whole."""
    private_mounts()
    unmount("cgroup2")
    unmount("cgroup")
    report = diagnose()
    assert one_of(report["checks"], "name", "cgroups")["value"] == "not mounted", report
    life()


def test_cgroup_v1_only():
    private_mounts()
    unmount("cgroup2")
    unmount("cgroup")
    os.makedirs("/tmp/porttrace-cgroup", exist_ok=True)
    for controller in ("memory", "pids", "freezer", "cpu"):
        try:
            mount("-t", "cgroup", "-o", controller, "none", "/tmp/porttrace-cgroup")
            break
        except Skip as reason:
            why = reason
    else:
        raise why
    report = diagnose()
    assert one_of(report["checks"], "name", "cgroups")["value"] == "version 1", report
    life()
    life("--hooks", "calls")


def test_hidepid():
    """/proc shows the processes of others to nobody: names come from the kernel."""
    private_mounts()
    mount("-t", "proc", "-o", "hidepid=2", "proc", "/proc")
    life()
    life(command=rights("-sys_ptrace"))


# --- memory --------------------------------------------------------------------------------


def test_little_locked_memory():
    """Before 5.11 maps are locked memory; later the limit does not matter."""
    def lower():
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (64 << 10, 64 << 10))
    lower()
    if kernel_version() >= (5, 11):
        life(command=rights("-sys_resource"))
        return
    refused(3, "locked memory", "ulimit -l unlimited", command=rights("-sys_resource"))
    life()  # CAP_SYS_RESOURCE raises it


# --- pid namespaces: test_place.py -----------------------------------------------------------
