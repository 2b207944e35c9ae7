/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A sink and a file for it, for the tests of sink.c and logfile.c.
 */
#ifndef SINK_FIXTURE_H
#define SINK_FIXTURE_H

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sink.h"

struct fixture {
	char dir[SCRATCH_DIR];
	char path[SCRATCH_PATH];  /* in dir; nothing is there yet */
	char other[SCRATCH_PATH]; /* another one */
	struct sink *sink;
	struct rows rows;
	uint64_t lost;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	make_scratch(f->dir);
	scratch_path(f->path, f->dir, "log");
	scratch_path(f->other, f->dir, "other");
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	no_limit();
	sink_free(f->sink);
	rows_free(&f->rows);
	(void)remove(f->path); /* a folder too */
	(void)remove(f->other);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Each line is a row. */
static inline void add_text(struct fixture *f, const char *string)
{
	for (const char *c = string; *c; c++) {
		text_char(&f->rows.text, *c);
		if (*c == '\n')
			assert_true(rows_end(&f->rows));
	}
}

static inline int write_text(struct fixture *f, const char *string)
{
	int err;

	add_text(f, string);
	err = sink_write(f->sink, &f->rows, &f->lost);
	assert_int_equal(f->rows.text.len, 0);
	assert_int_equal(rows_count(&f->rows), 0);
	return err;
}

/* Numbered lines of 16 bytes, with their newline. */
static inline void add_lines(struct fixture *f, unsigned int *number, size_t count)
{
	while (count--) {
		char line[32];

		(void)snprintf(line, sizeof(line), "%015u\n", (*number)++);
		add_text(f, line);
	}
}

#endif
