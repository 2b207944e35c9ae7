// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See foresight.h.  When memory runs out less is foreseen, nothing else.
 */
#include "foresight.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct accept {
	struct hash_node node; /* by ends */
	const struct pt_socket *record;
};

struct foresight {
	struct hash by_ends;
};

static uint64_t hash_end(uint64_t hash, const uint8_t ip[16], uint16_t port)
{
	uint64_t half[2];

	memcpy(half, ip, sizeof(half));
	return hash_combine(hash_combine(hash_combine(hash, half[0]), half[1]), port);
}

static uint64_t hash_record(const struct pt_socket *record)
{
	return hash_end(hash_end(record->netns, record->local_ip, record->local_port),
			record->remote_ip, record->remote_port);
}

struct foresight *foresight_new(void)
{
	struct foresight *foresight = calloc(1, sizeof(*foresight));

	if (foresight && hash_init(&foresight->by_ends, 1024)) {
		free(foresight);
		foresight = NULL;
	}
	return foresight;
}

void foresight_free(struct foresight *foresight)
{
	if (!foresight)
		return;
	foresight_clear(foresight);
	hash_free(&foresight->by_ends);
	free(foresight);
}

void foresight_add(struct foresight *foresight, const struct pt_socket *record)
{
	struct accept *accept = malloc(sizeof(*accept));

	if (!accept)
		return;
	accept->record = record;
	hash_add(&foresight->by_ends, &accept->node, hash_record(record));
}

static void drop(struct foresight *foresight, struct accept *accept)
{
	hash_remove(&foresight->by_ends, &accept->node);
	free(accept);
}

void foresight_drop(struct foresight *foresight, const struct pt_socket *record)
{
	struct hash_node *node = hash_first(&foresight->by_ends, hash_record(record));

	for (; node; node = hash_next(node)) {
		struct accept *accept = HASH_ENTRY(node, struct accept, node);

		if (accept->record == record) {
			drop(foresight, accept);
			return;
		}
	}
}

void foresight_clear(struct foresight *foresight)
{
	/* Each accept was dropped when it came: normally there is nothing left. */
	for (size_t i = 0; foresight->by_ends.count && i <= foresight->by_ends.mask; i++) {
		while (foresight->by_ends.buckets[i])
			drop(foresight,
			     HASH_ENTRY(foresight->by_ends.buckets[i], struct accept, node));
	}
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
	uint64_t key = hash_end(hash_end(event->netns, event->remote.ip, event->remote.port),
				event->local.ip, event->local.port);
	struct hash_node *node = hash_first(&foresight->by_ends, key);
	const struct pt_socket *first = NULL;

	for (; node; node = hash_next(node)) {
		const struct pt_socket *record = HASH_ENTRY(node, struct accept, node)->record;

		if (is_other_side(record, event) && (!first || record->time < first->time))
			first = record;
	}
	return first ? &first->owner : NULL;
}
