/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which options there are: how each is written, what it takes, what --help says
 * of it and where it goes in struct options.  A new option is one entry in
 * option_table.c; options.c, the help and the completion's test follow from it.
 */
#ifndef OPTION_TABLE_H
#define OPTION_TABLE_H

#include "options.h"
#include "values.h"

#define PORT_VALUE "a port is a number from 1 to 65535, a range as 8000-8080, or a service name"

enum option_group {
	GROUP_FILTER,
	GROUP_OUTPUT,
	GROUP_STOP,
	GROUP_TUNING,
	GROUP_OTHER,
	OPTION_GROUPS,
};

/* One value on its way into the options. */
struct setting {
	struct options *options;
	const struct services *services;
	const char *value; /* NULL: the option takes none */
	struct why why;    /* set() writes it on failure if there is more to say than "allowed" */
};

/* In the order of reading. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct option {
	enum option_group group;
	char letter;       /* 0: none */
	const char *name;  /* NULL: only a letter */
	const char *value; /* what --help calls its value; NULL: it takes none */
	bool list;         /* values may follow each other, with commas between */
	const char *help;
	const char *allowed; /* what a value may be, for the message about a wrong one */
	int (*set)(struct setting *setting); /* 0, -EINVAL or -ENOMEM */
	size_t flag; /* without set: offset in struct options of the bool that becomes true */
};

extern const struct option option_table[];
extern const size_t option_count;

#endif
