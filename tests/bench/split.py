# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""In which functions the tracer's own CPU is, by perf, at full rate."""
import os
import shutil
import subprocess
import tempfile

import bench
import tracers

SECONDS = 3
SHOWN = 25


def record(path):
    """Samples of porttrace while connections pass, into PATH."""
    with tracers.running(tracers.JSON) as tracer:
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-F", "2000", "-o", path, "-p", str(tracer.child.pid), "--",
             "sleep", str(SECONDS)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        bench.connections(2**30, SECONDS)
        words = perf.communicate()[1]
        tracer.stop()
    if perf.returncode:
        raise tracers.Failed(f"perf ended with status {perf.returncode}: {words.strip()}")


def functions(path):
    """[(share, where it is, its name)]"""
    output = subprocess.check_output(
        ["perf", "report", "-i", path, "--stdio", "--no-children", "--percent-limit", "0.5",
         "--fields", "overhead,dso,symbol", "--field-separator", "|"],
        stderr=subprocess.DEVNULL, text=True)
    lines = [line.split("|") for line in output.splitlines()
             if line.strip() and not line.startswith("#")]
    return [(share.strip(), where.strip(), name.strip()) for share, where, name in lines]


def run(_, report):
    if not shutil.which("perf"):
        report.fail("perf", "not installed")
        return
    with tempfile.TemporaryDirectory(prefix="porttrace-bench-") as folder:
        path = os.path.join(folder, "perf.data")
        record(path)
        found = functions(path)
    report.table(("function", "in", "share"),
                 [(name, where, share) for share, where, name in found[:SHOWN]])
    report.keep("split", found)
