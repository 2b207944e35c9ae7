# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Memory and CPU with connections that do nothing, both ends here: seen as they began, and
there before the tracer.
"""
import os
import time

import bench
import tracers

BASE, PER_SOCKET = 32 * 2**20, 200  # bytes


def settle(tracer):
    """Until it has worked off what happened."""
    time.sleep(3 * tracers.FLUSHED)
    tracer.check()


def look(tracer, sockets, seconds):
    """While nothing happens, but for what others do: their records are counted."""
    used, written = tracer.cpu(), os.path.getsize(tracer.log)
    time.sleep(seconds)
    tracer.check()
    used = tracer.cpu() - used
    with open(tracer.log, "rb") as file:
        file.seek(written)
        records = file.read().count(b"\n")
    return {"sockets": sockets, "rss": tracer.rss(), "maps": tracer.maps(),
            "cpu": used / seconds, "records": records, "start": tracer.start}


def row(name, figures, empty):
    more = figures["rss"] - empty["rss"]
    return (name, f"{figures['sockets']:,}", f"{figures['start'] * 1000:.0f}",
            f"{figures['rss'] / 2**20:.1f}", f"{more / max(1, figures['sockets']):.0f}",
            f"{figures['maps'] / 2**20:.1f}", f"{figures['cpu'] * 100:.3f}", figures["records"])


def run(settings, report):
    connections, seconds = bench.affordable(settings.idle), settings.idle_seconds
    sockets = 2 * connections
    with tracers.running(tracers.JSON) as tracer:
        empty = look(tracer, 0, seconds)
        with bench.held_connections(connections):
            settle(tracer)
            seen = look(tracer, sockets, seconds)
            with tracers.running(tracers.JSON) as late:
                settle(late)
                found = look(late, sockets, seconds)
                late.stop()
        tracer.stop()
    report.table(("connections that do nothing", "sockets", "start ms", "RSS MiB", "B/socket",
                  "kernel's maps MiB", "idle % of a core", "records of others"),
                 [row("none", empty, empty), row("seen as they began", seen, empty),
                  row("there before", found, empty)])
    report.keep("idle", {"empty": empty, "seen": seen, "found": found})
    report.budget("memory without sockets", empty["rss"] / 2**20, BASE / 2**20, 1, "MiB")
    for what, figures in (("seen", seen), ("found", found)):
        report.budget(f"memory for {sockets:,} sockets, {what}", figures["rss"] / 2**20,
                      (BASE + PER_SOCKET * sockets) / 2**20, 1, "MiB")
        report.budget(f"memory of a live socket, {what}",
                      (figures["rss"] - empty["rss"]) / sockets, PER_SOCKET, 0, "B")
    report.budget(f"idle, {sockets:,} sockets", max(seen["cpu"], found["cpu"]) * 100, 0.1, 3,
                  "% of a core")
