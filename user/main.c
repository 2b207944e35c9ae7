// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * porttrace: which process is behind this port, and since when.  Parses the command
 * line, answers --help and --version, and hands over to the command.
 */
#include <errno.h>
#include <stdio.h>

#include "cmd_doctor.h"
#include "cmd_list.h"
#include "cmd_run.h"
#include "cmd_trace.h"
#include "cmd_wait.h"
#include "cmd_who.h"
#include "log.h"
#include "options.h"
#include "services.h"

/* COMMAND_HELP is answered by the options. */
/* One thing a line. */
/* clang-format off */
static int (*const run_command[COMMANDS])(const struct options *, const struct services *) = {
	[COMMAND_TRACE] = cmd_trace,
	[COMMAND_RUN] = cmd_run,
	[COMMAND_LIST] = cmd_list,
	[COMMAND_WHO] = cmd_who,
	[COMMAND_WAIT] = cmd_wait,
	[COMMAND_DOCTOR] = cmd_doctor,
};
/* clang-format on */

static int run(const struct options *options, const struct services *services)
{
	if (options->help || options->version) {
		if (options->help)
			options_help(options->command, stdout);
		else
			(void)printf("porttrace " PORTTRACE_VERSION "\n");
		if (!fflush(stdout))
			return EXIT_DONE;
		log_error("the output failed: %m");
		return EXIT_OUTPUT;
	}
	if (options->quiet)
		log_set_level(LOG_QUIET);
	else if (options->verbose)
		log_set_level(LOG_VERBOSE);
	return run_command[options->command](options, services);
}

int main(int argc, char **argv)
{
	struct services *services = NULL;
	struct options options = {};
	char message[512];
	int status = EXIT_RUNTIME, err;

	err = services_load(&services, "/etc/services");
	if (err && err != -ENOMEM)
		log_error("/etc/services can't be read: ports have no names");
	err = options_parse(&options, argc, argv, services, message, sizeof(message));
	if (err == -EINVAL) {
		log_error("%s", message);
		status = EXIT_USAGE;
	} else if (err) {
		log_error("no memory");
	} else {
		status = run(&options, services);
	}
	options_free(&options);
	services_free(services);
	return status;
}
