/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A growing buffer of bytes, and the few ways to write into it that the
 * formatters need.  No stdio: this is the hot path.
 *
 * When memory runs out, failed is set and all further writing is ignored until
 * text_clear(); the caller looks at failed once, at the end.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void text_free(struct text *text);
void text_clear(struct text *text); /* keeps the memory */

/* Out of line, for text_reserve() alone. */
bool text_grow(struct text *text, size_t more);

/* Room for more bytes behind len; false: failed. */
static inline bool text_reserve(struct text *text, size_t more)
{
	return __builtin_expect(text->cap - text->len >= more, 1) || text_grow(text, more);
}

/* Inline, so that the copy of a literal becomes a few moves. */
static inline void text_bytes(struct text *text, const char *data, size_t len)
{
	if (!len || !text_reserve(text, len))
		return;
	memcpy(text->data + text->len, data, len);
	text->len += len;
}

static inline void text_char(struct text *text, char c)
{
	if (text_reserve(text, 1))
		text->data[text->len++] = c;
}

void text_string(struct text *text, const char *string);
void text_number(struct text *text, uint64_t number);
void text_hex(struct text *text, uint64_t number);           /* lower case, no leading zeros */
void text_pad(struct text *text, size_t from, size_t width); /* spaces until len - from == width */

/* "a.b.c.d" or RFC 5952; ip: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. */
void text_ip(struct text *text, const uint8_t ip[16]);
/* "a.b.c.d:port" or "[RFC 5952]:port"; port 0: the address alone. */
void text_address(struct text *text, const uint8_t ip[16], uint16_t port);

/* The name of an errno, "ECONNREFUSED"; "E" and the number where libc knows none. */
void text_error_code(struct text *text, int error);
/* What it means, in English whatever the locale: "Connection refused". */
void text_error_meaning(struct text *text, int error);

/*
 * The inside of a JSON string: ", \ and control characters (DEL and U+0080 to
 * U+009F too) escaped, bytes that are not UTF-8 as U+FFFD.
 */
void text_json(struct text *text, const char *data, size_t len);
/*
 * For a person's terminal: control characters (C0, DEL, C1) as \xNN, those that
 * turn the direction of writing or end a line as \uNNNN, bytes that are not
 * UTF-8 as U+FFFD, a backslash as it is.
 */
void text_printable(struct text *text, const char *data, size_t len);

/* time: ns since the Unix epoch, in UTC or already shifted to where one wants it. */
void text_date(struct text *text, uint64_t time);                       /* 2026-11-20 */
void text_clock(struct text *text, uint64_t time, unsigned int digits); /* 14:03:08.011 */
/* RFC 3339 in UTC, digits (0 to 9) of fraction. */
void text_rfc3339(struct text *text, uint64_t time, unsigned int digits);

#define TEXT_LITERAL(text, literal) text_bytes(text, "" literal, sizeof(literal) - 1)

#endif
