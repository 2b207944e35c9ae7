# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Holds each BPF program to its budget of verified instructions (tests/insns.table).

    tests/insns.py CLANG=OBJECT...            compare, on the running kernel
    tests/insns.py --print CLANG=OBJECT...    and show: "insns KERNEL CLANG PROGRAM COUNT"
    tests/insns.py --update [FILE...]         write such lines (stdin) into the table

OBJECT is one of bpf/ as that version of clang makes it.  A program may need 20 %
more than the table says for this kernel and compiler; where the table does not know them,
more than the most that it knows of the program.  Exit status 1 when one needs more, or
is not in the table, or can't be loaded where it could be.
"""
import argparse
import collections
import fileinput
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COUNT = os.path.join(ROOT, "build", "insns", "insns")
TARGETS = os.path.join(ROOT, "build", "insns", "targets")
TABLE = os.path.join(ROOT, "tests", "insns.table")
MAY_GROW = 1.2
HEADER = """\
# Instructions that the verifier looks at, for each program by clang and kernel; `-` where
# the kernel refuses the program.  20 % more fails (tests/insns.py).  To refresh it:
#   make insns ARGS=--update; make test-vm VM_ARGS=--update-insns
"""


def number(version):
    """For sorting: "6.12" comes after "6.1"."""
    return [int(part) for part in re.findall(r"\d+", version)]


def running_kernel():
    return ".".join(os.uname().release.split(".")[:2]).split("-")[0]


def read_table():
    """{(clang, program): {kernel: count or None}}"""
    table = collections.defaultdict(dict)
    if not os.path.exists(TABLE):
        return table
    with open(TABLE, encoding="ascii") as file:
        lines = [line.split() for line in file if line.strip() and not line.startswith("#")]
    kernels = lines[0][2:]
    for clang, program, *counts in lines[1:]:
        for kernel, count in zip(kernels, counts):
            if count != "?":
                table[clang, program][kernel] = None if count == "-" else int(count)
    return table


def write_table(table):
    kernels = sorted({kernel for row in table.values() for kernel in row}, key=number)
    rows = [("clang", "program", *kernels)]
    for clang, program in sorted(table, key=lambda key: (number(key[0]), key[1])):
        row = table[clang, program]
        rows.append((clang, program, *("?" if kernel not in row else str(row[kernel] or "-")
                                       for kernel in kernels)))
    with open(TABLE, "w", encoding="ascii") as file:
        file.write(HEADER)
        for clang, program, *counts in rows:
            file.write((f"{clang:<7}{program:<31}" +
                        "".join(f"{count:>8}" for count in counts)).rstrip() + "\n")


def measure(path):
    """{program: count or None where the kernel refuses it}"""
    out = subprocess.run([COUNT, path, TARGETS], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         check=True, text=True).stdout
    words = [line.split() for line in out.splitlines()]
    return {word[0]: None if word[1] == "-" else int(word[1]) for word in words}


def budget(table, clang, program, kernel):
    """(the count to compare with, or None: refused there), KeyError: nobody knows."""
    row = table[clang, program] if (clang, program) in table else {}
    if kernel in row:
        return row[kernel]
    known = [count for (_, name), counts in table.items() if name == program
             for count in counts.values()]
    if not known:
        raise KeyError(program)
    return max((count for count in known if count), default=None)


def complaint(table, clang, program, kernel, count):
    try:
        known = budget(table, clang, program, kernel)
    except KeyError:
        return f"{program} is not in tests/insns.table: make insns ARGS=--update"
    if count is None:
        if kernel in table.get((clang, program), {}) and known is not None:
            return f"{program}: this kernel refuses it, and did not"
    elif known and count > known * MAY_GROW:
        return f"{program}: {count} instructions, the budget is {known} + 20 %"
    return None


def update(table, lines):
    fresh = set()
    for line in lines:
        words = line.split()
        if len(words) != 5 or words[0] != "insns":
            continue
        _, kernel, clang, program, count = words
        if (kernel, clang) not in fresh:  # programs that are gone go
            fresh.add((kernel, clang))
            for (known, _), row in table.items():
                if known == clang:
                    row.pop(kernel, None)
        table[clang, program][kernel] = None if count == "-" else int(count)
    write_table({key: row for key, row in table.items() if row})


def main():
    parser = argparse.ArgumentParser(description="the budget of verified instructions")
    parser.add_argument("--print", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("what", nargs="*")
    arguments = parser.parse_args()
    table = read_table()
    objects = [what.partition("=") for what in arguments.what if "=" in what]
    if arguments.update and not objects:
        update(table, fileinput.input(arguments.what))
        return 0
    kernel = running_kernel()
    counts = [(clang, program, count) for clang, _, path in objects
              for program, count in measure(path).items()]
    lines = [f"insns {kernel} {clang} {program} {'-' if count is None else count}"
             for clang, program, count in counts]
    if arguments.print or arguments.update:
        print("\n".join(lines))
    if arguments.update:
        update(table, lines)
        return 0
    wrong = [f"clang {clang}, kernel {kernel}: {text}" for clang, program, count in counts
             if (text := complaint(table, clang, program, kernel, count))]
    loaded = [count for _, _, count in counts if count is not None]
    print("\n".join(wrong or [
        f"kernel {kernel}: {len(loaded)} programs by clang "
        f"{', '.join(dict.fromkeys(clang for clang, _, _ in objects))} within their budget, the largest "
        f"{max(loaded, default=0):,} of the verifier's 1,000,000 instructions"]))
    return 1 if wrong or not loaded else 0


if __name__ == "__main__":
    sys.exit(main())
