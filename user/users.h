/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Names of user ids, each looked up once: that may ask a directory server.
 */
#ifndef USERS_H
#define USERS_H

#include <stdint.h>

struct users;

struct users *users_new(void); /* NULL: no memory */
void users_free(struct users *users);

/* The name, NULL if there is none.  It lives as long as users. */
const char *users_name(struct users *users, uint32_t uid);

#endif
