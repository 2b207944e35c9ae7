// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * See rows.h.  Dropping at the front only moves a mark: a slow reader takes a large
 * backlog away in small pieces.
 */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	text_free(&rows->text);
	free(rows->ends);
	*rows = (struct rows){ 0 };
}

void rows_clear(struct rows *rows)
{
	text_clear(&rows->text);
	rows->count = 0;
	rows->first = 0;
}

static bool grow(struct rows *rows, size_t more)
{
	size_t cap = rows->cap ?: 64;
	uint32_t *ends;

	if (rows->cap - rows->count >= more)
		return true;
	while (cap - rows->count < more)
		cap *= 2;
	ends = reallocarray(rows->ends, cap, sizeof(*ends));
	if (!ends)
		return false;
	rows->ends = ends;
	rows->cap = cap;
	return true;
}

bool rows_end(struct rows *rows)
{
	if (!rows->text.failed && rows->text.len <= UINT32_MAX && grow(rows, 1)) {
		rows->ends[rows->count++] = (uint32_t)rows->text.len;
		return true;
	}
	rows->text.len = rows->count ? rows->ends[rows->count - 1] : 0;
	rows->text.failed = false;
	return false;
}

/* Make the room of dropped rows free. */
static void compact(struct rows *rows)
{
	uint32_t begin = (uint32_t)rows_begin(rows);
	size_t count = rows_count(rows);

	if (!begin)
		return;
	memmove(rows->text.data, rows->text.data + begin, rows->text.len - begin);
	rows->text.len -= begin;
	for (size_t i = 0; i < count; i++)
		rows->ends[i] = rows->ends[rows->first + i] - begin;
	rows->count = count;
	rows->first = 0;
}

void rows_drop(struct rows *rows, size_t count)
{
	rows->first += count;
	if (rows_begin(rows) > rows->text.len / 2)
		compact(rows);
}

int rows_append(struct rows *rows, const struct rows *from, size_t count)
{
	size_t size = rows_size(from, count), begin = rows_begin(from), to;

	compact(rows);
	to = rows->text.len;
	if (to + size > UINT32_MAX || !grow(rows, count) || !text_reserve(&rows->text, size)) {
		rows->text.failed = false; /* what it has is good */
		return -ENOMEM;
	}
	text_bytes(&rows->text, rows_data(from), size);
	for (size_t i = 0; i < count; i++)
		rows->ends[rows->count++] = (uint32_t)(to + from->ends[from->first + i] - begin);
	return 0;
}

size_t rows_within(const struct rows *rows, size_t bytes)
{
	size_t low = 0, high = rows_count(rows);

	while (low < high) {
		size_t middle = high - (high - low) / 2;

		if (rows_size(rows, middle) <= bytes)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}
