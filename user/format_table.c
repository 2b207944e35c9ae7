// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One row for each event, for people.  Columns of fixed width come first, then
 * the addresses, then the result; nothing is ever cut.  A row that is longer than
 * the terminal goes on below, indented, broken between its parts.
 *
 * format_table_cell.c writes what stands in a cell.  The only escape sequences
 * that reach the terminal are cell_paint()'s.  start and stop have no row: those
 * who begin and end the tracing tell of it on stderr.
 */
#include "format_table.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include "cause.h"
#include "format_cause.h"
#include "process.h"

/* What the width of the terminal allows. */
struct layout {
	unsigned int columns; /* from this width on */
	unsigned int process; /* of PROCESS; a longer name moves the rest */
	unsigned int local;   /* of LOCAL, so that the arrows stand below each other */
	unsigned int remote;  /* of REMOTE with the process behind it */
	unsigned int indent;  /* of the rest of a row that was broken */
};

static const struct layout layouts[] = {
	{ .columns = 160, .process = 15, .local = 24, .remote = 37, .indent = 49 },
	{ .columns = 120, .process = 15, .local = 24, .indent = 49 },
	{ .columns = 100, .process = 15, .indent = 49 },
	{ .columns = 1, .process = 10, .indent = 8 },
	{ .columns = 0, .process = 15 }, /* a pipe: never broken, so of no matter how wide */
};

/* What --wide puts before the addresses: date, USER and PARENT. */
#define WIDE_EXTRA 41

/* A row while it is written. */
struct row {
	struct formatter *formatter;
	const struct format_config *config;
	const struct layout *layout;
	struct text *out;
	size_t line; /* where the line on the screen begins */
	size_t part; /* the blank before the part that is being written; line: none yet */
};

static struct row row_begin(struct formatter *formatter, struct text *out)
{
	const struct layout *layout = layouts;
	unsigned int columns = formatter->config.columns;

	if (columns && formatter->config.wide)
		columns = columns > WIDE_EXTRA ? columns - WIDE_EXTRA : 1;
	while (columns < layout->columns)
		layout++;
	return (struct row){
		.formatter = formatter,
		.config = &formatter->config,
		.layout = layout,
		.out = out,
		.line = out->len,
		.part = out->len,
	};
}

static void row_count(struct row *row)
{
	if (row->formatter->lines < UINT_MAX)
		row->formatter->lines++;
}

/* Put the part that was written last onto a line of its own, if it does not fit. */
static void row_fit(struct row *row)
{
	unsigned int indent = row->layout->indent;
	struct text *out = row->out;
	size_t begin = row->part + 1, len = out->len;

	if (!row->config->columns || row->part == row->line || out->failed ||
	    cell_width(out, row->line) <= row->config->columns)
		return;
	text_pad(out, len, indent);
	if (out->failed)
		return;
	memmove(out->data + begin + indent, out->data + begin, len - begin);
	memset(out->data + begin, ' ', indent);
	out->data[row->part] = '\n';
	row->line = begin;
	row_count(row);
}

/* A blank, where the row may be broken; text must follow. */
static void row_part(struct row *row)
{
	row_fit(row);
	row->part = row->out->len;
	text_char(row->out, ' ');
}

static void row_end(struct row *row)
{
	struct text *out = row->out;

	while (!out->failed && out->data[out->len - 1] == ' ')
		out->len--;
	row_fit(row);
	text_char(out, '\n');
	row_count(row);
}

/* Text and blanks up to a width. */
static void put_column(struct text *out, const char *title, size_t width)
{
	size_t from = out->len;

	text_string(out, title);
	cell_pad(out, from, width);
}

