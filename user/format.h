/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Formatters: struct event to text.  A format is one file and one entry in
 * formats[] (format.c).  A formatter knows nothing of options, files and
 * the terminal but what its config says.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>

#include "event.h"
#include "services.h"
#include "text.h"

struct services;

struct format_config {
	const struct services *services; /* NULL: no service names */
	const char *host;                /* host.name */
	const char *boot_id;             /* 36 characters as the kernel prints it, or "" */
	const char *version;             /* of porttrace */
	const char *kernel;              /* release */
	bool args;                       /* process.args in the stream */
	bool wide;                       /* table: more columns */
	bool numeric;                    /* table: no service and user names */
	bool utc;                        /* table: UTC instead of local time */
	bool color;
	unsigned int columns; /* of the terminal; 0: no limit is known */
	unsigned int rows;    /* a header each so many lines; 0: only once */
};

/* Zero it, then set format and config; the rest is the format's own. */
struct formatter {
	const struct format *format;
	struct format_config config;
	unsigned int lines;   /* on the screen since the last header, that one included */
	uint64_t zone_minute; /* since the epoch: for which zone_seconds hold */
	int64_t zone_seconds; /* local time minus UTC */
};

struct format {
	const char *name;
	/* Append the line (or lines) of one event, LF included. */
	void (*event)(struct formatter *formatter, struct text *out, const struct event *event);
};

extern const struct format format_json;
extern const struct format format_table;

/* The format of that name, or NULL. */
const struct format *format_find(const char *name);

/* For formatters: neither 0.0.0.0 nor ::, in whichever notation. */
bool format_has_address(const uint8_t ip[16]);
bool format_is_multicast(const uint8_t ip[16]);
/* 255.255.255.255; that of a network is not to be told from other addresses. */
bool format_is_broadcast(const uint8_t ip[16]);
/* Whose services are meant. */
enum transport format_transport(const struct event *event);
/* Whether anything is known of an end. */
bool format_has_end(const struct endpoint *end);

static inline void format_event(struct formatter *formatter, struct text *out,
				const struct event *event)
{
	formatter->format->event(formatter, out, event);
}

#endif
