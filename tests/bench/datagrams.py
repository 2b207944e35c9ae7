# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tracing costs those who speak UDP: exchanges of a hundred bytes each way (echo.c)."""
import bench
import tracers

LOADS = {"server": "echo server", "connected": "connected client", "query": "a socket each",
         "loop": "sendto/recvfrom loop"}
KINDS = [tracers.JSON, tracers.empties().everywhere, tracers.empties().only_tracepoints]


def measure(tracer, load, count):
    result = {"load": bench.datagrams(load, count), "cpu": tracer.used() / count * 1e6}
    result["lost"] = tracer.stop()["lost"]
    return result


def cells(results):
    lost = {result["lost"] for result in results} - {None}
    return (bench.spread([result["plain"] for result in results]),
            bench.spread([result["kept"] for result in results], 3),
            bench.spread([result["more"] for result in results], 2),
            f"{bench.median_of(results, 'cpu'):.2f}", max(lost, default="-"))


def run(settings, report):
    figures, rows = {}, []
    for load, title in LOADS.items():
        count = settings.datagrams // 4 if load == "query" else settings.datagrams
        figures[load] = tracers.pairs(KINDS, settings.rounds, lambda: bench.datagrams(load, count),
                                      lambda tracer: measure(tracer, load, count), report)
        rows += [(f"{title}, {name}", *rest)
                 for name, *rest in tracers.rows_of(KINDS, figures[load], cells)]
    report.table(("UDP", "exchanges/s, no tracer", "share of the rate kept", "load's CPU us more",
                  "own CPU us", "lost"), rows)
    report.keep("datagrams", figures)
