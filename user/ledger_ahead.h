/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Calls into the cache what will be needed soon, and changes nothing.  To wait for memory takes
 * longer than all that is done with a record: among a million sockets any of which may end,
 * 620 ns instead of 410, among 10,000 230 instead of 147.
 */
#ifndef LEDGER_AHEAD_H
#define LEDGER_AHEAD_H

struct entry;
struct pt_socket;
struct table;

/* A record will come: where the tables have its socket ... */
void ahead_buckets(const struct table *table, const struct pt_socket *record);
/* ... and some records later, when that is there, what is in it. */
void ahead_entries(const struct table *table, const struct pt_socket *record);

/* The closed socket that will be forgotten next. */
void ahead_forget(const struct table *table, const struct entry *next);

#endif