static void put_header(struct formatter *formatter, struct text *out)
{
	struct row row = row_begin(formatter, out);

	put_column(out, "TIME", row.config->wide ? 24 : 13);
	TEXT_LITERAL(out, "EVENT       PID ");
	put_column(out, "PROCESS", row.layout->process);
	if (row.config->wide)
		TEXT_LITERAL(out, " USER     PARENT              ");
	TEXT_LITERAL(out, " NET ");
	put_column(out, "LOCAL", row.layout->local);
	TEXT_LITERAL(out, " > ");
	put_column(out, "REMOTE [PROCESS]", row.layout->remote);
	TEXT_LITERAL(out, " RESULT");
	formatter->lines = 0;
	row_end(&row);
}

/* localtime_r() takes a lock and reads the rules: once a minute will do. */
static uint64_t local_time(struct formatter *formatter, uint64_t time)
{
	uint64_t minute = time / (60 * NS_PER_S);
	time_t seconds = (time_t)(time / NS_PER_S);
	struct tm tm;

	if (minute != formatter->zone_minute) {
		formatter->zone_seconds = localtime_r(&seconds, &tm) ? tm.tm_gmtoff : 0;
		formatter->zone_minute = minute;
	}
	return time + (uint64_t)formatter->zone_seconds * NS_PER_S;
}

static void put_time(struct row *row, uint64_t time)
{
	if (!row->config->utc)
		time = local_time(row->formatter, time);
	if (row->config->wide) {
		text_date(row->out, time);
		text_char(row->out, ' ');
	}
	text_clock(row->out, time, 3);
	text_char(row->out, ' ');
}

static void put_action(struct row *row, const struct event *event)
{
	struct text *out = row->out;
	size_t from = out->len;

	if (event->error)
		cell_paint(out, row->config, PAINT_FAILURE);
	text_string(out, event_action_name(event->action));
	if (event->error)
		cell_paint(out, row->config, PAINT_OFF);
	cell_pad(out, from, 8);
}

static void put_owner(struct row *row, const struct event *event)
{
	struct text *out = row->out;
	size_t from;

	cell_pid(out, event->process);
	text_char(out, ' ');
	from = out->len;
	cell_owner(out, event);
	cell_pad(out, from, row->layout->process);
	text_char(out, ' ');
	if (!row->config->wide)
		return;
	from = out->len;
	cell_user(out, row->config, event->process);
	cell_pad(out, from, 8);
	text_char(out, ' ');
	from = out->len;
	cell_parent(out, event->process);
	cell_pad(out, from, 20);
	text_char(out, ' ');
}

static void put_remote(struct row *row, const struct event *event)
{
	static const char arrows[] = { [PT_SIDE_NONE] = '-', [PT_LOCAL] = '>', [PT_REMOTE] = '<' };
	const char *service = cell_service(row->config, event, PT_REMOTE);
	struct text *out = row->out;

	row_part(row);
	text_char(out, arrows[event->initiator]);
	text_char(out, ' ');
	cell_address(out, event, PT_REMOTE);
	if (service) {
		row_part(row);
		text_printable(out, service, strlen(service));
	}
	if (format_is_multicast(event->remote.ip) || format_is_broadcast(event->remote.ip)) {
		row_part(row);
		text_string(out,
			    format_is_broadcast(event->remote.ip) ? "(broadcast)" : "(multicast)");
	}
	if (event->peer) {
		row_part(row);
		text_char(out, '[');
		cell_process(out, event->peer);
		text_char(out, ']');
	}
}

static void put_addresses(struct row *row, const struct event *event)
{
	const char *service = cell_service(row->config, event, PT_LOCAL);
	unsigned int remote = row->layout->remote;
	struct text *out = row->out;
	size_t from = out->len;

	cell_address(out, event, PT_LOCAL);
	if (service) {
		text_char(out, ' ');
		text_printable(out, service, strlen(service));
	}
	cell_pad(out, from, row->layout->local);
	from = out->len;
	if (event_has_remote(event))
		put_remote(row, event);
	if (remote)
		cell_pad(out, from, sizeof(" > ") - 1 + remote);
}

