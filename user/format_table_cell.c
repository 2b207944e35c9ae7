// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The cells of the table: a process, an address, a duration, a size.  Each
 * function appends one and knows nothing of columns and lines; that is
 * format_table.c.  Names go through text_printable() and nowhere else.
 */
#include "format_table.h"

#include <string.h>

#include "process.h"
#include "services.h"

#define ESCAPE '\033'

/* Of a container's id, as `docker ps` and `podman ps` show it. */
#define ID_DIGITS 64
#define ID_SHOWN 12

/* An ephemeral port begins here at the latest, unless somebody tuned it. */
#define EPHEMERAL_FROM 32768

size_t cell_width(const struct text *out, size_t from)
{
	bool escape = false;
	size_t width = 0;

	for (size_t i = from; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];

		if (c == ESCAPE)
			escape = true;
		else if (escape)
			escape = c != 'm';
		else
			width += (c & 0xc0) != 0x80;
	}
	return width;
}

void cell_pad(struct text *out, size_t from, size_t width)
{
	size_t used = cell_width(out, from);

	if (used < width)
		text_pad(out, out->len, width - used);
}

void cell_paint(struct text *out, const struct format_config *config, enum paint paint)
{
	static const char *const sequences[] = {
		[PAINT_FAILURE] = "\033[31m",
		[PAINT_WARNING] = "\033[33m",
		[PAINT_OFF] = "\033[m",
	};

	if (config->color)
		text_string(out, sequences[paint]);
}

void cell_pid(struct text *out, const struct process *process)
{
	unsigned int digits = 1;

	for (uint32_t rest = process ? process->pid : 0; rest >= 10; rest /= 10)
		digits++;
	if (digits < 7)
		text_pad(out, out->len, 7 - digits);
	if (process)
		text_number(out, process->pid);
	else
		text_char(out, '-');
}

static void put_name(struct text *out, const char name[PT_COMM_LEN])
{
	if (name[0])
		text_printable(out, name, strnlen(name, PT_COMM_LEN));
	else
		text_char(out, '?');
}

void cell_owner(struct text *out, const struct event *event)
{
	if (event->process)
		put_name(out, event->process->name);
	else if (event->attribution == PT_BY_KERNEL)
		TEXT_LITERAL(out, "(kernel)");
	else
		text_char(out, '?');
}

void cell_user(struct text *out, const struct format_config *config, const struct process *process)
{
	if (!process || process->uid == UINT32_MAX)
		text_char(out, '-');
	else if (process->user && !config->numeric)
		text_printable(out, process->user, strlen(process->user));
	else
		text_number(out, process->uid);
}

void cell_process(struct text *out, const struct process *process)
{
	put_name(out, process->name);
	text_char(out, ' ');
	text_number(out, process->pid);
}

void cell_parent(struct text *out, const struct process *process)
{
	if (!process || !process->parent_pid) {
		text_char(out, '-');
		return;
	}
	put_name(out, process->parent_name);
	text_char(out, ' ');
	text_number(out, process->parent_pid);
}

void cell_container(struct text *out, const struct process *process)
{
	size_t len = strlen(process->container_id);

	if (len == ID_DIGITS && strspn(process->container_id, "0123456789abcdef") == len)
		len = ID_SHOWN;
	text_printable(out, process->container_id, len);
}

void cell_args(struct text *out, const struct process *process)
{
	const char *args = process->args;
	size_t len = process->args_len, n;

	while (len) {
		n = strnlen(args, len);
		text_printable(out, args, n);
		if (n < len)
			n++;
		args += n;
		len -= n;
		if (len)
			text_char(out, ' ');
	}
}

void cell_address(struct text *out, const struct event *event, enum pt_side side)
{
	const struct endpoint *end = side == PT_LOCAL ? &event->local : &event->remote;

	if ((event->kind == PT_CONNECTION || side == PT_REMOTE) && !format_has_end(end))
		text_char(out, '-');
	else
		text_address(out, end->ip, end->port);
}

const char *cell_service(const struct format_config *config, const struct event *event,
			 enum pt_side side)
{
	uint16_t port = side == PT_LOCAL ? event->local.port : event->remote.port;
	bool chance = side == PT_LOCAL ? event->ephemeral
				       : event->initiator == PT_REMOTE && port >= EPHEMERAL_FROM;

	if (config->numeric || chance)
		return NULL;
	return services_name(config->services, format_transport(event), port);
}

/* Two digits, a zero before the second. */
static void put_rest(struct text *out, uint64_t number)
{
	text_char(out, (char)('0' + number / 10));
	text_char(out, (char)('0' + number % 10));
}

/* Cut, not rounded: a minute is never "60.0s". */
void cell_duration(struct text *out, uint64_t duration)
{
	uint64_t us = duration / 1000, s = duration / NS_PER_S;

	if (us < 10000) {
		text_number(out, us / 1000);
		text_char(out, '.');
		/* What took time took some. */
		put_rest(out, us < 10 ? 1 : us % 1000 / 10);
		TEXT_LITERAL(out, "ms");
	} else if (s < 1) {
		text_number(out, us / 1000);
		TEXT_LITERAL(out, "ms");
	} else if (s < 60) {
		text_number(out, s);
		text_char(out, '.');
		text_number(out, us / 100000 % 10);
		text_char(out, 's');
	} else if (s < 3600) {
		text_number(out, s / 60);
		text_char(out, 'm');
		put_rest(out, s % 60);
		text_char(out, 's');
	} else if (s < 86400) {
		text_number(out, s / 3600);
		text_char(out, 'h');
		put_rest(out, s / 60 % 60);
		text_char(out, 'm');
	} else {
		text_number(out, s / 86400);
		text_char(out, 'd');
		put_rest(out, s / 3600 % 24);
		text_char(out, 'h');
	}
}

void cell_size(struct text *out, uint64_t bytes)
{
	static const char prefixes[] = " kMGTPE";
	unsigned int prefix = 0;
	uint64_t tenths = 0;

	while (bytes >= 1000) {
		tenths = bytes / 100 % 10;
		bytes /= 1000;
		prefix++;
	}
	text_number(out, bytes);
	if (prefix && bytes < 100) {
		text_char(out, '.');
		text_number(out, tenths);
	}
	text_char(out, ' ');
	if (prefix)
		text_char(out, prefixes[prefix]);
	text_char(out, 'B');
}
