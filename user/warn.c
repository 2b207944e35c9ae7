// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See warn.h.  When memory runs out less is warned of, nothing else.
 */
#include "warn.h"

#include <stdlib.h>

#include "cause.h"
#include "hash.h"

#define SERVICES_MAX 4096 /* listeners that stopped; the oldest is forgotten for a new one */
#define STEPS 64          /* sockets at a port that are looked at */

/* A listener that stopped and whose port nobody else listens at since. */
struct former {
	struct hash_node node;
	struct former *next; /* that stopped later */
	struct former *prev;
	struct process *process; /* held; NULL: not known */
	uint32_t netns;
	uint16_t port;
};

struct warn {
	struct hash by_port;
	struct former all; /* a ring: the oldest is all.next */
	const struct ledger *ledger;
	struct processes *processes;
};

struct warn *warn_new(const struct ledger *ledger, struct processes *processes)
{
	struct warn *warn = calloc(1, sizeof(*warn));

	if (!warn)
		return NULL;
	warn->ledger = ledger;
	warn->processes = processes;
	warn->all.next = warn->all.prev = &warn->all;
	if (hash_init(&warn->by_port, 64)) {
		free(warn);
		return NULL;
	}
	return warn;
}

static void forget(struct warn *warn, struct former *former)
{
	hash_remove(&warn->by_port, &former->node);
	former->prev->next = former->next;
	former->next->prev = former->prev;
	processes_release(warn->processes, former->process);
	free(former);
}

void warn_free(struct warn *warn)
{
	if (!warn)
		return;
	while (warn->all.next != &warn->all)
		forget(warn, warn->all.next);
	hash_free(&warn->by_port);
	free(warn);
}

static uint64_t key(uint32_t netns, uint16_t port)
{
	return hash_combine(netns, port);
}

static struct former *find(const struct warn *warn, const struct event *event)
{
	struct hash_node *node;

	if (!warn->by_port.count)
		return NULL;
	node = hash_first(&warn->by_port, key(event->netns, event->local.port));
	for (; node; node = hash_next(node)) {
		struct former *former = HASH_ENTRY(node, struct former, node);

		if (former->netns == event->netns && former->port == event->local.port)
			return former;
	}
	return NULL;
}

/* A listener whose port somebody chose has stopped. */
static void remember(struct warn *warn, const struct event *event)
{
	struct former *former = find(warn, event);

	if (former)
		forget(warn, former);
	former = calloc(1, sizeof(*former));
	if (!former)
		return;
	former->netns = event->netns;
	former->port = event->local.port;
	former->process = processes_hold((struct process *)event->process);
	former->prev = warn->all.prev;
	former->next = &warn->all;
	former->prev->next = former->next->prev = former;
	hash_add(&warn->by_port, &former->node, key(former->netns, former->port));
	if (warn->by_port.count > SERVICES_MAX)
		forget(warn, warn->all.next);
}

static void set(struct event *event, enum event_warning warning, const struct process *about)
{
	event->warnings |= 1U << warning;
	if (about)
		event->warning_about = about;
}

/* Another process that has the port too; both said that they share it. */
static const struct process *partner(const struct warn *warn, const struct pt_socket *record,
				     const struct event *event)
{
	struct contender mine = { .local = event->local, .v6only = record->flags & PT_V6ONLY };
	const struct socket *socket = NULL;

	for (int i = 0; i < STEPS; i++) {
		struct contender other;

		socket = ledger_at_port(warn->ledger, event->local.port, socket);
		if (!socket)
			break;
		other = (struct contender){ .local = socket->local,
					    .v6only = socket->flags & PT_V6ONLY };
		if (socket->closed || socket->netns != event->netns ||
		    (socket->kind == PT_DATAGRAM) != event_is_udp(event) ||
		    socket->kind == PT_CONNECTION || socket->owner == event->process ||
		    socket->sock == record->sock || !(socket->share & PT_REUSEPORT) ||
		    !ledger_trusts(warn->ledger, socket) || !cause_overlaps(&mine, &other))
			continue;
		return socket->owner;
	}
	return NULL;
}

static void began(struct warn *warn, const struct pt_socket *record, struct event *event)
{
	const struct process *other = NULL;
	struct former *former;

	if (record->share & PT_REUSEPORT)
		other = partner(warn, record, event);
	if (other)
		set(event, WARN_REUSEPORT_JOIN, other);
	if (event->action != EVENT_LISTEN)
		return;
	if (event->ephemeral && !(record->share & (PT_ANY_PORT | PT_RESERVED)))
		set(event, WARN_EPHEMERAL_LISTENER, NULL);
	former = find(warn, event);
	if (former)
		forget(warn, former);
}

void warn_event(struct warn *warn, const struct pt_socket *record, struct event *event)
{
	struct former *former;

	switch (event->action) {
	case EVENT_BIND:
	case EVENT_LISTEN:
		if (!event->error)
			began(warn, record, event);
		break;
	case EVENT_CONNECT:
		if (event_is_udp(event))
			break;
		former = record->share & PT_ANY_PORT ? find(warn, event) : NULL;
		if (former)
			set(event, WARN_SERVICE_PORT_TAKEN, former->process);
		break;
	case EVENT_CLOSE:
		if (event->kind == PT_LISTENER && !(record->share & PT_ANY_PORT))
			remember(warn, event);
		break;
	default:
		break;
	}
}
