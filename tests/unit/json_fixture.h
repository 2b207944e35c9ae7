/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The JSON formatter, for its tests: what a record must be, must have and must not have.
 */
#ifndef JSON_FIXTURE_H
#define JSON_FIXTURE_H

#include "format_fixture.h"

static inline int setup(void **state)
{
	struct fixture *f = fixture_new("json", "http-alt 8080/tcp webcache\nhttps 443/tcp\n");

	assert_ptr_equal(f->formatter.format, &format_json);
	f->formatter.config.host = "web1";
	f->formatter.config.boot_id = EVENTS_BOOT_ID;
	f->formatter.config.version = "0.1.0";
	f->formatter.config.kernel = "6.18.0";
	*state = f;
	return 0;
}

/* What is expected is written with ' for ", to be read without backslashes. */
static inline const char *quoted(const char *expected)
{
	static char text[2048];
	size_t n = strlen(expected);

	assert_true(n < sizeof(text));
	for (size_t i = 0; i <= n; i++)
		text[i] = expected[i] == '\'' ? '"' : expected[i];
	return text;
}

static inline void check(struct fixture *f, const struct event *event, const char *expected)
{
	assert_string_equal(formatted(f, event), quoted(expected));
}

/* One member, or a few that follow each other, with what surrounds them. */
static inline void check_has(struct fixture *f, const struct event *event, const char *expected)
{
	const char *line = formatted(f, event);

	if (!strstr(line, quoted(expected)))
		fail_msg("no %s in %s", expected, line);
}

static inline void check_lacks(struct fixture *f, const struct event *event, const char *member)
{
	const char *line = formatted(f, event);

	if (strstr(line, quoted(member)))
		fail_msg("%s in %s", member, line);
}

#endif
