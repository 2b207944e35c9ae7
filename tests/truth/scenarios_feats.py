# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios with programs whose sockets live on while they do something else: feats.c."""
from stage import program, scenario

ROUNDS = 12


def feat(t, name, *arguments, rounds=ROUNDS):
    t.trace()
    t.run(*program("feats", name, t.ip, 7000, rounds, *arguments))


@scenario("vfork, connect, exec: another program closes")
def vforked(t):
    feat(t, "vforked")


@scenario("a connect that does not wait, ended by a child")
def handed_on(t):
    feat(t, "handed-on")


@scenario("half closed, then both are killed")
def killed_half_closed(t):
    feat(t, "killed-half-closed")


@scenario("a listener that stops, listens again, connects")
def listens_again(t):
    feat(t, "listens-again")


@scenario("a thread with descriptors of its own")
def own_files(t):
    feat(t, "own-files")


@scenario("a thread with descriptors of its own, older than the tracer", others=False)
def own_files_older(t):
    child, _ = t.listening(*program("feats", "own-files-older", t.ip, 7000, ROUNDS),
                           stdin=-1)
    t.trace("--snapshot")
    child.stdin.write("x")
    child.stdin.close()
    child.stdin = None
    t.finish(child)


@scenario("exec while three threads accept")
def exec_beside_accept(t):
    feat(t, "exec-beside-accept")


@scenario("a program in memory, without a file")
def from_memory(t):
    feat(t, "from-memory")
