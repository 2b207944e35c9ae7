// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See foresight.h.  Of more accepts than there is room for less is foreseen, nothing else.
 */
#include "foresight.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define AHEAD_MAX 8192 /* accepts; a batch has hardly more records */

struct accept {
	struct hash_node node;          /* by ends */
	const struct pt_socket *record; /* NULL: it has come */
};

struct foresight {
	struct hash by_ends;
	size_t count; /* accepts of this batch */
	size_t come;  /* the first so many have */
	struct accept accepts[AHEAD_MAX];
};

static uint64_t hash_record(const struct pt_socket *record)
{
	return hash_pair(record->local_ip, record->local_port, record->remote_ip,
			 record->remote_port);
}

struct foresight *foresight_new(void)
{
	struct foresight *foresight = calloc(1, sizeof(*foresight));

	if (foresight && hash_init(&foresight->by_ends, AHEAD_MAX)) {
		free(foresight);
		foresight = NULL;
	}
	return foresight;
}

void foresight_free(struct foresight *foresight)
{
	if (!foresight)
		return;
	hash_free(&foresight->by_ends);
	free(foresight);
}

void foresight_add(struct foresight *foresight, const struct pt_socket *record)
{
	struct accept *accept = &foresight->accepts[foresight->count];

	if (foresight->count == AHEAD_MAX)
		return;
	foresight->count++;
	accept->record = record;
	hash_add(&foresight->by_ends, &accept->node, hash_record(record));
}

/* They come in the order in which they were seen. */
void foresight_drop(struct foresight *foresight, const struct pt_socket *record)
{
	for (size_t i = foresight->come; i < foresight->count; i++) {
		if (foresight->accepts[i].record != record)
			continue;
		foresight->accepts[i].record = NULL;
		break;
	}
	while (foresight->come < foresight->count && !foresight->accepts[foresight->come].record)
		foresight->come++;
}

void foresight_clear(struct foresight *foresight)
{
	while (foresight->count)
		hash_remove(&foresight->by_ends, &foresight->accepts[--foresight->count].node);
	foresight->come = 0;
}

static bool is_other_side(const struct pt_socket *record, const struct event *event)
{
	return record->netns == event->netns && record->local_port == event->remote.port &&
	       record->remote_port == event->local.port &&
	       !memcmp(record->local_ip, event->remote.ip, sizeof(event->remote.ip)) &&
	       !memcmp(record->remote_ip, event->local.ip, sizeof(event->local.ip));
}

const struct pt_who *foresight_acceptor(const struct foresight *foresight,
					const struct event *event)
{
	uint64_t key =
		hash_pair(event->local.ip, event->local.port, event->remote.ip, event->remote.port);
	struct hash_node *node = hash_first(&foresight->by_ends, key);
	const struct pt_socket *first = NULL;

	for (; node; node = hash_next(node)) {
		const struct pt_socket *record = HASH_ENTRY(node, struct accept, node)->record;

		if (record && is_other_side(record, event) &&
		    (!first || record->time < first->time))
			first = record;
	}
	return first ? &first->owner : NULL;
}
