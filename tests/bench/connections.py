# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The rate of TCP connections that is left, what one costs the load more (its CPU, with the
hooks in it) and the tracer itself, and what it writes: one client and one server that
connect, exchange 100 bytes each way and close.
"""
import time

import bench
import tracers

KINDS = [tracers.JSON, tracers.TABLE, tracers.UNUSED, tracers.TCP, tracers.FUNCTIONS,
         tracers.SYSTEM_CALLS, *tracers.peers(), tracers.carrier(), *tracers.empties()]


def measure(tracer, count):
    bench.connections(count)  # what it writes for the first time costs more: ring, log, tables
    tracer.begin()
    load = bench.connections(count)
    time.sleep(tracers.FLUSHED)
    tracer.check()
    result = {"load": load, "cpu": tracer.used() / count * 1e6, "rss": tracer.rss()}
    end = tracer.stop()
    result["cpu"] *= tracer.share_of(2 * tracers.EVENTS * count)
    result.update(bytes=end["bytes"] / max(1, end["lines"]), lines=end["lines"] / (2 * count),
                  lost=end["lost"], start=tracer.start)
    return result


def cells(results):
    middle = {key: bench.median_of(results, key) for key in ("cpu", "lines", "bytes", "rss")}
    lost = {result["lost"] for result in results} - {None}
    return (bench.spread([result["kept"] for result in results], 3),
            bench.spread([result["more"] for result in results], 1), f"{middle['cpu']:.1f}",
            f"{middle['lines']:.1f}", f"{middle['bytes']:.0f}", f"{middle['rss'] / 2**20:.1f}",
            max(lost, default="-"))


def run(settings, report):
    count = settings.connections
    results = tracers.pairs(KINDS, settings.rounds, lambda: bench.connections(count),
                            lambda tracer: measure(tracer, count), report)
    ran = {name: rs for name, rs in results.items() if isinstance(rs, list)}
    everything = sum(ran.values(), [])
    print(f"no tracer: {bench.spread([result['plain'] for result in everything])} connections/s, "
          f"{bench.spread([result['plain_cpu'] for result in everything], 1)} us of CPU each, both "
          f"ends here; {settings.rounds} rounds of {count}")
    report.table(("tracer", "share of the rate kept", "load's CPU us more", "own CPU us",
                  "lines/conn", "B/line", "RSS MiB", "lost"),
                 tracers.rows_of(KINDS, results, cells))
    report.keep("connections", results)
    full, unused = ran.get(tracers.JSON.name), ran.get(tracers.UNUSED.name)
    report.budget("connection rate kept, JSON to a file",
                  full and bench.median_of(full, "kept"), 0.90, 3, at_least=True)
    report.budget("connection rate kept, only a port that nobody uses",
                  unused and bench.median_of(unused, "kept"), 0.98, 3, at_least=True)
    report.budget("own CPU for a connection, both ends",
                  full and bench.median_of(full, "cpu"), 5, 1, "us")
    report.budget("a connection's JSON record",
                  full and bench.median_of(full, "bytes"), 600, 0, "B")
