// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Why a bind or listen failed, in JSON records: error.message in the words of
 * format_cause.c, porttrace.cause, .hint and .holders, and porttrace.warning.
 */
#include "cause.h"
#include "format_cause.h"
#include "format_json.h"

void json_cause(struct text *out, const struct format_config *config, const struct event *event)
{
	struct text words = {};

	format_cause(&words, config, event, CAUSE_FULL);
	if (words.failed)
		out->failed = true;
	else
		text_json(out, words.data, words.len);
	text_free(&words);
}

/* What there is of a connection, or was: both ends, and how it ended. */
static void json_connection(struct text *out, const struct blocker *holder)
{
	if (holder->socket.remote.port) {
		JSON_OPEN(out, "remote");
		json_endpoint(out, &holder->socket.remote);
		json_close(out, '}');
	}
	if (!holder->socket.time_wait)
		return;
	if (holder->process)
		JSON_BOOL(out, "exited", holder->exited);
	if (holder->left_known)
		JSON_NUMBER(out, "seconds_left", holder->seconds_left);
	if (!holder->close_by && !holder->close_how)
		return;
	JSON_OPEN(out, "close");
	if (holder->close_by)
		JSON_WORD(out, "by", event_side_name(holder->close_by));
	if (holder->close_how)
		JSON_WORD(out, "how", event_how_name(holder->close_how));
	json_close(out, '}');
}

static void json_holder(struct text *out, const struct blocker *holder)
{
	const char *state = format_holder_state(holder);

	text_char(out, '{');
	if (holder->process)
		json_holder_process(out, holder->process);
	else if (holder->socket.kernel)
		JSON_BOOL(out, "kernel", true);
	if (holder->since) {
		TEXT_LITERAL(out, "\"since\":\"");
		text_rfc3339(out, holder->since, 3);
		TEXT_LITERAL(out, "\",");
	}
	if (state)
		JSON_WORD(out, "state", state);
	json_endpoint(out, &holder->socket.local);
	if (holder->fd)
		JSON_NUMBER(out, "fd", holder->fd - 1);
	if (holder->socket.kind == PT_CONNECTION)
		json_connection(out, holder);
	else if (holder->exited)
		JSON_BOOL(out, "exited", true);
	if (holder->former) {
		JSON_OPEN(out, "former");
		json_pid_name(out, holder->former);
		json_close(out, '}');
	}
	json_close(out, '}');
}

void json_explanation(struct text *out, const struct event *event)
{
	const struct explanation *why = event->why;

	JSON_WORD(out, "cause", cause_name(why->cause));
	if (why->hint) {
		TEXT_LITERAL(out, "\"hint\":\"");
		format_hint(out, event);
		TEXT_LITERAL(out, "\",");
	}
	if (!why->holder_count)
		return;
	JSON_OPEN_ARRAY(out, "holders");
	for (size_t i = 0; i < why->holder_count; i++)
		json_holder(out, &why->holders[i]);
	json_close(out, ']');
	if (why->holders_left_off)
		JSON_NUMBER(out, "holders_left_off", why->holders_left_off);
}

void json_warnings(struct text *out, const struct event *event)
{
	JSON_OPEN_ARRAY(out, "warning");
	for (int warning = 0; warning < WARNINGS; warning++) {
		if (!(event->warnings >> warning & 1))
			continue;
		text_char(out, '"');
		text_string(out, event_warning_name((enum event_warning)warning));
		TEXT_LITERAL(out, "\",");
	}
	json_close(out, ']');
}
