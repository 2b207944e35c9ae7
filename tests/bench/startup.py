# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From the start to the line that says it traces, with the CPU for that, and from the signal
to the end.
"""
import bench
import tracers

KINDS = [tracers.JSON, tracers.TCP, *tracers.peers()]


def once(kind):
    with tracers.running(kind) as tracer:
        return {"start": tracer.start * 1000, "cpu": tracer.cpu_before * 1000,
                "stop": tracer.stop()["stop"] * 1000}


def run(settings, report):
    figures, rows = {}, []
    for kind in KINDS:
        try:
            figures[kind.name] = [once(kind) for _ in range(
                settings.starts if kind.ready else min(3, settings.starts))]
        except tracers.Failed as failure:
            report.fail(kind.name, failure)
            rows.append((kind.name, f"does not run here: {failure}"))
            continue
        rows.append((kind.name, len(figures[kind.name]),
                     *(bench.spread([one[key] for one in figures[kind.name]])
                       for key in ("start", "cpu", "stop"))))
    report.table(("tracer", "starts", "ms to tracing", "own CPU ms", "ms to the end"), rows)
    report.keep("startup", figures)
    starts = figures.get(tracers.JSON.name)
    report.budget("start to `tracing`", starts and bench.median_of(starts, "start"), 150, 0, "ms")
