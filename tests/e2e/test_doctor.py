# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What this kernel allows, as `porttrace doctor` says it, and both ways to see a call."""
import json

from harness import Actor, Skip, Tracer, check, one, porttrace

UNPRIVILEGED = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all")
CALLS = ("bind", "listen", "connect", "accept")


def diagnose(*arguments, status=0):
    done = porttrace("doctor", "--json", *arguments)
    assert done.returncode == status, done
    return json.loads(done.stdout)


def test_ready_is_the_last_line():
    done = porttrace("doctor")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "ready"), done


def test_the_hooks_are_those_of_the_tracer():
    report = diagnose()
    assert report["ready"] is True
    names = sorted(name for fact in report["hooks"] for name in fact["names"])
    started = Tracer().stop()[0][0]
    # A program at two tracepoints, or two facts at one, is told as often.
    assert names == sorted(started["porttrace.hooks"]), (names, started)


def test_each_check_says_what_it_found():
    for found in diagnose()["checks"]:
        assert found["value"] and found["verdict"] in ("good", "note"), found
        assert (found["verdict"] == "note") == ("advice" in found), found


def test_system_calls_on_demand():
    report = diagnose("--hooks", "calls")
    ways = {fact["fact"]: fact for fact in report["hooks"]}
    for name in CALLS:
        assert ways[name]["way"] == "system call" and ways[name]["why"], ways[name]
        assert all(n.startswith("sys_e") for n in ways[name]["names"]), ways[name]


def test_costs():
    """Of system calls for all; of UDP, as far as its hooks see what others send."""
    report = diagnose("--hooks", "calls")
    ways = {fact["fact"]: fact["way"] for fact in report["hooks"]}
    costs = report["costs"]
    assert costs[0].startswith("every system call of the machine"), costs
    assert ways["datagrams"] in ("system call", "none"), ways  # none: before 6.3
    assert [c for c in costs if "TCP's too" in c] == costs[1:], costs
    assert len(costs) == (2 if ways["datagrams"] == "system call" else 1), costs
    assert costs[0] in porttrace("doctor", "--hooks", "calls").stdout


def test_functions_or_a_clear_refusal():
    done = porttrace("--hooks", "functions", "--duration", "0.1")
    refused = [line for line in done.stderr.splitlines() if "--hooks functions: " in line]
    granted = all(f["way"] == "function" for f in diagnose()["hooks"] if f["fact"] in CALLS)
    assert done.returncode == (0 if granted else 4), done
    assert len(refused) == (0 if granted else 1), done


def test_without_rights():
    done = porttrace("doctor", command=UNPRIVILEGED)
    assert done.returncode == 3, done
    assert "sudo porttrace doctor" in done.stdout.splitlines()[-1], done
    done = porttrace("doctor", "--json", command=UNPRIVILEGED)
    report = json.loads(done.stdout)
    assert done.returncode == 3 and report["ready"] is False and "hooks" not in report, done
    assert [c["name"] for c in report["checks"] if c["verdict"] == "rights"] == ["rights"], report


def life(hooks):
    """bind, listen, connect, accept and a failed bind, seen by one way."""
    tracer = Tracer("--hooks", hooks)
    server, client = Actor(), Actor()
    listener = server.listener()
    near = client.connect(client.socket().sock, *listener.local)
    server.accept(listener.sock)
    client.bind(client.socket().sock, *listener.local, error="EADDRINUSE")
    records = tracer.trace()
    check(one(records, action="bind", outcome="success"), pid=server.pid, attribution="bind")
    check(one(records, action="listen"), pid=server.pid, attribution="listen")
    check(one(records, action="connect"), pid=client.pid, attribution="connect",
          local=near.local)
    check(one(records, action="accept"), pid=server.pid, attribution="accept")
    check(one(records, action="bind", outcome="failure"), pid=client.pid, error="EADDRINUSE",
          local=listener.local)


def test_a_life_by_system_calls():
    life("calls")


def test_a_life_by_functions():
    if not all(f["way"] == "function" for f in diagnose()["hooks"] if f["fact"] in CALLS):
        raise Skip("this kernel refuses fentry and fexit")
    life("functions")
