/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UDP sockets, used in every way that a program may.  Each call is written down (say.h).  The
 * ways are in the parts that are included below, what they share is in datagram.h.
 *
 *     datagram NAME IP [ARGUMENT]
 *
 * The names are in the table at the end.  Exit status 77 where the kernel cannot.
 */
#include "datagram.h"

/*
 * Not linked: say.h keeps its file and what it knows of the process in static variables, and the
 * compiler refuses a way that is missing from the table.
 */
#include "datagram_calls.c"
#include "datagram_addresses.c"
#include "datagram_uring.c"
#include "datagram_processes.c"

static const struct {
	const char *name;
	void (*play)(void);
} tricks[] = {
	{ "messages", many_messages },
	{ "again", connect_again },
	{ "write", write_and_read },
	{ "unnamed", read_unconnected },
	{ "flags", flags },
	{ "failures", failures },
	{ "failed-connect", failed_connect },
	{ "refused", refused },
	{ "corked", corked },
	{ "segments", segments },
	{ "spliced", spliced },
	{ "dual", dual_stack },
	{ "multicast", multicast },
	{ "ring", ring_plain },
	{ "ring-thread", ring_thread },
	{ "ring-waits", ring_waits },
	{ "ring-zc", ring_without_copy },
	{ "forked", forked },
	{ "orphaned", orphaned },
	{ "given", given },
	{ "becomes", becomes },
	{ "threads", threads },
	{ "brief", brief },
	{ "stolen", stolen },
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	ip = argv[2];
	argument = argc > 3 ? argv[3] : "";
	for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++)
		if (strcmp(tricks[i].name, argv[1]) == 0) {
			tricks[i].play();
			return 0;
		}
	return 2;
}
