/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands in a cell of the table, for format_table.c alone, which says where
 * the cells stand.  Widths are in characters on the screen: colours have none,
 * a character of several bytes has one.
 */
#ifndef FORMAT_TABLE_H
#define FORMAT_TABLE_H

#include "format.h"
#include "text.h"

struct process;

enum paint {
	PAINT_FAILURE,
	PAINT_WARNING,
	PAINT_OFF,
};

/* Characters from there to the end. */
size_t cell_width(const struct text *out, size_t from);
/* Blanks, until there are so many. */
void cell_pad(struct text *out, size_t from, size_t width);
/* Nothing without config->color. */
void cell_paint(struct text *out, const struct format_config *config, enum paint paint);

/* At the right of 7 characters, the most that a pid has; "-": no process is known. */
void cell_pid(struct text *out, const struct process *process);
/* The owner's name; "?": not known; "(kernel)": it is no process. */
void cell_owner(struct text *out, const struct event *event);
void cell_user(struct text *out, const struct format_config *config, const struct process *process);
/* "name pid" */
void cell_process(struct text *out, const struct process *process);
void cell_parent(struct text *out, const struct process *process);
/* The first digits of its container's id, or the container's name. */
void cell_container(struct text *out, const struct process *process);
/* The arguments with a blank between. */
void cell_args(struct text *out, const struct process *process);

/* "address:port"; the address alone: the port is not known; "-": neither is. */
void cell_address(struct text *out, const struct event *event, enum pt_side side);
/* The name of that end's port, or NULL: it has none, or had it by chance. */
const char *cell_service(const struct format_config *config, const struct event *event,
			 enum pt_side side);

/* "0.21ms", "84ms", "1.2s", "3m12s", "5h04m", "12d03h" */
void cell_duration(struct text *out, uint64_t duration);
/* "85 B", "1.2 kB", "340 MB" */
void cell_size(struct text *out, uint64_t bytes);

#endif
