// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The tracer that does nothing: the least that any program at these places can cost.
 *
 *     empty NAME...
 *
 * Puts a program at each place (places.h), says when all are there, ends with a signal.
 */
#include "places.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		attach_empty(argv[i]);
	fputs("empty: tracing\n", stderr);
	pause();
	return 0;
}
