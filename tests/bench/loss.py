# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Records lost at the highest rate of connections, for a minute; and while the tracer is
stopped for 100 ms at that rate.  By cause: "missed" are told late and without a process, as
the kernel skipped all hooks that would have known it (some kernels do, on a busy machine).
"""
import os
import signal
import threading
import time

import bench
import tracers

STOPPED = 0.1  # seconds
STOPS = 3
RECORD = 136   # bytes in the ring: struct pt_socket and the ring's own header
RING = 8 * 2**20 / 8 * 7


def load(seconds, during=None):
    """Connections a second of as many pairs as there is room for."""
    rates, pairs = [], max(1, os.cpu_count() // 2)
    threads = [threading.Thread(target=lambda: rates.append(
        bench.connections(2**30, seconds).rate)) for _ in range(pairs)]
    for thread in threads:
        thread.start()
    if during:
        during()
    for thread in threads:
        thread.join()
    if len(rates) < pairs:
        raise RuntimeError("a load failed")
    return sum(rates)


def hold_up(tracer):
    """Stop it for a moment, more than once."""
    for _ in range(STOPS):
        time.sleep(0.5)
        tracer.child.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED)
        tracer.child.send_signal(signal.SIGCONT)


def once(seconds, stopped):
    with tracers.running(tracers.JSON) as tracer:
        began = time.monotonic()
        rate = load(seconds, (lambda: hold_up(tracer)) if stopped else None)
        took = time.monotonic() - began
        tracer.stop()
        totals = tracer.totals()
        return {"rate": rate, "records": totals["seen"] / took, "lost": totals["lost"],
                "skipped": totals["skipped"], "late": totals["late"]}


def row(name, figures):
    return (name, f"{figures['rate']:.0f}", f"{figures['records']:.0f}",
            *figures["lost"].values(), figures["skipped"], figures["late"],
            f"{RING / RECORD / figures['records'] * 1000:.0f}")


def run(settings, report):
    full = once(settings.full_seconds, False)
    stopped = once((STOPPED + 0.5) * STOPS + 0.5, True)
    report.table(("full rate", "connections/s", "records/s",
                  *(f"lost: {cause}" for cause in full["lost"]), "hooks skipped", "told late",
                  "ms that the ring lasts"),
                 [row(f"{settings.full_seconds:.0f} s", full),
                  row(f"stopped {STOPS} times for {STOPPED * 1000:.0f} ms", stopped)])
    report.keep("loss", {"full": full, "stopped": stopped})
    for what, figures in ((f"in {settings.full_seconds:.0f} s at full rate", full),
                          (f"stopped for {STOPPED * 1000:.0f} ms", stopped)):
        report.budget(f"records lost, {what}", sum(figures["lost"].values()), 0)
