# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""How often each BPF program of a tracer ran, and how long: the kernel's own statistics.

They are off unless somebody asks, because they read the clock twice at each run; what that
alone gives is measured with a program that does nothing (empty.c).
"""
import contextlib
import ctypes
import json
import os
import platform
import subprocess

SYS_BPF = {"x86_64": 321}.get(platform.machine(), 280)
BPF_ENABLE_STATS = 32
BPF_STATS_RUN_TIME = 0


@contextlib.contextmanager
def enabled():
    """Statistics are on until the end of the `with`, or of this process."""
    attr = (ctypes.c_uint32 * 32)(BPF_STATS_RUN_TIME)
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(SYS_BPF, BPF_ENABLE_STATS, ctypes.byref(attr), ctypes.sizeof(attr))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "BPF_ENABLE_STATS")
    try:
        yield
    finally:
        os.close(descriptor)


def names():
    """{number of a program: its name, of 15 bytes at most}"""
    try:
        shown = subprocess.check_output(["bpftool", "--json", "prog", "show"])
    except (FileNotFoundError, subprocess.CalledProcessError):
        return {}
    return {str(program["id"]): program.get("name", "?") for program in json.loads(shown)}


def read(tracer):
    """{number of a program: (ns, runs, runs that the kernel left out)}"""
    return {info["prog_id"]: tuple(int(info.get(key, 0)) for key in
                                   ("run_time_ns", "run_cnt", "recursion_misses"))
            for info in tracer.descriptors() if "run_time_ns" in info}


def between(before, after):
    """What ran between two reads: [{"name", "ns", "runs", "skipped"}], the most time first."""
    known, result = names(), []
    for number, counts in after.items():
        ns, runs, skipped = (new - old for new, old in zip(counts, before.get(number, (0, 0, 0))))
        if runs:
            result.append({"name": known.get(number, number), "ns": ns, "runs": runs,
                           "skipped": skipped})
    return sorted(result, key=lambda program: -program["ns"])
