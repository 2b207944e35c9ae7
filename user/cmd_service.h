/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a command that runs for months owes to those who look after it: the metrics
 * file, and signs of life for the service manager.
 */
#ifndef CMD_SERVICE_H
#define CMD_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics.h"
#include "notify.h"

struct options;
struct pipeline;

struct cmd_service {
	struct notify notify;
	const char *path;       /* of the metrics; NULL: none are wanted */
	struct metrics metrics; /* what stays the same is set once */
	struct text text;
	uint64_t next_metrics, next_sign; /* boot time */
	bool broken;                      /* the metrics could not be written, and that was told */
};

/* Exit status.  kernel: its release; both must outlive the service. */
int cmd_service_open(struct cmd_service *service, const struct options *options,
		     const char *kernel);
void cmd_service_free(struct cmd_service *service);

/* Everything is loaded and open: give up what is not needed any more. */
void cmd_service_drop_privileges(const struct options *options);

/* Tracing has begun. */
void cmd_service_ready(struct cmd_service *service, const struct pipeline *pipeline);
/* At each turn, before the ring is drained: how full it is, 0 to 1. */
void cmd_service_ring(struct cmd_service *service, double used);
/* And at its end: does what is due. */
void cmd_service_turn(struct cmd_service *service, const struct pipeline *pipeline);
/* A file is opened again. */
void cmd_service_reload(const struct cmd_service *service);
/* It ends; the metrics get their last values. */
void cmd_service_end(struct cmd_service *service, const struct pipeline *pipeline);

#endif
