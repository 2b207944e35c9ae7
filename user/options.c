// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How a command line is read: machinery over the entries of option_table.c and
 * command.c; what --help prints is in options_help.c.  Hand-made, because getopt_long(3) prints messages of its own
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

#define ROTATE_KEEP_DEFAULT 5
#define SHOWN_BYTES 64 /* of an argument in a message: the rest of the line must stay in sight */

struct parser {
	struct options *options;
	const struct services *services;
	char **argv;
	int argc;
	int next;           /* index in argv of what was not looked at yet */
	bool named;         /* the command was */
	bool only_operands; /* after "--" */
	uint64_t given;     /* a bit for each option of the table that was there */
	char *message;
	size_t size;
};

/* An argument as a message shows it. */
struct shown {
	char text[4 * SHOWN_BYTES + sizeof("...")];
};

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

	parser->given |= 1ULL << (option - option_table); /* test_options.c counts them */
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

static int add_operand(struct parser *parser, const char *operand)
{
	struct options *options = parser->options;
	char **longer = reallocarray(options->operands, options->operand_count + 1, sizeof(char *));

	if (!longer)
		return -ENOMEM;
	options->operands = longer;
	longer[options->operand_count] = strdup(operand);
	return longer[options->operand_count++] ? 0 : -ENOMEM;
}

/* The first operand is the command. */
static int parse_operand(struct parser *parser, const char *operand)
{
	enum command_id id;
	struct shown shown;
	char names[128];

	if (parser->named) {
		parser->only_operands |= command_table[parser->options->command].rest;
		return add_operand(parser, operand);
	}
	id = command_find(operand);
	command_names(names, sizeof(names));
	if (id == COMMANDS)
		return complain(parser, "unknown command '%s'; there are %s", show(&shown, operand),
				names);
	parser->options->command = id;
	parser->named = true;
	return 0;
}

static int parse_argument(struct parser *parser)
{
	const char *argument = parser->argv[parser->next++];

	if (parser->only_operands || argument[0] != '-' || !argument[1])
		return parse_operand(parser, argument);
	if (argument[1] != '-')
		return parse_short(parser, argument);
	if (argument[2])
		return parse_long(parser, argument);
	parser->only_operands = true;
	return 0;
}

/* "porttrace help who" is "porttrace who --help". */
static int parse_help(struct parser *parser)
{
	struct options *options = parser->options;
	enum command_id id = COMMAND_TRACE;
	struct shown shown;
	char names[128];

	if (options->operand_count)
		id = command_find(options->operands[0]);
	command_names(names, sizeof(names));
	if (id == COMMANDS)
		return complain(parser, "help: unknown command '%s'; there are %s",
				show(&shown, options->operands[0]), names);
	options->command = id;
	options->help = true;
	return 0;
}

static int check_operands(struct parser *parser)
{
	const struct options *options = parser->options;
	const struct command *command = &command_table[options->command];
	struct shown shown;

	if (options->operand_count > command->most)
		return complain(parser, "%s: '%s' is too much; it takes %s", command->name,
				show(&shown, options->operands[command->most]),
				command->operands ? command->operands : "only options");
	if (options->operand_count < command->least)
		return complain(parser, "%s: %s is missing", command->name, command->operands);
	return 0;
}

/* "80", "http/tcp": a port or ports of one transport. */
static int parse_ports(struct parser *parser, const char *operand, struct filter_ports *ports)
{
	const char *slash = strchr(operand, '/');
	struct why why = { "" };
	struct shown shown;
	char *number;
	int err;

	ports->tcp = slash && !strcmp(slash, "/tcp");
	ports->udp = slash && !strcmp(slash, "/udp");
	if (slash && !ports->tcp && !ports->udp)
		return complain(parser, "%s: after a port comes /tcp or /udp",
				show(&shown, operand));
	number = strndup(operand, slash ? (size_t)(slash - operand) : strlen(operand));
	if (!number)
		return -ENOMEM;
	err = value_ports(number, parser->services, ports, &why);
	free(number);
	if (err != -EINVAL)
		return err;
	return complain(parser, "%s: %s", *operand ? show(&shown, operand) : "''",
			why.text[0] ? why.text : PORT_VALUE);
}

static int check_ports(struct parser *parser)
{
	struct options *options = parser->options;
	int err = 0;

	if (!command_table[options->command].ports)
		return 0;
	options->asked = calloc(options->operand_count, sizeof(*options->asked));
	if (!options->asked)
		return -ENOMEM;
	for (size_t i = 0; i < options->operand_count && !err; i++)
		err = parse_ports(parser, options->operands[i], &options->asked[i]);
	return err;
}

/* The options that a command has, as far as they find room. */
static void list_options(const struct command *command, char *list, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];
		const char letter[] = { option->letter, '\0' };

		if (!command_has(command, option->name ? option->name : letter) || len >= size)
			continue;
		len += (size_t)snprintf(list + len, size - len, "%s%s%s", len ? " " : "",
					option->name ? "--" : "-",
					option->name ? option->name : letter);
	}
}

static int check_options(struct parser *parser)
{
	const struct command *command = &command_table[parser->options->command];

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &option_table[i];
		const char letter[] = { option->letter, '\0' };
		char list[400] = "";

		if (!(parser->given & 1ULL << i) ||
		    command_has(command, option->name ? option->name : letter))
			continue;
		list_options(command, list, sizeof(list));
		return complain(parser, "%s has no %s%s; it has %s",
				command->name ? command->name : "tracing",
				option->name ? "--" : "-", option->name ? option->name : letter,
				list);
	}
	return 0;
}

static int check_wait(struct parser *parser)
{
	const struct options *options = parser->options;
	size_t ports = 0;

	if (options->free && options->taken)
		return complain(parser, "--free and --taken: one of them");
	for (unsigned int port = 1; port <= UINT16_MAX; port++)
		ports += filter_port_has(&options->asked[0], (uint16_t)port);
	if (ports != 1)
		return complain(parser, "wait %s: it waits for one port", options->operands[0]);
	return 0;
}

/* Options that are right one by one, but together could never show anything. */
static int check(struct parser *parser)
{
	const struct options *options = parser->options;
	const struct filter *filter = &options->filter;

	if (options->command == COMMAND_WAIT)
		return check_wait(parser);
	if (filter->actions == 1U << EVENT_FLOW && filter->tcp && !filter->udp)
		return complain(parser, "--event flow --tcp: flows are of UDP");
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
	err = check_options(&parser) ?: check_operands(&parser) ?: check_ports(&parser);
	if (err)
		return err;
	return options->command == COMMAND_HELP ? parse_help(&parser) : check(&parser);
}

void options_free(struct options *options)
{
	if (!options)
		return;
	filter_free(&options->filter);
	free(options->output);
	free(options->metrics_file);
	options->output = NULL;
	for (size_t i = 0; i < options->operand_count; i++)
		free(options->operands[i]);
	free(options->operands);
	options->operands = NULL;
	free(options->asked);
	options->asked = NULL;
	options->operand_count = 0;
}