/* " in 3+2 datagrams": sent and received */
static void put_datagrams(struct row *row, const struct event *event)
{
	row_part(row);
	TEXT_LITERAL(row->out, "in ");
	text_number(row->out, event->sends);
	text_char(row->out, '+');
	text_number(row->out, event->receives);
	TEXT_LITERAL(row->out, " datagrams");
}

/* "1.2s sent 85 B received 1.2 kB, fin by remote" */
static void put_closing(struct row *row, const struct event *event)
{
	bool by = event->close_by != PT_SIDE_NONE, how = event->close_how != PT_HOW_NONE;
	struct text *out = row->out;

	if (event->duration) {
		row_part(row);
		cell_duration(out, event->duration);
	}
	if (event->has_bytes) {
		row_part(row);
		TEXT_LITERAL(out, "sent ");
		cell_size(out, event->sent);
		TEXT_LITERAL(out, " received ");
		cell_size(out, event->received);
	}
	if (event->has_bytes && event_is_udp(event))
		put_datagrams(row, event);
	if (!by && !how)
		return;
	if (event->duration || event->has_bytes)
		text_char(out, ',');
	row_part(row);
	if (how)
		text_string(out, event_how_name(event->close_how));
	if (how && by)
		text_char(out, ' ');
	if (by) {
		TEXT_LITERAL(out, "by ");
		text_string(out, event_side_name(event->close_by));
	}
}

/* What it is that existed already. */
static void put_open(struct row *row, const struct event *event)
{
	row_part(row);
	if (event->kind == PT_LISTENER)
		TEXT_LITERAL(row->out, "LISTEN");
	else if (event_is_udp(event))
		text_string(row->out, event->remote.port ? "connected" : "bound");
	else if (event->kind == PT_CONNECTION && event->state_new)
		text_string(row->out, event_state_name(event->state_new));
	else
		text_string(row->out, event_kind_name(event->kind));
}

/* Each word may begin a line. */
static void put_words(struct row *row, const struct text *words)
{
	const char *at = words->data, *end = at ? at + words->len : NULL;

	while (at < end) {
		const char *blank = memchr(at, ' ', (size_t)(end - at)) ?: end;

		row_part(row);
		text_bytes(row->out, at, (size_t)(blank - at));
		at = blank + 1;
	}
}

/* ": held by ..." */
static void put_cause(struct row *row, const struct event *event)
{
	struct text words = {};

	text_char(row->out, ':');
	format_cause(&words, row->config, event, CAUSE_BRIEF);
	if (event->why->hint) {
		TEXT_LITERAL(&words, "; ");
		format_hint(&words, event);
	}
	put_words(row, &words);
	text_free(&words);
}

static void put_warnings(struct row *row, const struct event *event)
{
	struct text words = {};

	for (int warning = 0; warning < WARNINGS; warning++) {
		if (!(event->warnings >> warning & 1))
			continue;
		if (words.len)
			TEXT_LITERAL(&words, "; ");
		TEXT_LITERAL(&words, "warning: ");
		format_warning(&words, event, (enum event_warning)warning);
	}
	cell_paint(row->out, row->config, PAINT_WARNING);
	put_words(row, &words);
	cell_paint(row->out, row->config, PAINT_OFF);
	text_free(&words);
}

static void put_error(struct row *row, const struct event *event)
{
	row_part(row);
	cell_paint(row->out, row->config, PAINT_FAILURE);
	text_error_code(row->out, event->error);
	cell_paint(row->out, row->config, PAINT_OFF);
	if (event->why)
		put_cause(row, event);
}

static void put_result(struct row *row, const struct event *event)
{
	struct text *out = row->out;

	if (event->error)
		put_error(row, event);
	if (event->action == EVENT_CONNECT && event->duration) {
		row_part(row);
		cell_duration(out, event->duration);
	} else if (event->action == EVENT_CLOSE) {
		put_closing(row, event);
	} else if (event->action == EVENT_STATE) {
		row_part(row);
		text_string(out, event_state_name(event->state_old));
		TEXT_LITERAL(out, " > ");
		text_string(out, event_state_name(event->state_new));
	} else if (event->action == EVENT_OPEN) {
		put_open(row, event);
	}
	if (event->warnings)
		put_warnings(row, event);
}

