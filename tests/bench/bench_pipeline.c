// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the user side does with a connection, from the records to the lines, without the
 * kernel's ring: connect, accept and two closes.
 *
 *     bench_pipeline json|table [CONNECTIONS] >FILE
 *
 * Records come in batches as they do on a busy machine, and the lines go to the standard
 * output.  Prints the nanoseconds of CPU that a connection takes on the standard error.
 */
#include <inttypes.h>

#include "load.h"
#include "pipeline.h"
#include "services.h"
#include "traffic.h"

#define BATCH 256 /* connections */

static void tell(struct pipeline *pipeline, uint32_t pid, const char *name)
{
	struct pt_process news = wire_process(pid, name, name, strlen(name) + 1);

	pipeline_record(pipeline, &news, sizeof(news));
	pipeline_settle(pipeline);
}

static void feed(struct pipeline *pipeline, const struct pt_socket *record)
{
	pipeline_record(pipeline, record, sizeof(*record));
}

static void run(struct pipeline *pipeline, uint64_t count)
{
	struct traffic traffic = { 0 };
	struct pt_counts counts = { 0 };
	struct connection connection;
	struct pt_socket ended;

	for (uint64_t i = 0; i < count; i++) {
		traffic_begin(&traffic, i % 8, &connection);
		feed(pipeline, &connection.client);
		feed(pipeline, &connection.server);
		ended = traffic_end(&traffic, &connection.client, PT_LOCAL);
		feed(pipeline, &ended);
		ended = traffic_end(&traffic, &connection.server, PT_REMOTE);
		feed(pipeline, &ended);
		counts.seen += 4;
		if (i % BATCH == BATCH - 1)
			pipeline_account(pipeline, &counts, 0);
	}
	pipeline_settle(pipeline);
	if (pipeline_flush(pipeline))
		die("write");
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
	struct services *services = NULL;
	struct filter filter;
	struct pipeline_config config = { .filter = &filter };
	struct pipeline *pipeline;
	double begin;

	if (argc < 2 || count < 1) {
		fprintf(stderr, "usage: %s json|table [CONNECTIONS]\n", argv[0]);
		return 2;
	}
	(void)services_load(&services, "/etc/services");
	filter_init(&filter);
	config.format = strcmp(argv[1], "table") ? &format_json : &format_table;
	config.format_config = (struct format_config){
		.services = services,
		.host = "web1",
		.boot_id = "0f3c1a5e-7a4b-4c7e-9d7e-1f2e3d4c5b6a",
	};
	if (sink_open(&config.sink, NULL))
		die("standard output");
	pipeline = pipeline_new(&config);
	if (!pipeline)
		die("pipeline");
	tell(pipeline, SERVER, "server");
	tell(pipeline, CLIENT, "client");
	begin = cpu_seconds();
	run(pipeline, count);
	fprintf(stderr, "%.1f\n", (cpu_seconds() - begin) / (double)count * 1e9);
	pipeline_free(pipeline);
	sink_free(config.sink);
	filter_free(&filter);
	services_free(services);
	return 0;
}
