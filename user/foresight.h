/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The accepts of a batch of records, known before their turn comes.  A connect is
 * told when the handshake ends, and accept(2) returns some microseconds later: with
 * several processes on one listener only that says whose connection it is.
 */
#ifndef FORESIGHT_H
#define FORESIGHT_H

#include "event.h"

struct foresight;

struct foresight *foresight_new(void); /* NULL: no memory */
void foresight_free(struct foresight *foresight);

/* An accept is ahead.  The record must live until foresight_clear(). */
void foresight_add(struct foresight *foresight, const struct pt_socket *accept);
/* It has come.  */
void foresight_drop(struct foresight *foresight, const struct pt_socket *accept);
/* The batch is over. */
void foresight_clear(struct foresight *foresight);

/*
 * Who will accept the connection that the other side of event's is; NULL: not in this
 * batch.  Of two with the same ends the first.
 */
const struct pt_who *foresight_acceptor(const struct foresight *foresight,
					const struct event *event);

#endif
