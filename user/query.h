/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the commands that ask (list, who, wait) have in common: records into a ledger and
 * processes of their own, and out of these one event for each socket.  It prints nothing.
 */
#ifndef QUERY_H
#define QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "filter.h"
#include "socket.h"

struct netns_set;
struct query;

/* want_args: the arguments of all processes.  NULL: no memory. */
struct query *query_new(bool want_args);
void query_free(struct query *query);

/* A probe_record: take a record in.  context: the query. */
void query_record(void *context, const void *data, size_t size);

/*
 * Records were lost: from now on what is known is doubted, until all that the kernel side
 * knows was taken in again as PT_OPEN records, and query_believe() called.
 */
void query_doubt(struct query *query);
void query_believe(struct query *query);

/* As the ledger's. */
const struct socket *query_next(const struct query *query, const struct socket *after);
const struct socket *query_at_port(const struct query *query, uint16_t port,
				   const struct socket *after);

/*
 * Whether a socket holds its port, so that it can't be bound: it listens, is bound, or began
 * a connection.  An accepted connection, or one in TIME_WAIT, does not where SO_REUSEADDR
 * is set, as servers do.
 */
bool query_holds(struct query *query, const struct socket *socket);

/* The socket as an event of action EVENT_OPEN, as of now. */
void query_event(const struct query *query, const struct socket *socket, struct event *event);

/* Whether it passes with any of its holders. */
bool query_passes(const struct filter *filter, const struct event *event);

/*
 * The sockets that pass, sorted for people: listeners, bound, connections by state; each by
 * port and address.  by_port: all of that for one port after the other.  To be freed; what it points to is the query's.  0 or -ENOMEM.
 */
int query_sort(const struct query *query, const struct filter *filter, bool by_port,
	       const struct socket ***sockets, size_t *count);

#endif
