# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tracing costs those who use no socket, and short processes, in their own CPU: a system
call that has nothing to do with sockets, a process that starts and ends, one that makes one
connection in between.
"""
import statistics

import bench
import tracers

KINDS = [tracers.JSON, tracers.FUNCTIONS, tracers.peer("tcplife"), *tracers.empties()]
CALLS = 1_000_000
LOADS = ("call", "process", "connects")


def take(load, processes):
    """CPU: nanoseconds of a system call, microseconds of a process."""
    if load == "call":
        return float(bench.output_of("syscalls", CALLS)[0])
    return float(bench.output_of("spawn", processes, *(["connect"] * (load == "connects")))[0])


def measure(kind, processes):
    """What each load takes more with a tracer than right before."""
    plain = {load: take(load, processes) for load in LOADS}
    with tracers.running(kind) as tracer:
        traced, before = {}, 0
        for load in LOADS:
            before = tracer.used()
            traced[load] = take(load, processes)
        own = (tracer.used() - before) / processes * 1e6
        lost = tracer.stop()["lost"]
    return {"plain": plain, "more": {load: traced[load] - plain[load] for load in LOADS},
            "cpu": own, "lost": lost}


def cells(results):
    lost = [r["lost"] for r in results if r["lost"] is not None]
    return (*(bench.spread([r["more"][load] for r in results], 0) for load in LOADS),
            f"{bench.median_of(results, 'cpu'):.1f}", max(lost, default="-"))


def run(settings, report):
    results = {}
    for _ in range(settings.rounds):
        for kind in KINDS:
            if isinstance(results.get(kind.name), str):
                continue
            try:
                results.setdefault(kind.name, []).append(measure(kind, settings.processes))
            except tracers.Failed as failure:
                results[kind.name] = str(failure)
                report.fail(kind.name, failure)
    plain = [r["plain"] for rs in results.values() if isinstance(rs, list) for r in rs]
    call, process, connects = (bench.spread([p[load] for p in plain]) for load in LOADS)
    print(f"no tracer: a system call takes {call} ns, a process {process} us, one that connects "
          f"{connects} us")
    report.table(("tracer", "ns more a system call", "us more a process",
                  "us more one that connects", "own CPU us for that", "lost"),
                 tracers.rows_of(KINDS, results, cells))
    report.keep("bystanders", results)
    functions = results[tracers.FUNCTIONS.name]
    report.budget("a bystander's system call, traced by functions", None
                  if isinstance(functions, str) else
                  statistics.median(r["more"]["call"] for r in functions), 2, 0, "ns")
