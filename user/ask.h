/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the commands that ask once (list, who) share: look, and write.  As the commands, it
 * prints messages.
 */
#ifndef ASK_H
#define ASK_H

#include "format_list.h"
#include "machine.h"
#include "options.h"
#include "query.h"

struct ask {
	const struct options *options;
	struct machine machine;
	struct netns_set *namespaces;
	struct query *query;
	struct list_config config;
	struct formatter json; /* for --json */
	int fd;                /* where it goes; -1: not open */
	struct text text;
	uint64_t sequence;
};

struct ask_config {
	const char *command;
	const uint64_t *ports; /* 65536 bits: the kernel's filter, as in probe_list.h; or NULL */
	bool listening;
	bool args;      /* of processes are wanted, and */
	bool show_args; /* always shown in JSON */
};

/*
 * Open the output, with a query that has nothing yet.  An exit status; ask_close() is right
 * after all.
 */
int ask_prepare(struct ask *ask, const struct options *options, const struct services *services,
		const struct ask_config *config);
/* The same, and take in what is there. */
int ask_open(struct ask *ask, const struct options *options, const struct services *services,
	     const struct ask_config *config);
void ask_close(struct ask *ask);

/* Append a record or a row for a socket. */
void ask_put(struct ask *ask, const struct socket *socket);
/* Write what is there so far, if it is much or last.  An exit status. */
int ask_flush(struct ask *ask, bool last);

#endif
