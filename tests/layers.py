#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds the layers of the user side: who may include what (`make check-layers`).

It looks at the headers too, so that nothing comes in through one of them.
"""
import glob
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)

# The stages of an event's way, by the names of their files.
STAGES = ("decode", "ledger", "processes", "filter", "format", "sink")
# Which stage knows another one all the same, and why.
NEIGHBOURS = {
    ("ledger", "processes"),  # the ledger's sockets hold processes
    ("processes", "decode"),  # the wire format's path is decode's business
}
# What only main, the commands, the pipeline and the probe may know.
ABOVE = {"options.h", "probe.h", "pipeline.h", "log.h"}
# These alone know the kernel side: what is attached, what only asks, and what both run.
PROBE = ("probe.c", "hooks.c", "probe_list.c", "probe_iter.c", "probe_walk.c")
# But the commands of bpf(2) have numbers, which a list of system calls names.
NUMBERS = {("privileges.c", "linux/bpf.h")}
KERNEL_SIDE = re.compile(r"^(bpf/|linux/bpf|linux/btf)|\.skel\.h$")


def stage_of(name):
    """"format" for format_json.c; None for a file that is no stage."""
    stem = os.path.splitext(name)[0]
    return next((s for s in STAGES if stem == s or stem.startswith(s + "_")), None)


def wrong(name, included):
    """Why file NAME must not include INCLUDED, or None."""
    if KERNEL_SIDE.search(included) and name not in PROBE and \
            (name, included) not in NUMBERS:
        return f"only {', '.join(PROBE)} know libbpf and the skeletons"
    stage = stage_of(name)
    if stage is None:
        return None
    if included in ABOVE:
        return "a stage gets its own small config, and returns codes instead of messages"
    other = stage_of(included)
    if included.endswith(".h") and other not in (None, stage) and \
            (stage, other) not in NEIGHBOURS:
        return f"stage {stage} must not know stage {other}"
    return None


def main():
    failures = 0
    for path in sorted(glob.glob("user/*.[ch]")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for match in INCLUDE.finditer(text):
            reason = wrong(os.path.basename(path), match.group(1))
            if reason:
                line = text.count("\n", 0, match.start(1)) + 1
                print(f"{path}:{line}: includes {match.group(1)}: {reason}", file=sys.stderr)
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
