// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Processes in JSON records.  Every string here was chosen by the process
 * itself, so all of them are escaped; what is not known is left out.
 * Called by format_json.c, reads what processes.c found out.
 */
#include "format_json.h"

#include <string.h>

#include "process.h"
#include "socket.h"

/* Enough of the boot id to tell one boot of a host from the others. */
#define BOOT_DIGITS 8

void json_pid_name(struct text *out, const struct process *process)
{
	JSON_NUMBER(out, "pid", process->pid);
	if (process->name[0])
		JSON_STRING(out, "name", process->name, strnlen(process->name, PT_COMM_LEN));
}

static void json_program(struct text *out, const struct process *process)
{
	json_pid_name(out, process);
	if (process->executable && process->executable[0])
		JSON_STRING(out, "executable", process->executable, strlen(process->executable));
}

/* The last argument may have been cut, and its NUL with it. */
static void json_args(struct text *out, const char *args, size_t len)
{
	size_t n;

	JSON_OPEN_ARRAY(out, "args");
	while (len) {
		n = strnlen(args, len);
		text_char(out, '"');
		text_json(out, args, n);
		TEXT_LITERAL(out, "\",");
		if (n < len)
			n++;
		args += n;
		len -= n;
	}
	json_close(out, ']');
}

static void json_identity(struct text *out, const char *boot_id, const struct process *process)
{
	if (process->started) {
		TEXT_LITERAL(out, "\"start\":\"");
		text_rfc3339(out, process->started, 3);
		TEXT_LITERAL(out, "\",");
	}
	if (process->start && boot_id && strnlen(boot_id, BOOT_DIGITS) == BOOT_DIGITS) {
		TEXT_LITERAL(out, "\"entity_id\":\"");
		text_json(out, boot_id, BOOT_DIGITS);
		text_char(out, '-');
		text_number(out, process->pid);
		text_char(out, '-');
		text_hex(out, process->start);
		TEXT_LITERAL(out, "\",");
	}
}

static void json_parent(struct text *out, const struct process *process)
{
	const char *name = process->parent_name;

	if (!process->parent_pid)
		return;
	JSON_OPEN(out, "parent");
	JSON_NUMBER(out, "pid", process->parent_pid);
	if (name[0])
		JSON_STRING(out, "name", name, strnlen(name, PT_COMM_LEN));
	json_close(out, '}');
}

/* ECS has user ids as strings. */
static void json_user(struct text *out, const struct process *process)
{
	if (process->uid == UINT32_MAX)
		return;
	TEXT_LITERAL(out, "\"user\":{\"id\":\"");
	text_number(out, process->uid);
	TEXT_LITERAL(out, "\",");
	if (process->user && process->user[0])
		JSON_STRING(out, "name", process->user, strlen(process->user));
	json_close(out, '}');
}

static void json_rest(struct text *out, const struct format_config *config,
		      const struct process *process)
{
	json_identity(out, config->boot_id, process);
	json_parent(out, process);
	json_user(out, process);
}

/* The members of a process without its arguments, made once; NULL: they can't be kept. */
static const struct rendering *rendered(const struct format_config *config,
					const struct process *process)
{
	struct rendering *rendering = process->rendering;

	if (!rendering || rendering->text.len)
		return rendering;
	json_program(&rendering->text, process);
	rendering->brief = rendering->text.len;
	json_rest(&rendering->text, config, process);
	if (!rendering->text.failed)
		return rendering;
	text_clear(&rendering->text);
	return NULL;
}

void json_process(struct text *out, const struct format_config *config,
		  const struct process *process, bool args)
{
	const struct rendering *rendering = NULL;

	args = args && process->args;
	if (!args)
		rendering = rendered(config, process);
	JSON_OPEN(out, "process");
	if (rendering) {
		text_bytes(out, rendering->text.data, rendering->text.len);
	} else {
		json_program(out, process);
		if (args)
			json_args(out, process->args, process->args_len);
		json_rest(out, config, process);
	}
	json_close(out, '}');
}

void json_end_process(struct text *out, const struct format_config *config,
		      const struct process *process)
{
	const struct rendering *rendering = rendered(config, process);

	JSON_OPEN(out, "process");
	if (rendering)
		text_bytes(out, rendering->text.data, rendering->brief);
	else
		json_program(out, process);
	json_close(out, '}');
}

void json_place(struct text *out, const struct process *process)
{
	const char *id = process->container_id, *service = process->service;

	if (id && id[0]) {
		JSON_OPEN(out, "container");
		JSON_STRING(out, "id", id, strlen(id));
		if (process->container_runtime)
			JSON_WORD(out, "runtime", process->container_runtime);
		json_close(out, '}');
	}
	if (service && service[0]) {
		JSON_OPEN(out, "service");
		JSON_STRING(out, "name", service, strlen(service));
		json_close(out, '}');
	}
}

void json_holder_process(struct text *out, const struct process *process)
{
	json_program(out, process);
	if (process->args)
		json_args(out, process->args, process->args_len);
	json_user(out, process);
	json_place(out, process);
}

static void json_holder(struct text *out, const struct format_config *config,
			const struct holder *holder, uint64_t since)
{
	const struct process *process = holder->process;

	text_char(out, '{');
	json_program(out, process);
	if (config->args && process->args)
		json_args(out, process->args, process->args_len);
	json_rest(out, config, process);
	json_place(out, process);
	if (holder->fd)
		JSON_NUMBER(out, "fd", holder->fd - 1);
	if (since) {
		TEXT_LITERAL(out, "\"since\":\"");
		text_rfc3339(out, since, 3);
		TEXT_LITERAL(out, "\",");
	}
	json_close(out, '}');
}

void json_holders(struct text *out, const struct format_config *config, const struct event *event)
{
	const struct socket *socket = event->socket;
	struct holder holder;

	if (!socket_holder(socket, 0, &holder))
		return;
	JSON_OPEN_ARRAY(out, "holders");
	for (size_t i = 0; socket_holder(socket, i, &holder); i++)
		json_holder(out, config, &holder, event->since);
	json_close(out, ']');
	if (socket_unlisted(socket))
		JSON_NUMBER(out, "holders_left_off", socket_unlisted(socket));
}
