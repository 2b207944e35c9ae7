# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Scenarios with programs that use sockets as few do: tricks.c."""
import harness
from stage import program, scenario

ROUNDS = 15


def trick(t, name, *arguments, rounds=ROUNDS):
    t.trace()
    t.run(*program("tricks", name, t.ip, 7000, rounds, *arguments))


@scenario("the leader of the threads has ended")
def leader_ends(t):
    trick(t, "leader-ends")


@scenario("exec in a thread that is not the leader")
def exec_in_thread(t):
    trick(t, "exec-in-thread")


@scenario("eight threads accept by epoll")
def epoll_threads(t):
    trick(t, "epoll-threads", rounds=400)


@scenario("threads of one process in two network namespaces")
def two_namespaces(t):
    trick(t, "two-namespaces", f"/proc/{t.namespace().pid}/ns/net")


@scenario("two processes with one table of descriptors")
def shared_files(t):
    trick(t, "shared-files")


@scenario("a listener taken by pidfd_getfd(2)")
def stolen(t):
    trick(t, "stolen")


@scenario("vfork and exec: the program closes last")
def kept_by_program(t):
    trick(t, "kept-by-program")


@scenario("closed by dup2(2) and by close_range(2)")
def overwritten(t):
    trick(t, "overwritten")


@scenario("connect(2) to nowhere, and again")
def called_again(t):
    trick(t, "called-again")


@scenario("a fork between socket(2) and connect(2)")
def fork_before_connect(t):
    trick(t, "fork-before-connect")


@scenario("TCP_FASTOPEN_CONNECT: the first send connects, in a child")
def late_connect(t):
    harness.setting("ipv4.tcp_fastopen", 0x407)
    trick(t, "late-connect")


@scenario("TCP_REPAIR: connections without a packet")
def repaired(t):
    trick(t, "repaired")


@scenario("a child shuts down, its parent closes")
def shut_by_child(t):
    trick(t, "shut-by-child")
