// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A cache in front of getpwuid_r().  It is never emptied: there are far fewer
 * users than connections.
 */
#include "users.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct user {
	struct hash_node node;
	uint32_t uid;
	char *name; /* NULL: has none */
};

struct users {
	struct hash by_uid;
};

struct users *users_new(void)
{
	struct users *users = calloc(1, sizeof(*users));

	if (users && hash_init(&users->by_uid, 64)) {
		free(users);
		users = NULL;
	}
	return users;
}

void users_free(struct users *users)
{
	if (!users)
		return;
	for (size_t i = 0; i <= users->by_uid.mask; i++) {
		struct hash_node *node = users->by_uid.buckets[i];

		while (node) {
			struct user *user = HASH_ENTRY(node, struct user, node);

			node = node->next;
			free(user->name);
			free(user);
		}
	}
	hash_free(&users->by_uid);
	free(users);
}

static char *look_up(uint32_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) || !found)
		return NULL;
	return strdup(found->pw_name);
}

const char *users_name(struct users *users, uint32_t uid)
{
	struct hash_node *node = hash_first(&users->by_uid, hash_u64(uid));
	struct user *user;

	for (; node; node = hash_next(node)) {
		user = HASH_ENTRY(node, struct user, node);
		if (user->uid == uid)
			return user->name;
	}
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	user->name = look_up(uid);
	hash_add(&users->by_uid, &user->node, hash_u64(uid));
	return user->name;
}
