/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets as they are now, for people: a row each (list, wait), or all that is known of one
 * (who).  They know struct event and struct socket, and no command.
 */
#ifndef FORMAT_LIST_H
#define FORMAT_LIST_H

#include "format.h"
#include "services.h"

struct netns_set;

struct list_config {
	struct format_config format;
	uint32_t own_netns; /* inode; a socket that is elsewhere has its namespace told */
	const struct netns_set *namespaces; /* for their names; or NULL */
	bool own_processes;                 /* only those of this pid namespace are seen */
};

void format_list_header(struct text *out, const struct list_config *config);
/* event: EVENT_OPEN, with its socket. */
void format_list_row(struct text *out, const struct list_config *config, const struct event *event);

/* What kind of port it is: "port 8080/tcp (http-alt), registered". */
void format_who_port(struct text *out, const struct list_config *config, uint16_t port,
		     enum transport transport, bool ephemeral);
/* Lines about one socket.  holds: it is in the way of who wants the port: what would free it. */
void format_who_socket(struct text *out, const struct list_config *config,
		       const struct event *event, bool holds);

/* For both: the state as people say it, "BOUND" for CLOSE. */
const char *format_list_state(const struct event *event);
/* " netns=NAME" if it is not our own. */
void format_list_netns(struct text *out, const struct list_config *config,
		       const struct event *event);

#endif
