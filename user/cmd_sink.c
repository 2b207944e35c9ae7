// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cmd_sink.h.  Each change for the worse or the better is told once.
 */
#include "cmd_sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "options.h"
#include "pipeline.h"
#include "sink.h"

/* ms */
#define WAIT 50                /* at once */
#define PATIENCE 3000          /* with a reader that takes nothing */
#define PATIENCE_IN_HURRY 1500 /* when there is a signal to be handled */

void cmd_sink_refused(const char *option, const char *path, int err)
{
	switch (err) {
	case -ELOOP:
		log_error("%s %s: it is a symbolic link; it must be a regular file", option, path);
		break;
	case -EINVAL:
		log_error("%s %s: it must be a regular file", option, path);
		break;
	case -EMLINK:
		log_error("%s %s: it has more than one hard link", option, path);
		break;
	case -EPERM:
		log_error("%s %s: others may write in its directory; use one that is root's",
			  option, path);
		break;
	default:
		log_error("%s %s: %s", option, path, strerror(-err));
	}
}

int cmd_sink_open(struct cmd_sink *output, const struct options *options)
{
	int err = sink_open(&output->sink, options->output);

	if (err) {
		cmd_sink_refused("--output", options->output ?: "-", err);
		return EXIT_OUTPUT;
	}
	output->path = options->output;
	sink_set_rotation(output->sink, options->rotate_size, options->rotate_keep);
	return EXIT_DONE;
}

void cmd_sink_free(struct cmd_sink *output)
{
	sink_free(output->sink);
	output->sink = NULL;
}

static void tell(struct cmd_sink *output, uint64_t lost)
{
	int err = output->error;

	if (err && err != -EPIPE && !output->told && (err != -EAGAIN || lost > output->lost)) {
		log_error("the output %s%s; tracing goes on, what gets lost is counted",
			  err == -EAGAIN ? "is read too slowly" : "fails: ",
			  err == -EAGAIN ? "" : strerror(-err));
		output->told = true;
	} else if (!err && output->told) {
		log_info("the output works again, %llu records were lost until now",
			 (unsigned long long)lost);
		output->told = false;
	}
	output->lost = lost;
}

static void tell_rotation(struct cmd_sink *output)
{
	int err = sink_rotation_error(output->sink);

	if (err && err != output->rotation_error)
		log_error("--output %s: it can't be rotated: %s; it grows", output->path,
			  strerror(-err));
	output->rotation_error = err;
}

bool cmd_sink_flush(struct cmd_sink *output, struct pipeline *pipeline)
{
	uint64_t before = sink_written(output->sink);

	output->error = pipeline_flush(pipeline);
	if (sink_written(output->sink) != before)
		output->stalled = 0;
	tell(output, pipeline_totals(pipeline).lost[LOST_SINK]);
	tell_rotation(output);
	return output->error != -EPIPE;
}

bool cmd_sink_wait(struct cmd_sink *output, struct pipeline *pipeline, int signals)
{
	struct pollfd pending = { .fd = signals, .events = POLLIN };
	struct pollfd room = { .fd = STDOUT_FILENO, .events = POLLOUT };
	int patience = poll(&pending, 1, 0) > 0 ? PATIENCE_IN_HURRY : PATIENCE;

	if (output->stalled >= patience)
		return false;
	(void)cmd_sink_flush(output, pipeline);
	if (output->error != -EAGAIN)
		return false;
	if (poll(&room, 1, WAIT) == 0)
		output->stalled += WAIT;
	return true;
}

void cmd_sink_drain(struct cmd_sink *output, struct pipeline *pipeline, int signals)
{
	output->stalled = 0;
	while (cmd_sink_wait(output, pipeline, signals))
		;
}

void cmd_sink_reopen(struct cmd_sink *output, struct pipeline *pipeline)
{
	int err;

	(void)cmd_sink_flush(output, pipeline); /* a full disk is no reason to stay there */
	err = sink_reopen(output->sink);
	if (err)
		log_error("--output %s: it can't be opened again: %s", output->path,
			  strerror(-err));
	else if (output->path)
		log_verbose("--output %s: opened again", output->path);
}

int cmd_sink_end(struct cmd_sink *output, struct pipeline *pipeline, int signals)
{
	uint64_t before, lost;
	int err;

	cmd_sink_drain(output, pipeline, signals);
	err = output->error;
	before = pipeline_totals(pipeline).lost[LOST_SINK];
	pipeline_abandon(pipeline);
	lost = pipeline_totals(pipeline).lost[LOST_SINK];
	if (!err || err == -EPIPE || lost == before)
		return EXIT_DONE;
	log_error("the output failed: %s; %llu records could not be written",
		  err == -EAGAIN ? "it is read too slowly" : strerror(-err),
		  (unsigned long long)lost);
	return sink_written(output->sink) ? EXIT_DONE : EXIT_OUTPUT;
}
