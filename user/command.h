/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which commands there are, as data: how each is written, what it takes, what --help
 * says of it.  A new one is a line in the enum, an entry in command.c, a file
 * cmd_NAME.c and a line in main.c; help, completion's test and messages follow.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum command_id {
	COMMAND_TRACE, /* the one without a name */
	COMMAND_RUN,
	COMMAND_LIST,
	COMMAND_WHO,
	COMMAND_WAIT,
	COMMAND_DOCTOR,
	COMMAND_HELP,
	COMMANDS,
};

struct command {
	const char *name;     /* NULL: trace */
	const char *operands; /* as --help shows them; NULL: it takes none */
	size_t least, most;   /* how many */
	bool rest;            /* the first operand ends the options */
	bool ports;           /* they are ports */
	const char *help;     /* a line: what it does */
	const char *about;    /* more lines, for its own --help; or NULL */
	const char *options;  /* long names, or a letter where there is none, with blanks between */
};

extern const struct command command_table[COMMANDS];

/* The command of that name, COMMANDS: there is none. */
enum command_id command_find(const char *name);

/* Whether it has the option with that long name, or letter where there is none. */
bool command_has(const struct command *command, const char *option);

/* The names of all commands, ", " between. */
void command_names(char *names, size_t size);

#endif
