# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Does an event cost more the more sockets there are?  The ledger alone up to a million, and
real connections that stay while others come and go.
"""
import subprocess
import time

import bench
import bpfstats
import tracers

FLAT = 1.20  # the most costs that much of the least
MOST_ROUNDS = 3


def alone(settings):
    """[(sockets, ns short, ns any, bytes a socket)] of bench_ledger"""
    output = subprocess.check_output([bench.user_side_program("bench_ledger"),
                                      str(settings.records // 2)], text=True)
    return [tuple(float(word) for word in line.split()) for line in output.splitlines()]


def with_connections(held, count):
    """The tracer's CPU and the BPF programs' for a connection beside HELD others."""
    with tracers.running(tracers.JSON) as tracer:
        time.sleep(tracers.FLUSHED)
        used, before = tracer.used(), bpfstats.read(tracer)
        load = bench.connections(count)
        time.sleep(tracers.FLUSHED)
        programs = bpfstats.between(before, bpfstats.read(tracer))
        result = {"held": held, "rate": load.rate, "load": load.cpu,
                  "cpu": (tracer.used() - used) / count * 1e6,
                  "bpf": sum(p["ns"] for p in programs) / sum(p["runs"] for p in programs)}
        result["lost"] = tracer.stop()["lost"]
        result["cpu"] *= tracer.share_of(tracers.EVENTS * count)
    return result


def real(settings):
    """[results of the rounds] for each number of connections that stay."""
    results = {}
    with bpfstats.enabled():
        for held in sorted({bench.affordable(held) for held in settings.growth}):
            with bench.held_connections(held):
                results[held] = [with_connections(held, settings.connections)
                                 for _ in range(min(settings.rounds, MOST_ROUNDS))]
    return results


def growth(values):
    return max(values) / min(values)


def run(settings, report):
    ledger = alone(settings)
    report.table(("sockets in the ledger", "ns/event, short ones", "ns/event, any", "B/socket"),
                 [(f"{sockets:,.0f}", f"{short:.0f}", f"{any_ns:.0f}", f"{size:.0f}")
                  for sockets, short, any_ns, size in ledger])
    print()
    results = real(settings)
    report.table(("connections that stay", "connections/s", "load's CPU us", "own CPU us",
                  "BPF ns a run", "lost"),
                 [(f"{held:,}", bench.spread([r["rate"] for r in rs]),
                   bench.spread([r["load"] for r in rs], 1),
                   bench.spread([r["cpu"] for r in rs], 1),
                   bench.spread([r["bpf"] for r in rs]), max(r["lost"] for r in rs))
                  for held, rs in results.items()])
    report.keep("growth", {"ledger": ledger, "real": results})
    report.budget("ledger: 1,000 to 1,000,000 sockets, short ones", growth([r[1] for r in ledger]),
                  FLAT, 2, "times")
    report.budget("ledger: 1,000 to 1,000,000 sockets, any", growth([r[2] for r in ledger]),
                  FLAT, 2, "times")
    for key, what in (("cpu", "own CPU"), ("bpf", "BPF time a run")):
        report.budget(f"{what}, beside 0 to {max(results):,} connections",
                      growth([bench.median_of(rs, key) for rs in results.values()]), FLAT, 2,
                      "times")
