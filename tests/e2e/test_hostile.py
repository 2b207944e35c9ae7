# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process whose name, path and arguments are made to fool terminals and parsers.

What it may do to a terminal: nothing, in any command's output.  What a program reads of it:
one JSON object a line, with the very bytes where they are characters.
"""
import os
import re
import shutil
import subprocess

from harness import PATIENCE, PORTTRACE, Actor, Folder, Tracer, one, parse

PORT = 7200
# ESC, CSI in one byte and as a character, a line's end, a title, "turn the text round".
EVIL = b"\x1b[2J\x9b1m\xc2\x9b2m\n\x1b]0;owned\x07\xe2\x80\xae\"\\"
# Of a terminal's input none may come through: C0 but newline, DEL, C1, what turns text round.
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # that JSON has as \\u00XX


def start_hostile(folder):
    """It listens on PORT; its program's path and its arguments are evil too."""
    path = os.fsencode(folder("x")) + EVIL.replace(b"/", b"")
    shutil.copy("/usr/bin/python3", path)
    script = f"import socket,sys; s=socket.create_server(('127.0.0.1',{PORT}));" \
        "open('/proc/self/comm','wb').write(b'\\x1b[2J\\n\\x9b\\xc2\\x9b\"');" \
        "print(flush=True); sys.stdin.read()"
    hostile = subprocess.Popen([EVIL, "-S", "-c", script, EVIL], executable=path,
                               env={"PYTHONHOME": "/usr"}, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert hostile.stdout.readline() == b"\n"
    return hostile


def text_of(*arguments):
    done = subprocess.run([PORTTRACE, *arguments, "--color", "never"], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done
    return (done.stdout + done.stderr).decode("utf-8")


def check_harmless(text, what):
    found = FORBIDDEN.search(text)
    assert not found, f"{what}: {text[max(0, found.start() - 80):found.end() + 40]!r}"


def test_nothing_reaches_a_terminal():
    with Folder() as folder, start_hostile(folder) as hostile:
        for arguments in (["who", str(PORT)], ["list", "--netns", "self"],
                          ["list", "--netns", "self", "--wide", "--args"],
                          ["wait", str(PORT), "--timeout", "5"]):
            text = text_of(*arguments)
            assert str(hostile.pid) in text, text
            check_harmless(text, arguments)
        tracer, actor = Tracer("--wide", "--args", "--snapshot", json_stream=False), Actor()
        actor.bind(actor.socket().sock, "127.0.0.1", PORT, error="EADDRINUSE")
        lines = tracer.stop()[0]
        failed, = [line for line in lines if "EADDRINUSE" in line]
        assert str(hostile.pid) in failed, failed
        check_harmless("\n".join(lines), "trace")
        hostile.stdin.close()


def test_json_is_whole():
    with Folder() as folder, start_hostile(folder) as hostile:
        tracer, actor = Tracer("--args", "--snapshot"), Actor()
        actor.bind(actor.socket().sock, "127.0.0.1", PORT, error="EADDRINUSE")
        records = tracer.stop()[0]
        holder, = one(records, action="bind", pid=actor.pid)["porttrace.holders"]
        raw = subprocess.run([PORTTRACE, "list", "--netns", "self", "--json", "--args"],
                             check=True, stdout=subprocess.PIPE).stdout
        assert not CONTROL.search(raw.decode("utf-8")), raw
        listed = [parse(line) for line in raw.splitlines(keepends=True)]
        there = one(listed, **{"porttrace.local.port": PORT})
        evil = EVIL.decode("utf-8", "replace")
        for process in (one(records, action="open", pid=hostile.pid).get("process"), holder,
                        there.get("process")):
            assert process["name"] == "\x1b[2J\n\ufffd\x9b\"", process
            assert process["executable"].endswith("x" + evil), process
            assert process["args"][-1] == evil, process
        hostile.stdin.close()
