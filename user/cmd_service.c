// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See cmd_service.h.  Called from the loop, so that a loop that hangs gives no sign.
 */
#include "cmd_service.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cmd_sink.h"
#include "log.h"
#include "options.h"
#include "pipeline.h"
#include "privileges.h"
#include "safefile.h"

#define METRICS_INTERVAL 5000000000ULL /* ns */

static void collect(struct metrics *metrics, const struct pipeline *pipeline)
{
	metrics->totals = pipeline_totals(pipeline);
	pipeline_told(pipeline, metrics->told);
	metrics->waiting = pipeline_waiting(pipeline);
	metrics->sockets = pipeline_sockets(pipeline);
	metrics->processes = pipeline_processes(pipeline);
	metrics_read_self(metrics);
}

static int write_metrics(struct cmd_service *service)
{
	text_clear(&service->text);
	metrics_format(&service->metrics, &service->text);
	return metrics_replace(service->path, &service->text);
}

int cmd_service_open(struct cmd_service *service, const struct options *options, const char *kernel)
{
	int err;

	notify_open(&service->notify);
	service->path = options->metrics_file;
	service->metrics.version = PORTTRACE_VERSION;
	service->metrics.kernel = kernel;
	service->metrics.start = clock_real();
	if (!service->path)
		return EXIT_DONE;
	err = write_metrics(service);
	if (err)
		cmd_sink_refused("--metrics-file", service->path, err);
	return err ? EXIT_OUTPUT : EXIT_DONE;
}

void cmd_service_free(struct cmd_service *service)
{
	notify_close(&service->notify);
	text_free(&service->text);
}

static void update(struct cmd_service *service, const struct pipeline *pipeline)
{
	int err;

	if (!service->path)
		return;
	collect(&service->metrics, pipeline);
	err = write_metrics(service);
	service->metrics.ring_used = 0; /* the most until the next time */
	if (err && !service->broken)
		log_error("--metrics-file %s: it can't be written: %s; tracing goes on",
			  service->path, strerror(-err));
	else if (!err && service->broken)
		log_info("--metrics-file %s: it is written again", service->path);
	service->broken = err;
}

static bool is_of_another_group(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && st.st_gid != getegid();
}

void cmd_service_drop_privileges(const struct options *options)
{
	const char *log = options->output, *metrics = options->metrics_file;
	struct privileges_config config = {
		.override = (log && safefile_is_foreign(log)) ||
			    (metrics && safefile_is_foreign(metrics)),
		.chown = metrics && is_of_another_group(metrics),
	};
	int errors[PRIVILEGES_STEPS];

	privileges_drop(&config, errors);
	for (int step = 0; step < PRIVILEGES_STEPS; step++)
		if (errors[step])
			log_error("%s that are not needed can't be given up: %s; tracing goes on",
				  privileges_step_name((enum privileges_step)step),
				  strerror(-errors[step]));
}

/* Not a crash: something in a library that nobody thought of. */
static void tell_refused(void)
{
	char name[64];

	if (privileges_refused(name, sizeof(name)))
		log_error("the system call %s is not allowed and was refused; tracing goes on",
			  name);
}

void cmd_service_ready(struct cmd_service *service, const struct pipeline *pipeline)
{
	update(service, pipeline);
	service->next_metrics = clock_boot() + METRICS_INTERVAL;
	notify_send(&service->notify, "READY=1\nSTATUS=tracing");
}

void cmd_service_ring(struct cmd_service *service, double used)
{
	if (used > service->metrics.ring_used)
		service->metrics.ring_used = used;
}

void cmd_service_turn(struct cmd_service *service, const struct pipeline *pipeline)
{
	uint64_t now = clock_boot();

	tell_refused();
	if (now >= service->next_metrics) {
		update(service, pipeline);
		service->next_metrics = now + METRICS_INTERVAL;
	}
	if (service->notify.watchdog && now >= service->next_sign) {
		notify_send(&service->notify, "WATCHDOG=1");
		service->next_sign = now + service->notify.watchdog / 2;
	}
}

void cmd_service_reload(const struct cmd_service *service)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)(clock_monotonic() / 1000));
	notify_send(&service->notify, state);
	notify_send(&service->notify, "READY=1");
}

void cmd_service_end(struct cmd_service *service, const struct pipeline *pipeline)
{
	notify_send(&service->notify, "STOPPING=1");
	update(service, pipeline);
}
