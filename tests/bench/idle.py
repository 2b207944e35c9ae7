# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Memory and CPU with connections that do nothing, both ends here: seen as they began, and
there before the tracer.
"""
import time

import bench
import tracers

BASE, PER_SOCKET = 32 * 2**20, 200  # bytes


def settle(tracer):
    """Until it has worked off what happened."""
    time.sleep(3 * tracers.FLUSHED)
    tracer.check()


def share(tracer, seconds):
    """Of a core, while nothing happens."""
    before = tracer.cpu()
    time.sleep(seconds)
    tracer.check()
    return (tracer.cpu() - before) / seconds


def look(tracer, sockets, seconds):
    return {"sockets": sockets, "rss": tracer.rss(), "maps": tracer.maps(),
            "cpu": share(tracer, seconds), "start": tracer.start}


def row(name, figures, empty):
    more = figures["rss"] - empty["rss"]
    return (name, f"{figures['sockets']:,}", f"{figures['start'] * 1000:.0f}",
            f"{figures['rss'] / 2**20:.1f}", f"{more / max(1, figures['sockets']):.0f}",
            f"{figures['maps'] / 2**20:.1f}", f"{figures['cpu'] * 100:.3f}")


def run(settings, report):
    sockets, seconds = 2 * settings.idle, settings.idle_seconds
    hold = bench.load_program("hold")
    with tracers.running(tracers.JSON) as tracer:
        empty = look(tracer, 0, seconds)
        with bench.Holder(hold, settings.idle):
            settle(tracer)
            seen = look(tracer, sockets, seconds)
            with tracers.running(tracers.JSON) as late:
                settle(late)
                found = look(late, sockets, seconds)
                late.stop()
        tracer.stop()
    report.table(("connections that do nothing", "sockets", "start ms", "RSS MiB", "B/socket",
                  "kernel's maps MiB", "idle % of a core"),
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
