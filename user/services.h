/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of ports from /etc/services, read once (getservbyport() takes 18 us a
 * call).  Both transports are kept; lookups are O(1).
 */
#ifndef SERVICES_H
#define SERVICES_H

#include <stdint.h>

enum transport {
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORTS,
};

struct services;

/*
 * Read path (normally "/etc/services").  0 or -errno; a file that is not there
 * gives an empty table and 0.  Lines that make no sense are skipped.
 */
int services_load(struct services **services, const char *path);
void services_free(struct services *services);

/* The official name of a port, or NULL.  services may be NULL. */
const char *services_name(const struct services *services, enum transport transport, uint16_t port);
/* The port of a name or alias, 0: none has it. */
uint16_t services_port(const struct services *services, enum transport transport, const char *name);

#endif
