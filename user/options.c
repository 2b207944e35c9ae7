// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How a command line is read, and what --help prints: machinery over the entries
 * of option_table.c.  Hand-made, because getopt_long(3) prints messages of its own
 * and keeps its place in globals.  Arguments come back in messages, so they are
 * escaped: a name pasted from elsewhere must not reach the terminal as it is.
 */
#include "options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"
#include "text.h"

#define HELP_COLUMN 33
#define ROTATE_KEEP_DEFAULT 5
#define SHOWN_BYTES 64 /* of an argument in a message: the rest of the line must stay in sight */

struct parser {
	struct options *options;
	const struct services *services;
	char **argv;
	int argc;
	int next;           /* index in argv of what was not looked at yet */
	bool only_operands; /* after "--" */
	char *message;
	size_t size;
};

/* An argument as a message shows it. */
struct shown {
	char text[4 * SHOWN_BYTES + sizeof("...")];
};

static const char *const group_titles[] = {
	[GROUP_FILTER] = "Filter (of one kind, any will do; of several kinds, all must)",
	[GROUP_OUTPUT] = "Output",
	[GROUP_STOP] = "Stop",
	[GROUP_TUNING] = "Tuning",
	[GROUP_OTHER] = "Other",
};
_Static_assert(sizeof(group_titles) / sizeof(group_titles[0]) == OPTION_GROUPS, "a title each");

static const char *show(struct shown *shown, const char *argument)
{
	size_t len = strnlen(argument, SHOWN_BYTES + 1);
	bool cut = len > SHOWN_BYTES;
	struct text text = { 0 };

	text_printable(&text, argument, cut ? SHOWN_BYTES : len);
	(void)snprintf(shown->text, sizeof(shown->text), "%.*s%s", (int)text.len,
		       text.len ? text.data : "", cut || text.failed ? "..." : "");
	text_free(&text);
	return shown->text;
}

static int complain(struct parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Always -EINVAL. */
static int complain(struct parser *parser, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(parser->message, parser->size, format, args);
	va_end(args);
	return -EINVAL;
}

static const struct option *find_name(const char *name, size_t len)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];

		if (option->name && strlen(option->name) == len && !memcmp(option->name, name, len))
			return option;
	}
	return NULL;
}

static const struct option *find_letter(char letter)
{
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].letter == letter)
			return &option_table[i];
	return NULL;
}

/*
 * written: the option as it stands in argv, "-p" or "--pid".  whole: the list that
 * value is an item of, or value.
 */
static int set_value(struct parser *parser, const struct option *option, const char *written,
		     const char *value, const char *whole)
{
	struct setting setting = {
		.options = parser->options,
		.services = parser->services,
		.value = value,
	};
	int err = option->set(&setting);
	struct shown shown;

	if (err != -EINVAL)
		return err;
	/* Of a list, the item that is wrong; an empty one tells nothing. */
	return complain(parser, "%s %s: %s", written,
			*whole ? show(&shown, *value ? value : whole) : "''",
			setting.why.text[0] ? setting.why.text : option->allowed);
}

static int set_list(struct parser *parser, const struct option *option, const char *written,
		    const char *value)
{
	char *copy = strdup(value), *rest = copy;
	int err = copy ? 0 : -ENOMEM;

	while (rest && !err)
		err = set_value(parser, option, written, strsep(&rest, ","), value);
	free(copy);
	return err;
}

/* value: what was written in the same argument, or NULL. */
static int apply(struct parser *parser, const struct option *option, const char *written,
		 const char *value)
{
	struct setting setting = { .options = parser->options };

	if (option->value) {
		if (!value && parser->next >= parser->argc)
			return complain(parser, "%s: a value is missing; %s", written,
					option->allowed);
		if (!value)
			value = parser->argv[parser->next++];
		return option->list ? set_list(parser, option, written, value)
				    : set_value(parser, option, written, value, value);
	}
	if (option->set)
		return option->set(&setting);
	*(bool *)((char *)parser->options + option->flag) = true;
	return 0;
}

