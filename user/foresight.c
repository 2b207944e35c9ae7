// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See foresight.h.  Of more than there is room for less is foreseen, nothing else.
 */
#include "foresight.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define AHEAD_MAX 8192 /* a batch has hardly more records */

struct ahead {
	struct hash_node node;          /* by ends */
	const struct pt_socket *record; /* NULL: it has come */
};

struct foresight {
	struct hash by_ends;
	size_t count; /* of this batch */
	size_t come;  /* the first so many have */
	struct ahead ahead[AHEAD_MAX];
};

static uint64_t hash_record(const struct pt_socket *record)
{
	return hash_pair(record->local_ip, record->local_port, record->remote_ip,
			 record->remote_port);
}

static bool is_foreseen(const struct pt_socket *record)
{
	return record->type == PT_ACCEPT || (record->type == PT_CONNECT && record->flags & PT_LATE);
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
	struct ahead *ahead = &foresight->ahead[foresight->count];

	if (!is_foreseen(record) || foresight->count == AHEAD_MAX)
		return;
	foresight->count++;
	ahead->record = record;
	hash_add(&foresight->by_ends, &ahead->node, hash_record(record));
}

/* They come in the order in which they were seen. */
void foresight_drop(struct foresight *foresight, const struct pt_socket *record)
{
	if (!is_foreseen(record))
		return;
	for (size_t i = foresight->come; i < foresight->count; i++) {
		if (foresight->ahead[i].record != record)
			continue;
		foresight->ahead[i].record = NULL;
		break;
	}
	while (foresight->come < foresight->count && !foresight->ahead[foresight->come].record)
		foresight->come++;
}

void foresight_clear(struct foresight *foresight)
{
	while (foresight->count)
		hash_remove(&foresight->by_ends, &foresight->ahead[--foresight->count].node);
	foresight->come = 0;
}

static bool is_other_side(const struct pt_socket *record, const struct event *event)
{
	return record->netns == event->netns && record->local_port == event->remote.port &&
	       record->remote_port == event->local.port &&
	       !memcmp(record->local_ip, event->remote.ip, sizeof(event->remote.ip)) &&
	       !memcmp(record->remote_ip, event->local.ip, sizeof(event->local.ip));
}

const struct pt_who *foresight_other_side(const struct foresight *foresight,
					  const struct event *event)
{
	uint64_t key =
		hash_pair(event->local.ip, event->local.port, event->remote.ip, event->remote.port);
	struct hash_node *node = hash_first(&foresight->by_ends, key);
	const struct pt_socket *first = NULL;

	for (; node; node = hash_next(node)) {
		const struct pt_socket *record = HASH_ENTRY(node, struct ahead, node)->record;

		if (record && is_other_side(record, event) &&
		    (!first || record->time < first->time))
			first = record;
	}
	return first ? &first->owner : NULL;
}
