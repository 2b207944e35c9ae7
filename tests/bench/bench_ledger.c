// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Does the ledger grow slower with what it holds?
 *
 *     bench_ledger [EVENTS [MOST]]
 *
 * Ledgers of 1,000, 10,000, 100,000 and 1,000,000 living sockets (up to MOST) take EVENTS
 * each (default 1,000,000): by turns, so that whatever else the machine does meets all of
 * them.  Prints a line for each:
 *
 *     SOCKETS  NS SHORT  NS ANY  BYTES
 *
 * Nanoseconds of CPU an event, decode_event() included: "short" while short connections come and
 * go beside the many that stay, "any" while any of the many ends and another begins.  Medians
 * of the turns.  And bytes of memory a socket, that of few rounded to pages and tables.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"
#include "foresight.h"
#include "ledger.h"
#include "load.h"
#include "traffic.h"

#define TURNS 20
#define EVENTS_A_CONNECTION 4
#define SIZES 4

struct subject {
	struct processes *processes;
	struct foresight *foresight;
	struct ledger *ledger;
	struct traffic traffic;
	struct connection *connections; /* living */
	uint64_t count;                 /* of them */
	struct pt_socket *batch;        /* made before, for only what becomes of it is measured */
	uint64_t batched;
	double bytes; /* of memory a socket */
	double short_ns[TURNS], any_ns[TURNS];
};

static void *must(void *memory)
{
	if (!memory)
		die("bench_ledger");
	return memory;
}

static void put(struct subject *s, const struct pt_socket *record)
{
	s->batch[s->batched++] = *record;
}

static void begin(struct subject *s, uint64_t slot, struct connection *connection)
{
	traffic_begin(&s->traffic, slot, connection);
	put(s, &connection->client);
	put(s, &connection->server);
}

static void end(struct subject *s, const struct connection *connection)
{
	struct pt_socket client = traffic_end(&s->traffic, &connection->client, PT_LOCAL);
	struct pt_socket server = traffic_end(&s->traffic, &connection->server, PT_REMOTE);

	put(s, &client);
	put(s, &server);
}

/* The ledger takes the batch, as in pipeline_settle(): nanoseconds of CPU a record. */
static double settle(struct subject *s)
{
	bool ahead = ledger_looks_ahead(s->ledger);
	double started = cpu_seconds(), ns;
	struct event event;

	for (uint64_t i = 0; i < s->batched; i++) {
		if (ahead && i + LEDGER_AHEAD < s->batched)
			ledger_expect(s->ledger, &s->batch[i + LEDGER_AHEAD]);
		if (ahead && i + LEDGER_AHEAD / 2 < s->batched)
			ledger_await(s->ledger, &s->batch[i + LEDGER_AHEAD / 2]);
		decode_event(&event, &s->batch[i], 0);
		(void)ledger_apply(s->ledger, &s->batch[i], &event, 0);
		processes_reap(s->processes);
	}
	ns = (cpu_seconds() - started) * 1e9 / (double)s->batched;
	s->batched = 0;
	return ns;
}

/* Of this process: bytes that are not in memory are not taken. */
static size_t memory(void)
{
	FILE *file = must(fopen("/proc/self/statm", "r"));
	size_t pages = 0;

	if (fscanf(file, "%*u %zu", &pages) != 1)
		die("/proc/self/statm");
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* batch: room for what is taken at once. */
static void fill(struct subject *s, uint64_t sockets, struct pt_socket *batch)
{
	struct pt_process client = wire_process(CLIENT, "client", "client", sizeof("client"));
	struct pt_process server = wire_process(SERVER, "server", "server", sizeof("server"));
	struct pt_socket listener = wire_listen(0xffff888000000000u, SERVER, "0.0.0.0", 80);
	size_t before;

	s->count = sockets / 2;
	s->connections = must(malloc(s->count * sizeof(*s->connections)));
	memset(s->connections, 0xff, s->count * sizeof(*s->connections)); /* in memory before */
	s->batch = batch;
	before = memory();
	s->processes = must(processes_new(false));
	s->foresight = must(foresight_new());
	s->ledger = must(ledger_new(s->processes, s->foresight));
	if (processes_update(s->processes, &client, 0) ||
	    processes_update(s->processes, &server, 0))
		die("processes");
	put(s, &listener);
	for (uint64_t i = 0; i < s->count; i++) {
		begin(s, i, &s->connections[i]);
		(void)settle(s);
	}
	s->bytes = (double)(memory() - before) / (double)sockets;
}

static double some_short(struct subject *s, uint64_t count)
{
	struct connection connection;

	for (uint64_t i = 0; i < count; i++) {
		begin(s, s->count + i % 8, &connection);
		end(s, &connection);
	}
	return settle(s);
}

static double any(struct subject *s, uint64_t count)
{
	static uint64_t random = 1;

	for (uint64_t i = 0; i < count; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint64_t which = (random >> 32) % s->count;

		end(s, &s->connections[which]);
		begin(s, which, &s->connections[which]);
	}
	return settle(s);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, TURNS, sizeof(*values), compare);
	return values[TURNS / 2];
}

static void done(struct subject *s, uint64_t sockets)
{
	printf("%8" PRIu64 " %8.1f %8.1f %6.0f\n", sockets, median(s->short_ns), median(s->any_ns),
	       s->bytes);
	ledger_free(s->ledger);
	foresight_free(s->foresight);
	processes_free(s->processes);
	free(s->connections);
}

int main(int argc, char **argv)
{
	static const uint64_t sizes[SIZES] = { 1000, 10000, 100000, 1000000 };
	uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	uint64_t turn = events / EVENTS_A_CONNECTION / TURNS;
	struct subject subjects[SIZES] = { 0 };
	struct pt_socket *batch;
	int count = 0;

	if (turn < 1) {
		fprintf(stderr, "usage: %s [EVENTS [MOST]]   EVENTS: 80 or more\n", argv[0]);
		return 2;
	}
	batch = must(calloc(turn * EVENTS_A_CONNECTION, sizeof(*batch)));
	for (; count < SIZES && sizes[count] <= most; count++)
		fill(&subjects[count], sizes[count], batch);
	for (int i = 0; i < TURNS; i++) {
		for (int n = 0; n < count; n++) {
			subjects[n].short_ns[i] = some_short(&subjects[n], turn);
			subjects[n].any_ns[i] = any(&subjects[n], turn);
		}
	}
	for (int n = 0; n < count; n++)
		done(&subjects[n], sizes[n]);
	free(batch);
	return 0;
}