/* argument: where it stands, among other letters perhaps. */
static int unknown_option(struct parser *parser, const char *option, const char *argument)
{
	struct shown shown_option, shown_argument;

	if (!strcmp(option, argument))
		return complain(parser, "unknown option '%s'; 'porttrace --help' lists them",
				show(&shown_option, option));
	return complain(parser, "unknown option '%s' in '%s'; 'porttrace --help' lists them",
			show(&shown_option, option), show(&shown_argument, argument));
}

static int parse_long(struct parser *parser, const char *argument)
{
	size_t len = strcspn(argument, "=");
	const char *value = argument[len] ? argument + len + 1 : NULL;
	const struct option *option = find_name(argument + 2, len - 2);
	char written[sizeof("--") + 32];
	struct shown shown;

	if (!option)
		return unknown_option(parser, argument, argument);
	(void)snprintf(written, sizeof(written), "--%s", option->name);
	if (value && !option->value)
		return complain(parser, "%s: %s takes no value", show(&shown, argument), written);
	return apply(parser, option, written, value);
}

/* "-t", "-tn", "-p42", "-np42", "-np 42" */
static int parse_short(struct parser *parser, const char *argument)
{
	for (const char *c = argument + 1; *c; c++) {
		const char written[] = { '-', *c, '\0' };
		const struct option *option = find_letter(*c);
		int err;

		if (!option)
			return unknown_option(parser, written, argument);
		if (option->value)
			return apply(parser, option, written, c[1] ? c + 1 : NULL);
		err = apply(parser, option, written, NULL);
		if (err)
			return err;
	}
	return 0;
}

static int parse_argument(struct parser *parser)
{
	const char *argument = parser->argv[parser->next++];
	struct shown shown;

	if (parser->only_operands || argument[0] != '-' || !argument[1])
		return complain(parser,
				"unknown command '%s'; only options are allowed, "
				"and 'porttrace --help' lists them",
				show(&shown, argument));
	if (argument[1] != '-')
		return parse_short(parser, argument);
	if (argument[2])
		return parse_long(parser, argument);
	parser->only_operands = true;
	return 0;
}

/* Options that are right one by one, but together could never show anything. */
static int check(struct parser *parser)
{
	const struct options *options = parser->options;
	const struct filter *filter = &options->filter;

	if (filter->udp && !filter->tcp)
		return complain(parser, "--udp: UDP is not traced by this version yet; TCP is");
	if (filter->actions == 1U << EVENT_FLOW)
		return complain(parser, "--event flow: that is UDP, which is not traced by this "
					"version yet; TCP is");
	if (filter->actions == 1U << EVENT_OPEN && !options->snapshot)
		return complain(parser, "--event open: these come only with --snapshot");
	if (options->rotate_size && !options->output)
		return complain(parser, "--rotate-size: only a file is rotated; --output names it");
	return 0;
}

int options_parse(struct options *options, int argc, char **argv, const struct services *services,
		  char *message, size_t size)
{
	struct parser parser = {
		.options = options,
		.services = services,
		.argv = argv,
		.argc = argc,
		.next = 1,
		.message = message,
		.size = size,
	};
	const char *no_color = getenv("NO_COLOR");
	int err;

	memset(options, 0, sizeof(*options));
	filter_init(&options->filter);
	options->rotate_keep = ROTATE_KEEP_DEFAULT;
	if (no_color && *no_color)
		options->color = COLOR_NEVER;
	if (size)
		*message = '\0';
	while (parser.next < argc) {
		err = parse_argument(&parser);
		if (err)
			return err;
		/* Who asks for help gets it, whatever else is wrong. */
		if (options->help || options->version)
			return 0;
	}
	return check(&parser);
}

void options_free(struct options *options)
{
	if (!options)
		return;
	filter_free(&options->filter);
	free(options->output);
	options->output = NULL;
}

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

void options_help(FILE *out)
{
	fputs("Usage: porttrace [OPTION]...\n"
	      "Show, live, which process is behind which TCP port.\n",
	      out);
	for (enum option_group group = 0; group < OPTION_GROUPS; group++) {
		fprintf(out, "\n%s:\n", group_titles[group]);
		for (size_t i = 0; i < option_count; i++)
			if (option_table[i].group == group)
				help_option(&option_table[i], out);
	}
	fputs("\nFilters may be repeated; in PORTS and LIST commas separate values.\n"
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
