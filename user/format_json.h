/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How the format_json*.c files write JSON, for them alone.  Every member is
 * written with a comma behind it; what closes an object or an array takes the
 * last one back.  So a member that is left out leaves no trace, whichever it is.
 *
 * Keys are literals, so that each goes out in one piece with its punctuation.
 */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "format.h"
#include "text.h"

struct process;
struct socket;

#define JSON_OPEN(out, key) TEXT_LITERAL(out, "\"" key "\":{")
#define JSON_OPEN_ARRAY(out, key) TEXT_LITERAL(out, "\"" key "\":[")

static inline void json_close(struct text *out, char bracket)
{
	if (!out->failed && out->len && out->data[out->len - 1] == ',')
		out->len--;
	text_char(out, bracket);
	text_char(out, ',');
}

#define JSON_NUMBER(out, key, number)              \
	do {                                       \
		TEXT_LITERAL(out, "\"" key "\":"); \
		text_number(out, number);          \
		text_char(out, ',');               \
	} while (0)

#define JSON_BOOL(out, key, value)                               \
	do {                                                     \
		if (value)                                       \
			TEXT_LITERAL(out, "\"" key "\":true,");  \
		else                                             \
			TEXT_LITERAL(out, "\"" key "\":false,"); \
	} while (0)

/* A word from our own tables, which needs no escape. */
#define JSON_WORD(out, key, word)                    \
	do {                                         \
		TEXT_LITERAL(out, "\"" key "\":\""); \
		text_string(out, word);              \
		TEXT_LITERAL(out, "\",");            \
	} while (0)

/* A string that somebody else wrote. */
#define JSON_STRING(out, key, data, len)             \
	do {                                         \
		TEXT_LITERAL(out, "\"" key "\":\""); \
		text_json(out, data, len);           \
		TEXT_LITERAL(out, "\",");            \
	} while (0)

/* process: who owns the socket, in full; args: with the arguments. */
void json_process(struct text *out, const struct format_config *config,
		  const struct process *process, bool args);
/* Where it runs: the members container and service, as far as there are any. */
void json_place(struct text *out, const struct process *process);
/* process in source and destination: pid, name, executable. */
void json_end_process(struct text *out, const struct format_config *config,
		      const struct process *process);
/* The members that say which program it is and for whom it runs, those of json_place() too. */
void json_holder_process(struct text *out, const struct process *process);
/* porttrace.holders: each process that holds event->socket, once for each descriptor. */
void json_holders(struct text *out, const struct format_config *config, const struct event *event);
/* The members pid and name alone: porttrace.actor and its like. */
void json_pid_name(struct text *out, const struct process *process);

/* Why a bind or listen failed: the inside of a string. */
void json_cause(struct text *out, const struct format_config *config, const struct event *event);
/* cause, hint and holders, members of porttrace. */
void json_explanation(struct text *out, const struct event *event);
void json_warnings(struct text *out, const struct event *event);
/* The members ip and port. */
void json_endpoint(struct text *out, const struct endpoint *end);

#endif
