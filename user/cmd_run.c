// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Trace one command and what it starts.  The loop is the tracer's (cmd_trace.c); here is
 * what becomes of the command.
 */
#include "cmd_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "cmd_trace.h"
#include "log.h"

int cmd_run(const struct options *options, const struct services *services)
{
	char **argv = calloc(options->operand_count + 1, sizeof(*argv));
	struct child child = { .gate = -1 };
	int status = EXIT_RUNTIME, err = -ENOMEM;

	/* For CI jobs and unit files: nothing to say unless something fails. */
	if (options->filter.failed && !options->verbose)
		log_set_level(LOG_QUIET);
	if (argv) {
		memcpy(argv, options->operands, options->operand_count * sizeof(*argv));
		err = child_start(&child, argv);
	}
	if (err)
		log_error("run: %s", strerror(-err));
	else
		status = cmd_trace_child(options, services, &child);
	child_free(&child);
	free(argv);
	return status;
}
