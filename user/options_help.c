// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What --help prints, and the bare names for completion: from the entries of
 * option_table.c and command.c.  How a command line is read is in options.c.
 */
#include <stdbool.h>
#include <string.h>

#include "option_table.h"

#define HELP_COLUMN 33

static const char *const group_titles[] = {
	[GROUP_FILTER] = "Filter (of one kind, any will do; of several kinds, all must)",
	[GROUP_OUTPUT] = "Output",
	[GROUP_STOP] = "Stop",
	[GROUP_TUNING] = "Tuning",
	[GROUP_OTHER] = "Other",
};
_Static_assert(sizeof(group_titles) / sizeof(group_titles[0]) == OPTION_GROUPS, "a title each");

/* "-p, --pid PID"; returns its length. */
static int help_names(const struct option *option, char *names, size_t size)
{
	const char letter[] = { '-', option->letter, '\0' };
	const char *between = option->letter ? ", " : "  ";

	return snprintf(names, size, "%s%s%s%s%s%s", option->letter ? letter : "  ",
			option->name ? between : "", option->name ? "--" : "",
			option->name ? option->name : "", option->value ? " " : "",
			option->value ? option->value : "");
}

static void help_option(const struct option *option, FILE *out)
{
	const char *line = option->help;
	char names[128];
	int width = help_names(option, names, sizeof(names));

	fprintf(out, "  %s", names);
	width = HELP_COLUMN - 2 - width;
	if (width < 1) {
		fputc('\n', out);
		width = HELP_COLUMN;
	}
	for (;;) {
		int len = (int)strcspn(line, "\n");

		fprintf(out, "%*s%.*s\n", width, "", len, line);
		if (!line[len])
			break;
		line += len + 1;
		width = HELP_COLUMN;
	}
}

static void help_usage(const struct command *command, FILE *out)
{
	fprintf(out, "Usage: porttrace%s%s [OPTION]...%s%s\n%s\n", command->name ? " " : "",
		command->name ? command->name : "", command->operands ? " " : "",
		command->operands ? command->operands : "", command->help);
	if (command->about)
		fputs(command->about, out);
	if (command->name)
		return;
	fputs("\nCommands (each has a --help of its own):\n", out);
	for (enum command_id id = COMMAND_TRACE + 1; id < COMMANDS; id++) {
		const struct command *other = &command_table[id];
		int width = fprintf(out, "  %s%s%s", other->name, other->operands ? " " : "",
				    other->operands ? other->operands : "");

		width = HELP_COLUMN - width;
		fprintf(out, "%*s%s\n", width < 1 ? 1 : width, "", other->help);
	}
}

/* Whether the command has any of them. */
static bool help_group(const struct command *command, enum option_group group, FILE *out)
{
	bool titled = false;

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];
		const char letter[] = { option->letter, '\0' };

		if (option->group != group ||
		    !command_has(command, option->name ? option->name : letter))
			continue;
		if (!titled)
			fprintf(out, "\n%s:\n", group_titles[group]);
		titled = true;
		help_option(option, out);
	}
	return titled;
}

void options_help(enum command_id id, FILE *out)
{
	const struct command *command = &command_table[id];
	bool filters = false;

	help_usage(command, out);
	for (enum option_group group = 0; group < OPTION_GROUPS; group++)
		filters |= help_group(command, group, out) && group == GROUP_FILTER;
	if (filters)
		fputs("\nFilters may be repeated; in PORTS and LIST commas separate values.", out);
	fputs("\n"
	      "Exit status: 0 done, 1 failure, 2 wrong usage, 3 a right is missing,\n"
	      "4 this kernel cannot, 5 the output failed.  More in porttrace(8).\n",
	      out);
}

void options_list(FILE *out)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->letter)
			fprintf(out, "-%c%s", option->letter, option->name ? " " : "");
		if (option->name)
			fprintf(out, "--%s", option->name);
		fprintf(out, "%s%s\n", option->value ? " " : "",
			option->value ? option->value : "");
	}
}
