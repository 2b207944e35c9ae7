// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The formats by name, and the little that they share.  A new one is a file
 * format_NAME.c, a line in format.h and a line here.
 */
#include "format.h"

#include <string.h>

#include "services.h"

static const struct format *const formats[] = {
	&format_json,
	&format_table,
};

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	}
	return NULL;
}

bool format_has_address(const uint8_t ip[16])
{
	static const uint8_t any[16] = { 0 };
	static const uint8_t any_ipv4[16] = { [10] = 0xff, [11] = 0xff };

	return memcmp(ip, any, 16) != 0 && memcmp(ip, any_ipv4, 16) != 0;
}

bool format_has_end(const struct endpoint *end)
{
	return end->port || format_has_address(end->ip);
}

bool format_is_multicast(const uint8_t ip[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return ip[0] == 0xff || (!memcmp(ip, mapped, sizeof(mapped)) && ip[12] >> 4 == 0xe);
}

bool format_is_broadcast(const uint8_t ip[16])
{
	static const uint8_t all[16] = { [10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return !memcmp(ip, all, sizeof(all));
}

enum transport format_transport(const struct event *event)
{
	return event_is_udp(event) ? TRANSPORT_UDP : TRANSPORT_TCP;
}
