/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a batch of records says of the other end of a connection, known before its turn comes.
 * A connect is told when the handshake ends, and accept(2) returns some microseconds later: with
 * several processes on one listener only that says whose connection it is.  And where the
 * kernel skipped a hook, the connect is told late, perhaps after the accept.
 */
#ifndef FORESIGHT_H
#define FORESIGHT_H

#include "event.h"

struct foresight;

struct foresight *foresight_new(void); /* NULL: no memory */
void foresight_free(struct foresight *foresight);

/* A record is ahead; it must live until foresight_clear().  Only accepts and late connects count. */
void foresight_add(struct foresight *foresight, const struct pt_socket *record);
/* It has come. */
void foresight_drop(struct foresight *foresight, const struct pt_socket *record);
/* The batch is over. */
void foresight_clear(struct foresight *foresight);

/*
 * Who will be told to be at the other side of event's connection; NULL: not in this batch.
 * Of two with the same ends the first.
 */
const struct pt_who *foresight_other_side(const struct foresight *foresight,
					  const struct event *event);

#endif
