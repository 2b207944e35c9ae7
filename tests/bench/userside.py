# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The user side without the kernel: records formatted on one core, the limits beside them
(copying the same bytes, writing them), and the whole way of a connection.
"""
import os
import subprocess
import tempfile

import bench

RATES = {"json": 3e6, "table": 2e6}


def formats(settings, folder):
    """{"json", "table", "memcpy", "write": (ns a record, bytes a record)}"""
    output = subprocess.check_output([bench.user_side_program("bench_format"),
                                      str(settings.records), os.path.join(folder, "lines")],
                                     text=True)
    return {name: (float(ns), float(size))
            for name, ns, size in (line.split() for line in output.splitlines())}


def whole_way(settings, name, path):
    """Nanoseconds of a connection, from the records to PATH."""
    with open(path, "ab") as file:
        done = subprocess.run([bench.user_side_program("bench_pipeline"), name,
                               str(settings.records // 10)], stdout=file,
                              stderr=subprocess.PIPE, check=True)
    return float(done.stderr)


def run(settings, report):
    with tempfile.TemporaryDirectory(prefix="porttrace-bench-") as folder:
        figures = formats(settings, folder)
        report.table(("a record", "ns", "million/s", "bytes"),
                     [(name, f"{ns:.1f}", f"{1000 / ns:.2f}", f"{size:.0f}")
                      for name, (ns, size) in figures.items()])
        print()
        ways = {(name, where): whole_way(settings, name, path)
                for name in RATES for where, path in
                (("a file", os.path.join(folder, name)), ("/dev/null", os.devnull))}
    report.table(("a connection, records to lines", "us"),
                 [(f"{name} to {where}", f"{ns / 1000:.2f}") for (name, where), ns in ways.items()])
    report.keep("userside", {"formats": figures,
                             "connection": {" to ".join(key): ns for key, ns in ways.items()}})
    for name, bound in RATES.items():
        report.budget(f"records a second as {name}, one core", 1000 / figures[name][0],
                      bound / 1e6, 2, "million", at_least=True)
