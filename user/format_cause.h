/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a bind or listen failed and what a warning means, in words, for the other
 * format_*.c files: the table and error.message tell the same.  What processes chose
 * themselves is made printable here; a JSON string must still be escaped.
 */
#ifndef FORMAT_CAUSE_H
#define FORMAT_CAUSE_H

#include "format.h"

struct blocker;

enum cause_style {
	CAUSE_BRIEF, /* the table: the row has the port already, times are clock times */
	CAUSE_FULL,  /* a sentence that stands alone */
};

/* What stands in the way: "held by java (812, tomcat), listening on 0.0.0.0:8080 since 10:50, ..." */
void format_cause(struct text *out, const struct format_config *config, const struct event *event,
		  enum cause_style style);
/* What would help; nothing where there is no such thing. */
void format_hint(struct text *out, const struct event *event);
/* One warning of an event. */
void format_warning(struct text *out, const struct event *event, enum event_warning warning);

/* "LISTEN", "BOUND", "TIME_WAIT", ...; NULL: not known. */
const char *format_holder_state(const struct blocker *holder);

#endif
