// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See query.h.  The same stages as the pipeline's (decode, processes, ledger, filter), but
 * what comes out is what there is, not what happened.
 */
#include "query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "decode.h"
#include "foresight.h"
#include "ledger.h"
#include "processes.h"

#define TCP_TIME_WAIT 6 /* include/net/tcp_states.h */

struct query {
	struct processes *processes;
	struct foresight *foresight;
	struct ledger *ledger;
	uint64_t boot_to_real;
	uint32_t asked_netns; /* the latest has_listener(); port 0: none since the latest record */
	uint16_t asked_port;
	bool listens;
};

struct query *query_new(bool want_args)
{
	struct query *query = calloc(1, sizeof(*query));

	if (!query)
		return NULL;
	query->boot_to_real = clock_boot_to_real();
	query->processes = processes_new(want_args);
	query->foresight = foresight_new();
	if (query->processes && query->foresight)
		query->ledger = ledger_new(query->processes, query->foresight);
	if (!query->ledger) {
		query_free(query);
		return NULL;
	}
	return query;
}

void query_free(struct query *query)
{
	if (!query)
		return;
	ledger_free(query->ledger);
	foresight_free(query->foresight);
	processes_free(query->processes);
	free(query);
}

void query_record(void *context, const void *data, size_t size)
{
	struct query *query = context;
	struct record record;
	struct event event;

	if (decode_record(&record, data, size))
		return;
	query->asked_port = 0;
	switch (record.type) {
	case PT_PROCESS:
		(void)processes_update(query->processes, record.process, query->boot_to_real);
		break;
	case PT_EXIT:
		processes_exit(query->processes, &record.life->who);
		break;
	case PT_FORK:
		processes_fork(query->processes, &record.life->who, record.life->time);
		break;
	default:
		decode_event(&event, record.socket, query->boot_to_real);
		(void)ledger_apply(query->ledger, record.socket, &event, query->boot_to_real);
		break;
	}
	processes_reap(query->processes);
}

void query_doubt(struct query *query)
{
	ledger_doubt(query->ledger);
	query->asked_port = 0;
}

void query_believe(struct query *query)
{
	ledger_believe(query->ledger);
	query->asked_port = 0;
}

const struct socket *query_next(const struct query *query, const struct socket *after)
{
	return ledger_next(query->ledger, after);
}

const struct socket *query_at_port(const struct query *query, uint16_t port,
				   const struct socket *after)
{
	return ledger_at_port(query->ledger, port, after);
}

/* Whether somebody listens on the local port of a socket.  Asked for many of one port. */
static bool has_listener(struct query *query, const struct socket *socket)
{
	const struct socket *other = NULL;

	if (query->asked_port == socket->local.port && query->asked_netns == socket->netns)
		return query->listens;
	query->asked_port = socket->local.port;
	query->asked_netns = socket->netns;
	query->listens = false;
	while (!query->listens && (other = query_at_port(query, socket->local.port, other)))
		query->listens = other->kind == PT_LISTENER && other->netns == socket->netns;
	return query->listens;
}

bool query_holds(struct query *query, const struct socket *socket)
{
	if (socket->closed || socket->state == TCP_TIME_WAIT || socket->flags & PT_PASSIVE)
		return false;
	if (socket->kind != PT_CONNECTION || socket->flags & PT_ACTIVE)
		return true;
	/*
	 * Of an older connection nobody knows who began it.  A port that the kernel gives
	 * to clients says this end, unless somebody listens there.
	 */
	return socket->flags & PT_EPHEMERAL && !has_listener(query, socket);
}

static enum pt_side initiator(uint8_t flags)
{
	if (flags & PT_ACTIVE)
		return PT_LOCAL;
	return flags & PT_PASSIVE ? PT_REMOTE : PT_SIDE_NONE;
}

void query_event(const struct query *query, const struct socket *socket, struct event *event)
{
	const struct socket *peer;

	*event = (struct event){
		.action = EVENT_OPEN,
		.time = clock_real(),
		.local = socket->local,
		.remote = socket->remote,
		.ipv4 = socket->flags & PT_IPV4,
		.ephemeral = socket->flags & PT_EPHEMERAL,
		.initiator = initiator(socket->flags),
		.kind = socket->kind,
		.attribution = socket->attribution,
		.netns = socket->netns,
		.cookie = socket->cookie,
		.process = socket->owner,
		.creator = socket->creator == socket->owner ? NULL : socket->creator,
		.state_new = socket->state,
		.socket = socket,
	};
	if (socket->since)
		event->since = socket->since + query->boot_to_real;
	if (socket->ended && !socket->closed)
		event->ends = socket->ended + query->boot_to_real;
	if (socket->kind != PT_CONNECTION)
		return;
	peer = ledger_other_side(query->ledger, event);
	event->peer = peer ? peer->owner : NULL;
}

bool query_passes(const struct filter *filter, const struct event *event)
{
	struct event each = *event;
	struct holder holder;

	if (filter_passes(filter, event))
		return true;
	for (size_t i = 0; event->socket && socket_holder(event->socket, i, &holder); i++) {
		each.process = holder.process;
		if (filter_passes(filter, &each))
			return true;
	}
	return false;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What waits for others first, then what is at work, then what is ending. */
static unsigned int rank(const struct socket *socket)
{
	static const uint8_t ranks[] = {
		[1] = 2, [2] = 3, [3] = 4, [4] = 6,  [5] = 7,  [6] = 10,
		[7] = 1, [8] = 5, [9] = 8, [10] = 0, [11] = 9, [12] = 4,
	};

	return socket->state < sizeof(ranks) ? ranks[socket->state] : sizeof(ranks);
}

static int compare_ends(const struct endpoint *a, const struct endpoint *b)
{
	return compare_numbers(a->port, b->port) ?: memcmp(a->ip, b->ip, sizeof(a->ip));
}

static int compare(const void *left, const void *right)
{
	const struct socket *a = *(const struct socket *const *)left;
	const struct socket *b = *(const struct socket *const *)right;

	return compare_numbers(rank(a), rank(b)) ?: compare_ends(&a->local, &b->local) ?:
	       compare_ends(&a->remote, &b->remote) ?: compare_numbers(a->netns, b->netns) ?:
	       compare_numbers(a->cookie, b->cookie);
}

static int compare_by_port(const void *left, const void *right)
{
	const struct socket *a = *(const struct socket *const *)left;
	const struct socket *b = *(const struct socket *const *)right;

	return compare_numbers(a->local.port, b->local.port) ?: compare_numbers(
		       a->kind == PT_DATAGRAM, b->kind == PT_DATAGRAM) ?: compare(left, right);
}

int query_sort(const struct query *query, const struct filter *filter, bool by_port,
	       const struct socket ***sockets, size_t *count)
{
	const struct socket **list =
		calloc(ledger_sockets(query->ledger) + 1, sizeof(struct socket *));
	const struct socket *socket = NULL;
	size_t len = 0;

	if (!list)
		return -ENOMEM;
	while ((socket = query_next(query, socket))) {
		struct event event;

		query_event(query, socket, &event);
		if (query_passes(filter, &event))
			list[len++] = socket;
	}
	qsort(list, len, sizeof(struct socket *), by_port ? compare_by_port : compare);
	*sockets = list;
	*count = len;
	return 0;
}
