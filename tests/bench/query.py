# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How long an answer and a start take in a crowd: 2,000 processes hold 100,000 sockets (fewer
with --quick), and one more listens on a port of its own.
"""
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import bench
import tracers

CROWD = os.path.join(bench.ROOT, "build", "truth", "crowd")
PORT = 9
TIMES = 3  # as fast as the others at least


def questions():
    """(what is asked, [(name, command)]), porttrace's first."""
    own = [bench.PORTTRACE, "--netns", "self"]
    ss, lsof = shutil.which("ss"), shutil.which("lsof")
    others = [("ss -tlnp", [ss, "-tlnp"]), ("lsof -nP -i", [lsof, "-nP", "-i"])]
    others = [(name, command) for name, command in others if command[0]]
    yield f"who {PORT}", [(f"who {PORT}", [*own, "who", str(PORT)]), *others]
    yield "list --listening", [("list --listening", [*own, "list", "--listening"]), *others]
    if ss:
        yield "list", [("list", [*own, "list"]), ("ss -tanp", [ss, "-tanp"])]


def seconds(command):
    begin = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    took = time.monotonic() - begin
    if not done.stdout:
        raise RuntimeError(f"{command} ended with status {done.returncode}, and no answer: "
                           f"{done.stderr.decode(errors='replace')}")
    return took


def ask(rounds):
    """{question: {name: [seconds]}}"""
    times = {}
    for _ in range(rounds):
        for question, commands in questions():
            for name, command in commands:
                times.setdefault(question, {}).setdefault(name, []).append(seconds(command))
    return times


def start():
    """Milliseconds to `tracing` in the crowd."""
    with tracers.running(tracers.JSON) as tracer:
        tracer.stop()
        return tracer.start * 1000


def run(settings, report):
    with tempfile.TemporaryDirectory(prefix="porttrace-bench-") as folder, \
            socket.create_server(("127.0.0.1", PORT)), \
            bench.Holder(CROWD, settings.crowd, settings.descriptors // settings.crowd,
                         env={**os.environ, "TRUTH_LOG": os.path.join(folder, "truth")}):
        times = ask(settings.rounds)
        starts = [start() for _ in range(settings.rounds)]
    rows, ratios = [], {}
    for question, names in times.items():
        own = next(iter(names.values()))
        for name, values in names.items():
            ratios[question, name] = statistics.median(v / o for v, o in zip(values, own))
            rows.append((question, name, bench.spread(values, 3), f"{ratios[question, name]:.1f}"))
    print(f"{settings.crowd:,} processes, {settings.descriptors:,} sockets; "
          f"{settings.rounds} rounds")
    report.table(("question", "asked", "seconds", "times porttrace"), rows)
    print(f"start to `tracing` there: {bench.spread(starts)} ms")
    report.keep("query", {"seconds": times, "starts": starts})
    for (question, name), ratio in ratios.items():
        if question == f"who {PORT}" and name != question:
            report.budget(f"`{question}`: {name} takes as long as that", ratio, TIMES, 1, "times",
                          at_least=True)
