# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The time that each BPF program takes, by the kernel's own count (bpf_stats): of a
connection (both ends), of a UDP exchange, and of the other tracers.
"""
import bench
import bpfstats
import tracers

STATE = "tcp_state"  # at inet_sock_set_state


def measure(kind, load, count):
    """[programs of a tracer while a load ran]"""
    with tracers.running(kind) as tracer:
        before = bpfstats.read(tracer)
        load(count)
        programs = bpfstats.between(before, bpfstats.read(tracer))
        tracer.stop()
    return programs


def mean(programs):
    """Nanoseconds a run."""
    return sum(p["ns"] for p in programs) / max(1, sum(p["runs"] for p in programs))


def show(what, programs, count, empty, report):
    rows = [(p["name"], f"{p['runs'] / count:.2f}", f"{p['ns'] / p['runs']:.0f}",
             f"{p['ns'] / p['runs'] - empty:.0f}", f"{p['ns'] / count:.0f}", p["skipped"])
            for p in programs if p["runs"] * 1000 > count]
    rows.append(("all", f"{sum(p['runs'] for p in programs) / count:.2f}",
                 f"{mean(programs):.0f}", f"{mean(programs) - empty:.0f}",
                 f"{sum(p['ns'] for p in programs) / count:.0f}",
                 sum(p["skipped"] for p in programs)))
    report.table((what, "runs each", "ns/run", "less empty", "ns each", "skipped"), rows)
    print()


def others(count, report):
    """{name: programs} of the other tracers"""
    result = {}
    for kind in tracers.peers():
        try:
            result[kind.name] = measure(kind, bench.connections, count)
        except tracers.Failed as failure:
            report.fail(kind.name, failure)
    report.table(("connection, other tracers", "runs each", "ns/run", "ns each"),
                 [(name, f"{sum(p['runs'] for p in programs) / count:.2f}",
                   f"{mean(programs):.0f}", f"{sum(p['ns'] for p in programs) / count:.0f}")
                  for name, programs in result.items()])
    return result


def run(settings, report):
    count, exchanges = settings.connections, settings.datagrams
    with bpfstats.enabled():
        idle = measure(tracers.empties().only_tracepoints, bench.connections, count)
        empty = mean(idle)
        print(f"a program that does nothing has {empty:.0f} ns a run: so much of each figure is "
              "the measuring itself\n")
        tcp = measure(tracers.JSON, bench.connections, count)
        show("connection", tcp, count, empty, report)
        udp = measure(tracers.JSON, lambda n: bench.datagrams("server", n), exchanges)
        show("UDP exchange", udp, exchanges, empty, report)
        rest = others(count, report)
    report.keep("programs", {"empty": idle, "connection": tcp, "exchange": udp, **rest})
    states = [p for p in tcp if p["name"] == STATE]
    report.budget("BPF time for a change of state, less an empty program's",
                  mean(states) - empty if states else None, 200, 0, "ns")
