/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Formatted text that remembers where each record ends: a row may be one line, or
 * several on a narrow terminal, or have a header before it.  So what is lost, split
 * between two files or written again is always whole records, and counted as such.
 * Knows neither events nor files.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct rows {
	struct text text; /* write here, then rows_end() */
	uint32_t *ends;   /* of each row, in text */
	size_t count, cap;
	size_t first; /* the rows before it are dropped already */
};

void rows_free(struct rows *rows);
void rows_clear(struct rows *rows); /* keeps the memory */

/* What was written since the last row is one more.  false: no memory, and it is gone. */
bool rows_end(struct rows *rows);

/* Forget the first so many, which are there. */
void rows_drop(struct rows *rows, size_t count);

/* Copy the first count rows of from behind ours.  0; -ENOMEM: none was copied. */
int rows_append(struct rows *rows, const struct rows *from, size_t count);

static inline size_t rows_count(const struct rows *rows)
{
	return rows->count - rows->first;
}

static inline size_t rows_begin(const struct rows *rows)
{
	return rows->first ? rows->ends[rows->first - 1] : 0;
}

static inline const char *rows_data(const struct rows *rows)
{
	size_t begin = rows_begin(rows);

	return begin ? rows->text.data + begin : rows->text.data; /* which may be NULL */
}

/* Bytes of the first count rows, or of all. */
static inline size_t rows_size(const struct rows *rows, size_t count)
{
	return count ? rows->ends[rows->first + count - 1] - rows_begin(rows) : 0;
}

static inline size_t rows_bytes(const struct rows *rows)
{
	return rows_size(rows, rows_count(rows));
}

/* How many of the first rows are whole within so many bytes. */
size_t rows_within(const struct rows *rows, size_t bytes);

#endif
