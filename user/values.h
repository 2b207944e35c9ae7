/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Values of options: text to number, port, network and so on, each strict.  They
 * know nothing of options.  All return 0 or -EINVAL (value_ports() and the like
 * may say more in why) and leave their out-parameters alone on failure.
 */
#ifndef VALUES_H
#define VALUES_H

#include <stdint.h>

#include "filter.h"

struct services;

/*
 * What is wrong with a value, where that is more than "not one of those allowed".
 * Empty unless a function that failed wrote it; never holds the value itself.
 */
struct why {
	char text[240];
};

__attribute__((format(printf, 2, 3))) void why_set(struct why *why, const char *format, ...);

/* Decimal digits and nothing else. */
int value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);
/* "8M": bytes; suffixes K, M, G, of either case. */
int value_size(const char *text, uint64_t max, uint64_t *bytes);
/* "0.5": seconds, up to 9 decimals, more than none, to nanoseconds. */
int value_duration(const char *text, uint64_t max_seconds, uint64_t *ns);
/* "80", "8000-8080", "http": added to ports, which then no longer has "any". */
int value_ports(const char *text, const struct services *services, struct filter_ports *ports,
		struct why *why);
/* "10.0.0.0/8", "fe80::/10", "::1". */
int value_net(const char *text, struct filter_net *net, struct why *why);
/* A number, or a name that getpwnam(3) knows. */
int value_user(const char *text, uint32_t *uid, struct why *why);
/* What a container's id or a machine's name may begin with: at least one character. */
int value_container(const char *text);
/* The inode number of the network namespace that has this name in directory. */
int value_netns_name(const char *directory, const char *name, uint32_t *inode);
/* A number, "self", or a name that `ip netns` knows. */
int value_netns(const char *text, uint32_t *inode, struct why *why);
/* One of the actions that a person can ask for, as a bit of filter.actions. */
int value_event(const char *text, unsigned int *bit);

#endif
