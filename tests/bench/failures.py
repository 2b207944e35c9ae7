# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process that tries a port again and again that another one has: 10,000 times a second, and
as often as it can.  Each failure is explained; what finds no room in the ring is counted.
"""
import socket
import subprocess
import sys

import tracers

RATES = (10_000, 1_000_000)
RETRY = """
import socket, sys, time
address, rate, seconds = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
sock, begin, count = socket.socket(), time.monotonic(), 0
while (now := time.monotonic()) < begin + seconds:
    if count > (now - begin) * rate:
        time.sleep(0.001)
        continue
    try:
        sock.bind(address)
        raise SystemExit("the bind worked")
    except OSError:
        count += 1
print(count)
"""


def once(port, rate, seconds):
    with tracers.running(tracers.TABLE) as tracer:
        count = int(subprocess.check_output(
            [sys.executable, "-c", RETRY, str(port), str(rate), str(seconds)]))
        used = tracer.used()
        end = tracer.stop()
    return {"rate": count / seconds, "core": used / seconds, "cpu": used / count * 1e6,
            "lines": end["lines"], "lost": end["lost"]}


def run(settings, report):
    seconds = settings.idle_seconds / 2
    with socket.create_server(("127.0.0.1", 0)) as listener:
        results = [once(listener.getsockname()[1], rate, seconds) for rate in RATES]
    report.table(("failures a second", "% of a core", "own CPU us each", "lines", "lost"),
                 [(f"{r['rate']:.0f}", f"{r['core'] * 100:.0f}", f"{r['cpu']:.1f}", r["lines"],
                   r["lost"]) for r in results])
    report.keep("failures", results)
