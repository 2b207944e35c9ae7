// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See command.h.  An option means the same in every command that has it; which ones
 * that are stands here, what they are in option_table.c.
 */
#include "command.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define OF_ALL "quiet verbose version help"
#define FILTERS "pid comm user container netns port local-port remote-port net 4 6 tcp udp "
#define TEXTS "json output wide numeric utc color args "
/* For those that write on and on. */
#define LOGS "rotate-size rotate-keep metrics-file "

/* One thing a line. */
/* clang-format off */
const struct command command_table[COMMANDS] = {
	[COMMAND_TRACE] = {
		.help = "Show, live, which process is behind which TCP port.",
		.options = FILTERS "event failed " TEXTS LOGS "snapshot count duration "
			   "ring-size flush-interval hooks config " OF_ALL },
	[COMMAND_RUN] = {
		.name = "run", .operands = "[--] COMMAND...", .least = 1, .most = SIZE_MAX,
		.rest = true,
		.help = "run COMMAND, trace only it and its children",
		.options = FILTERS "event failed " TEXTS LOGS "ring-size flush-interval hooks " OF_ALL },
	[COMMAND_LIST] = {
		.name = "list",
		.help = "every socket with its processes, now",
		.options = FILTERS "listening " TEXTS OF_ALL },
	[COMMAND_WHO] = {
		.name = "who", .operands = "PORT[/tcp|/udp]...", .least = 1, .most = 4096,
		.ports = true,
		.help = "who holds a port, and what would free it",
		.about = "PORT is a number, a range as 8000-8080, or a service name.\n"
			 "Exit status 1: nobody holds any of them.\n",
		.options = "netns 4 6 tcp udp json output wide numeric utc color " OF_ALL },
	[COMMAND_WAIT] = {
		.name = "wait", .operands = "PORT[/tcp|/udp]", .least = 1, .most = 1,
		.ports = true,
		.help = "until somebody listens there, or it is free",
		.about = "TCP is meant unless the port says /udp.\n"
			 "Exit status 1: it did not happen in time.\n",
		.options = "netns 4 6 tcp udp free taken timeout json output wide numeric utc "
			   "color " OF_ALL },
	[COMMAND_DOCTOR] = {
		.name = "doctor",
		.help = "what can be seen here, hook by hook",
		.options = "json hooks " OF_ALL },
	[COMMAND_HELP] = {
		.name = "help", .operands = "[COMMAND]", .most = 1,
		.help = "this, or what COMMAND does",
		.options = OF_ALL },
};
/* clang-format on */

enum command_id command_find(const char *name)
{
	enum command_id id = COMMAND_TRACE + 1;

	while (id < COMMANDS && strcmp(command_table[id].name, name) != 0)
		id++;
	return id;
}

bool command_has(const struct command *command, const char *option)
{
	size_t len = strlen(option);

	for (const char *word = command->options; *word; word += strspn(word, " ")) {
		size_t n = strcspn(word, " ");

		if (n == len && !memcmp(word, option, n))
			return true;
		word += n;
	}
	return false;
}

void command_names(char *names, size_t size)
{
	size_t len = 0;

	if (size)
		*names = '\0';
	for (enum command_id id = COMMAND_TRACE + 1; id < COMMANDS && len < size; id++)
		len += (size_t)snprintf(names + len, size - len, "%s%s", len ? ", " : "",
					command_table[id].name);
}
