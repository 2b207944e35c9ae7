// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See config.h.  inih takes the lines apart.  It is not read unless --config asks for it:
 * somebody who looks at a port does not want the service's log file.
 */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "option_table.h"

/* Never from a file: it would read itself, or print something and end. */
static const char *const excluded[] = { "config", "help", "version" };

struct reading {
	struct options *options;
	const struct services *services;
	struct why why; /* of the first wrong line */
	int err;
};

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < sizeof(excluded) / sizeof(excluded[0]); i++)
		if (!strcmp(name, excluded[i]))
			return NULL;
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].name && !strcmp(option_table[i].name, name))
			return command_has(&command_table[COMMAND_TRACE], name) ? &option_table[i]
										: NULL;
	return NULL;
}

static int set_flag(struct reading *reading, const struct option *option, const char *value)
{
	struct setting setting = { .options = reading->options };
	bool yes = !strcmp(value, "yes");

	if (!yes && strcmp(value, "no") != 0) {
		why_set(&reading->why, "%s: yes or no is allowed", option->name);
		return -EINVAL;
	}
	if (option->set)
		return yes ? option->set(&setting) : 0;
	*(bool *)((char *)reading->options + option->flag) = yes;
	return 0;
}

static int set_one(struct reading *reading, const struct option *option, const char *value)
{
	struct setting setting = {
		.options = reading->options,
		.services = reading->services,
		.value = value,
	};
	int err = option->set(&setting);

	if (err == -EINVAL)
		why_set(&reading->why, "%s: %s", option->name,
			setting.why.text[0] ? setting.why.text : option->allowed);
	return err;
}

static int set_values(struct reading *reading, const struct option *option, const char *value)
{
	char *copy, *rest;
	int err = 0;

	if (!option->list)
		return set_one(reading, option, value);
	copy = strdup(value);
	rest = copy;
	if (!copy)
		return -ENOMEM;
	while (rest && !err)
		err = set_one(reading, option, strsep(&rest, ","));
	free(copy);
	return err;
}

/* A line; 0: it is wrong. */
static int on_line(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	const struct option *option;

	if (reading->err) /* inih goes on to the end */
		return 0;
	option = find(name);
	if (*section) {
		reading->err = -EINVAL;
		why_set(&reading->why, "there are no sections; an option stands alone");
	} else if (!option) {
		reading->err = -EINVAL;
		why_set(&reading->why,
			"unknown option '%.40s'; the names are those of the long options of "
			"tracing, without --",
			name);
	} else {
		reading->err = option->value ? set_values(reading, option, value)
					     : set_flag(reading, option, value);
	}
	return !reading->err;
}

/* line: of the first mistake, as inih tells it. */
static int finish(const struct reading *reading, int line, struct why *why)
{
	if (line < 0 || reading->err == -ENOMEM)
		return -ENOMEM;
	if (!line)
		return 0;
	why_set(why, "line %d: %s", line,
		reading->err ? reading->why.text
			     : "neither NAME = VALUE nor a comment, or longer than 199 characters");
	return -EINVAL;
}

int config_read(const char *path, struct options *options, const struct services *services,
		struct why *why)
{
	struct reading reading = { .options = options, .services = services };
	FILE *file = fopen(path, "re");
	int line;

	if (!file) {
		why_set(why, "%s", strerror(errno));
		return -EINVAL;
	}
	line = ini_parse_file(file, on_line, &reading);
	if (ferror(file)) {
		why_set(why, "it can't be read");
		line = 0;
		reading.err = -EINVAL;
	}
	(void)fclose(file);
	return line ? finish(&reading, line, why) : reading.err;
}

int config_parse(const char *text, struct options *options, const struct services *services,
		 struct why *why)
{
	struct reading reading = { .options = options, .services = services };

	return finish(&reading, ini_parse_string(text, on_line, &reading), why);
}