static void put_other(struct row *row, const char *title, const struct process *process)
{
	if (!process)
		return;
	row_part(row);
	text_string(row->out, title);
	text_char(row->out, '[');
	cell_process(row->out, process);
	text_char(row->out, ']');
}

/* Since when it lives: with its pid that tells it from all others. */
static void put_start(struct row *row, const struct process *process)
{
	uint64_t started = process->started;

	if (!started)
		return;
	if (!row->config->utc)
		started = local_time(row->formatter, started);
	row_part(row);
	TEXT_LITERAL(row->out, "start=");
	text_date(row->out, started);
	text_char(row->out, 'T');
	text_clock(row->out, started, 3);
}

static void put_place(struct row *row, const struct process *process)
{
	if (process->container_id) {
		row_part(row);
		TEXT_LITERAL(row->out, "container=");
		cell_container(row->out, process);
	}
	if (process->container_id && process->container_runtime) {
		row_part(row);
		TEXT_LITERAL(row->out, "runtime=");
		text_string(row->out, process->container_runtime);
	}
	if (process->service) {
		row_part(row);
		TEXT_LITERAL(row->out, "service=");
		text_printable(row->out, process->service, strlen(process->service));
	}
}

/* --wide.  What the process chose itself comes last: it could imitate the others. */
static void put_details(struct row *row, const struct event *event)
{
	const struct process *process = event->process;
	struct text *out = row->out;

	if (event->netns) {
		row_part(row);
		TEXT_LITERAL(out, "netns=");
		text_number(out, event->netns);
	}
	if (event->cookie) {
		row_part(row);
		TEXT_LITERAL(out, "cookie=");
		text_hex(out, event->cookie);
	}
	row_part(row);
	TEXT_LITERAL(out, "by=");
	text_string(out, event_attribution_name(event->attribution));
	put_other(row, "actor=", event->actor);
	put_other(row, "creator=", event->creator);
	if (process) {
		put_start(row, process);
		put_place(row, process);
	}
	if (process && process->executable) {
		row_part(row);
		TEXT_LITERAL(out, "exe=");
		text_printable(out, process->executable, strlen(process->executable));
	}
	if (process && process->args) {
		row_part(row);
		TEXT_LITERAL(out, "args=");
		cell_args(out, process);
	}
}

static void put_lost(struct row *row, const struct event *event)
{
	struct text *out = row->out;

	cell_paint(out, row->config, PAINT_WARNING);
	put_column(out, event_action_name(event->action), 8);
	text_number(out, event->lost_count);
	text_string(out, event->lost_count == 1 ? " record lost (" : " records lost (");
	text_string(out, event_stage_name(event->lost_stage));
	text_char(out, ')');
	cell_paint(out, row->config, PAINT_OFF);
}

static void table_rows(struct formatter *formatter, struct text *out, const struct event *event)
{
	unsigned int rows = formatter->config.rows;
	struct row row;

	if (event->action == EVENT_START || event->action == EVENT_STOP)
		return;
	if (!formatter->lines || (rows && formatter->lines >= rows))
		put_header(formatter, out);

	row = row_begin(formatter, out);
	put_time(&row, event->time);
	if (event->action == EVENT_LOST) {
		put_lost(&row, event);
	} else {
		put_action(&row, event);
		put_owner(&row, event);
		text_string(out, event_is_udp(event) ? "udp " : "tcp ");
		put_addresses(&row, event);
		put_result(&row, event);
		if (row.config->wide)
			put_details(&row, event);
	}
	row_end(&row);
}

const struct format format_table = {
	.name = "table",
	.event = table_rows,
};
