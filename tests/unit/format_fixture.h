/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A formatter and the two processes of format_events.h, for the tests of the formats.
 */
#ifndef FORMAT_FIXTURE_H
#define FORMAT_FIXTURE_H

#include "services_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "format.h"

#include "format_events.h"

struct fixture {
	struct services *services;
	struct formatter formatter;
	struct process curl, python;
	struct text out;
};

/* services: as a file has them. */
static inline struct fixture *fixture_new(const char *format, const char *services)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->services = services_from(services);
	f->formatter.format = format_find(format);
	assert_non_null(f->formatter.format);
	f->formatter.config.services = f->services;
	f->curl = events_curl();
	f->python = events_python();
	return f;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	services_free(f->services);
	text_free(&f->out);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* All that the event appends. */
static const char *formatted(struct fixture *f, const struct event *event)
{
	text_clear(&f->out);
	format_event(&f->formatter, &f->out, event);
	text_char(&f->out, '\0');
	assert_false(f->out.failed);
	return f->out.data;
}

/* Memory ran out before: nothing is appended, and that stays known. */
static inline void check_failed_memory(struct fixture *f)
{
	struct event event = events_connect(&f->curl, &f->python);

	f->out.failed = true;
	format_event(&f->formatter, &f->out, &event);
	assert_true(f->out.failed);
	assert_int_equal(f->out.len, 0);
}

#endif
